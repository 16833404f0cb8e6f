import type { Presence, PresenceSighting, StateBackend, StoredState } from '../backends/backend.js'
import { memoryBackend } from '../backends/memory.js'
import type { Clock } from '../clock.js'

/** What one handle meets when it asks the engine: the truth, or what a fault makes of it. */
export interface Sight extends Pick<StateBackend, 'read' | 'write'>, Presence {}

/** The engine as it is. `note` is told what is stored. */
export function truthOf(backend: StateBackend, note: (stored: StoredState | undefined) => void): Sight {
  const { presence } = backend
  return {
    async read() {
      const stored = await backend.read()
      note(stored)
      return stored
    },
    async write(document, condition) {
      const report = await backend.write(document, condition)
      note({ document, revision: condition.next })
      return report
    },
    announce: async (record, ttl) => presence?.announce(record, ttl),
    list: async () => (await presence?.list()) ?? [],
    leave: async (id) => presence?.leave(id),
  }
}

/** Every call goes this way. */
export function throughAll(truth: Sight, pass: <Answer>(work: () => Promise<Answer>) => Promise<Answer>): Sight {
  return {
    read: () => pass(() => truth.read()),
    write: (document, condition) => pass(() => truth.write(document, condition)),
    announce: (record, ttl) => pass(() => truth.announce(record, ttl)),
    list: () => pass(() => truth.list()),
    leave: (id) => pass(() => truth.leave(id)),
  }
}

/** Does nothing, and says that it did. */
export function lie(answer: () => StoredState | undefined): Sight {
  return {
    read: async () => answer(),
    write: async () => undefined,
    announce: async () => undefined,
    list: async () => [],
    leave: async () => {},
  }
}

/** As the engine is now, for ever. */
export function staleSight(truth: Sight): Sight {
  const state = truth.read()
  const list = truth.list()
  for (const answer of [state, list]) answer.catch(() => {})
  return { ...truth, read: () => state, list: () => list }
}

/** A copy of the engine as it is now, that nobody else reaches. */
export function splitSight(truth: Sight, clock: Clock): Sight {
  const announced = new Map<string, Omit<PresenceSighting, 'age'> & { at: number }>()
  const copy = truth.read().then(async (stored) => {
    const side = memoryBackend()
    if (stored) await side.write(stored.document, { expected: 0, next: stored.revision })
    return side
  })
  copy.catch(() => {})
  return {
    read: async () => (await copy).read(),
    write: async (document, condition) => (await copy).write(document, condition),
    async announce(record) {
      announced.set(record.id, { ...record, at: clock.now() })
      return undefined
    },
    list: async () => [...announced.values()].map(({ id, text, at }) => ({ id, text, age: clock.now() - at })),
    leave: async (id) => void announced.delete(id),
  }
}
