import { createCache } from 'cache-manager'
import { Keyv, type KeyvStoreAdapter } from 'keyv'
import { createMaintenance, type Maintenance } from 'maintenance-mode'
import { type CacheBackendOptions, cacheBackend } from 'maintenance-mode/backends/cache'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { serializeDocument } from '../../src/state/document.js'
import { backendSuite } from '../../src/testing/index.js'
import { documentOf } from '../state/windows.js'
import type { Engine } from './engines/engine.js'
import { redisCommand, startRedis } from './engines/redis.js'
import { RedisStore } from './fixtures/keyv-redis.mjs'
import { outlivesOutage } from './polled-outage.js'
import { exported, sharingSuite } from './sharing.js'

let engine: Engine

beforeAll(async () => {
  engine = await startRedis()
})

afterAll(() => engine?.stop())

let states = 0
const newNamespace = (): string => `site-${++states}`
const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }

const first = serializeDocument(documentOf())
const create = { expected: 0, next: 1 }

/** What a Keyv stores under a name of the backend's. */
const entryOf = (value: unknown): string => JSON.stringify({ value })

const redisKeyv = (namespace: string, more = {}, port = engine.port): Keyv =>
  new Keyv({ store: new RedisStore(port) as unknown as KeyvStoreAdapter, namespace, ...more })

/** Ended with the test. */
function keyvOf(...parameters: Parameters<typeof redisKeyv>): Keyv {
  const keyv = redisKeyv(...parameters)
  onTestFinished(() => keyv.disconnect())
  return keyv
}

const caches: Record<string, (keyv: Keyv) => CacheBackendOptions['cache']> = {
  'a Keyv': (keyv) => keyv,
  'cache-manager': (keyv) => createCache({ stores: [keyv] }),
  'cache-manager, with memory before it, that waits for nothing and forgets soon': (keyv) =>
    createCache({ stores: [new Keyv(), keyv], nonBlocking: true, ttl: 10 }),
}

for (const [name, cacheOf] of Object.entries(caches)) {
  backendSuite(
    { describe, it },
    {
      name: `cache, ${name} on Redis`,
      async create() {
        const namespace = newNamespace()
        const made: Keyv[] = []
        const open = () => {
          const keyv = redisKeyv(namespace, { ttl: 10 })
          made.push(keyv)
          return cacheBackend({ cache: cacheOf(keyv) })
        }
        const entry = `${namespace}:maintenance-mode`
        return {
          backend: open(),
          other: async () => open(),
          corrupt: async (text) => void (await redisCommand(engine.port, 'SET', entry, entryOf(text))),
          remove: async () => void (await redisCommand(engine.port, 'DEL', entry)),
          outage: { begin: () => engine.kill(), end: () => engine.start() },
          async cleanup() {
            for (const keyv of made) await keyv.disconnect()
          },
        }
      },
    },
  )
}

backendSuite(
  { describe, it },
  {
    name: 'cache, a Keyv in memory',
    async create() {
      const store = new Map<string, unknown>()
      const backend = cacheBackend({ cache: new Keyv({ store }) })
      return {
        backend,
        other: async () => cacheBackend({ cache: new Keyv({ store }) }),
        corrupt: async (text) => void store.set('keyv:maintenance-mode', entryOf(text)),
        remove: async () => void store.delete('keyv:maintenance-mode'),
        cleanup: async () => backend.close?.(),
      }
    },
  },
)

sharingSuite({
  'a Keyv': () => exported('keyv', { REDIS_PORT: String(engine.port) }),
  'a cache of cache-manager': () => exported('cacheManager', { REDIS_PORT: String(engine.port) }),
})

/** A store of a Keyv, in the hands of a test. */
function storeOf(methods: Partial<Record<'get' | 'set', (key: string, value?: unknown) => unknown>>): KeyvStoreAdapter {
  const listeners: ((error: unknown) => void)[] = []
  const store = {
    get: () => undefined,
    set: () => true,
    delete: () => true,
    clear: () => undefined,
    on: (_: string, listener: (error: unknown) => void) => listeners.push(listener),
    emit: (error: unknown) => {
      for (const listener of listeners) listener(error)
    },
    ...methods,
  }
  return store as unknown as KeyvStoreAdapter
}

