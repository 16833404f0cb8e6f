import { messageOf } from '../errors.js'
import { logIn, type OpenRedis, type RedisConnection } from './redis-connection.js'
import type { RedisPlace, RedisServer } from './redis-url.js'

interface Found {
  connection: RedisConnection
  /** Which has said so, and says when it is so no more. */
  sentinel?: RedisConnection
}

/**
 * Connects to the server that has the key now. Sentinels, and servers of a cluster, are asked all at once: what the first
 * one says that is right counts, and none that is out of reach is waited for.
 */
export async function locate(place: RedisPlace, key: string, open: OpenRedis): Promise<RedisConnection> {
  const opened = new Map<string, Promise<RedisConnection>>()
  let found: Found | undefined
  const openOnce: OpenRedis = (server, login) => {
    const name = `${server.host} ${server.port}`
    const connection = opened.get(name) ?? (found ? Promise.reject(new Error('not needed')) : open(server, login))
    opened.set(name, connection)
    return connection
  }
  const find = {
    single: async (server: RedisServer): Promise<Found> => ({ connection: await openOnce(server, true) }),
    sentinel: (server: RedisServer) => masterOf(place, server, openOnce),
    cluster: (server: RedisServer) => ownerOf(key, server, openOnce),
  }[place.kind]
  try {
    found = await Promise.any(place.servers.map(find))
    const { connection, sentinel } = found
    void connection.lost.then(() => sentinel?.end())
    void sentinel?.lost.then(() => connection.end(new Error('the sentinels may have made another server the master')))
    return connection
  } catch (error) {
    throw mostTelling((error as AggregateError).errors)
  } finally {
    const kept = [found?.connection, found?.sentinel]
    for (const connection of opened.values()) {
      connection.then(
        (one) => kept.includes(one) || one.end(),
        () => {},
      )
    }
  }
}

async function masterOf(place: RedisPlace, server: RedisServer, open: OpenRedis): Promise<Found> {
  const sentinel = await open(server, false)
  const ask = (): Promise<unknown> => sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', place.group)
  const answer = await ask().catch(async (error) => {
    if (!messageOf(error).startsWith('NOAUTH') || place.password === '') throw error
    await logIn(sentinel, place)
    return ask()
  })
  if (!answer) throw new Error(`the sentinel ${server.host}:${server.port} knows no "${place.group}"`)
  const [host, port] = answer as [string, string]
  const connection = await open({ host, port: Number(port) }, true)
  const [role] = (await connection.command('ROLE')) as [string]
  // A sentinel may not know yet.
  if (role !== 'master') throw new Error(`${host}:${port} is no master, as the sentinels say`)
  // An old master may not know for a while either, and loses what it is given until then.
  await sentinel.subscribe('+switch-master', (text) => {
    if (text.startsWith(`${place.group} `)) sentinel.end()
  })
  return { connection, sentinel }
}

async function ownerOf(key: string, server: RedisServer, open: OpenRedis): Promise<Found> {
  let asked = server
  for (let hops = 0; ; hops++) {
    const connection = await open(asked, true)
    try {
      await connection.command('EVAL', 'return 1', '1', key)
      return { connection }
    } catch (error) {
      if (serverIn(error, 'ASK', asked)) return { connection }
      const owner = serverIn(error, 'MOVED', asked)
      if (!owner || hops === 5) throw error
      asked = owner
    }
  }
}

/** The server that an error names: `MOVED 3999 10.0.0.7:6381`. Without a host it is the one that was asked. */
export function serverIn(error: unknown, word: 'MOVED' | 'ASK', asked?: RedisServer): RedisServer | undefined {
  const [, said, host = '', port] = /^([A-Z]+) \d+ (.*):(\d+)$/.exec(messageOf(error)) ?? []
  if (said !== word) return undefined
  return { host: host || (asked?.host ?? ''), port: Number(port) }
}

/** Rather what a server said than that another one was out of reach. */
function mostTelling(errors: readonly unknown[]): unknown {
  return errors.find((error) => (error as { code?: unknown }).code === undefined) ?? errors[0]
}
