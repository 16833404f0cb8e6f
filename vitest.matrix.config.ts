import { defineConfig } from 'vitest/config'
import tests from './vitest.config.js'

/** Other runtimes, and builds that take long: `npm run test:matrix`. */
export default defineConfig({
  resolve: tests.resolve ?? {},
  test: {
    include: ['test/matrix/**/*.test.ts'],
    globalSetup: 'test/temporary-folder.ts',
    setupFiles: 'test/patience.ts',
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
  },
})
