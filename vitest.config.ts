import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const src = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: '#platform', replacement: src('platform/node.ts') },
      { find: /^maintenance-mode\/backends\/(\w+)$/, replacement: src('backends/$1.ts') },
      { find: 'maintenance-mode/config', replacement: src('settings/config.ts') },
      { find: /^maintenance-mode\/(log-filters|prom-client|opentelemetry)$/, replacement: src('telemetry/$1.ts') },
      { find: 'maintenance-mode/testing', replacement: src('testing/index.ts') },
      { find: /^maintenance-mode\/([\w-]+)$/, replacement: src('adapters/$1.ts') },
      { find: /^maintenance-mode$/, replacement: src('index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/matrix/**'],
    globalSetup: 'test/temporary-folder.ts',
    setupFiles: 'test/patience.ts',
    // Processes, not threads: tests change the environment and the time zone.
    pool: 'forks',
    // Most of them wait: for processes, engines and clocks.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
  },
})
