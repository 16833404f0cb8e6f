import { vi } from 'vitest'
import { startPostgres } from './engines/postgres.js'
import { outageSuite } from './outages.js'

const missing = vi.hoisted(() => new Set<string>())
vi.mock('../../src/backends/import-peer.js', async (original) => {
  const { importPeer } = await original<typeof import('../../src/backends/import-peer.js')>()
  const installed = (address: string, ...names: string[]) =>
    importPeer(address, ...(names.filter((name) => !missing.has(name)) as [string]))
  return { importPeer: installed }
})

for (const [installed, other] of [
  ['pg', 'postgres'],
  ['postgres', 'pg'],
] as const) {
  outageSuite({
    name: `PostgreSQL, by the package ${installed}`,
    start() {
      missing.delete(installed)
      missing.add(other)
      return startPostgres()
    },
    urlOf: (port) => `postgres://app:p%40ss@127.0.0.1:${port}/site`,
  })
}
