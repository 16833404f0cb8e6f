import { messageOf, SettingError } from '../errors.js'
import type { StateBackend } from './backend.js'
import { assertKey, readBackendUrl } from './backend-url.js'
import { type ClosableClient, givenClient, type MysqlClient, openedClient, placeOf } from './mysql-clients.js'
import { type SqlDialect, type SqlTrouble, sqlAccess } from './sql.js'

export type { MysqlClient } from './mysql-clients.js'

export interface MysqlBackendOptions {
  /** `mysql://user:password@host:3306/database`, with `?key=` where several apps share the database. */
  url?: string | undefined
  /** A pool or connection of mysql2, with promises or callbacks, instead of the URL. It stays yours: it is never closed. */
  client?: MysqlClient | undefined
  /** Which state it is, where several apps share a database. Default: that of the URL (`?key=shop`), else the one without a key. */
  key?: string | undefined
}

/**
 * Keeps the state in a table of MySQL or MariaDB, created at the first write.
 *
 * Instances poll: a change reaches them within `pollInterval`.
 *
 * @throws SettingError when there is neither a URL nor a client, or the key has other characters than letters, digits,
 * `_`, `.` and `-`.
 *
 * @example
 * ```ts
 * const stateBackend = mysqlBackend({ url: 'mysql://shop:secret@db.internal:3306/shop' })
 * ```
 */
export function mysqlBackend(options: MysqlBackendOptions): StateBackend {
  const { address, key, client } = resolvePlace(options)
  const { read, write, presence } = sqlAccess({ address, key, client, dialect: mysqlDialect })
  return {
    address,
    key,
    capabilities: { compareAndSet: true, watch: false, presence: true, writable: true },
    absentMeansOff: false,
    read,
    write,
    presence,
    close: client.close,
  }
}

interface Place {
  address: string
  key: string
  client: ClosableClient
}

function resolvePlace({ url, client, key }: MysqlBackendOptions): Place {
  if (client) {
    const address = placeOf(client) + (key ? `?key=${assertKey(key)}` : '')
    return { address, key: key ?? '', client: givenClient(client) }
  }
  const parts = url === undefined ? undefined : readBackendUrl(url)
  if (parts?.scheme !== 'mysql') {
    throw new SettingError('stateBackend', 'mysqlBackend needs a `url` that begins with mysql://, or a `client`.')
  }
  const address = key === undefined ? parts.address : parts.address.replace(/(\?.*)?$/, key && `?key=${assertKey(key)}`)
  return { address, key: key ?? parts.key, client: openedClient(address, parts.url) }
}

const troubles: Readonly<Record<string, SqlTrouble>> = {
  ER_NO_SUCH_TABLE: 'no-table',
  ER_TABLE_EXISTS_ERROR: 'table-exists',
  ER_TABLEACCESS_DENIED_ERROR: 'not-allowed',
  // No such column, a column that must have a value, one of another type, a view.
  ER_BAD_FIELD_ERROR: 'other-table',
  ER_NO_DEFAULT_FOR_FIELD: 'other-table',
  ER_TRUNCATED_WRONG_VALUE_FOR_FIELD: 'other-table',
  ER_WRONG_OBJECT: 'other-table',
}

const replica = 'This server takes no changes, as a replica does: use the address of the primary.'

const hints: Readonly<Record<string, string>> = {
  ER_ACCESS_DENIED_ERROR:
    'Name the right user and password in the URL. MariaDB says the same when it insists on TLS: add `?ssl={}`.',
  ER_DBACCESS_DENIED_ERROR: 'Create that database, and let this user use it.',
  ER_BAD_DB_ERROR: 'Create that database, or name another.',
  ER_NO_DB_ERROR: 'Name the database in the URL: mysql://user:password@host/database.',
  ER_CON_COUNT_ERROR: 'Every instance needs one connection: allow more.',
  ER_SECURE_TRANSPORT_REQUIRED: 'Add `?ssl={}` to the URL.',
  HANDSHAKE_SSL_ERROR: 'Pass a client whose `ssl` has the right `ca`.',
  HANDSHAKE_NO_SSL_SUPPORT: 'Leave `ssl` out of the URL, or let the server use TLS.',
  ER_LOCK_WAIT_TIMEOUT: 'Another transaction there holds the row.',
  ER_OPTION_PREVENTS_STATEMENT: replica,
  ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: replica,
  ER_READ_ONLY_MODE: replica,
}

const exact = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'

const mysqlDialect: SqlDialect = {
  types: { name: `VARCHAR(160) ${exact}`, text: `LONGTEXT ${exact}`, integer: 'BIGINT' },
  tableOptions: 'ENGINE=InnoDB',
  // Whatever the time zone of the session.
  now: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)",
  insertNew: (into) => `INSERT IGNORE INTO ${into}`,
  insertOrUpdate: (into) => `REPLACE INTO ${into}`,
  trouble: (error) => troubles[codeOf(error)],
  hint: (error) =>
    hints[codeOf(error)] ?? (isEnded(error) ? 'A connection that has ended stays so: pass a pool.' : undefined),
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code)
}

function isEnded(error: unknown): boolean {
  return messageOf(error).includes('closed state')
}
