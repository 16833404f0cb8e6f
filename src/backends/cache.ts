import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'
import { customBackend } from './custom.js'

/** What is used of a Keyv. */
export interface KeyvCache {
  get(key: string): Promise<unknown>
  /** Where a Keyv has it, `get` swallows errors, and this does not. */
  getRaw?(key: string): Promise<{ value?: unknown } | undefined>
  set(key: string, value: string, ttl?: number): Promise<unknown>
  on?(event: 'error', listener: (error: unknown) => void): unknown
  off?(event: 'error', listener: (error: unknown) => void): unknown
  readonly namespace?: string | undefined
  readonly store?: unknown
}

/** What is used of a cache of cache-manager. */
export interface ManagedCache {
  readonly stores: readonly KeyvCache[]
}

export interface CacheBackendOptions {
  /** A Keyv, or a cache of cache-manager. It is not closed. */
  cache: KeyvCache | ManagedCache
  /** Which state it is, where several apps share a cache. Default: the one without a key. */
  key?: string | undefined
  /** Where the cache is, for people and messages, without any secret. Default: `cache:` and the namespace. */
  address?: string | undefined
}

/**
 * Keeps the state in a cache that is there already: Keyv 5, or cache-manager 7. A write that the cache swallows is an
 * error. It cannot compare and set: two operators who switch at the same moment can overwrite each other.
 *
 * @throws SettingError for a key of other characters than letters, digits, `_`, `.` and `-`
 *
 * @example
 * ```ts
 * import { Keyv } from 'keyv'
 *
 * const stateBackend = cacheBackend({ cache: new Keyv() })
 * ```
 */
export function cacheBackend({ cache, key = '', address }: CacheBackendOptions): StateBackend {
  const keyv = 'stores' in cache ? sharedStore(cache.stores) : cache
  const name = key === '' ? 'maintenance-mode' : `maintenance-mode:${key}`
  let listening = false
  let failures = 0
  let failure: unknown

  const note = (error: unknown): void => {
    failures++
    failure = error
  }
  /** Most stores say in an event alone that something has failed; some versions of Keyv end the process if nobody listens. */
  const attempt = async <Result>(
    work: () => Promise<Result>,
    unclear: (result: Result) => boolean,
  ): Promise<Result> => {
    if (!listening) keyv.on?.('error', note)
    listening = true
    const before = failures
    const result = await work()
    if (failures > before && unclear(result)) throw failure
    return result
  }
  const get = async (): Promise<unknown> => (keyv.getRaw ? (await keyv.getRaw(name))?.value : keyv.get(name))
  const set = async (entry: string, text: string): Promise<void> => {
    // Without a time to live, whatever that of the cache is.
    const stored = await attempt(
      () => keyv.set(entry, text, 0),
      (result) => result === false,
    )
    if (stored === false) throw new Error('the cache says that it did not store it')
  }

  const backend = customBackend({
    address: address ?? addressOf(keyv, key),
    key,
    async read() {
      const value = await attempt(get, (found) => found === undefined)
      return value === undefined || typeof value === 'string' ? value : JSON.stringify(value)
    },
    write: (text) => set(name, text),
    async keepAside(text) {
      const aside = `${name}:damaged-${new Date().toISOString().replace(/[-:.]/g, '')}`
      await set(aside, text)
      return `${aside} in the same cache`
    },
  })
  return {
    ...backend,
    async close() {
      listening = false
      keyv.off?.('error', note)
    },
  }
}

function sharedStore(stores: readonly KeyvCache[]): KeyvCache {
  // What the first ones hold in memory is not what other instances have written meanwhile.
  const store = stores.findLast((one) => !isMemory(one)) ?? stores.at(-1)
  if (store) return store
  throw new StateBackendError('The cache given to cacheBackend has no store.')
}

/** What is said of `memory:` is true of a cache that nobody shares: no command reaches it, and a restart forgets it. */
function addressOf(keyv: KeyvCache, key: string): string {
  if (isMemory(keyv)) return 'memory:'
  return `cache:${keyv.namespace ?? ''}${key === '' ? '' : `?key=${key}`}`
}

function isMemory({ store }: KeyvCache): boolean {
  return store instanceof Map || /Memory/.test(store?.constructor?.name ?? '')
}
