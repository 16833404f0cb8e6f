import { defineConfig } from 'vitest/config'

/** Other runtimes, and builds that take long: `npm run test:matrix`. */
export default defineConfig({
  test: {
    include: ['test/matrix/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
