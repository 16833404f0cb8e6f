import fc from 'fast-check'
import type { Phase } from '../../src/state/occurrence.js'
import type { Window } from '../../src/state/window.js'
import { at, minute, zero } from './windows.js'

export const horizon = 40

const unknownSeries = { cron: 'every night', timezone: 'UTC', duration: '1h' }

/** Every so many minutes of the hour; some occurrences are skipped. */
const anySeries = fc
  .record({
    every: fc.constantFrom(5, 6, 10, 15),
    length: fc.integer({ min: 1, max: 4 }),
    announce: fc.option(fc.integer({ min: 1, max: 7 })),
    skip: fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 3 }),
  })
  .map(({ every, length, announce, skip }) => ({
    cron: `*/${every} * * * *`,
    timezone: 'UTC',
    duration: `${length}m`,
    ...(announce !== null && { announce: `${announce}m` }),
    ...(skip.length > 0 && { skip: skip.map((place) => at(place * every)) }),
  }))

/** Windows whose times are whole minutes, so that a simulation of every minute sees all that happens. */
const anyWindow: fc.Arbitrary<Window> = fc
  .record({
    origin: fc.constantFrom('manual', 'planned', 'leased', 'leased', 'automatic'),
    mode: fc.constantFrom('on', 'on', 'off', 'off', 'read-only', 'read-only', 'hold', 'lilac'),
    scope: fc.constantFrom('*', '*', '*', 'billing', 'billing', 'shop'),
    start: fc.integer({ min: -5, max: 20 }),
    length: fc.option(fc.integer({ min: 0, max: 20 })),
    expected: fc.option(fc.integer({ min: -5, max: 30 })),
    announced: fc.option(fc.integer({ min: -6, max: 20 })),
    lease: fc.option(fc.integer({ min: -5, max: 30 })),
    ramp: fc.option(fc.record({ from: fc.integer({ min: -5, max: 20 }), length: fc.integer({ min: 0, max: 20 }) })),
    onLapse: fc.constantFrom(undefined, 'reopen', 'keep', 'sing'),
    holder: fc.constantFrom(undefined, 'a', 'a', 'b'),
    holdClosed: fc.constantFrom(undefined, undefined, undefined, false, true),
    recurrence: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, anySeries, fc.constant(unknownSeries)),
    reason: fc.constantFrom(undefined, undefined, 'Moving'),
  })
  .map(({ start, length, expected, announced, lease, ramp, ...rest }) => {
    const window: Record<string, unknown> = { id: 'w', by: 'ann', from: 'cli', start: at(start), ...rest }
    if (length !== null) window.end = at(start + length)
    if (expected !== null) window.expectedEnd = at(expected)
    if (announced !== null) window.announceFrom = at(announced)
    if (lease !== null) window.leaseUntil = at(lease)
    if (ramp !== null) window.ramp = { from: at(ramp.from), until: at(ramp.from + ramp.length) }
    return JSON.parse(JSON.stringify(window))
  })

export const anyWindows: fc.Arbitrary<Window[]> = fc.array(anyWindow, { maxLength: 6 })
export const anyMinute: fc.Arbitrary<number> = fc.integer({ min: -6, max: horizon })
export const anyScope: fc.Arbitrary<string> = fc.constantFrom('*', 'billing', 'shop', 'nobody')
export const scopes: readonly string[] = ['*', 'billing', 'shop', 'nobody']

/** The rules once more, told as what happens at one minute, window after window. */
export function simulate(windows: readonly Window[], scope: string, now: number, at = now): Window[] {
  let closing: Window[] = []
  let lifted = false
  for (const window of windows) {
    if (window.scope !== '*' && window.scope !== scope) continue
    if (!goesOn(window, at)) continue
    if (isLapsed(window, now) && !outlivesItsLease(window)) continue
    if (window.mode !== 'off') closing.push(window)
    else if (window.recurrence?.cron !== unknownSeries.cron) {
      lifted = true
      closing = closing.filter(({ holder }) => holder === undefined || holder !== window.holder)
    }
  }
  if (!lifted) return closing
  const liftable = (window: Window) =>
    window.origin === 'manual' || window.origin === 'planned' || isLapsed(window, now)
  return closing.filter((window) => !liftable(window))
}

