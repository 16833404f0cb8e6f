import { bounded, systemClock } from '../clock.js'
import {
  answerPatience,
  connectPatience,
  endPatience,
  numbered,
  type PostgresClient,
  type PostgresEvents,
  probeDelay,
} from './postgres-client.js'
import type { SqlClient, SqlValue } from './sql.js'

/** The part of postgres.js's `sql` that is used. */
export interface PostgresJs {
  readonly options: { host: string[]; port: number[]; database: string }
  unsafe(text: string, values?: SqlValue[]): PromiseLike<Iterable<Record<string, unknown>> & { count: number | null }>
  listen(
    channel: string,
    onnotify: (payload: string) => void,
    onlisten?: () => void,
  ): PromiseLike<{ unlisten(): Promise<void> }>
}

export interface OwnPostgresJs extends PostgresJs {
  end(options: { timeout: number }): Promise<void>
}

/** The part of `node:net` that is used. */
export interface Net {
  connect(path: string): { unref(): object }
  connect(port: number, host: string | undefined): { unref(): object }
}

function postgresJsQueries(sql: PostgresJs): SqlClient {
  return {
    async run(statement, values) {
      const result = await sql.unsafe(numbered(statement), [...values])
      // A `transform` of the app's may write columns with capitals.
      const rows = [...result].map((row) =>
        Object.fromEntries(Object.entries(row).map(([column, value]) => [column.toLowerCase(), value])),
      )
      return { rows, changed: result.count ?? 0 }
    },
  }
}

/**
 * Somebody else's `sql`. It listens on a connection of its own, and listens again by itself, also after a first failure:
 * so it is asked only once.
 */
export function sharedPostgresJs(sql: PostgresJs): PostgresClient {
  const listeners = new Set<PostgresEvents>()
  let listening: Promise<unknown> | undefined
  let unlisten = async (): Promise<void> => {}
  return {
    ...postgresJsQueries(sql),
    async listen(channel, events) {
      const listened = (): void => {
        listening = Promise.resolve()
        for (const listener of listeners) listener.again()
      }
      const notified = (payload: string): void => {
        for (const listener of listeners) listener.notified(payload)
      }
      listening ??= Promise.resolve(sql.listen(channel, notified, listened)).then((meta) => {
        unlisten = meta.unlisten
      })
      await listening
      listeners.add(events)
      return async () => void listeners.delete(events)
    },
    async close() {
      listeners.clear()
      await unlisten().catch(() => {})
    },
  }
}

/** postgres.js by URL. Its timers and sockets would keep a process alive, and some of its waiting has no end. */
export function ownPostgresJs(
  postgres: (url: string, options: object) => OwnPostgresJs,
  net: Net,
  url: string,
): PostgresClient {
  const opened = new Set<OwnPostgresJs>()
  let attempts = 0
  const open = (more: object = {}): OwnPostgresJs => {
    const sql = postgres(url, {
      max: 1,
      connect_timeout: connectPatience / 1000,
      idle_timeout: null,
      max_lifetime: null,
      backoff: () => 0.25,
      keep_alive: probeDelay / 1000,
      fetch_types: false,
      onnotice: () => {},
      connection: { application_name: 'maintenance-mode' },
      socket({ host, port, path }: { host: string[]; port: number[]; path?: string | false }) {
        const index = attempts++ % host.length
        const socket = path ? net.connect(path) : net.connect(Number(port[index]), host[index])
        // postgres.js asks its sockets for the name that a certificate must have.
        return Object.assign(socket.unref(), { host: host[index], port: port[index] })
      },
      ...more,
    })
    opened.add(sql)
    return sql
  }

  const end = async (sql: OwnPostgresJs, timeout: number): Promise<void> => {
    opened.delete(sql)
    await sql.end({ timeout })
  }

  const answer = <Result>(sql: OwnPostgresJs, result: Promise<Result>): Promise<Result> => {
    const late = (): Error => {
      if (current === sql) current = undefined
      void end(sql, 0)
      return new Error(`No answer within ${answerPatience / 1000} s`)
    }
    return bounded(systemClock, result, { milliseconds: answerPatience, late, keepAlive: true })
  }

  let current: OwnPostgresJs | undefined
  return {
    run(statement, values) {
      current ??= open()
      return answer(current, postgresJsQueries(current).run(statement, values))
    },
    async listen(channel, events) {
      let listening = false
      const sql = open({
        onnotify: (_: string, payload: string) => events.notified(payload),
        onclose() {
          if (!listening) return
          void stop(0)
          events.lost(new Error('The connection has ended'))
        },
      })
      const stop = (timeout: number): Promise<void> => {
        listening = false
        return end(sql, timeout)
      }
      try {
        await answer(sql, Promise.resolve(sql.unsafe(`LISTEN "${channel}"`)))
        listening = true
        return () => stop(endPatience / 1000)
      } catch (error) {
        void stop(0)
        throw error
      }
    },
    async close() {
      await Promise.all([...opened].map((sql) => end(sql, endPatience / 1000)))
    },
  }
}
