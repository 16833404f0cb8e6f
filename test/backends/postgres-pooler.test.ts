import { createMaintenance } from 'maintenance-mode'
import { postgresBackend } from 'maintenance-mode/backends/postgres'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { backendSuite } from '../../src/testing/index.js'
import type { Engine } from './engines/engine.js'
import { startPgbouncer, startPostgres } from './engines/postgres.js'

let engine: Engine
let pooler: Engine
let states = 0

beforeAll(async () => {
  engine = await startPostgres()
  pooler = await startPgbouncer(engine.port)
}, 90_000)

afterAll(async () => {
  await pooler?.stop()
  await engine?.stop()
})

const url = (): string => `postgres://app@127.0.0.1:${pooler.port}/site`

const clients = {
  'a Pool of pg': () => {
    const client = new pg.Pool({ connectionString: url(), max: 3 })
    client.on('error', () => {})
    return { client, end: () => client.end() }
  },
  'the sql of postgres.js': () => {
    const client = postgres(url(), { max: 3, onnotice() {} })
    return { client, end: () => client.end() }
  },
}

for (const [name, connect] of Object.entries(clients)) {
  backendSuite(
    { describe, it },
    {
      name: `postgres with ${name}, behind PgBouncer in transaction mode`,
      async create() {
        const { client, end } = connect()
        const key = `state-${++states}`
        const open = () => postgresBackend({ client, key, listen: false })
        const stored = [`maintenance-mode:${key}`]
        return {
          backend: open(),
          other: async () => open(),
          corrupt: async (text) =>
            void (await pgQuery('UPDATE maintenance_mode SET document = $2 WHERE name = $1', [...stored, text])),
          remove: async () => void (await pgQuery('DELETE FROM maintenance_mode WHERE name = $1', stored)),
          cleanup: end,
        }
      },
    },
  )
}

async function pgQuery(text: string, values: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url() })
  await client.connect()
  await client.query(text, values)
  await client.end()
}

describe('behind PgBouncer in transaction mode', () => {
  it.each(['', '&listen=false'])('instances poll, without an error (%s)', async (listen) => {
    const error = vi.fn()
    const settings = { localCopyPath: false, logger: { warn() {}, error } } as const
    const stateBackend = `${url()}?key=state-${++states}${listen}`
    const instances = Array.from({ length: 3 }, () =>
      createMaintenance({ ...settings, stateBackend, pollInterval: 0.3 }),
    )
    onTestFinished(async () => void (await Promise.all(instances.map((instance) => instance.close()))))
    for (const instance of instances) instance.start()
    for (const mode of ['on', 'off', 'on'] as const) {
      await instances[0]?.setMode(mode)
      const modes = () => instances.map((instance) => instance.status().mode)
      await vi.waitFor(() => expect(modes()).toEqual([mode, mode, mode]), { timeout: 3000 })
    }
    expect(error).not.toHaveBeenCalled()
  })
})