describe('a write to a cache', () => {
  const swallowing: Record<string, () => KeyvStoreAdapter> = {
    'whose store fails': () => storeOf({ set: () => Promise.reject(new Error('the store is full')) }),
    'whose store says in an event alone that it failed': () => {
      const store = storeOf({
        async set() {
          ;(store as unknown as { emit(error: Error): void }).emit(new Error('the store is full'))
          return false
        },
      })
      return store
    },
    'whose store says no': () => storeOf({ set: async () => false }),
    'whose store says nothing at all': () => storeOf({ set: async () => undefined }),
  }

  it.each(Object.entries(swallowing))('%s is an error, not a silent success', async (name, store) => {
    for (const cache of [new Keyv({ store: store() }), createCache({ stores: [new Keyv({ store: store() })] })]) {
      const writing = cacheBackend({ cache }).write(first, create)
      await expect(writing).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND' })
      await expect(writing).rejects.toThrow(
        /at cache:keyv (cannot be written: the (store is full|cache says that)|was not written: what was there)/,
      )
      if (/fails|event/.test(name)) await expect(writing).rejects.toThrow('the store is full')
    }
  })

  it('outlives the time to live of the cache', async () => {
    const namespace = newNamespace()
    const keyv = keyvOf(namespace, { ttl: 50 })
    await cacheBackend({ cache: keyv }).write(first, create)
    await cacheBackend({ cache: createCache({ stores: [keyv], ttl: 50 }), key: 'managed' }).write(
      serializeDocument({ ...documentOf(), key: 'managed' }),
      create,
    )
    for (const name of ['maintenance-mode', 'maintenance-mode:managed']) {
      expect(await redisCommand(engine.port, 'PTTL', `${namespace}:${name}`)).toBe('-1')
      expect((await keyv.get(name, { raw: true }))?.expires).toBeUndefined()
    }
  })

  it('leaves a damaged document where it says', async () => {
    const keyv = new Keyv({ store: new Map() })
    await keyv.set('maintenance-mode', '{"format": 1, "id')
    const report = await cacheBackend({ cache: keyv }).write(first, { ...create, replaceDamaged: true })
    const [, name = ''] =
      /^(maintenance-mode:damaged-\d{8}T\d{9}Z) in the same cache$/.exec(report?.keptAside ?? '') ?? []
    expect(await keyv.get(name)).toBe('{"format": 1, "id')
  })
})

describe('a read of a cache', () => {
  it.each([
    ['rejects', { get: () => Promise.reject(new Error('the store is gone')) }, {}],
    [
      'rejects, and the Keyv throws',
      { get: () => Promise.reject(new Error('the store is gone')) },
      { throwOnErrors: true },
    ],
  ])('whose store %s fails, and does not say that nothing is stored', async (_, methods, options) => {
    const backend = cacheBackend({ cache: new Keyv({ store: storeOf(methods), ...options }) })
    await expect(backend.read()).rejects.toThrow('The state at cache:keyv cannot be read: the store is gone.')
  })

  it.each([
    ['with `getRaw`', true],
    ['as older versions are, with `get` alone', false],
  ])('whose store says in an event alone that it failed fails, of a Keyv %s', async (_, raw) => {
    const store = storeOf({
      async get() {
        ;(store as unknown as { emit(error: Error): void }).emit(new Error('the store is gone'))
      },
    })
    const keyv = new Keyv({ store })
    const { get, set, on, off } = keyv
    const old = { namespace: 'keyv', get: get.bind(keyv), set: set.bind(keyv), on: on.bind(keyv), off: off.bind(keyv) }
    const backend = cacheBackend({ cache: raw ? keyv : old })
    await expect(backend.read()).rejects.toThrow('The state at cache:keyv cannot be read: the store is gone.')
  })
})

