import type { SqlClient } from './sql.js'

/** What a listener is told. */
export interface PostgresEvents {
  notified(payload: string): void
  /** The client has connected and listens again by itself: something may have been missed. */
  again(): void
  /** The connection has ended, and stays so. */
  lost(error: unknown): void
}

/** Every client of PostgreSQL, as this backend uses it. */
export interface PostgresClient extends SqlClient {
  listen(channel: string, events: PostgresEvents): Promise<() => Promise<void>>
  /** Ends what was opened here. */
  close(): Promise<void>
}

/** Connecting, and an answer, take no longer. Milliseconds. */
export const connectPatience: number = 5000
export const answerPatience: number = 8000
export const endPatience: number = 1000

/** A connection that the network has dropped in silence is found by probes after so many milliseconds without a word. */
export const probeDelay: number = 10_000

/** `$1`, `$2` … for `?`. */
export function numbered(statement: string): string {
  let number = 0
  return statement.replace(/\?/g, () => `$${++number}`)
}

/** For people. */
export function addressOf(host = 'localhost', port: number | string = 5432, database = ''): string {
  return `postgres://${host}:${port}/${database}`
}
