import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { StateBackend } from '../../src/backends/backend.js'
import { type PostgresBackendOptions, postgresBackend } from '../../src/backends/postgres.js'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from '../../src/index.js'
import { serializeDocument } from '../../src/state/document.js'
import { backendSuite } from '../../src/testing/index.js'
import { documentOf, windowOf } from '../state/windows.js'
import { type Engine, freePort } from './engines/engine.js'
import { startPostgres } from './engines/postgres.js'
import { startScript, temporaryFolder } from './fixtures/child.js'
import { missing } from './fixtures/missing-packages.js'

vi.mock('../../src/backends/import-peer.js', async (original) =>
  (await import('./fixtures/missing-packages.js')).withMissing(original),
)
afterEach(() => missing.clear())

let engine: Engine
let states = 0

beforeAll(async () => {
  engine = await startPostgres()
}, 90_000)
afterAll(() => engine?.stop())

const urlOf = (database = 'site', user = 'app:p%40ss'): string =>
  `postgres://${user}@127.0.0.1:${engine.port}/${database}`
const newKey = (): string => `state-${++states}`

/** Past every backend, as the administrator. */
async function sql(text: string, values: unknown[] = [], database = 'site'): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: urlOf(database, 'postgres') })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}

async function newDatabase(owner = 'app'): Promise<string> {
  const name = `database_${++states}`
  await sql(`CREATE DATABASE ${name} OWNER ${owner}`)
  return name
}

interface Handle {
  options: PostgresBackendOptions
  end?(): Promise<void>
}

const packages = ['pg', 'postgres']
const use = (name: string): void => {
  for (const other of packages) if (other !== name) missing.add(other)
}

/** Every way to give a client, each new. */
const handles: Record<string, () => Promise<Handle>> = {
  'pg, by URL': async () => {
    use('pg')
    return { options: { url: urlOf() } }
  },
  'postgres.js, by URL': async () => {
    use('postgres')
    return { options: { url: urlOf() } }
  },
  'a Pool of pg': async () => {
    const place = { host: '127.0.0.1', port: engine.port, database: 'site' }
    const pool = new pg.Pool({ ...place, user: 'app', password: 'p@ss', max: 5 })
    pool.on('error', () => {})
    return { options: { client: pool }, end: () => pool.end() }
  },
  'a Client of pg': async () => {
    const client = new pg.Client({ connectionString: urlOf() })
    client.on('error', () => {})
    await client.connect()
    return { options: { client }, end: () => client.end() }
  },
  'the sql of postgres.js': async () => {
    const client = postgres(urlOf(), { max: 2, onnotice() {} })
    return { options: { client }, end: () => client.end({ timeout: 1 }) }
  },
}

for (const [name, handle] of Object.entries(handles)) {
  backendSuite(
    { describe, it },
    {
      name: `postgres with ${name}`,
      async create() {
        const key = newKey()
        const opened: { backend: StateBackend; end?: (() => Promise<void>) | undefined }[] = []
        const open = async (): Promise<StateBackend> => {
          const { options, end } = await handle()
          const backend = postgresBackend({ ...options, key })
          opened.push({ backend, end })
          return backend
        }
        const row = `maintenance-mode:${key}`
        return {
          backend: await open(),
          other: open,
          corrupt: async (text) =>
            void (await sql('UPDATE maintenance_mode SET document = $1 WHERE name = $2', [text, row])),
          remove: async () => void (await sql('DELETE FROM maintenance_mode WHERE name = $1', [row])),
          // A single connection is not made again by anybody.
          ...(name !== 'a Client of pg' && {
            outage: { begin: () => engine.kill(), end: () => engine.start() },
          }),
          async cleanup() {
            for (const { backend, end } of opened) {
              await backend.close?.()
              await end?.()
            }
          },
        }
      },
    },
  )
}

const first = serializeDocument(documentOf())
const create = { expected: 0, next: 1 }
const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }

function backendOf(options: PostgresBackendOptions): StateBackend {
  const backend = postgresBackend(options)
  onTestFinished(async () => backend.close?.())
  return backend
}

function maintenanceOf(options: MaintenanceOptions): Maintenance {
  const maintenance = createMaintenance({ ...quiet, ...options })
  onTestFinished(() => maintenance.close())
  return maintenance
}

