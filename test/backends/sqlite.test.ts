import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { promisify } from 'node:util'
import BetterSqlite3 from 'better-sqlite3'
import Libsql from 'libsql'
import { createMaintenance } from 'maintenance-mode'
import { type SqliteDatabase, sqliteBackend } from 'maintenance-mode/backends/sqlite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openBackend } from '../../src/backends/open.js'
import { serializeDocument } from '../../src/state/document.js'
import type { StateDocument } from '../../src/state/window.js'
import { backendSuite } from '../../src/testing/index.js'
import { documentOf } from '../state/windows.js'
import { isRoot, nobody, startScript, temporaryFolder } from './fixtures/child.js'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const entryOf = (name: string): string => new URL(`../../dist/${name}.js`, import.meta.url).href
const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }
/** A change is seen within 50 ms, unless the machine is busy. */
const soon = { timeout: 5000, interval: 5 }
const newPath = (): string => join(temporaryFolder(), 'state.db')
const textOf = (part: Partial<StateDocument> = {}): string => serializeDocument({ ...documentOf(), ...part })

const databases: Record<string, new (path: string) => SqliteDatabase> = {
  'better-sqlite3': BetterSqlite3,
  libsql: Libsql,
}

/** What a descriptor is of; some end while one asks. */
function linkOf(descriptor: string): string {
  try {
    return readlinkSync(descriptor)
  } catch {
    return ''
  }
}

/** Another program's handle on the file. */
function execute(path: string, statement: string, ...values: string[]): unknown[] {
  const database = new BetterSqlite3(path)
  try {
    const prepared = database.prepare(statement)
    return prepared.reader ? prepared.all(...values) : [prepared.run(...values)]
  } finally {
    database.close()
  }
}

function backendAt(path: string, key?: string) {
  const backend = sqliteBackend({ path, key })
  onTestFinished(() => backend.close?.())
  return backend
}

for (const [name, Database] of [['by path', undefined] as const, ...Object.entries(databases)]) {
  backendSuite(
    { describe, it },
    {
      name: `sqlite, ${name}`,
      async create() {
        const path = newPath()
        const made: (() => unknown)[] = []
        const make = async () => {
          const database = Database && new Database(path)
          const backend = sqliteBackend(database ? { database } : { path })
          made.push(() => backend.close?.())
          if (database) made.push(() => database.close())
          return backend
        }
        return {
          backend: await make(),
          other: make,
          corrupt: async (text) => void execute(path, 'UPDATE maintenance_mode SET document = ?', text),
          remove: async () => void execute(path, 'DELETE FROM maintenance_mode'),
          ...(!Database && { outage: outageOf(path) }),
          async cleanup() {
            for (const end of made) await end()
          },
        }
      },
    },
  )
}

/** The file is put away, with a text in its place. */
function outageOf(path: string) {
  const names = ['', '-wal', '-shm']
  return {
    async begin() {
      for (const name of names) if (existsSync(path + name)) renameSync(path + name, `${path}.away${name}`)
      writeFileSync(path, 'not a database')
    },
    async end() {
      rmSync(path)
      for (const name of names) if (existsSync(`${path}.away${name}`)) renameSync(`${path}.away${name}`, path + name)
    },
  }
}

