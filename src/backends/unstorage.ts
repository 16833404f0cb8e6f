import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'
import { customBackend } from './custom.js'

/** What is used of a storage of unstorage. */
export interface UnstorageStorage {
  getItem(key: string): Promise<unknown>
  setItem(key: string, value: string, options?: { ttl: number }): Promise<unknown>
  watch?(onChange: (event: 'update' | 'remove', key: string) => void): Promise<() => unknown>
  getMount?(key: string): { driver: UnstorageDriver }
}

/** What is looked at of a driver. */
export interface UnstorageDriver {
  readonly name?: string
  readonly options?: unknown
  readonly setItem?: unknown
  readonly watch?: unknown
}

export interface UnstorageBackendOptions {
  /** What `createStorage` or `useStorage` gave. It is not closed. */
  storage: UnstorageStorage
  /** Which state it is, where several apps share a storage. Default: the one without a key. */
  key?: string | undefined
  /** Where the storage is, for people and messages, without any secret. Default: `unstorage:` and the driver's name. */
  address?: string | undefined
}

interface DriverOptions {
  base?: unknown
  readOnly?: unknown
  watchOptions?: { persistent?: unknown }
}

/**
 * Keeps the state in a storage of unstorage. It cannot compare and set: two operators who switch at the same moment can
 * overwrite each other.
 *
 * @throws SettingError for a key of other characters than letters, digits, `_`, `.` and `-`
 *
 * @example
 * ```ts
 * import { createStorage } from 'unstorage'
 * import fsDriver from 'unstorage/drivers/fs'
 *
 * const stateBackend = unstorageBackend({ storage: createStorage({ driver: fsDriver({ base: './data' }) }) })
 * ```
 */
export function unstorageBackend({ storage, key = '', address }: UnstorageBackendOptions): StateBackend {
  // Not `maintenance-mode:shop`: drivers that keep files would make a folder of what is a file.
  const name = key === '' ? 'maintenance-mode.json' : `maintenance-mode.${key}.json`
  const driver = storage.getMount?.(name).driver ?? { setItem: true }
  const options = (driver.options ?? {}) as DriverOptions
  const writable = driver.setItem !== undefined && options.readOnly !== true
  const place = address ?? addressOf(driver, options, key)

  const set = async (item: string, text: string): Promise<void> => {
    if (!writable) throw new StateBackendError(`The state at ${place} cannot be written: its driver only reads.`)
    // Without a time to live, whatever that of the driver is.
    await storage.setItem(item, text, { ttl: 0 })
  }

  const backend = customBackend({
    address: place,
    key,
    read: async () => toText(await storage.getItem(name)),
    write: (text) => set(name, text),
    async keepAside(text) {
      const aside = name.replace(/json$/, `damaged-${new Date().toISOString().replace(/[-:.]/g, '')}.json`)
      await set(aside, text)
      return `${aside} in the same storage`
    },
    watch: watches(driver, options)
      ? (onChange) =>
          (storage as Required<UnstorageStorage>).watch((_, changed) => {
            // A storage with a prefix tells the whole name.
            if (changed.endsWith(name)) onChange()
          })
      : undefined,
  })
  return { ...backend, capabilities: { ...backend.capabilities, writable } }
}

/** A storage gives what it makes of a text: of JSON, what it stands for. This is how a document of ours looks as text. */
function toText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'string') return value
  // Drivers that keep files give, instead of throwing, the error of a file that cannot be read.
  if (value instanceof Error) throw value
  return `${JSON.stringify(value, null, 2)}\n`
}

function watches({ name, watch }: UnstorageDriver, { watchOptions }: DriverOptions): boolean {
  // Its watcher would keep the process alive.
  return watch !== undefined && (name !== 'fs' || watchOptions?.persistent === false)
}

function addressOf({ name = 'custom' }: UnstorageDriver, { base }: DriverOptions, key: string): string {
  // What is true of `memory:` is true of it: no command reaches it, and a restart forgets it.
  if (name === 'memory' || name === 'lru-cache') return 'memory:'
  const folder = name.startsWith('fs') && typeof base === 'string' ? `:${base}` : ''
  return `unstorage:${name}${folder}${key === '' ? '' : `?key=${key}`}`
}
