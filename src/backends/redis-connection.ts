import { importPeer } from './import-peer.js'
import {
  type Ioredis,
  inTime,
  isIoredis,
  isNodeRedisCluster,
  type NodeRedis,
  type NodeRedisCluster,
  notConnected,
  patience,
  type RedisClient,
  send,
} from './redis-clients.js'
import type { RedisPlace, RedisServer } from './redis-url.js'

/** One connection to one server. Once it is lost, it stays lost. */
export interface RedisConnection {
  /** Has failed, and the connection is lost, where there is no answer within 5 s. */
  command(...words: string[]): Promise<unknown>
  /** As `command`, answered when those who listen have been told. A command of its own would be answered before. */
  publish(...words: string[]): Promise<unknown>
  subscribe(channel: string, onMessage: (text: string) => void): Promise<void>
  /** Resolves to why. */
  readonly lost: Promise<unknown>
  end(reason?: Error): void
}

/** Connects to a server; logs in where the state is, not at a sentinel. */
export type OpenRedis = (server: RedisServer, login: boolean) => Promise<RedisConnection>

/** A client that we have made, and nobody else uses. */
interface OwnNodeRedis extends NodeRedis {
  readonly options?: { socket?: object }
  connect(): Promise<unknown>
  duplicate(options: object): OwnNodeRedis
  disconnect(): Promise<unknown>
  unref(): void
}

interface OwnIoredis extends Ioredis {
  readonly stream?: { unref(): void; destroy(): void }
  connect(): Promise<unknown>
  duplicate(options: object): OwnIoredis
  disconnect(): void
}

interface IoredisCluster extends Ioredis {
  nodes(role: 'master'): readonly OwnIoredis[]
}

/** What is given up while it is not connected yet could not be ended by a client: it has to do so itself, before us. */
const connectTimeout = patience - 1000

/** A connection of ours is never made again by a client: where the state is may have changed. */
const nodeRedisOptions = (more: object = {}): object => ({
  socket: { ...more, connectTimeout, reconnectStrategy: false },
  disableClientInfo: true,
  pingInterval: undefined,
  clientSideCache: undefined,
  emitInvalidate: undefined,
})

const ioredisOptions = {
  lazyConnect: true,
  connectTimeout,
  // Milliseconds without a word, after which it is tried whether the server is still there.
  keepAlive: 5000,
  retryStrategy: null,
  sentinelRetryStrategy: null,
  enableOfflineQueue: false,
  // It would keep asking a server that is still loading, and needs the permission for INFO.
  enableReadyCheck: false,
  autoResubscribe: false,
  disableClientInfo: true,
}

interface Packages {
  createClient(options: object): OwnNodeRedis
  Redis: new (options: object) => OwnIoredis
}

/** Building a client of redis takes it tens of milliseconds, for each set of options; a duplicate takes none. */
let template: OwnNodeRedis | undefined

/** By whichever package is installed. */
export async function redisOpener(address: string, place: RedisPlace): Promise<OpenRedis> {
  const { name, module } = await importPeer<Packages>(address, 'redis', 'ioredis', 'iovalkey')
  if (name === 'redis') template ??= module.createClient({})
  return async (server, login) => {
    // Without it Node does not tell a server by which of its names it is called.
    const servername = /^[\d.]+$|:/.test(server.host) ? '' : server.host
    const client =
      name === 'redis' && template
        ? template.duplicate(nodeRedisOptions({ ...server, ...(place.tls && { tls: true, servername }) }))
        : new module.Redis({ ...ioredisOptions, ...server, ...(place.tls && { tls: { servername } }) })
    const connection = await connect(client)
    try {
      // Not left to the clients: they say it in the console, or work in another database, where it fails.
      if (login && place.password !== '') await logIn(connection, place)
      if (login && Number(place.database) > 0) await connection.command('SELECT', place.database)
      return connection
    } catch (error) {
      connection.end()
      throw error
    }
  }
}

/** A connection of our own to where a client that was passed in is connected. */
export async function duplicate(client: RedisClient): Promise<RedisConnection> {
  if (isIoredis(client)) {
    // Of a cluster, whose servers tell each other what is published.
    const node = 'nodes' in client ? anyOf((client as IoredisCluster).nodes('master')) : (client as OwnIoredis)
    return connect(node.duplicate(ioredisOptions))
  }
  const node = isNodeRedisCluster(client)
    ? await (client as NodeRedisCluster<OwnNodeRedis>).nodeClient(anyOf(client.masters))
    : (client as OwnNodeRedis)
  return connect(node.duplicate(nodeRedisOptions(node.options?.socket)))
}

function anyOf<Node>(nodes: readonly Node[]): Node {
  const node = nodes[Math.floor(Math.random() * nodes.length)]
  if (!node) throw notConnected()
  return node
}

async function connect(client: OwnNodeRedis | OwnIoredis): Promise<RedisConnection> {
  let lose: (reason: unknown) => void = () => {}
  const lost = new Promise<unknown>((resolve) => {
    lose = resolve
  })
  let ended = false
  const end = (reason: unknown = new Error('The connection has ended')): void => {
    if (ended) return
    ended = true
    lose(reason)
    disconnect(client)
  }
  client.on('error', end)
  client.on('end', () => end())
  const answered = <Answer>(answer: Promise<Answer>): Promise<Answer> =>
    inTime(answer, (late) => {
      end(late)
      return late
    })
  try {
    const connecting = client.connect()
    unref(client)
    await answered(connecting)
    unref(client)
  } catch (error) {
    end(error)
    throw await lost
  }
  const command = async (...words: string[]): Promise<unknown> => {
    try {
      return await answered(send(client, '', words))
    } catch (error) {
      // Clients say of what was under way only that it has ended.
      throw ended ? await lost : error
    }
  }
  return {
    command,
    async publish(...words) {
      const sent = [command('MULTI'), command(...words), command('EXEC')]
      const [, reply, replies] = await Promise.allSettled(sent)
      if (reply?.status !== 'fulfilled') throw reply?.reason
      // Who may not use MULTI is answered as ever.
      if (reply.value !== 'QUEUED') return reply.value
      if (replies?.status !== 'fulfilled') throw replies?.reason
      const [result] = replies.value as [unknown]
      if (result instanceof Error) throw result
      return result
    },
    async subscribe(channel, onMessage) {
      if (isIoredis(client)) {
        client.on('message', (_channel, text) => onMessage(String(text)))
        await answered(client.subscribe(channel))
      } else await answered(client.subscribe(channel, (text) => onMessage(String(text))))
    },
    lost,
    end,
  }
}

/** By ioredis the socket is made a moment later. */
function unref(client: OwnNodeRedis | OwnIoredis): void {
  if (isIoredis(client)) setImmediate(() => client.stream?.unref())
  else client.unref()
}

function disconnect(client: OwnNodeRedis | OwnIoredis): void {
  // Without waiting until the server has said good-bye.
  if (isIoredis(client) && client.stream) client.stream.destroy()
  else if (isIoredis(client)) client.disconnect()
  else if (client.isOpen) client.disconnect().catch(() => {})
}

/** For those who may be asked without, and want it only for this. */
export async function logIn(connection: RedisConnection, { username, password }: RedisPlace): Promise<void> {
  await connection.command('AUTH', ...(username === '' ? [] : [username]), password)
}
