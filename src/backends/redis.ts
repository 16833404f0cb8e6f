import { type MaintenanceError, messageOf, SettingError } from '../errors.js'
import type { Presence, StateBackend } from './backend.js'
import { assertKey } from './backend-url.js'
import { comparedAccess, toStored } from './compared.js'
import { backendFailure } from './failure.js'
import { addressOf, type RedisClient } from './redis-clients.js'
import { givenLink, openedLink, type RedisLink } from './redis-link.js'
import { announceScript, redisHint, redisNames, seenScript, swapScript, toSightings } from './redis-scripts.js'
import { readRedisUrl } from './redis-url.js'

export type { Ioredis, NodeRedis, RedisClient } from './redis-clients.js'

export interface RedisBackendOptions {
  /**
   * `redis://user:password@host:6379/0`, `redis+sentinel://host1:26379,host2/name` or `redis+cluster://host1,host2`; with
   * `rediss` for TLS. The package `redis`, `ioredis` or `iovalkey` must be installed.
   */
  url?: string | undefined
  /**
   * Instead of `url`: a client of `redis` (`createClient`, `createCluster`, `createSentinel`), or a `Redis` or `Cluster` of
   * `ioredis` or `iovalkey`. It is connected by you, and never ended.
   */
  client?: RedisClient | undefined
  /** A second one, to listen to changes. Default: a duplicate of `client`, which is ended with the backend. */
  subscriber?: RedisClient | undefined
  /** Which state it is, where several apps share a server. Default: that of the URL (`?key=shop`), else the one without a key. */
  key?: string | undefined
}

/**
 * Keeps the state in Redis or Valkey, and tells every instance of changes over pub/sub.
 *
 * @throws SettingError
 * @example
 * ```ts
 * import { createClient } from 'redis'
 *
 * const client = await createClient().on('error', console.error).connect()
 * const stateBackend = redisBackend({ client, key: 'shop' })
 * ```
 */
export function redisBackend(options: RedisBackendOptions): StateBackend {
  const { address, key, link } = resolveLink(options)
  const names = redisNames(key)

  const failure = (doing: string, error: unknown): MaintenanceError =>
    backendFailure(address, doing, error, redisHint(messageOf(error)))
  const seen = async <Result>(work: Promise<Result>): Promise<Result> =>
    work.catch((error) => {
      throw failure('asked for its instances', error)
    })

  const presence: Presence = {
    announce: ({ id, text }, ttl) =>
      seen(link.command('EVAL', announceScript, '1', names.instances, id, String(ttl), text).then(Number)),
    async list() {
      const reply = await seen(link.command('EVAL', seenScript, '1', names.instances))
      const [time, entries] = reply as [string[], [string, string][]]
      return toSightings(entries, time)
    },
    leave: async (id) => void (await seen(link.command('HDEL', names.instances, id))),
  }

  const { read, write } = comparedAccess<string>(
    address,
    {
      async load() {
        const text = await link.command('GET', names.state)
        return typeof text === 'string' ? { text, token: text } : undefined
      },
      async swap(text, token) {
        const read = token === undefined ? [] : [token]
        return (await link.publish('EVAL', swapScript, '1', names.state, text, names.state, ...read)) === 1
      },
      async keepAside(text) {
        const name = names.damaged()
        await link.command('SET', name, text)
        return `${name} (GET it from ${address})`
      },
    },
    failure,
  )

  return {
    address,
    key,
    capabilities: { compareAndSet: true, watch: true, presence: true, writable: true },
    absentMeansOff: false,
    read() {
      // What was dropped in silence would be noticed by nobody.
      link.check()
      return read()
    },
    write,
    async watch(onChange, onLost) {
      try {
        return await link.subscribe(names.state, {
          message: (text) => onChange(toStored(text)),
          missed: () => onChange(),
          lost: (error) => onLost(failure('watched', error)),
        })
      } catch (error) {
        throw failure('watched', error)
      }
    },
    presence,
    close: () => link.close(),
  }
}

function resolveLink(options: RedisBackendOptions): { address: string; key: string; link: RedisLink } {
  const { url, client, subscriber } = options
  if (client) {
    const key = assertKey(options.key ?? '')
    const link = givenLink(client, subscriber, redisNames(key).state)
    return { address: addressOf(client) + (key && `?key=${key}`), key, link }
  }
  if (url === undefined) throw new SettingError('stateBackend', 'redisBackend needs a `url` or a `client`.')
  const read = readRedisUrl(url)
  const key = assertKey(options.key ?? read.key)
  const address = read.address.replace(/(\?.*)?$/, key && `?key=${key}`)
  return { address, key, link: openedLink(read.place, address, redisNames(key).state) }
}
