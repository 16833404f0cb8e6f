import { StateConflictError, StateDamagedError } from '../errors.js'
import { parseDocument, revisionOf } from '../state/document.js'
import type { Presence, PresenceRecord, StateBackend, StoredState } from './backend.js'

/**
 * Keeps the state in this process alone: for tests, and for an app of one process that is switched from its own code.
 * A restart, or another process (the command line for one), knows nothing of it.
 */
export function memoryBackend(): StateBackend {
  let stored: StoredState | undefined
  let telling = false
  const listeners = new Set<{ onChange: () => void }>()

  function tell(): void {
    if (telling) return
    telling = true
    queueMicrotask(() => {
      telling = false
      for (const listener of [...listeners]) if (listeners.has(listener)) listener.onChange()
    })
  }

  return {
    address: 'memory:',
    capabilities: { compareAndSet: true, watch: true, presence: true, writable: true },
    presence: memoryPresence(),
    absentMeansOff: true,
    async read() {
      return stored
    },
    readSync: () => stored,
    async write(document, { expected, replaceDamaged = false }) {
      if (stored && !replaceDamaged) refuseDamaged(stored.document)
      const revision = stored?.revision ?? 0
      if (revision !== expected) {
        throw new StateConflictError(
          `The state in memory has revision ${revision}, not ${expected}: somebody else changed it. Read it again and repeat the change.`,
        )
      }
      stored = { document, revision: revisionOf(document) }
      tell()
      return undefined
    },
    async watch(onChange) {
      const listener = { onChange }
      listeners.add(listener)
      return async () => {
        listeners.delete(listener)
      }
    },
    async close() {
      listeners.clear()
    },
  }
}

function memoryPresence(): Presence {
  const records = new Map<string, PresenceRecord & { at: number; ttl: number }>()
  return {
    // It has no clock but the instance's own.
    async announce(record, ttl) {
      records.set(record.id, { ...record, at: Date.now(), ttl })
      return undefined
    },
    async list() {
      const now = Date.now()
      for (const { id, at, ttl } of records.values()) if (now - at > ttl) records.delete(id)
      return [...records.values()].map(({ id, text, at }) => ({ id, text, age: Math.max(now - at, 0) }))
    },
    async leave(id) {
      records.delete(id)
    },
  }
}

function refuseDamaged(document: string): void {
  try {
    parseDocument(document)
  } catch (error) {
    throw new StateDamagedError('The state in memory is damaged. Replace it on purpose (`replaceDamaged`).', {
      cause: error,
    })
  }
}
