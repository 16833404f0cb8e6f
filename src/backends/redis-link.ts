import { systemClock } from '../clock.js'
import { messageOf } from '../errors.js'
import {
  type Heard,
  inTime,
  isNodeRedisSentinel,
  listenOn,
  patience,
  type RedisClient,
  send,
  whenReady,
} from './redis-clients.js'
import { duplicate, type RedisConnection, redisOpener } from './redis-connection.js'
import { locate, serverIn } from './redis-locate.js'
import type { RedisPlace, RedisServer } from './redis-url.js'

/** The way to the server that has the state, whoever connects. */
export interface RedisLink {
  command(...words: string[]): Promise<unknown>
  /** For what is told to those who listen. */
  publish(...words: string[]): Promise<unknown>
  /** Resolves, once messages are heard, to a function that ends it. */
  subscribe(channel: string, heard: Heard): Promise<() => Promise<void>>
  /** Finds out whether what was subscribed to is still connected. */
  check(): void
  /** Ends what was opened here. */
  close(): Promise<void>
}

/** Over connections of our own: one for all commands, one for each subscriber. */
export function openedLink(place: RedisPlace, address: string, key: string): RedisLink {
  const ours = createConnections()
  let current: Promise<RedisConnection> | undefined

  const open = (): Promise<RedisConnection> =>
    ours.open(async () => locate(place, key, await redisOpener(address, place)))

  function connected(): Promise<RedisConnection> {
    if (current) return current
    const opening = open()
    const forget = (): void => {
      if (current === opening) current = undefined
    }
    current = opening
    opening.then(({ lost }) => lost.then(forget), forget)
    return opening
  }

  /** A slot of a cluster is on its way to another server, which has the key already. */
  async function askOther(server: RedisServer, words: readonly string[]): Promise<unknown> {
    const connection = await ours.open(async () => (await redisOpener(address, place))(server, true))
    try {
      await connection.command('ASKING')
      return await connection.command(...words)
    } finally {
      connection.end()
    }
  }

  /** Has the server that has the state do it, also where another one has it now. */
  async function ask(how: 'command' | 'publish', words: readonly string[]): Promise<unknown> {
    for (let first = true; ; first = false) {
      const opening = connected()
      const connection = await opening
      try {
        return await connection[how](...words)
      } catch (error) {
        const asked = serverIn(error, 'ASK')
        if (asked) return askOther(asked, words)
        if (!first || !/^(MOVED|READONLY)\b/.test(messageOf(error))) throw error
        // Nothing was changed there. Others may wait for an answer of it.
        if (current === opening) current = undefined
        systemClock.setTimer(() => connection.end(), patience)
      }
    }
  }

  return {
    command: (...words) => ask('command', words),
    publish: (...words) => ask('publish', words),
    subscribe: async (channel, heard) => ours.subscribe(await open(), channel, heard),
    check: ours.check,
    close: ours.close,
  }
}

/** Over the clients of somebody else, which are never connected, configured or ended here. */
export function givenLink(client: RedisClient, subscriber: RedisClient | undefined, key: string): RedisLink {
  const ours = createConnections()
  const stops = new Set<() => Promise<void>>()
  // That of `createSentinel` has no duplicates, but a connection apart for subscribers.
  const shared = subscriber ?? (isNodeRedisSentinel(client) ? client : undefined)
  const command: RedisLink['command'] = async (...words) => {
    await whenReady(client)
    return inTime(send(client, key, words))
  }
  return {
    command,
    publish: command,
    async subscribe(channel, heard) {
      await whenReady(shared ?? client)
      if (!shared) return ours.subscribe(await ours.open(() => duplicate(client)), channel, heard)
      const stop = await listenOn(shared, channel, heard)
      stops.add(stop)
      return async () => {
        if (stops.delete(stop)) await stop()
      }
    },
    check: ours.check,
    async close() {
      await ours.close()
      const stopping = [...stops].map((stop) => stop())
      stops.clear()
      await Promise.all(stopping)
    },
  }
}

/** The connections that we have opened. */
function createConnections() {
  const connections = new Set<RedisConnection>()
  const subscribers = new Set<RedisConnection>()
  let closed = false

  return {
    async open(connect: () => Promise<RedisConnection>): Promise<RedisConnection> {
      const connection = closed ? undefined : await connect()
      if (!connection || closed) {
        connection?.end()
        throw new Error('the backend was closed')
      }
      connections.add(connection)
      void connection.lost.then(() => connections.delete(connection))
      return connection
    },
    async subscribe(connection: RedisConnection, channel: string, heard: Heard): Promise<() => Promise<void>> {
      try {
        await connection.subscribe(channel, heard.message)
      } catch (error) {
        connection.end()
        throw error
      }
      let stopped = false
      subscribers.add(connection)
      void connection.lost.then((error) => {
        subscribers.delete(connection)
        if (!stopped && !closed) heard.lost(error)
      })
      return async () => {
        stopped = true
        connection.end()
      }
    },
    /** What does not answer ends. */
    check(): void {
      for (const connection of subscribers) connection.command('PING').catch(() => {})
    },
    async close(): Promise<void> {
      closed = true
      for (const connection of connections) connection.end()
    },
  }
}
