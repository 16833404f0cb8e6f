import { vi } from 'vitest'
import { startPostgres } from './engines/postgres.js'
import { missing } from './fixtures/missing-packages.js'
import { outageSuite } from './outages.js'

vi.mock('../../src/backends/import-peer.js', async (original) =>
  (await import('./fixtures/missing-packages.js')).withMissing(original),
)

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