describe('the state in SQLite', () => {
  it('is shared by nothing but a URL, and a change is seen at once', async () => {
    const path = newPath()
    const [one, two] = [path, path].map((each) =>
      createMaintenance({ ...quiet, stateBackend: `sqlite:${each}?key=shop` }),
    )
    onTestFinished(async () => void (await Promise.all([one?.close(), two?.close()])))
    two?.start()
    expect(await two?.getMode()).toBe('off')
    expect(two?.status().stateBackend).toBe(`sqlite:${path}?key=shop`)
    await one?.setMode('on')
    await vi.waitFor(() => expect(two?.status().mode).toBe('on'), soon)
    await one?.setMode('off')
    await vi.waitFor(() => expect(two?.status().mode).toBe('off'), soon)
  })

  it('makes its file with the first write', async () => {
    const path = newPath()
    const backend = backendAt(path)
    expect(await backend.read()).toBeUndefined()
    expect(await backend.presence?.list()).toEqual([])
    await backend.presence?.leave('web-1')
    const stop = await backend.watch?.(
      () => {},
      () => {},
    )
    expect(existsSync(path)).toBe(false)
    await backend.write(textOf(), { expected: 0, next: 1 })
    expect(existsSync(path)).toBe(true)
    await stop?.()
  })

  it('has as many rows as keys', async () => {
    const path = newPath()
    for (const key of ['', 'shop', 'Shop']) await backendAt(path, key).write(textOf({ key }), { expected: 0, next: 1 })
    expect(execute(path, 'SELECT name FROM maintenance_mode ORDER BY name')).toEqual([
      { name: 'maintenance-mode' },
      { name: 'maintenance-mode:Shop' },
      { name: 'maintenance-mode:shop' },
    ])
  })

  it("lives in an app's own database, which stays as it was", async () => {
    const path = newPath()
    execute(path, 'CREATE TABLE orders (id INTEGER)')
    const backend = backendAt(path)
    await backend.write(textOf(), { expected: 0, next: 1 })
    expect(await backend.presence?.announce({ id: 'web-1', text: '{}' }, 60_000)).toBeGreaterThan(0)
    expect(execute(path, 'PRAGMA journal_mode')).toEqual([{ journal_mode: 'delete' }])
    expect(execute(path, "SELECT name FROM sqlite_master WHERE name = 'orders'")).toHaveLength(1)
  })

  it.each(['removed', 'replaced'])('is followed when its file is %s', async (how) => {
    const path = newPath()
    const told: (string | undefined)[] = []
    const watched = backendAt(path)
    await watched.write(textOf(), { expected: 0, next: 1 })
    await watched.watch?.(
      (stored) => told.push(stored?.document),
      () => {},
    )
    for (const name of ['-wal', '-shm', '']) rmSync(path + name)
    if (how === 'removed') {
      await vi.waitFor(() => expect(told).toEqual([undefined]), soon)
      expect(await watched.read()).toBeUndefined()
    }
    await backendAt(path).write(textOf({ id: 'two' }), { expected: 0, next: 1 })
    await vi.waitFor(() => expect(told.at(-1)).toBe(textOf({ id: 'two' })), soon)
    await watched.write(textOf({ id: 'two', revision: 2 }), { expected: 1, next: 2 })
    expect((await backendAt(path).read())?.revision).toBe(2)
  })

  it('is told once for each change, and not for what instances say of themselves', async () => {
    const path = newPath()
    const writer = backendAt(path)
    await writer.write(textOf(), { expected: 0, next: 1 })
    const told: number[] = []
    await backendAt(path).watch?.(
      (stored) => told.push(stored?.revision ?? 0),
      () => {},
    )
    for (let revision = 2; revision <= 4; revision++) {
      await writer.presence?.announce({ id: `web-${revision}`, text: '{}' }, 60_000)
      await writer.write(textOf({ revision }), { expected: revision - 1, next: revision })
      await vi.waitFor(() => expect(told.at(-1)).toBe(revision), soon)
    }
    expect(told).toEqual([2, 3, 4])
  })

  it('is told to both who share one database', async () => {
    const database = new BetterSqlite3(newPath())
    onTestFinished(() => void database.close())
    const [one, two] = [sqliteBackend({ database }), sqliteBackend({ database })]
    const told: number[] = []
    const stop = await two.watch?.(
      (stored) => told.push(stored?.revision ?? 0),
      () => {},
    )
    await one.write(textOf(), { expected: 0, next: 1 })
    await vi.waitFor(() => expect(told).toEqual([1]), soon)
    await stop?.()
  })

  it('is changed by many at once without a loss', { timeout: 60_000 }, async () => {
    const path = newPath()
    const processes = Array.from({ length: 4 }, () => startScript('contend.mjs', [`sqlite:${path}`, 25]))
    await Promise.all(processes.map((child) => child.says('ready')))
    for (const child of processes) child.process.stdin?.write('go')
    for (const child of processes) expect(await child.ended).toContain('done')
    const { document = '', revision } = (await backendAt(path).read()) ?? {}
    const { history, windows } = JSON.parse(document) as StateDocument
    expect(revision).toBe(200)
    expect(windows).toEqual([])
    expect(new Set(history.map((entry) => entry.action + entry.window)).size).toBe(200)
  })

  it('survives the end of its writer at any moment', async () => {
    const path = newPath()
    const writer = startScript('contend.mjs', [`sqlite:${path}`, 100])
    await writer.says('ready')
    writer.process.stdin?.write('go')
    const backend = backendAt(path)
    await vi.waitFor(async () => expect((await backend.read())?.revision).toBeGreaterThan(10), { timeout: 15_000 })
    writer.process.kill('SIGKILL')
    await writer.ended
    const { revision = 0 } = (await backend.read()) ?? {}
    expect(revision).toBeGreaterThan(10)
    await backend.write(textOf({ revision: revision + 1 }), { expected: revision, next: revision + 1 })
    expect((await backendAt(path).read())?.revision).toBe(revision + 1)
  })

  it('is neither waited for nor lost while another program keeps it locked', { timeout: 30_000 }, async () => {
    const path = newPath()
    const backend = backendAt(path)
    await backend.write(textOf(), { expected: 0, next: 1 })
    const other = new BetterSqlite3(path)
    onTestFinished(() => void other.close())
    other.exec('BEGIN IMMEDIATE')
    const delays = monitorEventLoopDelay()
    delays.enable()
    const write = () => backend.write(textOf({ revision: 2 }), { expected: 1, next: 2 })
    const refused = write().catch((error: Error) => error.message)
    expect((await backend.read())?.revision).toBe(1)
    expect(await refused).toMatch(/cannot be written: database is locked\. Another program has kept it locked for 5 s/)
    expect(delays.max / 1e6).toBeLessThan(3000)
    const written = write()
    other.exec('ROLLBACK')
    await written
    expect((await backend.read())?.revision).toBe(2)
  })

  it('is not written into a transaction of its owner', async () => {
    const database = new BetterSqlite3(newPath())
    onTestFinished(() => void database.close())
    const backend = sqliteBackend({ database })
    database.exec('BEGIN')
    const written = backend.write(textOf(), { expected: 0, next: 1 })
    await new Promise(setImmediate)
    database.exec('ROLLBACK')
    await written
    expect((await backend.read())?.revision).toBe(1)
  })
})