/** As an operator would count, from the mildest on. */
export function simulatedMode(closing: readonly Window[]): string {
  if (closing.some(({ mode }) => mode !== 'hold' && mode !== 'read-only')) return 'on'
  if (closing.some(({ mode }) => mode === 'hold')) return 'hold'
  return closing.length > 0 ? 'read-only' : 'off'
}

/** Whether visitors are let in little by little. */
export function simulatedRamp(closing: readonly Window[], now: number): boolean {
  return (
    closing.length > 0 && closing.every((window) => isSingle(window) && window.ramp && isPast(window.ramp.from, now))
  )
}

/** What is promised for the end of a window that closes now. */
export function promised(window: Window, now: number): string | undefined {
  if (!isSeries(window)) {
    const ends = isSingle(window) && window.ramp ? [window.ramp.until, window.end ?? window.ramp.until] : [window.end]
    return window.expectedEnd ?? (ends.includes(undefined) ? undefined : ends.sort()[0])
  }
  let minute = now
  if (window.holdClosed) {
    minute = -6
    while (!begins(window, minute)) minute++
  }
  while (!begins(window, minute)) minute--
  return at(minute + lengthOf(window))
}

/** Where a window is in its life, as seen by somebody who has watched it minute by minute. */
export function simulatedPhase(window: Window, now: number): Phase | undefined {
  const held = window.holdClosed && window.mode !== 'off' && !(isSingle(window) && window.ramp)
  if (isSeries(window)) {
    const recent = Array.from({ length: lengthOf(window) }, (_, index) => now - index)
    if (recent.some((minute) => begins(window, minute))) return 'active'
    if (held && Array.from({ length: now + 7 }, (_, index) => index - 6).some((minute) => begins(window, minute))) {
      return 'verifying'
    }
    let next = now
    while (!begins(window, next)) next++
    return next - now <= Number.parseInt(window.recurrence?.announce ?? '0', 10) ? 'announced' : undefined
  }
  if (!isPast(window.start, now)) {
    return window.announceFrom !== undefined && isPast(window.announceFrom, now) ? 'announced' : undefined
  }
  const over = (window.end !== undefined && isPast(window.end, now)) || isReopened(window, now)
  if (!over) return isSingle(window) && window.ramp && isPast(window.ramp.from, now) ? 'reopening' : 'active'
  return held ? 'verifying' : 'done'
}

function goesOn(window: Window, now: number): boolean {
  const phase = simulatedPhase(window, now)
  return phase === 'active' || phase === 'verifying' || phase === 'reopening'
}

function isReopened(window: Window, now: number): boolean {
  return isSingle(window) && window.ramp !== undefined && isPast(window.ramp.until, now)
}

function isPast(instant: string, now: number): boolean {
  return Date.parse(instant) <= minute(now)
}

function isSingle({ recurrence }: Window): boolean {
  return recurrence === undefined
}

function isSeries({ recurrence }: Window): boolean {
  return recurrence !== undefined && recurrence.cron !== unknownSeries.cron
}

function lengthOf({ recurrence }: Window): number {
  return Number.parseInt(recurrence?.duration ?? '', 10)
}

function begins(window: Window, now: number): boolean {
  const every = Number.parseInt(window.recurrence?.cron.slice(2) ?? '', 10)
  if (minute(now) < Date.parse(window.start) || now % every !== 0) return false
  return !window.recurrence?.skip?.some((start) => Date.parse(start) === zero + now * 60_000)
}

/** What is held at `now` is renewed for ever, as seen from then. */
function isLapsed({ leaseUntil }: Window, now: number): boolean {
  return leaseUntil !== undefined && isPast(leaseUntil, now)
}

function outlivesItsLease({ onLapse, mode }: Window): boolean {
  if (onLapse === 'keep') return true
  return mode !== 'off' && onLapse !== undefined && onLapse !== 'reopen'
}
