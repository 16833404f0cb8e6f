import { vi } from 'vitest'
import { startRedis } from './engines/redis.js'
import { missing } from './fixtures/missing-packages.js'
import { outageSuite } from './outages.js'
import { redisPackages } from './redis-suites.js'

vi.mock('../../src/backends/import-peer.js', async (original) =>
  (await import('./fixtures/missing-packages.js')).withMissing(original),
)

for (const name of redisPackages) {
  outageSuite({
    name: `Redis, by the package ${name}`,
    start() {
      missing.clear()
      for (const other of redisPackages) if (other !== name) missing.add(other)
      return startRedis()
    },
    urlOf: (port) => `redis://127.0.0.1:${port}`,
  })
}
