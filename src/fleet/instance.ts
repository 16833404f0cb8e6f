import * as v from 'valibot'
import type { PresenceRecord, PresenceSighting } from '../backends/backend.js'
import type { SnapshotStatus } from '../snapshot/snapshot.js'
import type { Mode } from '../state/window.js'

/** The requests that an instance is answering. */
export interface InFlight {
  /** While something is closed, only those that had been let in before, and would not be now. */
  count: number
  /** How long it has counted down what had been let in, in milliseconds; `undefined` while nothing is closed. */
  draining?: number | undefined
  /** Of those that are counted down the oldest, ten at most. `age`: for how long at least, in milliseconds. */
  oldest: { method: string; path: string; age: number }[]
}

/** What an instance says of itself. What it did not say, or another version says differently, is `undefined`. */
export interface InstanceRecord {
  /** The setting `instanceId`, or made of host and process. */
  id: string
  host: string | undefined
  /** The id of the process on its host. */
  process: string | undefined
  /** Of this package. */
  version: string | undefined
  /** The id of the state's document that it decides by; `undefined` also where nothing is stored. */
  document: string | undefined
  /** The revision that it has applied. */
  revision: number | undefined
  snapshot: SnapshotStatus | (string & {}) | undefined
  /** The mode that it decides by. */
  mode: Mode | (string & {}) | undefined
  /** Whether the setting `mode` decides. */
  pinned: boolean
  /** Its own clock when it said so, in milliseconds since the epoch. */
  at: number | undefined
  /** Its clock minus that of the state backend, in milliseconds, where the backend tells the time. */
  clockDifference: number | undefined
  /** A short hash of its settings: instances with other settings have another one. */
  settings: string | undefined
  /** The parts of the site that can be closed by themselves (`scopes`). */
  scopes: readonly string[]
  /** `undefined` where it cannot count them: where Node's own requests are out of reach. */
  inFlight: InFlight | undefined
  /** Whether tenants can be closed by themselves. Who they are is not told: they may be many. */
  tenants: boolean
}

/** An instance as the state backend tells of it. */
export interface SeenInstance extends InstanceRecord {
  /** How long ago it last announced itself, by the backend's clock, in milliseconds. */
  age: number
}

/** Windows begin and end by the clock: a greater difference is told. Milliseconds. */
export const clockTolerance = 2000

const text = v.fallback(v.optional(v.string()), undefined)
const number = v.fallback(v.optional(v.number()), undefined)

const inFlightSchema = v.object({
  count: v.number(),
  draining: number,
  oldest: v.array(v.object({ method: v.string(), path: v.string(), age: v.number() })),
})

const recordSchema = v.object({
  host: text,
  process: text,
  version: text,
  document: text,
  revision: number,
  snapshot: text,
  mode: text,
  pinned: v.fallback(v.boolean(), false),
  at: number,
  clockDifference: number,
  settings: text,
  scopes: v.fallback(v.array(v.string()), []),
  inFlight: v.fallback(v.optional(inFlightSchema), undefined),
  tenants: v.fallback(v.boolean(), false),
})

const unknown: Omit<InstanceRecord, 'id'> = {
  host: undefined,
  process: undefined,
  version: undefined,
  document: undefined,
  revision: undefined,
  snapshot: undefined,
  mode: undefined,
  pinned: false,
  at: undefined,
  clockDifference: undefined,
  settings: undefined,
  scopes: [],
  inFlight: undefined,
  tenants: false,
}

/** The record as a backend keeps it. */
export function toPresence({ id, ...told }: InstanceRecord): PresenceRecord {
  return { id, text: JSON.stringify(told) }
}

/** What a backend gave. An instance whose record cannot be read is there all the same. */
export function fromPresence({ id, text, age }: PresenceSighting): SeenInstance {
  return { ...unknown, ...told(text), id, age }
}

/** `web-2` before `web-10`. */
export function byName(a: SeenInstance, b: SeenInstance): number {
  return a.id.localeCompare(b.id, 'en', { numeric: true })
}

function told(text: string): Partial<InstanceRecord> {
  try {
    const result = v.safeParse(recordSchema, JSON.parse(text))
    return result.success ? result.output : {}
  } catch {
    return {}
  }
}
