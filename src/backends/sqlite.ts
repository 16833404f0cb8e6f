import { systemClock, type Timer } from '../clock.js'
import type { StateBackend } from './backend.js'
import { type SqlDialect, sqlAccess } from './sql.js'
import { fileOf, givenClient, openedClient, type SqliteDatabase } from './sqlite-clients.js'
import { isBusy, sqliteHint, sqliteTrouble } from './sqlite-errors.js'
import { type SqlitePlace, sqlitePlace, sqlitePlaceOfUrl } from './sqlite-place.js'

export type { SqliteDatabase } from './sqlite-clients.js'

export interface SqliteBackendOptions {
  /** `sqlite:./state.db` or `sqlite:/srv/shop/state.db`; a relative path counts from the folder of the nearest package.json. */
  url?: string | undefined
  /** Instead of `url`: the file. */
  path?: string | undefined
  /** Instead of `url`: a database of better-sqlite3, libsql or `node:sqlite`. It stays yours: it is never closed. */
  database?: SqliteDatabase | undefined
  /** Which state it is, where several apps share a file. Default: that of the URL (`?key=shop`), else the one without a key. */
  key?: string | undefined
}

/** How often it is looked whether something was committed. Milliseconds. */
const lookInterval = 50

/**
 * Keeps the state in a file of SQLite, which the processes of one machine share. The file is made by the first write.
 *
 * @throws SettingError when no file is named, or a database in memory
 *
 * @example
 * ```ts
 * const stateBackend = sqliteBackend({ path: '/srv/shop/state.db' })
 * ```
 */
export function sqliteBackend(options: SqliteBackendOptions): StateBackend {
  const { database } = options
  const { address, key, path } = placeOf(options)
  const client = database ? givenClient(address, database) : openedClient(address, path)
  const { failure, ...access } = sqlAccess({ address, key, client, dialect: sqliteDialect, store: client.store })
  const watches = new Set<() => Promise<void>>()

  const watch: NonNullable<StateBackend['watch']> = async (onChange, onLost) => {
    let timer: Timer | undefined
    let version: string | undefined | null = null

    const stop = async (): Promise<void> => {
      watches.delete(stop)
      timer?.cancel()
    }
    const look = async (): Promise<void> => {
      try {
        const found = await client.version()
        if (found !== version) {
          const stored = await access.read()
          version = found
          if (stored?.document !== document && watches.has(stop)) onChange(stored)
          document = stored?.document
        }
      } catch (error) {
        if (watches.has(stop) && !isBusy(error)) {
          await stop()
          onLost(failure('watched', error))
        }
      }
      next()
    }
    const next = (): void => {
      if (watches.has(stop)) timer = systemClock.setTimer(() => void look(), lookInterval)
    }
    let document = (await access.read())?.document
    watches.add(stop)
    next()
    return stop
  }

  return {
    address,
    key,
    capabilities: { compareAndSet: true, watch: true, presence: true, writable: true },
    absentMeansOff: false,
    ...access,
    watch,
    async close() {
      await Promise.all([...watches].map((stop) => stop()))
      await client.close()
    },
  }
}

function placeOf({ url, path, database, key }: SqliteBackendOptions): SqlitePlace {
  if (database) return sqlitePlace(fileOf(database), key)
  return url === undefined ? sqlitePlace(path ?? '', key) : sqlitePlaceOfUrl(url, key)
}

const sqliteDialect: SqlDialect = {
  types: { name: 'TEXT', text: 'TEXT', integer: 'INTEGER' },
  now: "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
  insertNew: (into) => `INSERT OR IGNORE INTO ${into}`,
  insertOrUpdate: (into) => `INSERT OR REPLACE INTO ${into}`,
  trouble: sqliteTrouble,
  hint: sqliteHint,
}