describe('a file that is no state in SQLite', () => {
  const attempts = (path: string): Promise<string>[] => {
    const backend = backendAt(path)
    const write = backend.write(textOf(), { expected: 0, next: 1 })
    return [backend.read(), write].map((attempt) =>
      attempt.then(
        () => 'done',
        (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
      ),
    )
  }

  it.each(['1', 'not a database, but a long text. '.repeat(200)])('stays as it is: %.10s', async (content) => {
    const path = newPath()
    writeFileSync(path, content)
    for (const said of await Promise.all(attempts(path))) {
      expect(said).toMatch(
        /^ERR_MAINTENANCE_BACKEND: The state at sqlite:\S+ cannot be \w+: file is not a database\. That file/,
      )
    }
    expect(readFileSync(path, 'utf8')).toBe(content)
    expect(readdirSync(dirname(path))).toEqual(['state.db'])
  })

  it('is told, when it is a folder', async () => {
    for (const said of await Promise.all(attempts(temporaryFolder()))) expect(said).toMatch(/Is its folder there/)
  })

  it('is told, when its folder is missing', async () => {
    const [read, written] = await Promise.all(attempts(join(temporaryFolder(), 'missing/state.db')))
    expect(read).toBe('done')
    expect(written).toMatch(/^ERR_MAINTENANCE_BACKEND: .* cannot be written: .*Is its folder there/)
  })

  it('is told, when a table of that name is something else', async () => {
    const path = newPath()
    execute(path, 'CREATE TABLE maintenance_mode (id INTEGER)')
    for (const said of await Promise.all(attempts(path))) expect(said).toMatch(/there is something else/)
    expect(execute(path, 'SELECT * FROM maintenance_mode')).toEqual([])
  })

  it.skipIf(!isRoot)('is told, when it may not be written (needs root)', async () => {
    const path = newPath()
    await backendAt(path).write(textOf(), { expected: 0, next: 1 })
    chmodSync(dirname(path), 0o755)
    const script = `
      const { sqliteBackend } = await import(${JSON.stringify(entryOf('backends/sqlite'))})
      process.setuid(${nobody})
      const backend = sqliteBackend({ path: ${JSON.stringify(path)} })
      console.log((await backend.read()).revision)
      await backend.write(${JSON.stringify(textOf({ revision: 2 }))}, { expected: 1, next: 2 }).catch((e) => console.log(e.message))`
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script])
    expect(stdout).toMatch(
      /^1\nThe state at .* cannot be written: .*readonly.* Let this user write the file and its folder/,
    )
  })

  it.each([
    ["another app's document", { key: 'other' }, /another app's: its key is "other"/],
    ['a document of a newer version', { format: 99 }, /has format 99.* Upgrade/],
  ])('is not overwritten: %s', async (_, part, message) => {
    const path = newPath()
    const backend = backendAt(path)
    await backend.write(textOf(), { expected: 0, next: 1 })
    const text = JSON.stringify({ ...JSON.parse(textOf()), ...part })
    execute(path, 'UPDATE maintenance_mode SET document = ?', text)
    const maintenance = createMaintenance({ ...quiet, stateBackend: `sqlite:${path}` })
    onTestFinished(() => maintenance.close())
    await expect(maintenance.setMode('on')).rejects.toThrow(message)
    expect((await backend.read())?.document).toBe(text)
  })

  it.each(['sqlite::memory:', 'sqlite:', 'sqlite://state.db'])('is refused at the start: %s', (stateBackend) => {
    expect(() => createMaintenance({ stateBackend })).toThrow(/Write sqlite:\.\/state\.db or/)
  })

  it('is refused as an option', () => {
    const database = new BetterSqlite3(':memory:')
    onTestFinished(() => void database.close())
    for (const options of [{}, { database }, { path: ':memory:' }]) {
      expect(() => sqliteBackend(options)).toThrow(/names no file/)
    }
    expect(() => sqliteBackend({ path: '/srv/state.db', key: 'a b' })).toThrow(/names the key "a b"/)
  })
})

