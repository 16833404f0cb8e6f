import { systemClock } from '../clock.js'
import { importPeer } from './import-peer.js'
import { onDemand } from './on-demand.js'
import type { SqlClient, SqlResult, SqlValue } from './sql.js'
import { isBusy } from './sqlite-errors.js'

/** What we use of a database of better-sqlite3, libsql or `node:sqlite`. */
export interface SqliteDatabase {
  prepare(statement: string): {
    all(...values: SqlValue[]): unknown[]
    run(...values: SqlValue[]): { changes: number | bigint }
  }
  exec(statement: string): unknown
  close(): unknown
  readonly inTransaction?: boolean
  readonly isTransaction?: boolean
}

export interface SqliteClient extends SqlClient {
  /** Runs a statement whose outcome must outlive a crash of the machine; resolves to how many rows it changed. */
  store(statement: string, values: readonly SqlValue[]): Promise<number>
  /** Another one whenever something was committed; `undefined` where there is no database. */
  version(): Promise<string | undefined>
  close(): Promise<void>
}

/** Milliseconds for which it is tried again while another process writes. A client's own waiting would hold up every request. */
const patience = 5000
const longestPause = 20

/** A database that somebody else has opened. */
export function givenClient(address: string, database: SqliteDatabase): SqliteClient {
  const open = async (): Promise<Opened> => ({
    fs: await fileSystem(address),
    database: () => database,
    identity: () => '',
  })
  return clientOver(open, async () => {})
}

/** The file of a database, '' for one in memory. */
export function fileOf(database: SqliteDatabase): string {
  const [main] = database.prepare("SELECT file FROM pragma_database_list WHERE name = 'main'").all()
  return String((main as { file: unknown }).file ?? '')
}

interface Opened {
  fs: FileSystem
  /** `undefined` where there is no file, and none is to be made. */
  database(create: boolean): SqliteDatabase | undefined
  /** Tells the file from another that took its name. */
  identity(): string | undefined
}

type FileSystem = typeof import('node:fs')

async function fileSystem(address: string): Promise<FileSystem> {
  return (await importPeer<FileSystem>(address, 'node:fs')).module
}

function clientOver(open: () => Promise<Opened>, close: () => Promise<void>): SqliteClient {
  async function attempt<Result>(statement: string, work: (database: SqliteDatabase) => Result): Promise<Result> {
    const opened = await open()
    const deadline = systemClock.now() + patience
    for (;;) {
      try {
        const database = opened.database(statement.startsWith('CREATE'))
        if (!database) throw new Error('no such table: there is no database')
        // What is written now could be taken back.
        if (isInTransaction(database)) throw ownersTransaction()
        return work(database)
      } catch (error) {
        if (!isBusy(error) || systemClock.now() > deadline) throw error
        await new Promise<void>((resolve) => systemClock.setTimer(resolve, 1 + Math.random() * longestPause))
      }
    }
  }

  return {
    run: (statement, values) => attempt(statement, (database) => execute(database, statement, values)),
    async store(statement, values) {
      const { changed, file } = await attempt(statement, (database) => {
        return { ...execute(database, statement, values), file: fileOf(database) }
      })
      await flush((await open()).fs, `${file}-wal`)
      return changed
    },
    async version() {
      const opened = await open()
      const database = opened.database(false)
      if (!database) return undefined
      const [row] = database.prepare('SELECT data_version, total_changes() AS own FROM pragma_data_version').all()
      const { data_version: others, own } = row as { data_version: unknown; own: unknown }
      return `${opened.identity()} ${others} ${own}`
    },
    close,
  }
}

/**
 * Waits until the log is on the disk. SQLite would do so in the middle of the commit, while this thread and every other
 * writer wait. Without a log it has done so.
 */
async function flush(fs: FileSystem, log: string): Promise<void> {
  try {
    const handle = await fs.promises.open(log, 'r+')
    await handle.sync().finally(() => handle.close())
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error
  }
}

function execute(database: SqliteDatabase, statement: string, values: readonly SqlValue[]): SqlResult {
  if (statement.startsWith('SELECT')) {
    return { rows: database.prepare(statement).all(...values) as SqlResult['rows'], changed: 0 }
  }
  // First the lock, with a statement that holds nothing when it is refused: of libsql, one that was prepared goes on
  // holding what it has read, and is refused ever after.
  database.exec('BEGIN IMMEDIATE')
  try {
    const { changes } = database.prepare(statement).run(...values)
    database.exec('COMMIT')
    return { rows: [], changed: Number(changes) }
  } catch (error) {
    try {
      database.exec('ROLLBACK')
    } catch {
      // It was rolled back already.
    }
    throw error
  }
}

function isInTransaction({ inTransaction, isTransaction }: SqliteDatabase): boolean {
  return inTransaction ?? isTransaction ?? false
}

/** What the packages export: the class itself, or one of several. */
type SqliteModule =
  | { default: new (path: string) => SqliteDatabase }
  | { DatabaseSync: new (path: string) => SqliteDatabase }

/** A connection of our own to the file, with whichever client is installed; a new one when the file was replaced. */
export function openedClient(address: string, path: string): SqliteClient {
  let held: { database: SqliteDatabase; file: string | undefined } | undefined
  let closed = false

  async function load(): Promise<Opened> {
    const { module } = await importPeer<SqliteModule>(address, 'better-sqlite3', 'libsql', 'node:sqlite')
    const fs = await fileSystem(address)
    const Database = 'DatabaseSync' in module ? module.DatabaseSync : module.default
    const identity = (): string | undefined => {
      const found = fs.statSync(path, { throwIfNoEntry: false })
      if (!found || found.size === 0) return undefined
      // SQLite takes what is so short for an empty database, and would write over it.
      if (found.size < smallest) throw Object.assign(new Error('file is not a database'), { code: 'SQLITE_NOTADB' })
      return `${found.dev}:${found.ino}`
    }
    const database = (create: boolean): SqliteDatabase | undefined => {
      if (closed) throw new Error('this backend was closed')
      const found = identity()
      if (held && held.file === found) return held.database
      held?.database.close()
      held = undefined
      if (found === undefined && !create) return undefined
      const opened = new Database(path)
      try {
        prepare(opened, found === undefined)
        held = { database: opened, file: identity() }
        return opened
      } catch (error) {
        opened.close()
        throw error
      }
    }
    return { fs, database, identity }
  }

  return clientOver(onDemand(load).use, async () => {
    closed = true
    held?.database.close()
    held = undefined
  })
}

/** Bytes. */
const smallest = 512

/** A database that is new gets a log: reading never waits for writing, nor announcing oneself for the disk. */
function prepare(database: SqliteDatabase, isNew: boolean): void {
  database.exec('PRAGMA busy_timeout = 0')
  if (isNew) database.exec('PRAGMA journal_mode = WAL')
  const [row] = database.prepare('PRAGMA journal_mode').all()
  if ((row as { journal_mode: unknown }).journal_mode === 'wal') database.exec('PRAGMA synchronous = NORMAL')
}

function ownersTransaction(): Error {
  return Object.assign(new Error('a transaction of yours is open'), { code: 'SQLITE_BUSY' })
}
