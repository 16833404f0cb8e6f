import { MaintenanceError } from '../errors.js'
import { limits } from './document.js'
import { hasEnded } from './effective-mode.js'
import { type Actor, toInstant } from './terms.js'
import type { HistoryEntry, StateDocument, Window } from './window.js'

/** However much is planned, the site can be closed by hand. */
const forEmergencies = 10

/** The document with these windows and entries; what has ended by the clock goes into the history on the way. */
export function change(
  document: StateDocument,
  windows: Window[],
  entries: HistoryEntry[],
  now: number,
): StateDocument {
  const ended = windows.filter((window) => hasEnded(window, now))
  const live = windows.filter((window) => !ended.includes(window))
  const byHand = live.some((window) => window.origin === 'manual' && !document.windows.includes(window))
  const most = byHand ? limits.windows : limits.windows - forEmergencies
  if (live.length > most && live.length > document.windows.length) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_LIMIT',
      `The state already holds ${most} windows, the most it takes. Close some first: \`status\` lists them; \`schedule remove\` takes plans away.`,
    )
  }
  const history = [...document.history, ...ended.map(endEntry), ...entries].slice(-limits.history)
  return { ...document, windows: live, history }
}

/** What has ended by the clock, and stands in no history yet. */
export function endings({ windows }: StateDocument, now: number): HistoryEntry[] {
  return windows.filter((window) => hasEnded(window, now)).map(endEntry)
}

export function entry(action: HistoryEntry['action'], window: Window, actor: Actor, now: number): HistoryEntry {
  const { id, mode, scope, start, end, expectedEnd, reason, note } = window
  const told = { start, end, expectedEnd, reason, note }
  const known = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined))
  return { at: toInstant(now), action, window: id, mode, scope, ...known, by: actor.by, from: actor.from }
}

function endEntry(window: Window): HistoryEntry {
  const end = window.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(window.end)
  const lapse = window.leaseUntil === undefined ? Number.POSITIVE_INFINITY : Date.parse(window.leaseUntil)
  const lapsed = lapse < end && hasEnded({ ...window, end: undefined }, lapse)
  return entry(lapsed ? 'lapse' : 'end', window, { by: 'clock', from: 'clock' }, lapsed ? lapse : end)
}