async function messageOf(attempt: Promise<unknown> | undefined): Promise<string> {
  const error = await attempt?.then(
    () => undefined,
    (reason: Error) => reason,
  )
  return error?.message ?? 'nothing was thrown'
}

const tablesOf = async (database: string): Promise<unknown[]> =>
  (await sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1", [], database)).map(
    ({ tablename }) => tablename,
  )

/** What a server knows of its connections to a database. */
async function connectionsTo(database: string): Promise<unknown[]> {
  const rows = await sql('SELECT query FROM pg_stat_activity WHERE datname = $1 ORDER BY 1', [database], 'postgres')
  return rows.map(({ query }) => query)
}

const nobodyIsConnectedTo = (database: string): Promise<void> =>
  vi.waitFor(async () => expect(await connectionsTo(database)).toEqual([]), { timeout: 5000 })

describe('the state in PostgreSQL', () => {
  it('is shared by nothing but a URL, and heard of at once', async () => {
    const database = await newDatabase()
    const stateBackend = `${urlOf(database)}?key=shop`
    const [one, two] = [0, 1].map(() => maintenanceOf({ stateBackend, pollInterval: 600 })) as [
      Maintenance,
      Maintenance,
    ]
    two.start()
    expect(await two.getMode()).toBe('off')
    expect(two.status().stateBackend).toBe(`postgres://127.0.0.1:${engine.port}/${database}?key=shop`)
    // The first change creates the tables.
    for (const mode of ['on', 'off', 'on'] as const) {
      await one.setMode(mode)
      await vi.waitFor(() => expect(two.status().mode).toBe(mode), { interval: 5 })
    }
    await Promise.all([one.close(), two.close()])
    await nobodyIsConnectedTo(database)
  })

  it.each(packages)('comes with the notification up to 120 KB, in any language (%s)', async (name) => {
    use(name)
    const backend = backendOf({ url: urlOf(), key: newKey() })
    await backend.presence?.announce({ id: 'web-1', text: '{}' }, 60_000)
    const told: (string | undefined)[] = []
    const stop = await backend.watch?.(
      (stored) => void told.push(stored?.document),
      () => {},
    )
    const documents = [
      'short',
      'long '.repeat(10_000),
      'ab\u{1f6a7}保守'.repeat(8_000),
      'much '.repeat(30_000),
      'short',
    ].map((reason, index) => serializeDocument({ ...documentOf(windowOf({ reason })), revision: index + 1 }))
    for (const [index, document] of documents.entries()) {
      await backend.write(document, { expected: index, next: index + 1 })
      expect((await backend.read())?.document === document).toBe(true)
    }
    await vi.waitFor(() => expect(told).toHaveLength(documents.length))
    const expected = documents.map((document) => (document.length > 140_000 ? undefined : document))
    expect(told.map((document, index) => document === expected[index])).toEqual(documents.map(() => true))
    await stop?.()
  })

  it('is created by writing alone, once, however many begin', async () => {
    const database = await newDatabase()
    const backends = Array.from({ length: 12 }, (_, index) => backendOf({ url: urlOf(database), key: `app-${index}` }))
    for (const backend of backends) {
      expect(await backend.read()).toBeUndefined()
      expect(await backend.presence?.list()).toEqual([])
      await backend.presence?.leave('web-1')
      const stop = await backend.watch?.(
        () => {},
        () => {},
      )
      await stop?.()
    }
    expect(await tablesOf(database)).toEqual([])
    await Promise.all(
      backends.flatMap((backend, index) => [
        backend.write(first, create),
        backend.presence?.announce({ id: `web-${index}`, text: '{}' }, 60_000),
      ]),
    )
    expect(await tablesOf(database)).toEqual(['maintenance_mode', 'maintenance_mode_instances'])
    expect(await sql('SELECT name FROM maintenance_mode', [], database)).toHaveLength(12)
  })

  it('is written by a user who may not create tables, once the migration of the docs was run', async () => {
    const database = await newDatabase('postgres')
    const backend = backendOf({ url: urlOf(database) })
    const refused = await messageOf(backend.write(first, create))
    expect(refused).toMatch(/cannot be written: permission denied for schema public\. Let an administrator create/)
    expect(await messageOf(backend.presence?.announce({ id: 'web-1', text: '{}' }, 60_000))).toContain('CREATE TABLE')

    const page = readFileSync(new URL('../../docs/backends/postgres.md', import.meta.url), 'utf8')
    const [, migration = ''] = /```sql\n(.*?)```/s.exec(page) ?? []
    const [, told = ''] = /read and write them: (.*)$/.exec(refused) ?? []
    expect(migration.replace(/\s+/g, ' ')).toContain(told)
    await sql(migration, [], database)
    await backend.write(first, create)
    await backend.presence?.announce({ id: 'web-1', text: '{}' }, 60_000)
    expect((await backend.read())?.revision).toBe(1)
    expect(await backend.presence?.list()).toHaveLength(1)
  })

  it('is one of many in a database', async () => {
    const database = await newDatabase()
    const longest = 'a-key-that-is-as-long-as-a-key-can-be-and-longer-than-a-channel.'
    const keys = ['', 'shop', 'Shop', `${longest.slice(0, 63)}1`, `${longest.slice(0, 63)}2`]
    const instances = keys.map((key) => {
      const stateBackend = urlOf(database) + (key && `?key=${key}`)
      return maintenanceOf({ stateBackend, pollInterval: 600 })
    })
    const modes = () => instances.map((instance) => instance.status().mode)
    for (const instance of instances) instance.start()
    for (const index of instances.keys()) {
      await maintenanceOf({ stateBackend: backendOf({ url: urlOf(database), key: keys[index] }) }).setMode('on')
      const expected = keys.map((_, other) => (other <= index ? 'on' : 'off'))
      await vi.waitFor(() => expect(modes()).toEqual(expected), { interval: 5 })
    }
    const rows = await sql('SELECT name FROM maintenance_mode', [], database)
    expect(rows.map(({ name }) => name)).toEqual(keys.map((key) => `maintenance-mode${key && `:${key}`}`))
  })

  it('is not that of the same table in another schema', async () => {
    const database = await newDatabase()
    const place = (schema: string) => `${urlOf(database)}?options=-c%20search_path%3D${schema}`
    await sql('CREATE SCHEMA blue AUTHORIZATION app; CREATE SCHEMA green AUTHORIZATION app', [], database)
    const blue = maintenanceOf({ stateBackend: place('blue'), pollInterval: 600 })
    await blue.setMode('on')
    await sql('CREATE TABLE green.maintenance_mode AS TABLE blue.maintenance_mode', [], database)
    await sql('ALTER TABLE green.maintenance_mode OWNER TO app', [], database)
    const [green, heard] = ['green', 'blue'].map((schema) => {
      return maintenanceOf({ stateBackend: place(schema), pollInterval: 600 })
    }) as [Maintenance, Maintenance]
    for (const instance of [green, heard]) instance.start()
    await vi.waitFor(() => expect([green.status().mode, heard.status().mode]).toEqual(['on', 'on']))
    await blue.setMode('off')
    await vi.waitFor(() => expect(heard.status().mode).toBe('off'), { interval: 5 })
    await green.refresh()
    expect(green.status().mode).toBe('on')
  })

  it('is changed by many at once without a loss', { timeout: 60_000 }, async () => {
    const url = `${urlOf()}?key=${newKey()}`
    const processes = Array.from({ length: 4 }, () => startScript('contend.mjs', [url, 25]))
    await Promise.all(processes.map((child) => child.says('ready')))
    for (const child of processes) child.process.stdin?.write('go')
    for (const child of processes) expect(await child.ended).toContain('done')
    const { document = '', revision } = (await backendOf({ url }).read()) ?? {}
    const { history, windows } = JSON.parse(document)
    expect({ revision, windows }).toEqual({ revision: 200, windows: [] })
    const changes = history.map((entry: { action: string; window: string }) => entry.action + entry.window)
    expect(new Set(changes).size).toBe(200)
  })

  it("is not replaced where it is another app's", async () => {
    const key = newKey()
    await backendOf({ url: urlOf(), key }).write(serializeDocument({ ...documentOf(), key: 'other' }), create)
    const maintenance = maintenanceOf({ stateBackend: `${urlOf()}?key=${key}` })
    const message = await messageOf(maintenance.setMode('on'))
    expect(message).toContain(`another app's: its key is "other", not "${key}"`)
    expect(JSON.parse((await backendOf({ url: urlOf(), key }).read())?.document ?? '').key).toBe('other')
  })

  it('is honoured and not written where it is of a newer version', async () => {
    const key = newKey()
    const newer = JSON.stringify({ ...documentOf(windowOf()), key, format: 99 })
    await backendOf({ url: urlOf(), key }).write(first, create)
    await sql('UPDATE maintenance_mode SET document = $1 WHERE name = $2', [newer, `maintenance-mode:${key}`])
    const maintenance = maintenanceOf({ stateBackend: `${urlOf()}?key=${key}` })
    expect(await maintenance.getMode()).toBe('on')
    await expect(maintenance.setMode('off')).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_STATE_NEWER' })
    expect((await backendOf({ url: urlOf(), key }).read())?.document).toBe(newer)
  })

  it.each([
    ['has other columns', 'CREATE TABLE maintenance_mode (id int, flag boolean)'],
    ['wants more', 'CREATE TABLE maintenance_mode (name text, document text, version bigint, flag boolean NOT NULL)'],
    ['has columns of other types', 'CREATE TABLE maintenance_mode (name int, document json, version text)'],
    [
      'is a view',
      "CREATE VIEW maintenance_mode AS SELECT ''::text AS name, ''::text AS document, 1::bigint AS version",
    ],
  ])('is not put into a table that %s', async (_, statement) => {
    const database = await newDatabase()
    await sql(`${statement}; ALTER TABLE maintenance_mode OWNER TO app`, [], database)
    const message = await messageOf(backendOf({ url: urlOf(database) }).write(first, create))
    expect(message).toContain('is something else: use another database, or rename that table. Nothing was changed.')
    expect(await sql("SELECT * FROM maintenance_mode WHERE name::text <> ''", [], database).catch(() => [])).toEqual([])
  })

  it('says what instances are there, and forgets them', async () => {
    const database = await newDatabase()
    const { presence } = backendOf({ url: urlOf(database) })
    for (let round = 0; round < 13; round++) {
      await presence?.announce({ id: 'web-1', text: `${round}` }, 60_000)
      await presence?.announce({ id: `gone-${round}`, text: '{}' }, 1)
    }
    const listed = async () => (await presence?.list())?.map(({ id, text }) => id + text)
    await vi.waitFor(async () => expect(await listed()).toEqual(['web-112']))
    // What has expired is removed now and then.
    await presence?.announce({ id: 'web-1', text: '' }, 60_000)
    expect((await sql('SELECT id FROM maintenance_mode_instances', [], database)).length).toBeLessThan(13)
  })
})

