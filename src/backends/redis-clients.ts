import { bounded, systemClock } from '../clock.js'

type Listener = (...values: unknown[]) => void
type OnMessage = (text: unknown) => void

/** What is used of a client of the package redis: of `createClient`, `createCluster` or, in version 5, `createSentinel`. */
export interface NodeRedis {
  readonly isOpen: boolean
  sendCommand(...values: never[]): Promise<unknown>
  subscribe(channel: string, listener: OnMessage): Promise<unknown>
  unsubscribe(channel: string, listener: OnMessage): Promise<unknown>
  on(event: string, listener: Listener): unknown
  off(event: string, listener: Listener): unknown
}

/** What is used of a client of the packages ioredis and iovalkey: of `Redis` or `Cluster`. */
export interface Ioredis {
  readonly status: string
  call(command: string, ...words: string[]): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  on(event: string, listener: Listener): unknown
  off(event: string, listener: Listener): unknown
}

export type RedisClient = NodeRedis | Ioredis

/** Of `createCluster`. */
export interface NodeRedisCluster<Node = unknown> extends NodeRedis {
  readonly masters: readonly object[]
  nodeClient(node: object): Promise<Node>
}

/** What a subscriber is told. */
export interface Heard {
  message(text: string): void
  /** A client has connected again by itself. */
  missed(): void
  lost(error: unknown): void
}

/** Milliseconds. */
export const patience = 5000

export const isIoredis = (client: RedisClient): client is Ioredis => 'call' in client

export const isNodeRedisCluster = (client: RedisClient): client is NodeRedisCluster => 'nodeClient' in client

/** Of `createSentinel`. */
export const isNodeRedisSentinel = (client: RedisClient): client is NodeRedis => 'getSentinelNode' in client

interface ClientOptions {
  host?: string
  port?: number
  db?: number
  database?: number
  socket?: { host?: string; port?: number }
  sentinels?: { host?: string; port?: number }[] | null
  name?: string
}

/** Where a client that was passed in is connected, for people. Those of clusters do not say it. */
export function addressOf(client: RedisClient): string {
  const { options } = client as { options?: ClientOptions }
  const { host, port = 6379, db = 0, database = db, sentinels, name } = { ...options, ...options?.socket }
  if (sentinels) {
    return `redis+sentinel://${sentinels.map((one) => `${one.host}:${one.port ?? 26379}`)}/${name}`
  }
  const place = `redis://${host}:${port}${database === 0 ? '' : `/${database}`}`
  return host === undefined ? 'redis: (a client that was passed in)' : place
}

/** Has the client send a command; where it knows many servers, to the one that has the key. */
export function send(client: RedisClient, key: string, words: readonly string[]): Promise<unknown> {
  if (isIoredis(client)) {
    const [command = '', ...more] = words
    // Iovalkey knows only small letters as those that a subscriber may send.
    return client.call(command.toLowerCase(), ...more).catch((error) => {
      // A command holds the password, or the state, and would be shown with the error.
      delete error.command
      throw error
    })
  }
  const first = isNodeRedisCluster(client) ? [key, false] : isNodeRedisSentinel(client) ? [false] : []
  // Replies as text, whatever else is set for this client.
  return client.sendCommand(...([...first, words, { typeMapping: {} }] as never[]))
}

/** Clients that were passed in and have been connected once. */
const connectedOnce = new WeakSet<RedisClient>()

/** Nothing is queued in a client that was passed in. Only the first time it is waited for. */
export async function whenReady(client: RedisClient): Promise<void> {
  for (const deadline = Date.now() + patience; !isReady(client); ) {
    if (connectedOnce.has(client) || Date.now() > deadline) throw notConnected()
    await new Promise<void>((resolve) => systemClock.setTimer(resolve, 20))
  }
  if (!isIoredis(client) || client.status === 'ready') connectedOnce.add(client)
}

function isReady(client: RedisClient): boolean {
  // That of `wait` connects with its first command.
  if (isIoredis(client)) return client.status === 'ready' || client.status === 'wait'
  if (isNodeRedisCluster(client)) return client.isOpen && client.masters.length > 0
  return (client as NodeRedis & { isReady: boolean }).isReady
}

export const notConnected = (): Error => new Error('the client that was passed in is not connected')

/** Hears a channel over a client that was passed in. Resolves to a function that ends it. */
export async function listenOn(client: RedisClient, channel: string, heard: Heard): Promise<() => Promise<void>> {
  const { subscribe, unsubscribe } = isIoredis(client)
    ? ioredisChannel(client, channel, heard.message)
    : nodeRedisChannel(client, channel, heard.message)
  // It may be connected a moment before it has subscribed again.
  const again = (): void => void subscribe().then(heard.missed, () => {})
  const stop = async (): Promise<void> => {
    for (const event of connectedAgain) client.off(event, again)
    const done = inTime(unsubscribe()).catch(() => {})
    if (isReady(client)) await done
  }
  try {
    await inTime(subscribe())
    for (const event of connectedAgain) client.on(event, again)
    return stop
  } catch (error) {
    void stop()
    throw error
  }
}

interface Channel {
  /** As often as wanted. */
  subscribe(): Promise<unknown>
  unsubscribe(): Promise<unknown>
}

function nodeRedisChannel(client: NodeRedis, channel: string, message: (text: string) => void): Channel {
  const onMessage: OnMessage = (text) => message(String(text))
  return {
    subscribe: async () => client.subscribe(channel, onMessage),
    unsubscribe: async () => client.unsubscribe(channel, onMessage),
  }
}

/** Who hears a channel of a client which does not keep count. */
const hearing = new WeakMap<Ioredis, Map<string, Set<Channel>>>()

function ioredisChannel(client: Ioredis, channel: string, message: (text: string) => void): Channel {
  const channels = hearing.get(client) ?? new Map<string, Set<Channel>>()
  const all = channels.get(channel) ?? new Set()
  hearing.set(client, channels.set(channel, all))
  const onMessage: Listener = (from, text) => {
    if (from === channel) message(String(text))
  }
  const one: Channel = {
    async subscribe() {
      if (!all.has(one)) client.on('message', onMessage)
      all.add(one)
      await client.subscribe(channel)
    },
    async unsubscribe() {
      client.off('message', onMessage)
      all.delete(one)
      if (all.size === 0) await client.unsubscribe(channel)
    },
  }
  return one
}

/** Of a client; of a cluster of ioredis; of a client of `createSentinel`. */
const connectedAgain = ['ready', '+node', 'topology-change']

/** Fails with what `late` makes of the error, where there is no answer in time. */
export function inTime<Answer>(
  answer: Promise<Answer>,
  late: (error: Error) => Error = (error) => error,
): Promise<Answer> {
  const error = (): Error => Object.assign(new Error(`no answer within ${patience / 1000} s`), { code: 'ETIMEDOUT' })
  return bounded(systemClock, answer, { milliseconds: patience, late: () => late(error()) })
}
