import { vi } from 'vitest'
import { startRedis } from './engines/redis.js'
import { outageSuite } from './outages.js'
import { redisPackages } from './redis-suites.js'

const missing = vi.hoisted(() => new Set<string>())
vi.mock('../../src/backends/import-peer.js', async (original) => {
  const { importPeer } = await original<typeof import('../../src/backends/import-peer.js')>()
  const installed = (address: string, ...names: string[]) =>
    importPeer(address, ...(names.filter((name) => !missing.has(name)) as [string]))
  return { importPeer: installed }
})

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