describe('PostgreSQL that cannot be used', () => {
  const addresses: [string, () => Promise<string> | string, RegExp][] = [
    [
      'the password is wrong',
      () => urlOf('site', 'app:s3cret'),
      /password authentication failed.* right user and pass/,
    ],
    ['no password is given', () => urlOf('site', 'app'), /Name the right user and password/],
    ['there is no such user', () => urlOf('site', 'nobody:s3cret'), /role "nobody" does not exist/],
    ['there is no such database', () => urlOf('nowhere'), /"nowhere" does not exist.* Create that database/],
    [
      'nothing listens',
      async () => `postgres://app:s3cret@127.0.0.1:${await freePort()}/site`,
      /ECONNREFUSED.* Nothing answers there/,
    ],
    ['the host has no address', () => 'postgres://app:s3cret@no-such-host.invalid/site', /The host has no address/],
    ['it has no TLS', () => `${urlOf()}?sslmode=require`, /sslmode=disable|ended the connection|does not support SSL/],
  ]
  for (const name of packages) {
    it.each(addresses)(`is told with what to do where %s (${name})`, async (_, address, expected) => {
      use(name)
      const url = await address()
      const backend = backendOf({ url })
      const nothing = () => {}
      const attempts = [backend.read, () => backend.write(first, create), () => backend.watch?.(nothing, nothing)]
      for (const attempt of attempts) {
        const message = await messageOf(attempt())
        expect(message).toMatch(/^The state at postgres:\/\/[\w.-]+(:\d+)?\/\w+ cannot be (read|written|watched): /)
        expect(message).toMatch(expected)
        expect(message).not.toMatch(/s3cret|p@ss|p%40ss/)
      }
    })
  }

  it.each([
    ['neither a URL nor a client', {}],
    ['a URL of another scheme', { url: 'mysql://localhost/site' }],
    ['a key of other characters', { url: 'postgres://localhost/site', key: 'a b' }],
    ['a client and a key of other characters', { client: new pg.Pool(), key: 'a b' }],
    ['another word for listening', { url: 'postgres://localhost/site?listen=maybe' }],
  ])('is a mistake in the settings where there is %s', (_, options) => {
    expect(() => postgresBackend(options)).toThrow(expect.objectContaining({ code: 'ERR_MAINTENANCE_SETTING' }))
  })

  it('names a client that was passed in by the place where it connects', () => {
    vi.stubEnv('PGHOST', 'db.internal')
    onTestFinished(() => void vi.unstubAllEnvs())
    const addressOf = (client: PostgresBackendOptions['client']) => postgresBackend({ client, key: 'shop' }).address
    expect(addressOf(new pg.Pool({ database: 'site', port: 5433 }))).toBe('postgres://db.internal:5433/site?key=shop')
    expect(addressOf(new pg.Pool({ connectionString: 'postgres://app:s3cret@db/site' }))).toBe(
      'postgres://db/site?key=shop',
    )
    expect(addressOf(new pg.Client('postgres://app:s3cret@db/site'))).toBe('postgres://db:5432/site?key=shop')
    expect(addressOf(postgres('postgres://app:s3cret@db/site'))).toBe('postgres://db:5432/site?key=shop')
  })
})

