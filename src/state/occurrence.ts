import { ruleOf } from './recurrence.js'
import type { Window } from './window.js'

/** A span of time, in milliseconds since the epoch; the end is not part of it, and infinite where it is open. */
export interface Occurrence {
  start: number
  end: number
}

/**
 * The occurrence of a window that goes on at `now`, else the next one; of a window that does not recur, the only one. Its
 * start is infinite where none is left. A rule that this version does not understand is taken for a single span: what it
 * may close stays closed until its `end`, or until somebody says `off`.
 */
export function occurrenceAt(window: Window, now: number): Occurrence {
  const rule = ruleOf(window)
  const begin = Date.parse(window.start)
  if (!rule)
    return { start: begin, end: Math.min(instantOf(window.end), rampOf(window)?.until ?? Number.POSITIVE_INFINITY) }
  return unskipped(window, Math.max(begin, now - rule.duration + 1))
}

/** The first occurrence of a series that begins at or after an instant. */
function unskipped(window: Window, from: number): Occurrence {
  const rule = ruleOf(window)
  if (!rule) return occurrenceAt(window, from)
  let start = rule.next(from)
  while (rule.skipped.has(start)) start = rule.next(start + 1)
  return { start, end: start + rule.duration }
}

/** The span in which a window closes the site: one that holds it closed does so from its first occurrence until `off`. */
export function closingSpan(window: Window, now: number): Occurrence {
  if (!isHeldClosed(window)) return occurrenceAt(window, now)
  return { ...unskipped(window, Date.parse(window.start)), end: Number.POSITIVE_INFINITY }
}

/** A suspension opens the site, so there is nothing for it to hold; what reopens is held no longer. */
export function isHeldClosed(window: Window): boolean {
  return window.holdClosed === true && window.mode !== 'off' && rampOf(window) === undefined
}

/** From none of the visitors to all of them, in milliseconds since the epoch. */
export interface Ramp {
  readonly from: number
  readonly until: number
}

/** How a window reopens, where it does so gently. An occurrence that does is no longer one of its series. */
export function rampOf({ ramp, recurrence }: Window): Ramp | undefined {
  if (ramp === undefined || recurrence !== undefined) return undefined
  return { from: Date.parse(ramp.from), until: Date.parse(ramp.until) }
}

function instantOf(text: string | undefined): number {
  return text === undefined ? Number.POSITIVE_INFINITY : Date.parse(text)
}

/** The occurrences that go on at `now` or come after it: at most so many, and none that begins at `until` or later. */
export function occurrencesFrom(
  window: Window,
  now: number,
  count: number,
  until: number = Number.POSITIVE_INFINITY,
): Occurrence[] {
  const found: Occurrence[] = []
  let next = occurrenceAt(window, now)
  while (found.length < count && next.start < until && next.end > now) {
    found.push(next)
    if (ruleOf(window) === undefined) break
    next = occurrenceAt(window, next.end)
  }
  return found
}

/** Where a window is in its life. `undefined`: it has not even been announced. */
export type Phase = 'announced' | 'active' | 'verifying' | 'reopening' | 'done'

/** Derived from the stored times and the clock, and stored nowhere: of a series, that of the current or next occurrence. */
export function phaseOf(window: Window, now: number): Phase | undefined {
  const { start, end } = occurrenceAt(window, now)
  const { from: reopens = Number.POSITIVE_INFINITY } = rampOf(window) ?? {}
  if (start <= now && now < end) return reopens <= now ? 'reopening' : 'active'
  if (isHeldClosed(window) && closingSpan(window, now).start <= now) return 'verifying'
  if (start <= now || start === Number.POSITIVE_INFINITY) return 'done'
  return now >= announcedFrom(window, start) ? 'announced' : undefined
}

/** When people begin to be told of the occurrence that starts then. */
export function announcedFrom(window: Window, start: number): number {
  const rule = ruleOf(window)
  if (rule) return start - (rule.announce ?? 0)
  return window.announceFrom === undefined ? start : Date.parse(window.announceFrom)
}
