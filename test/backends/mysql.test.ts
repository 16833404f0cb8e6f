import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createMaintenance } from 'maintenance-mode'
import { type MysqlClient, mysqlBackend } from 'maintenance-mode/backends/mysql'
import callbacks from 'mysql2'
import mysql from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openBackend } from '../../src/backends/open.js'
import { serializeDocument } from '../../src/state/document.js'
import { backendSuite } from '../../src/testing/index.js'
import { documentOf, windowOf } from '../state/windows.js'
import { type Engine, freePort } from './engines/engine.js'
import { startMariadb } from './engines/mariadb.js'
import { startScript } from './fixtures/child.js'
import { outageSuite } from './outages.js'

let engine: Engine
let admin: mysql.Pool

beforeAll(async () => {
  engine = await startMariadb()
  admin = mysql.createPool({ host: '127.0.0.1', port: engine.port, user: 'root', multipleStatements: true })
}, 90_000)

afterAll(async () => {
  await admin?.end()
  await engine?.stop()
})

const place = () => ({ host: '127.0.0.1', port: engine.port, user: 'app', password: 'p@ss', database: 'site' })
const urlOf = (port = engine.port, { database = 'site', account = 'app:p%40ss' } = {}): string =>
  `mysql://${account}@127.0.0.1:${port}/${database}`

let keys = 0
const newKey = (): string => `key-${++keys}`
const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }

async function execute(sql: string, ...values: string[]): Promise<Record<string, unknown>[]> {
  const [rows] = await admin.query(sql, values)
  return rows as Record<string, unknown>[]
}

const put = (key: string, text: string) =>
  execute('UPDATE site.maintenance_mode SET document = ? WHERE name = ?', text, `maintenance-mode:${key}`)
const remove = (key: string) => execute('DELETE FROM site.maintenance_mode WHERE name = ?', `maintenance-mode:${key}`)

const columns = (database: string) =>
  execute(
    `SELECT table_name, column_name, column_type, collation_name, column_key FROM information_schema.columns
      WHERE table_schema = ? ORDER BY table_name, ordinal_position`,
    database,
  )

/** Connections of the user `app` that the server knows of. */
async function connections(): Promise<number> {
  return (await execute("SELECT id FROM information_schema.processlist WHERE user = 'app'")).length
}

/** Asks until nobody is connected any more: the server takes note of an end a moment later. */
const nobodyIsConnected = () => vi.waitFor(async () => expect(await connections()).toBe(0), { timeout: 5000 })

/** Takes connections, and says nothing. */
async function silentPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}

type Ended = MysqlClient & { end(): unknown }

const clients: Record<string, (() => Promise<Ended> | Ended) | undefined> = {
  'by URL': undefined,
  'a pool': () => mysql.createPool(place()),
  'a pool with callbacks': () => callbacks.createPool(place()),
  'a connection': () => mysql.createConnection(place()),
  'a connection with callbacks': () => callbacks.createConnection(place()),
  'a pool that reads otherwise': () =>
    mysql.createPool({
      ...place(),
      rowsAsArray: true,
      namedPlaceholders: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      timezone: '+09:00',
      typeCast: () => null,
    }),
}

for (const [name, makeClient] of Object.entries(clients)) {
  backendSuite(
    { describe, it },
    {
      name: `mysql, ${name}`,
      async create() {
        const key = newKey()
        const made: (() => unknown)[] = []
        const make = async () => {
          const client = await makeClient?.()
          const backend = client ? mysqlBackend({ client, key }) : mysqlBackend({ url: `${urlOf()}?key=${key}` })
          made.push(() => backend.close?.())
          if (client) made.push(() => client.end())
          return backend
        }
        const reconnects = !name.startsWith('a connection')
        return {
          backend: await make(),
          other: make,
          corrupt: async (text) => void (await put(key, text)),
          remove: async () => void (await remove(key)),
          ...(reconnects && { outage: { begin: () => engine.kill(), end: () => engine.start() } }),
          async cleanup() {
            for (const end of made) await end()
          },
        }
      },
    },
  )
}

outageSuite({ name: 'MySQL', start: startMariadb, urlOf: (port) => urlOf(port) })

