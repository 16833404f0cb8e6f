import { type MaintenanceError, messageOf, SettingError } from '../errors.js'
import type { StateBackend } from './backend.js'
import { assertKey, readBackendUrl } from './backend-url.js'
import { toStored } from './compared.js'
import { backendFailure } from './failure.js'
import type { PostgresClient } from './postgres-client.js'
import { givenClient, openedClient } from './postgres-clients.js'
import type { PostgresJs } from './postgres-js.js'
import type { PgClient, PgPool } from './postgres-pg.js'
import { type SqlDialect, type SqlPlace, type SqlTrouble, sqlAccess, stateName, stateTable } from './sql.js'

export type { PostgresJs } from './postgres-js.js'
export type { PgClient, PgPool } from './postgres-pg.js'

export interface PostgresBackendOptions {
  /** `postgres://user:password@host:5432/database`; the package `pg` or `postgres` must be installed. */
  url?: string | undefined
  /** Instead of `url`: a `Pool` or a connected `Client` of `pg`, or the `sql` of `postgres`. It is never closed. */
  client?: PgPool | PgClient | PostgresJs | undefined
  /** Which state it is, where several apps share a database. Default: that of the URL (`?key=shop`), else the one without a key. */
  key?: string | undefined
  /**
   * Whether changes are heard with LISTEN, on a connection of its own. `false`, or `?listen=false`, where a pooler forbids it:
   * instances poll. Default: `true`.
   */
  listen?: boolean | undefined
}

/**
 * Keeps the state in a table of PostgreSQL, and tells every instance of changes with NOTIFY.
 *
 * @throws SettingError
 * @example
 * ```ts
 * import { Pool } from 'pg'
 *
 * const stateBackend = postgresBackend({ client: new Pool({ host: 'db.internal' }), key: 'shop' })
 * ```
 */
export function postgresBackend(options: PostgresBackendOptions): StateBackend {
  const { address, key, client, listen } = resolvePlace(options)
  // Longer names are refused. States that would share a channel are told apart by their key.
  const channel = stateName(key).slice(0, longestChannel)

  const store: SqlPlace['store'] = async (statement, values, document) => {
    const parts = toParts(document)
    const notify = parts.map((_, index) => `pg_notify(?, tableoid || ' ${index + 1}/${parts.length} ' || ?::text)`)
    const announced = `WITH written AS (${statement} RETURNING tableoid) SELECT ${notify.join(', ')} FROM written`
    return (await client.run(announced, [...values, ...parts.flatMap((part) => [channel, part])])).rows.length
  }
  const { failure, ...access } = sqlAccess({ address, key, client, dialect: postgresDialect, store })

  const watchFailure = (error: unknown): MaintenanceError =>
    isRefusal(error) ? backendFailure(address, 'watched', error, pollingAdvice) : failure('watched', error)

  const watch: StateBackend['watch'] = async (onChange, onLost) => {
    let table: string | undefined
    let document = ''
    const locate = async (): Promise<void> => {
      const { rows } = await client.run(`SELECT to_regclass('${stateTable}')::oid::text AS place`, [])
      table = rows[0]?.place as string | undefined
    }
    try {
      await locate()
      return await client.listen(channel, {
        notified(payload) {
          const [, place, number = '', count, part = ''] = /^(\d+) (\d+)\/(\d+) (.*)$/s.exec(payload) ?? []
          // The parts of a document come in their order, and not mixed with those of another.
          if (number === '1') document = ''
          document += part
          if (number !== count) return
          // The same name in another schema of this database is another state.
          if (place === table && document !== '') return onChange(toStored(document))
          onChange()
          if (place !== table) locate().catch(() => {})
        },
        again: () => onChange(),
        lost: (error) => onLost(watchFailure(error)),
      })
    } catch (error) {
      throw watchFailure(error)
    }
  }

  return {
    address,
    key,
    capabilities: { compareAndSet: true, watch: listen, presence: true, writable: true },
    absentMeansOff: false,
    ...access,
    ...(listen && { watch }),
    close: () => client.close(),
  }
}

const pollingAdvice =
  'Instances poll. Where a pooler has no LISTEN, add `listen=false` to the URL, and this is not tried again.'

const longestChannel = 63

/** Bytes. A notification holds less than 8000, which count what stands before the part. */
const longestPart = 7900
/** A longer document is read by every instance. */
const mostParts = 16

