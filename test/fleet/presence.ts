import type { Presence, PresenceRecord } from '../../src/backends/backend.js'
import type { Clock } from '../../src/clock.js'
import { type InstanceRecord, toPresence } from '../../src/fleet/instance.js'

/** A list of instances that does what a test says. */
export interface ScriptedPresence extends Presence {
  /** What every call rejects with. */
  failure: Error | undefined
  /** What it says the time is. */
  time: (() => number) | undefined
  /** Every announcement that has arrived: when, and what. */
  readonly announced: { at: number; ttl: number; record: PresenceRecord }[]
  /** How many announcements are on their way, and the most that ever were. */
  readonly onTheirWay: { now: number; most: number }
  readonly left: string[]
  lists: number
  /** From now on announcements arrive when the returned function is called. */
  hold(): () => void
  /** Puts an instance in the list that announced itself so long ago. */
  put(instance: Partial<InstanceRecord> & { id: string }, age?: number): void
  /** What the instances say of themselves, without the announcements that were taken back. */
  said(): Record<string, unknown>[]
}

export function scriptedPresence(clock: Clock): ScriptedPresence {
  const records = new Map<string, PresenceRecord & { at: number }>()
  let released: Promise<void> | undefined

  const presence: ScriptedPresence = {
    failure: undefined,
    time: undefined,
    announced: [],
    onTheirWay: { now: 0, most: 0 },
    left: [],
    lists: 0,
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
    put(instance, age = 0) {
      const record = toPresence({ ...ready, ...instance })
      records.set(instance.id, { ...record, at: clock.now() - age })
    },
    said: () => [...records.values()].map(({ text }) => JSON.parse(text)),
    async announce(record, ttl) {
      const { onTheirWay, announced } = presence
      onTheirWay.now++
      onTheirWay.most = Math.max(onTheirWay.most, onTheirWay.now)
      await released
      onTheirWay.now--
      if (presence.failure) throw presence.failure
      announced.push({ at: clock.now(), ttl, record })
      records.set(record.id, { ...record, at: clock.now() })
      return presence.time?.()
    },
    async list() {
      presence.lists++
      if (presence.failure) throw presence.failure
      return [...records.values()].map(({ id, text, at }) => ({ id, text, age: clock.now() - at }))
    },
    async leave(id) {
      if (presence.failure) throw presence.failure
      presence.left.push(id)
      records.delete(id)
    },
  }
  return presence
}

/** An instance that decides by revision 1 of the document `state`. */
export const ready: InstanceRecord = {
  id: 'web-1',
  host: 'host',
  process: '17',
  version: '1.0.0',
  document: 'state',
  revision: 1,
  snapshot: 'ready',
  mode: 'on',
  pinned: false,
  at: 0,
  clockDifference: undefined,
  scopes: ['billing'],
  inFlight: { count: 0, draining: 0, oldest: [] },
  tenants: false,
  settings: '01234567',
}
