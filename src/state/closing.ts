import { effectiveMode, hasEnded, isLive, isLiveLease } from './effective-mode.js'
import { change, entry } from './history.js'
import { closingSpan, occurrenceAt } from './occurrence.js'
import { ruleOf } from './recurrence.js'
import { type Actor, hasName, toInstant } from './terms.js'
import type { Transition } from './transitions.js'
import type { StateDocument, Window } from './window.js'

export interface Closed {
  closed: Window[]
  /** When everybody is let in, where that goes little by little, in milliseconds since the epoch. */
  reopening: number | undefined
  /** What still closes the site. */
  remaining: Window[]
}

export interface CloseTerms {
  scope: string
  id?: string | undefined
  holder?: string | undefined
  all?: boolean | undefined
  /** What closes now goes on to do so for as long, for fewer and fewer visitors. Milliseconds. */
  ramp?: number | undefined
}

/**
 * Closes. Without an id: the windows of the scope that were opened by hand (also those that have not started, and
 * lapsed leases that were kept), and the current occurrence of a plan. With one: that window alone, and with a holder
 * only if it is held by them. `all` takes every scope, and live leases too. Of a plan never what is to come.
 */
export function closeWindows(document: StateDocument, ask: CloseTerms, actor: Actor, now: number): Transition<Closed> {
  const isAsked = (window: Window): boolean => {
    if (!ask.all && window.scope !== ask.scope) return false
    if (ask.holder !== undefined && window.holder !== ask.holder) return false
    if (window.origin === 'planned' && !isLive(window, now)) return false
    if (ask.id !== undefined) return window.id === ask.id
    return ask.all || !isLiveLease(window, now)
  }
  const asked = document.windows.filter(
    (window) => !hasEnded(window, now) && isAsked(window) && (ask.ramp === undefined || window.ramp === undefined),
  )
  const closed = asked.map((window) => currentOccurrence(window, now))
  const until = ask.ramp === undefined ? undefined : toInstant(now + ask.ramp)
  const ramped = closed.flatMap((window) => (until && isClosing(window, now) ? [withRamp(window, until, now)] : []))
  const kept = document.windows.flatMap((window) => (asked.includes(window) ? restOf(window, now) : [window]))
  const entries = closed.map((window) => {
    const ramp = ramped.find((one) => hasName(one, window))
    return ramp ? entry('ramp', ramp, actor, now) : entry('close', window, actor, now)
  })
  const next = closed.length === 0 ? document : change(document, [...kept, ...ramped.map(apart(kept))], entries, now)
  const { windows, ramps } = effectiveMode(next, now, ask.scope)
  return {
    document: next,
    result: {
      closed,
      reopening: ramps && Math.max(...ramps.map((ramp) => ramp.until)),
      remaining: windows.filter(({ ramp }) => ramp === undefined),
    },
  }
}

function isClosing(window: Window, now: number): boolean {
  return window.mode !== 'off' && isLive(window, now)
}

/** It closes until the ramp ends, whatever its end was, and nobody holds it any longer. */
function withRamp(window: Window, until: string, now: number): Window {
  const { recurrence, expectedEnd, holdClosed, holder, leaseUntil, onLapse, ...rest } = window
  const origin = window.origin === 'leased' ? 'manual' : window.origin
  return { ...rest, origin, end: until, ramp: { from: toInstant(now), until } }
}

/** Beside the series that it is an occurrence of, it needs a name of its own. */
function apart(others: readonly Window[]): (window: Window) => Window {
  return (window) =>
    others.some((other) => hasName(other, window)) ? { ...window, id: `${window.id}-reopening` } : window
}

/** Closed again while it reopened: what the ramp had set is gone. */
export function withoutRamp({ ramp, ...window }: Window): Window {
  if (ramp && window.end === ramp.until) delete window.end
  return window
}

/** A window with the times of the occurrence that goes on, or that it is held closed by. */
function currentOccurrence(window: Window, now: number): Window {
  const { start } = closingSpan(window, now)
  if (ruleOf(window) === undefined || start > now) return window
  return { ...window, start: toInstant(start), end: toInstant(occurrenceAt(window, start).end) }
}

/** What is left of a window that is closed: of a series all that begins later. Of a rule that is not understood nothing is. */
function restOf(window: Window, now: number): Window[] {
  return ruleOf(window) === undefined ? [] : [{ ...window, start: toInstant(now + 1) }]
}