/** The document for as many notifications; of one that is too long, nothing. */
function toParts(document: string): string[] {
  const encoder = new TextEncoder()
  const room = new Uint8Array(longestPart)
  const parts: string[] = []
  for (let from = 0; from < document.length; from += parts.at(-1)?.length ?? 0) {
    if (parts.length === mostParts) return ['']
    const rest = document.slice(from)
    parts.push(rest.slice(0, encoder.encodeInto(rest, room).read))
  }
  return parts
}

const schemes = ['postgres', 'postgresql']

interface Place {
  address: string
  key: string
  client: PostgresClient
  listen: boolean
}

function resolvePlace({ url, client, key, listen }: PostgresBackendOptions): Place {
  if (client) {
    const given = givenClient(client)
    const named = key ? `?key=${assertKey(key)}` : ''
    return { client: given.client, address: given.address + named, key: key ?? '', listen: listen ?? true }
  }
  const parts = url === undefined ? undefined : readBackendUrl(url)
  if (!parts || !schemes.includes(parts.scheme)) {
    throw new SettingError(
      'stateBackend',
      'postgresBackend needs a `url` that begins with postgres:// or postgresql://, or a `client`.',
    )
  }
  const { clientUrl, listens } = readListen(parts.url)
  const address = key === undefined ? parts.address : parts.address.replace(/(\?.*)?$/, key && `?key=${assertKey(key)}`)
  return { address, key: key ?? parts.key, client: openedClient(address, clientUrl), listen: listen ?? listens }
}

/** Takes our own parameter out of the URL. */
function readListen(url: string): { clientUrl: string; listens: boolean } {
  const [place = '', query = ''] = url.split('?')
  const parameters = query.split('&').filter((parameter) => parameter !== '')
  const own = parameters.filter((parameter) => parameter.startsWith('listen='))
  const others = parameters.filter((parameter) => !own.includes(parameter))
  const value = own.at(-1)?.slice('listen='.length) ?? 'true'
  if (value !== 'true' && value !== 'false') {
    throw new SettingError('stateBackend', 'The option `stateBackend` has another `listen` than `true` or `false`.')
  }
  return { clientUrl: others.length > 0 ? `${place}?${others.join('&')}` : place, listens: value === 'true' }
}

const troubles: Readonly<Record<string, SqlTrouble>> = {
  '42P01': 'no-table',
  '42P07': 'table-exists',
  // Two who create it in the same moment are told so in three ways.
  '23505': 'table-exists',
  '42710': 'table-exists',
  '42501': 'not-allowed',
  // No such column, one of another type, no such key, a column that must have a value, not a table at all.
  '42703': 'other-table',
  '42804': 'other-table',
  '42883': 'other-table',
  '42P10': 'other-table',
  '23502': 'other-table',
  '22P02': 'other-table',
  '42809': 'other-table',
}

const wrongPassword = 'Name the right user and password in the URL.'

const hints: Readonly<Record<string, string>> = {
  '28P01': wrongPassword,
  '28000': 'The server lets nobody in like this: look at user, `sslmode` and its pg_hba.conf.',
  '3D000': 'Create that database, or name another.',
  '3F000': 'Create the schema that the `search_path` of this user names.',
  '25006': 'This is a replica that cannot be written: use the address of the primary.',
  '53300': 'Every instance needs two connections, or one with `listen=false`: allow more, or put a pooler in between.',
  '57P03': 'It is starting or stopping: this is tried again.',
}

/** What the clients say themselves has no code. */
const saidHints: readonly (readonly [said: RegExp, hint: string])[] = [
  [/password must be a string/, wrongPassword],
  [/does not support SSL/, 'Add `sslmode=disable` to the URL if its network is trusted.'],
  [/timeout|No answer/i, 'It does not answer: is it reachable from here?'],
]

const postgresDialect: SqlDialect = {
  types: { name: 'text', text: 'text', integer: 'bigint' },
  fleetingTable: 'UNLOGGED',
  returning: true,
  now: '(extract(epoch from clock_timestamp()) * 1000)::bigint',
  insertNew: (into) => `INSERT INTO ${into} ON CONFLICT DO NOTHING`,
  insertOrUpdate(into, key, columns) {
    const values = columns.map((column) => `${column} = excluded.${column}`)
    return `INSERT INTO ${into} ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${values.join(', ')}`
  },
  trouble: (error) => troubles[codeOf(error)],
  hint: (error) => hints[codeOf(error)] ?? saidHints.find(([said]) => said.test(messageOf(error)))?.[1],
}

/** The server, or a pooler before it, has answered that it will not. */
function isRefusal(error: unknown): boolean {
  return /^\d[0-9A-Z]{4}$/.test(codeOf(error)) && postgresDialect.hint(error) === undefined
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code)
}