describe('the state in MySQL', () => {
  it('is shared by nothing but a URL', async () => {
    const stateBackend = `${urlOf()}?key=${newKey()}`
    const [one, two] = [createMaintenance({ ...quiet, stateBackend }), createMaintenance({ ...quiet, stateBackend })]
    expect(await two.getMode()).toBe('off')
    await one.setMode('on')
    expect((await two.refresh()).mode).toBe('on')
    expect(two.status().stateBackend).toMatch(/^mysql:\/\/127\.0\.0\.1:\d+\/site\?key=key-\d+$/)
    await Promise.all([one.close(), two.close()])
    await nobodyIsConnected()
  })

  it('is polled', async () => {
    const stateBackend = `${urlOf()}?key=${newKey()}`
    const [one, two] = [
      createMaintenance({ ...quiet, stateBackend }),
      createMaintenance({ ...quiet, stateBackend, pollInterval: 0.2 }),
    ]
    two.start()
    await one.setMode('on')
    await vi.waitFor(() => expect(two.status().mode).toBe('on'), { timeout: 5000 })
    await Promise.all([one.close(), two.close()])
  })

  it('has as many rows as keys', async () => {
    await execute('DELETE FROM site.maintenance_mode')
    for (const key of ['', 'shop', 'Shop']) {
      const backend = mysqlBackend({ url: urlOf(), key })
      expect(await backend.read()).toBeUndefined()
      await backend.write(serializeDocument({ ...documentOf(), key }), { expected: 0, next: 1 })
      await backend.close?.()
    }
    const rows = await execute('SELECT name FROM site.maintenance_mode ORDER BY name')
    expect(rows.map((row) => row.name)).toEqual(['maintenance-mode', 'maintenance-mode:Shop', 'maintenance-mode:shop'])
  })

  it('is created by writing alone', async () => {
    await execute('CREATE DATABASE fresh; GRANT ALL ON fresh.* TO app')
    const backend = mysqlBackend({ url: urlOf(undefined, { database: 'fresh' }) })
    onTestFinished(() => backend.close?.())
    expect(await backend.read()).toBeUndefined()
    expect(await backend.presence?.list()).toEqual([])
    await backend.presence?.leave('web-1')
    expect(await execute('SHOW TABLES FROM fresh')).toEqual([])
    await backend.write(serializeDocument(documentOf()), { expected: 0, next: 1 })
    expect(await execute('SHOW TABLES FROM fresh')).toHaveLength(2)
  })

  it('is written by a user who may not create tables, once they are there', async () => {
    await execute('CREATE DATABASE given; CREATE USER modest; GRANT SELECT ON given.* TO modest')
    const backend = mysqlBackend({ url: urlOf(undefined, { database: 'given', account: 'modest' }) })
    onTestFinished(() => backend.close?.())
    expect(await backend.read()).toBeUndefined()
    const write = () => backend.write(serializeDocument(documentOf()), { expected: 0, next: 1 })
    await expect(write()).rejects.toThrow(
      /denied to user 'modest'.* Let an administrator create the tables.*CREATE TABLE/,
    )
    const page = readFileSync(new URL('../../docs/backends/mysql.md', import.meta.url), 'utf8')
    const [, migration = ''] = /^```sql\n(.*?)^```$/ms.exec(page) ?? []
    await execute(`USE given; ${migration.replaceAll('site.', 'given.').replaceAll('TO app', 'TO modest')}`)
    await write()
    expect((await backend.read())?.revision).toBe(1)
    expect(await backend.presence?.announce({ id: 'web-1', text: '{}' }, 60_000)).toBeGreaterThan(0)
    expect(await columns('given')).toEqual(await columns('site'))
  })

  it('is kept whatever the time zone and the quoting of its sessions', async () => {
    const pool = mysql.createPool(place())
    onTestFinished(() => pool.end())
    pool.on('connection', (connection) => {
      connection.query("SET time_zone = '+11:00', sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
    })
    const backend = mysqlBackend({ client: pool, key: newKey() })
    const document = serializeDocument(documentOf(windowOf({ reason: 'it\'s "quoted" \\ and ☕' })))
    await backend.write(document, { expected: 0, next: 1 })
    expect((await backend.read())?.document).toBe(document)
    const now = await backend.presence?.announce({ id: 'web-1', text: '{}' }, 60_000)
    expect(Math.abs((now ?? 0) - Date.now())).toBeLessThan(2000)
  })

  it('is changed by many at once without a loss', { timeout: 60_000 }, async () => {
    const key = newKey()
    const url = `${urlOf()}?key=${key}`
    const processes = Array.from({ length: 4 }, () => startScript('contend.mjs', [url, 25]))
    await Promise.all(processes.map((child) => child.says('ready')))
    for (const child of processes) child.process.stdin?.write('go')
    for (const child of processes) expect(await child.ended).toContain('done')
    const backend = mysqlBackend({ url })
    onTestFinished(() => backend.close?.())
    const { document = '', revision } = (await backend.read()) ?? {}
    const { history, windows } = JSON.parse(document)
    expect(revision).toBe(200)
    expect(windows).toEqual([])
    expect(new Set(history.map((entry: { action: string; window: string }) => entry.action + entry.window)).size).toBe(
      200,
    )
  })

  it('takes the announcements of many instances at once', async () => {
    const key = newKey()
    const backends = Array.from({ length: 20 }, () => mysqlBackend({ url: urlOf(), key }))
    onTestFinished(async () => void (await Promise.all(backends.map((backend) => backend.close?.()))))
    for (let round = 0; round < 3; round++) {
      await Promise.all(backends.map((backend, id) => backend.presence?.announce({ id: `${id}`, text: '{}' }, 60_000)))
    }
    expect(await backends[0]?.presence?.list()).toHaveLength(20)
  })
})

const { key: _, ...bare } = documentOf()

describe('what is wrong with a MySQL', () => {
  const readError = async (url: string): Promise<string> => {
    const backend = openBackend({ stateBackend: url, stateFilePath: '' })
    onTestFinished(() => backend.close?.())
    const error = await backend.read().then(
      () => undefined,
      (reason: Error & { code?: string }) => reason,
    )
    expect(error?.code).toBe('ERR_MAINTENANCE_BACKEND')
    expect(error?.message).not.toMatch(/p@ss|p%40ss|secret/)
    return error?.message ?? ''
  }

  it.each([
    ['the password', { account: 'app:secret' }, /Access denied for user 'app'.*Name the right user and password/],
    [
      'a database that is not there',
      { account: 'root', database: 'nowhere' },
      /Unknown database 'nowhere'\. Create that database/,
    ],
    [
      'a database of others',
      { database: 'mysql' },
      /Access denied for user 'app'.* to database 'mysql'\. Create that database/,
    ],
    ['no database', { database: '' }, /No database selected\. Name the database/],
  ])('is told: %s', async (_, options, message) => {
    expect(await readError(urlOf(undefined, options))).toMatch(message)
  })

  it('is told: nothing listens there', async () => {
    const port = await freePort()
    expect(await readError(urlOf(port))).toMatch(
      new RegExp(`^The state at mysql://127\\.0\\.0\\.1:${port}/site cannot be read: .*ECONNREFUSED.* Nothing answers`),
    )
  })

  it('is told: it never answers', async () => {
    expect(await readError(urlOf(await silentPort()))).toMatch(/no answer within 4 s\. It does not answer/)
  })

  it('is told, and kept: a table that is something else', async () => {
    await execute('CREATE DATABASE taken; GRANT ALL ON taken.* TO app')
    await execute('CREATE TABLE taken.maintenance_mode (id INT); INSERT INTO taken.maintenance_mode VALUES (1)')
    const backend = mysqlBackend({ url: urlOf(undefined, { database: 'taken' }) })
    onTestFinished(() => backend.close?.())
    const message = /The table maintenance_mode or maintenance_mode_instances there is something else/
    await expect(backend.read()).rejects.toThrow(message)
    const write = backend.write(serializeDocument(documentOf()), { expected: 0, next: 1 })
    await expect(write).rejects.toThrow(message)
    expect(await execute('SELECT * FROM taken.maintenance_mode')).toEqual([{ id: 1 }])
  })

  it.each([
    ["another app's document", { ...bare, key: 'other' }, /another app's: its key is "other"/],
    ['a document of a newer version', { ...bare, format: 99 }, /has format 99.* Upgrade/],
  ])('is told, and kept: %s', async (_, document, message) => {
    const key = newKey()
    const backend = mysqlBackend({ url: urlOf(), key })
    onTestFinished(() => backend.close?.())
    await backend.write(serializeDocument({ ...documentOf(), key }), { expected: 0, next: 1 })
    const text = JSON.stringify({ key, ...document })
    await put(key, text)
    const maintenance = createMaintenance({ ...quiet, stateBackend: `${urlOf()}?key=${key}` })
    onTestFinished(() => maintenance.close())
    await expect(maintenance.setMode('on')).rejects.toThrow(message)
    expect((await backend.read())?.document).toBe(text)
  })

  it('is refused: options', () => {
    expect(() => mysqlBackend({})).toThrow(/needs a `url` that begins with mysql:/)
    expect(() => mysqlBackend({ url: 'postgres://db/site' })).toThrow(/needs a `url` that begins with mysql:/)
    expect(() => mysqlBackend({ url: 'mysql://db/site', key: 'a b' })).toThrow(/names the key "a b"/)
  })

  it('is told: a primary that has become a replica, to which nobody stays connected', async () => {
    const key = newKey()
    const backend = mysqlBackend({ url: urlOf(), key })
    onTestFinished(() => backend.close?.())
    const write = () => backend.write(serializeDocument({ ...documentOf(), key }), { expected: 0, next: 1 })
    await execute('SET GLOBAL read_only = ON')
    onTestFinished(async () => void (await execute('SET GLOBAL read_only = OFF')))
    await expect(write()).rejects.toThrow(/read-only.*use the address of the primary/)
    await nobodyIsConnected()
    await execute('SET GLOBAL read_only = OFF')
    await write()
  })
})

describe('connections to MySQL', () => {
  it('are closed when they are ours', async () => {
    const backend = mysqlBackend({ url: urlOf(), key: newKey() })
    await Promise.all([backend.read(), backend.read(), backend.presence?.list()])
    await vi.waitFor(async () => expect(await connections()).toBe(1))
    await backend.close?.()
    await nobodyIsConnected()
    await expect(backend.read()).rejects.toThrow(/closed/)
  })

  it.each(Object.entries(clients).filter(([, make]) => make))(
    'stay as they were, %s that was passed in',
    async (_, make) => {
      await nobodyIsConnected()
      const client = (await make?.()) as Ended & NodeJS.EventEmitter
      onTestFinished(async () => void (await client.end()))
      const listeners = () => client.eventNames().map((name) => [name, client.listenerCount(name)])
      const before = listeners()
      const backend = mysqlBackend({ client, key: newKey() })
      await backend.read()
      const count = await connections()
      await backend.close?.()
      expect(await connections()).toBe(count)
      expect(listeners()).toEqual(before)
      expect(backend.address).toBe(`mysql://127.0.0.1:${engine.port}/site?key=key-${keys}`)
    },
  )

  it('that end and stay so are told', async () => {
    const client = callbacks.createConnection(place())
    const backend = mysqlBackend({ client, key: newKey() })
    await backend.read()
    await execute(`KILL ${client.threadId}`)
    await nobodyIsConnected()
    await expect(backend.read()).rejects.toThrow(/closed state\. A connection that has ended stays so: pass a pool/)
    await backend.close?.()
  })

  it('that were ended by the server are replaced', async () => {
    const backend = mysqlBackend({ url: urlOf(), key: newKey() })
    onTestFinished(() => backend.close?.())
    await backend.read()
    const [row] = await execute("SELECT id FROM information_schema.processlist WHERE user = 'app'")
    await execute(`KILL ${row?.id}`)
    await nobodyIsConnected()
    expect(await backend.read()).toBeUndefined()
  })

  it.each([
    ['at work', () => engine.port],
    ['that never answers', silentPort],
  ])('keep no process alive, to a server %s', async (_, portOf) => {
    const url = urlOf(await portOf())
    const entry = new URL('../../dist/index.js', import.meta.url).href
    const script = `import { createMaintenance } from ${JSON.stringify(entry)}
      const it = createMaintenance({ stateBackend: ${JSON.stringify(url)}, localCopyPath: false, firstReadTimeout: 0.5, logger: console })
      it.start(); console.log(await it.getMode(), Date.now())`
    const options = { timeout: 15_000, encoding: 'utf8' as const }
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], options)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^off \d+\n$/)
    expect(Date.now() - Number(stdout.slice('off '.length))).toBeLessThan(3000)
  })
})
