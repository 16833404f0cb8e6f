import { bounded, systemClock } from '../clock.js'
import { importPeer } from './import-peer.js'
import type { SqlClient, SqlResult, SqlValue } from './sql.js'

/** A pool or a connection of mysql2, with promises or with callbacks. */
export interface MysqlClient {
  /** Of a client with callbacks, its other face. */
  promise?(): unknown
  /** Of a pool. */
  getConnection?: unknown
  execute: unknown
}

interface Emitter {
  on(event: 'error', listener: () => void): unknown
  off(event: 'error', listener: () => void): unknown
}

interface Pool {
  getConnection(): Promise<Connection & { release(): void; destroy(): void }>
}

interface Connection {
  execute(options: object, values: readonly SqlValue[]): Promise<readonly unknown[]>
}

/** A connection that is ours until it is given back. */
interface Held {
  connection: Connection
  /** @param broken It answers no more, or with refusals only. */
  giveBack(broken: boolean): void
}

export interface ClosableClient extends SqlClient {
  close(): Promise<void>
}

/** What takes longer has failed: a server that is frozen closes no connection. Milliseconds. */
const patience = 4000

/** The server has become a replica: another connection may lead to the new primary. */
const refusals = ['ER_OPTION_PREVENTS_STATEMENT', 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', 'ER_READ_ONLY_MODE']

/** Results as we read them, whatever the client was told. */
const plain = { rowsAsArray: false, nestTables: false, typeCast: (_: unknown, next: () => unknown) => next() }

function clientOver(hold: () => Promise<Held>): SqlClient {
  return {
    async run(statement, values) {
      const { connection, giveBack } = await hold()
      let broken = false
      try {
        // Prepared on the server: how texts are to be quoted depends on its settings.
        const [result] = await answered(connection.execute({ sql: statement, ...plain }, values))
        return toResult(result)
      } catch (error) {
        const { fatal, code } = error as { fatal?: unknown; code?: unknown }
        broken = fatal === true || refusals.includes(String(code))
        throw error
      } finally {
        giveBack(broken)
      }
    },
  }
}

function toResult(result: unknown): SqlResult {
  if (Array.isArray(result)) return { rows: result, changed: 0 }
  return { rows: [], changed: (result as { affectedRows: number }).affectedRows }
}

function answered<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const late = (): Error =>
    Object.assign(new Error(`no answer within ${patience / 1000} s`), { code: 'ETIMEDOUT', fatal: true })
  return bounded(systemClock, answer, { milliseconds: patience, late })
}

/** The client that was passed in. Connections of a pool are given back; a single one is used between its owner's statements. */
export function givenClient(client: MysqlClient): ClosableClient {
  const promising = (client.promise?.() ?? client) as Pool & Connection
  if (typeof client.getConnection === 'function') {
    const hold = async (): Promise<Held> => {
      const getting = promising.getConnection()
      const connection = await answered(getting).catch((error) => {
        getting.then((late) => late.release()).catch(() => {})
        throw error
      })
      return { connection, giveBack: (broken) => (broken ? connection.destroy() : connection.release()) }
    }
    return { ...clientOver(hold), close: async () => {} }
  }
  // Without a listener the loss of a connection ends the process.
  const ignore = (): void => {}
  const emitter = client as unknown as Emitter
  emitter.on('error', ignore)
  return {
    ...clientOver(async () => ({ connection: promising, giveBack: ignore })),
    async close() {
      emitter.off('error', ignore)
    },
  }
}

/** Where the server of a client is. */
export function placeOf(client: MysqlClient): string {
  const { pool, connection } = client as { pool?: MysqlClient; connection?: MysqlClient }
  const { config } = (pool ?? connection ?? client) as unknown as { config: Config & { connectionConfig?: Config } }
  const { host, port, socketPath, database = '' } = config.connectionConfig ?? config
  return `mysql://${socketPath ?? `${host}:${port}`}/${database}`
}

interface Config {
  host: string
  port: number
  socketPath?: string
  database?: string
}

interface OwnConnection extends Emitter {
  promise(): Connection
  connect(done: (error: unknown) => void): void
  end(): void
  stream: { unref(): void; destroy(): void; destroySoon(): void }
}

interface Mysql2 {
  createConnection(options: object): OwnConnection
}

/** One connection of our own, made when it is needed, and anew when it was lost. */
export function openedClient(address: string, url: string): ClosableClient {
  let current: { connection: OwnConnection; opened: Promise<void> } | undefined
  let closed = false

  function forget(connection: OwnConnection): void {
    if (current?.connection === connection) current = undefined
    connection.stream.destroy()
  }

  function open({ createConnection }: Mysql2): NonNullable<typeof current> {
    // Our own patience has a timer that does not keep the process alive.
    const connection = createConnection({ uri: url, connectTimeout: 0 })
    connection.stream.unref()
    connection.on('error', () => forget(connection))
    const opened = answered(
      new Promise<void>((resolve, reject) => {
        connection.connect((error) => (error ? reject(error) : resolve()))
      }),
    )
    opened.catch(() => forget(connection))
    return { connection, opened }
  }

  return {
    ...clientOver(async () => {
      const { module } = await importPeer<Mysql2>(address, 'mysql2')
      if (closed) throw new Error('this backend was closed')
      current ??= open(module)
      const { connection, opened } = current
      await opened
      return { connection: connection.promise(), giveBack: (broken) => broken && forget(connection) }
    }),
    async close() {
      closed = true
      current?.connection.end()
      current?.connection.stream.destroySoon()
    },
  }
}