/** Answers every LISTEN as a pooler may that has no use for it. */
async function startRefusingProxy(): Promise<{ port: number; listens: () => number }> {
  let listens = 0
  const fields = ['SERROR', 'VERROR', 'C0A000', 'MLISTEN is not supported here', ''].join('\0')
  const refusal = Buffer.concat([Buffer.from('E\0\0\0\0'), Buffer.from(`${fields}\0`), Buffer.from('Z\0\0\0\u0005I')])
  refusal.writeInt32BE(refusal.length - 7, 1)
  const server = createServer((client) => {
    const target = createConnection(engine.port, '127.0.0.1')
    target.pipe(client)
    client.on('data', (data) => {
      if (!data.includes('LISTEN')) return void target.write(data)
      listens++
      client.write(refusal)
    })
    for (const socket of [client, target]) {
      socket.on('error', () => {})
      socket.on('close', () => [client, target].map((each) => each.destroy()))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as { port: number }).port, listens: () => listens }
}

describe('where LISTEN is refused', () => {
  it.each(packages)('instances poll, and say so once (%s)', async (name) => {
    use(name)
    const proxy = await startRefusingProxy()
    const key = newKey()
    const error = vi.fn()
    const stateBackend = `postgres://app:p%40ss@127.0.0.1:${proxy.port}/site?key=${key}`
    const maintenance = maintenanceOf({ stateBackend, pollInterval: 0.2, logger: { warn() {}, error } })
    maintenance.start()
    await vi.waitFor(() => expect(proxy.listens()).toBeGreaterThan(2), { timeout: 5000 })
    await maintenanceOf({ stateBackend: `${urlOf()}?key=${key}` }).setMode('on')
    await vi.waitFor(() => expect(maintenance.status().mode).toBe('on'), { timeout: 2000 })
    expect(maintenance.status().snapshot).toBe('ready')
    expect(error.mock.calls).toEqual([[expect.stringMatching(/LISTEN is not supported here\. .*`listen=false`/)]])
  })

  it('listen=false does not even try', async () => {
    const proxy = await startRefusingProxy()
    const key = newKey()
    const url = `postgres://app:p%40ss@127.0.0.1:${proxy.port}/site?listen=false&key=${key}`
    expect(backendOf({ url }).capabilities.watch).toBe(false)
    expect(backendOf({ url, listen: true }).capabilities.watch).toBe(true)
    const error = vi.fn()
    const maintenance = maintenanceOf({ stateBackend: url, pollInterval: 0.2, logger: { warn() {}, error } })
    maintenance.start()
    await maintenanceOf({ stateBackend: `${urlOf()}?key=${key}` }).setMode('on')
    await vi.waitFor(() => expect(maintenance.status().mode).toBe('on'), { timeout: 2000 })
    expect(proxy.listens()).toBe(0)
    expect(error).not.toHaveBeenCalled()
  })
})

describe('connections', () => {
  it.each(packages)('that were opened end with close(), also where nothing answers any more (%s)', async (name) => {
    use(name)
    const database = await newDatabase()
    const maintenance = maintenanceOf({ stateBackend: urlOf(database), pollInterval: 0.2 })
    maintenance.start()
    await maintenance.setMode('on')
    await vi.waitFor(async () => expect(await connectionsTo(database)).toContain('LISTEN "maintenance-mode"'))
    engine.freeze()
    const before = Date.now()
    await maintenance.close().finally(() => engine.thaw())
    expect(Date.now() - before).toBeLessThan(5000)
    await nobodyIsConnectedTo(database)
  })

  it('of a client that was passed in stay, without a listener of ours', async () => {
    const database = await newDatabase()
    const pool = new pg.Pool({ connectionString: urlOf(database) })
    const client = new pg.Client({ connectionString: urlOf(database) })
    const js = postgres(urlOf(database), { max: 1, onnotice() {} })
    onTestFinished(async () => void (await Promise.all([pool.end(), client.end(), js.end()])))
    await client.connect()
    const listeners = () =>
      [pool, client].map((each) => each.eventNames().map((name) => [name, each.listenerCount(name)]))
    const before = listeners()
    const operator = maintenanceOf({ stateBackend: urlOf(database) })
    for (const given of [pool, client, js]) {
      const stateBackend = postgresBackend({ client: given })
      const maintenance = createMaintenance({ ...quiet, stateBackend, pollInterval: 600 })
      maintenance.start()
      for (const mode of ['on', 'off'] as const) {
        await operator.setMode(mode)
        await vi.waitFor(() => expect(maintenance.status().mode).toBe(mode), { interval: 5 })
      }
      await maintenance.close()
    }
    expect(listeners()).toEqual(before)
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    expect((await client.query('SELECT pg_listening_channels() AS channel')).rows).toEqual([])
    expect([...(await js`SELECT 1 AS one`)]).toEqual([{ one: 1 }])
  })

  const script = `
    import { createMaintenance } from 'maintenance-mode'
    const maintenance = createMaintenance({ localCopyPath: false, firstReadTimeout: 10 })
    maintenance.start()
    console.log(await maintenance.getMode(), maintenance.status().error ?? '')
    await new Promise((resolve) => setTimeout(resolve, 500))
    console.log(Date.now())`

  /** Runs the script as an app that has installed nothing but these packages; `after`: milliseconds from its end to that of its process. */
  async function runApp(url: string, installed: readonly string[]): Promise<{ stdout: string; after: number }> {
    const folder = temporaryFolder()
    const modules = join(folder, 'node_modules')
    mkdirSync(join(modules, 'maintenance-mode'), { recursive: true })
    const root = new URL('../..', import.meta.url).pathname
    for (const name of ['dist', 'package.json'])
      cpSync(join(root, name), join(modules, 'maintenance-mode', name), { recursive: true })
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (name === 'pg' || name === 'postgres') continue
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
    }
    for (const name of installed) symlinkSync(join(root, 'node_modules', name), join(modules, name))
    writeFileSync(join(folder, 'app.mjs'), script)
    const env = { ...process.env, MAINTENANCE_MODE_STATE_BACKEND: url }
    const { stdout } = await promisify(execFile)(process.execPath, ['app.mjs'], { cwd: folder, env, timeout: 15_000 })
    return { stdout, after: Date.now() - Number(stdout.trim().split('\n').at(-1)) }
  }

  it.each(packages)('do not keep a program alive (%s)', async (name) => {
    for (const [url, said] of [
      [`${urlOf()}?key=${newKey()}`, /^off \n/],
      // Nor does an engine that is not there.
      [`postgres://app:p%40ss@127.0.0.1:${await freePort()}/site`, /^off .*Nothing answers there/],
    ] as const) {
      const { stdout, after } = await runApp(url, [name])
      expect(stdout).toMatch(said)
      expect(after).toBeLessThan(1500)
    }
  })

  it('need one of two packages, and say so', async () => {
    expect((await runApp(urlOf(), [])).stdout).toContain('needs the package pg (or postgres)')
  })
})
