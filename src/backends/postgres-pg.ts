import { platform } from '#platform'
import { bounded, systemClock } from '../clock.js'
import { readBackendUrl } from './backend-url.js'
import {
  addressOf,
  answerPatience,
  connectPatience,
  endPatience,
  numbered,
  type PostgresClient,
  type PostgresEvents,
  probeDelay,
} from './postgres-client.js'
import type { SqlClient, SqlResult, SqlValue } from './sql.js'

/** The part of node-postgres's `Client` that is used. */
export interface PgClient {
  readonly host: string
  readonly port: number
  readonly database?: string | undefined
  query(text: string, values?: SqlValue[]): Promise<PgResult>
  on(event: PgEvent, listener: (value: unknown) => void): unknown
  off(event: PgEvent, listener: (value: unknown) => void): unknown
}

type PgEvent = 'notification' | 'error' | 'end'

/** The part of node-postgres's `Pool` that is used. */
export interface PgPool {
  readonly options: {
    readonly connectionString?: string | undefined
    readonly host?: string | undefined
    readonly port?: number | undefined
    readonly database?: string | undefined
  }
  readonly totalCount: number
  query(text: string, values?: SqlValue[]): Promise<PgResult>
}

interface PgResult {
  rows: Record<string, unknown>[]
  rowCount: number | null
}

/** An own connection of node-postgres. */
interface OwnPgClient extends PgClient {
  connection: { stream: { destroy(): void } }
  connect(): Promise<unknown>
  end(): Promise<void>
  unref?(): void
}

export interface OwnPgPool extends PgPool {
  on(event: string, listener: (client: OwnPgClient) => void): unknown
  readonly ending: boolean
  end(): Promise<void>
}

type PgClientClass = new (options: object) => OwnPgClient

interface NotificationMessage {
  channel: string
  payload?: string
}

/** Where a pool connects to. */
export function poolAddress({ options: { connectionString = '', host, port, database } }: PgPool): string {
  if (connectionString.includes('://')) return readBackendUrl(connectionString).address
  const { PGHOST, PGPORT, PGDATABASE } = platform.environment()
  return addressOf(host || PGHOST, port || PGPORT, database || PGDATABASE)
}

function pgQueries(client: PgPool | PgClient): SqlClient {
  return {
    async run(statement, values) {
      const { rows, rowCount } = await client.query(numbered(statement), [...values])
      return { rows, changed: rowCount ?? 0 }
    },
  }
}

/** node-postgres by URL. */
export function ownPgPool(Pool: new (options: object) => OwnPgPool, url: string): PostgresClient {
  const pool = new Pool({
    connectionString: url,
    // Connections are scarce in PostgreSQL.
    max: 1,
    connectionTimeoutMillis: connectPatience,
    query_timeout: answerPatience,
    keepAlive: true,
    allowExitOnIdle: true,
    application_name: 'maintenance-mode',
  })
  const shared = sharedPgPool(pool)
  const clients = new Set<OwnPgClient>()
  pool.on('error', () => {})
  pool.on('connect', (client) => clients.add(client))
  pool.on('remove', (client) => clients.delete(client))
  let closing: Promise<unknown> | undefined
  return {
    ...shared,
    async close() {
      closing ??= Promise.all([shared.close(), ...[...clients].map(ended)])
      if (!pool.ending) void pool.end()
      await closing
    },
  }
}

/** Somebody else's pool. Listens on a connection of its own: those of a pool come and go. */
export function sharedPgPool(pool: PgPool): PostgresClient {
  const listening = new Set<OwnPgClient>()
  return {
    ...pgQueries(pool),
    async listen(channel, events) {
      const client = newListener(pool)
      listening.add(client)
      client.on('error', () => {})
      client.on('end', () => listening.delete(client))
      const ignore = hear(client, channel, events)
      const stop = (): Promise<void> => {
        ignore()
        return ended(client)
      }
      try {
        await client.connect()
        client.unref?.()
        await client.query(`LISTEN "${channel}"`)
        return stop
      } catch (error) {
        void stop()
        throw error
      }
    },
    close: async () => void (await Promise.all([...listening].map(ended))),
  }
}

/** Connects as the pool does. Its password is a property that copying leaves out. */
function newListener(pool: PgPool): OwnPgClient {
  const options = Object.defineProperties({}, Object.getOwnPropertyDescriptors(pool.options)) as {
    connectionTimeoutMillis?: number
  }
  const { Client } = pool as unknown as { Client: PgClientClass }
  return new Client(
    Object.assign(options, {
      connectionTimeoutMillis: options.connectionTimeoutMillis || connectPatience,
      query_timeout: answerPatience,
      keepAlive: true,
      keepAliveInitialDelayMillis: probeDelay,
    }),
  )
}

/** Until the function that it returns is called. */
function hear(client: PgClient, channel: string, events: PostgresEvents): () => void {
  const notified = (message: unknown): void => {
    const { channel: heard, payload = '' } = message as NotificationMessage
    if (heard === channel) events.notified(payload)
  }
  const lost = (error: unknown = new Error('The connection has ended')): void => {
    ignore()
    events.lost(error)
  }
  const ignore = (): void => {
    client.off('notification', notified)
    client.off('error', lost)
    client.off('end', lost)
  }
  client.on('notification', notified)
  client.on('error', lost)
  client.on('end', lost)
  return ignore
}

/** A server that says nothing any more does not end a connection either. */
async function ended(client: OwnPgClient): Promise<void> {
  const late = (): Error => new Error('late')
  await bounded(systemClock, client.end(), { milliseconds: endPatience, late }).catch(() =>
    client.connection.stream.destroy(),
  )
}

/** A single connection of somebody else's, who has connected it: one statement of ours at a time. */
export function sharedPgClient(client: PgClient): PostgresClient {
  const queries = pgQueries(client)
  let last: Promise<unknown> = Promise.resolve()
  let listeners = 0
  const run = (statement: string, values: readonly SqlValue[]): Promise<SqlResult> => {
    const result = last.then(() => queries.run(statement, values))
    last = result.catch(() => {})
    return result
  }
  const silent = async (channel: string): Promise<void> => {
    if (--listeners === 0) await run(`UNLISTEN "${channel}"`, []).catch(() => {})
  }
  return {
    run,
    async listen(channel, events) {
      const ignore = hear(client, channel, events)
      listeners++
      try {
        await run(`LISTEN "${channel}"`, [])
      } catch (error) {
        ignore()
        listeners--
        throw error
      }
      return () => {
        ignore()
        return silent(channel)
      }
    },
    close: async () => {},
  }
}
