import type { StateBackend, StoredState } from '../../src/backends/backend.js'
import { revisionOf, serializeDocument } from '../../src/state/document.js'
import type { StateDocument } from '../../src/state/window.js'

/** A backend that does what a test says. */
export interface ScriptedBackend extends StateBackend {
  absentMeansOff: boolean
  /** What is stored, as text. */
  stored: string | undefined
  /** What reading and writing rejects with. */
  failure: Error | undefined
  /** What watching rejects with. */
  watchFailure: Error | undefined
  /** How often it has been read, and how often written. */
  reads: number
  writes: number
  watchTries: number
  readonly watchers: number
  store(document: StateDocument): void
  /** Tells who watches, with what is stored or without. */
  tell(stored?: string): void
  /** Ends the watching, as a connection does that is cut. */
  lose(error: Error): void
  /** From now on reads see what is stored now, and answer when the returned function is called. */
  hold(): () => void
}

interface Listener {
  onChange(stored?: StoredState): void
  onLost(error: unknown): void
}

export function scriptedBackend(document?: StateDocument): ScriptedBackend {
  const listeners = new Set<Listener>()
  let released: Promise<void> | undefined

  const backend: ScriptedBackend = {
    address: 'script:',
    capabilities: { compareAndSet: true, watch: true, presence: false, writable: true },
    absentMeansOff: true,
    stored: document && serializeDocument(document),
    failure: undefined,
    watchFailure: undefined,
    reads: 0,
    writes: 0,
    watchTries: 0,
    get watchers() {
      return listeners.size
    },
    store(next) {
      backend.stored = serializeDocument(next)
    },
    tell(document) {
      const stored = document === undefined ? undefined : { document, revision: revisionOf(document) }
      for (const { onChange } of listeners) onChange(stored)
    },
    lose(error) {
      for (const { onLost } of [...listeners]) onLost(error)
      listeners.clear()
    },
    hold() {
      let release = (): void => {}
      released = new Promise((resolve) => {
        release = resolve
      })
      return () => {
        released = undefined
        release()
      }
    },
    async read() {
      backend.reads++
      const { stored, failure } = backend
      await released
      if (failure) throw failure
      return stored === undefined ? undefined : { document: stored, revision: revisionOf(stored) }
    },
    async write(text) {
      if (backend.failure) throw backend.failure
      backend.writes++
      backend.stored = text
      return undefined
    },
    async watch(onChange, onLost) {
      backend.watchTries++
      if (backend.watchFailure) throw backend.watchFailure
      const listener = { onChange, onLost }
      listeners.add(listener)
      return async () => void listeners.delete(listener)
    },
  }
  return backend
}