describe('the state in a cache', () => {
  it('has as many entries as keys, and says where it is', async () => {
    const namespace = newNamespace()
    const keyv = keyvOf(namespace)
    const backends = ['', 'shop'].map((key) => cacheBackend({ cache: keyv, key }))
    for (const backend of backends) {
      expect(await backend.read()).toBeUndefined()
      await backend.write(serializeDocument({ ...documentOf(), key: backend.key ?? '' }), create)
    }
    const names = (await redisCommand(engine.port, 'KEYS', `${namespace}:*`)).split('\n').sort()
    expect(names).toEqual([`${namespace}:maintenance-mode`, `${namespace}:maintenance-mode:shop`])
    expect(backends.map(({ address }) => address)).toEqual([`cache:${namespace}`, `cache:${namespace}?key=shop`])
    expect(cacheBackend({ cache: keyv, address: 'cache:eu-1' }).address).toBe('cache:eu-1')
  })

  it.each([
    [
      "another app's",
      entryOf(serializeDocument({ ...documentOf(), key: 'other' })),
      /another app's: its key is "other"/,
    ],
    ['of a newer version', entryOf(JSON.stringify({ ...documentOf(), format: 99 })), /format 99/],
    ['of something else', entryOf({ shop: 'settings' }), /something else than a state/],
  ])('document, %s, is not overwritten', async (_, entry, message) => {
    const namespace = newNamespace()
    await redisCommand(engine.port, 'SET', `${namespace}:maintenance-mode`, entry)
    const maintenance = createMaintenance({ ...quiet, stateBackend: cacheBackend({ cache: keyvOf(namespace) }) })
    onTestFinished(() => maintenance.close())
    await expect(maintenance.setMode('on')).rejects.toThrow(message)
    expect(await redisCommand(engine.port, 'GET', `${namespace}:maintenance-mode`)).toBe(entry)
  })

  it.each<[string, () => CacheBackendOptions['cache']]>([
    ['a Keyv', () => new Keyv()],
    ['a cache of cache-manager', () => createCache()],
  ])('is said to be in memory, which no command reaches, where %s has no other store', (_, cache) => {
    const warnings: string[] = []
    const logger = { warn: (message: string) => void warnings.push(message), error() {} }
    const stateBackend = cacheBackend({ cache: cache() })
    expect(createMaintenance({ ...quiet, logger, stateBackend }).status().stateBackend).toBe('memory:')
    expect(warnings).toEqual([expect.stringMatching(/no command reaches it.*\[memory-backend/)])
  })

  it('is that of the store that others share, not of the memory before it', async () => {
    const namespace = newNamespace()
    const make = (): Maintenance => {
      const cache = createCache({ stores: [new Keyv(), keyvOf(namespace)] })
      const maintenance = createMaintenance({ ...quiet, stateBackend: cacheBackend({ cache }) })
      onTestFinished(() => maintenance.close())
      return maintenance
    }
    const [one, two] = [make(), make()]
    await one.setMode('on')
    expect((await two.refresh()).mode).toBe('on')
    await two.setMode('off')
    expect((await one.refresh()).mode).toBe('off')
  })

  it('is decided by while the engine is down, and current again with the next poll', { timeout: 30_000 }, async () => {
    const namespace = newNamespace()
    await outlivesOutage(engine, () => cacheBackend({ cache: keyvOf(namespace) }), `cache:${namespace}`)
  })
})

describe('a cache that was passed in', () => {
  it('is not closed, and has no listener any more when the backend is closed', async () => {
    const keyv = keyvOf(newNamespace())
    const disconnect = vi.spyOn(keyv, 'disconnect')
    const before = keyv.listeners('error').length
    const backend = cacheBackend({ cache: keyv })
    expect(keyv.listeners('error')).toHaveLength(before)
    await backend.read()
    await backend.read()
    expect(keyv.listeners('error')).toHaveLength(before + 1)
    await backend.close?.()
    expect(keyv.listeners('error')).toHaveLength(before)
    expect(disconnect).not.toHaveBeenCalled()
    await backend.read()
    await backend.close?.()
    expect(keyv.listeners('error')).toHaveLength(before)
  })

  it('without a store is refused', () => {
    expect(() => cacheBackend({ cache: { stores: [] } })).toThrow(/has no store/)
    expect(() => cacheBackend({ cache: new Keyv(), key: 'a b' })).toThrow(/names the key "a b"/)
  })
})