describe('a file of SQLite', () => {
  const addressOf = (stateBackend: string) => openBackend({ stateBackend, stateFilePath: '' }).address

  it('is named in full', () => {
    const root = process.cwd()
    expect(addressOf('sqlite:./state.db?key=shop')).toBe(`sqlite:${root}/state.db?key=shop`)
    expect(addressOf('sqlite:data/the%20state.db')).toBe(`sqlite:${root}/data/the state.db`)
    expect(addressOf('sqlite:/srv/shop/state.db')).toBe('sqlite:/srv/shop/state.db')
    expect(addressOf('sqlite:///srv/shop/state.db')).toBe('sqlite:/srv/shop/state.db')
    expect(sqliteBackend({ path: './state.db' }).address).toBe(`sqlite:${root}/state.db`)
  })

  it('is let go by close()', async () => {
    const path = newPath()
    const open = () => readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`).startsWith(path))
    const backend = sqliteBackend({ path })
    await backend.write(textOf(), { expected: 0, next: 1 })
    await backend.watch?.(
      () => {},
      () => {},
    )
    expect(open()).not.toEqual([])
    await backend.close?.()
    expect(open()).toEqual([])
    expect(readdirSync(dirname(path))).toEqual(['state.db'])
    await expect(backend.read()).rejects.toThrow(/closed/)
  })

  it.each(Object.entries(databases))('stays open when %s was passed in', async (_, Database) => {
    const path = newPath()
    const database = new Database(path)
    onTestFinished(() => void database.close())
    const backend = sqliteBackend({ database, key: 'shop' })
    expect(backend.address).toBe(`sqlite:${path}?key=shop`)
    await backend.read()
    await backend.close?.()
    expect(database.prepare('SELECT 1 AS one').all()).toEqual([{ one: 1 }])
  })

  it('keeps no process alive', async () => {
    const script = `
      const { createMaintenance } = await import(${JSON.stringify(entryOf('index'))})
      const it = createMaintenance({ stateBackend: ${JSON.stringify(`sqlite:${newPath()}`)}, localCopyPath: false })
      it.start()
      await it.setMode('on')
      console.log(await it.getMode())`
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { timeout: 10_000 })
    expect(stdout).toBe('on\n')
  })
})

describe('a client of SQLite', () => {
  /** A project in which these packages are installed, and no others. */
  function projectWith(...packages: string[]): string {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'node_modules/maintenance-mode'), { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    for (const name of ['package.json', 'dist'])
      symlinkSync(join(root, name), join(folder, 'node_modules/maintenance-mode', name))
    for (const name of ['valibot', 'negotiator', 'content-type', ...packages])
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    copyFileSync(join(import.meta.dirname, 'fixtures/sqlite-suite.mjs'), join(folder, 'suite.mjs'))
    return folder
  }
  /** Links are not followed: what is installed beside the package itself is not there. */
  const runIn = (cwd: string, ...parameters: string[]) =>
    run(process.execPath, ['--preserve-symlinks', '--preserve-symlinks-main', ...parameters], { cwd, timeout: 60_000 })

  it('may be libsql alone', { timeout: 60_000 }, async () => {
    const folder = projectWith('libsql', '@libsql', '@neon-rs', 'detect-libc')
    const { stdout } = await runIn(folder, '--test-reporter=tap', 'suite.mjs', folder)
    expect(stdout).toMatch(/^# pass [1-9]\d*$/m)
    expect(stdout).toMatch(/^# fail 0$/m)
  })

  // Newer versions of Node have one built in.
  it.runIf(Number(process.versions.node.split('.')[0]) < 22)('is named when none is installed', async () => {
    const folder = projectWith()
    const script = `
      const { sqliteBackend } = await import('maintenance-mode/backends/sqlite')
      await sqliteBackend({ path: './state.db' }).read().catch((error) => console.log(error.code, error.message))`
    const { stdout } = await runIn(folder, '--input-type=module', '--eval', script)
    expect(stdout).toMatch(
      /^ERR_MAINTENANCE_BACKEND .* needs the package better-sqlite3 \(or libsql, node:sqlite\), which is not/,
    )
  })
})
