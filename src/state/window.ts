import type { Told } from './told.js'

/** `off`; `on`: 503 for all; `read-only`: writes get 503; `hold`: requests wait, bounded, then 503. */
export type Mode = 'off' | 'on' | 'read-only' | 'hold'

/** From the mildest on: where several windows are live, the strictest counts. */
export const modes: readonly Mode[] = ['off', 'read-only', 'hold', 'on']

export function isMode(mode: unknown): mode is Mode {
  return modes.includes(mode as Mode)
}

export type WindowOrigin = 'manual' | 'planned' | 'leased'

/** The scope of the whole site. */
export const wholeSite = '*'

/** The id of the window that a plain `on` opens. */
export const manualId = 'manual'

/** A span of time with a mode, as stored. All instants are ISO 8601 in UTC; the start belongs to the window, the end does not. */
export interface Window {
  /** One hand-opened window per scope and id. */
  id: string
  origin: WindowOrigin
  /** A mode this version does not know counts as `on`. */
  mode: Mode | (string & {})
  scope: string
  start: string
  /** Reopens by itself. */
  end?: string | undefined
  /** Told to people; reopens nothing. */
  expectedEnd?: string | undefined
  /** People are told of a planned one from then on. */
  announceFrom?: string | undefined
  /** The end reopens nothing: `off` does. */
  holdClosed?: boolean | undefined
  /** It reopens gently: from then on a growing share of the visitors is let in, at the end all of them. */
  ramp?: { from: string; until: string } | undefined
  /** The instance or program that renews a lease. */
  holder?: string | undefined
  /** A lease that is not renewed by then has lapsed. */
  leaseUntil?: string | undefined
  /** What a lapsed lease does: `reopen` ends it, `keep` leaves the site closed. Default `reopen`. */
  onLapse?: 'reopen' | 'keep' | undefined
  recurrence?: Recurrence | undefined
  /** Public. */
  reason?: string | undefined
  /** For the history only. */
  note?: string | undefined
  /** Who opened it. */
  by: string
  /** From where: `cli@web-1`, `code@web-1`, `control`. */
  from: string
}

/** A series of occurrences, of which none begins before the window's `start`. It has no `end`, `expectedEnd` and `announceFrom`. */
export interface Recurrence {
  /** Five fields, read by the clocks of the time zone. */
  cron: string
  /** IANA name. */
  timezone: string
  /** Of one occurrence, in real time: `2h`. */
  duration: string
  /** How long before its start an occurrence is announced: `7d`. */
  announce?: string | undefined
  /** The starts of the occurrences that do not take place, as instants. */
  skip?: string[] | undefined
}

/** One line of the history: who did what, when, why, from where. */
export interface HistoryEntry {
  at: string
  action:
    | 'open'
    | 'update'
    | 'extend'
    | 'ramp'
    | 'close'
    | 'keep'
    | 'end'
    | 'lapse'
    | 'plan'
    | 'edit'
    | 'skip'
    | 'remove'
  window: string
  mode: string
  scope: string
  start?: string | undefined
  end?: string | undefined
  expectedEnd?: string | undefined
  reason?: string | undefined
  note?: string | undefined
  by: string
  from: string
}

/** The history decides nothing, so that a document is read whatever stands there. */
export function isHistoryEntry(entry: unknown): entry is HistoryEntry {
  const { at, action } = (entry ?? {}) as Partial<HistoryEntry>
  return typeof at === 'string' && !Number.isNaN(Date.parse(at)) && typeof action === 'string'
}

/** The stored document. */
export interface StateDocument {
  format: number
  /** Random at creation: tells one state from another that replaced it. */
  id: string
  /** Which app's state this is, where several share an engine. */
  key: string
  /** Counts from 1, by one with every write. 0: not written by us. */
  revision: number
  windows: Window[]
  passes: unknown[]
  tokens: unknown[]
  history: HistoryEntry[]
  /** Of which transitions somebody has been told (`notify`). */
  told?: Told | undefined
}
