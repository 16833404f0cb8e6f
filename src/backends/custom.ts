import { bounded, systemClock } from '../clock.js'
import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'
import { assertKey } from './backend-url.js'
import { comparedAccess, type Slot } from './compared.js'
import { backendFailure } from './failure.js'

type Stop = () => unknown

/** Where a state is kept, in as few words as possible: two functions are enough. */
export interface CustomBackendOptions {
  /** The stored text as it was written; `undefined` or `null` where nothing is stored. Changes nothing. */
  read(): string | null | undefined | Promise<string | null | undefined>
  /** Puts a text in the place of what is stored, for good: it must not expire. Throws where it cannot. */
  write(document: string): unknown
  /** Where that is, for people and messages, without any secret. Default: `custom:`. */
  address?: string | undefined
  /** Which state it is, where several apps share a store. Default: the one without a key. */
  key?: string | undefined
  /**
   * Calls `onChange` whenever what is stored may have changed, and `onLost` when it will do so no more; gives a function
   * that ends it. Default: instances poll (`pollInterval`).
   */
  watch?: ((onChange: () => void, onLost: (error: unknown) => void) => Stop | Promise<Stop>) | undefined
  /** Stores a copy of a damaged text elsewhere, and says where. Default: what is damaged is replaced without a copy. */
  keepAside?: ((text: string) => string | Promise<string>) | undefined
}

/**
 * Keeps the state wherever two functions of yours read and write it. It cannot compare and set: a write reads, compares,
 * writes and reads back, so two operators who switch at the same moment can overwrite each other.
 *
 * @throws SettingError for a key of other characters than letters, digits, `_`, `.` and `-`
 *
 * @example
 * ```ts
 * const rows = new Map<string, string>()
 * const stateBackend = customBackend({
 *   address: 'custom:rows',
 *   read: () => rows.get('maintenance-mode'),
 *   write: (document) => rows.set('maintenance-mode', document),
 * })
 * ```
 */
export function customBackend({
  read,
  write,
  address = 'custom:',
  key = '',
  watch,
  keepAside,
}: CustomBackendOptions): StateBackend {
  assertKey(key)
  const watches = new Set<Stop>()
  let writing: Promise<unknown> = Promise.resolve()

  const look = async (): Promise<string | undefined> => {
    const text: unknown = await read()
    if (text === undefined || text === null) return undefined
    if (typeof text === 'string') return text
    throw new StateBackendError(
      `What is read at ${address} is no text (${Object.prototype.toString.call(text)}): \`read\` must give what \`write\` got, as it was.`,
    )
  }

  const slot: Slot<string> = {
    async load() {
      const text = await look()
      return text === undefined ? undefined : { text, token: text }
    },
    async swap(text, before) {
      await write(text)
      for (const pause of pauses) {
        await new Promise((resolve) => setTimeout(resolve, pause))
        const found = await look()
        if (found === text) return true
        if (found !== before) return false
      }
      throw new StateBackendError(
        `The state at ${address} was not written: what was there before is still there, although no error was given. Is it read-only, or out of reach?`,
      )
    },
    keepAside: async (text) => keepAside?.(text),
  }
  const access = comparedAccess(address, slot, (doing, error) => backendFailure(address, doing, error))

  return {
    address,
    key,
    capabilities: { compareAndSet: false, watch: watch !== undefined, presence: false, writable: true },
    absentMeansOff: false,
    read: access.read,
    write(document, condition) {
      // One after the other: the writers of one process, at least, cannot overwrite each other.
      const result = writing.then(() => access.write(document, condition))
      const late = (): Error => new StateBackendError(`No answer from ${address}.`)
      writing = bounded(systemClock, result, { milliseconds: patience, late }).catch(() => {})
      return result
    },
    ...(watch && {
      async watch(onChange, onLost) {
        const end = await watch(() => onChange(), onLost)
        const stop = async (): Promise<void> => {
          if (watches.delete(stop)) await end()
        }
        watches.add(stop)
        return stop
      },
    }),
    async close() {
      for (const stop of watches) await stop()
    },
  }
}

/** How long is waited, each time, for what was written to be seen. Milliseconds. */
const pauses = [0, 50, 200, 750]

/** A write that takes longer holds up no other. Milliseconds. */
const patience = 10_000
