import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDocument } from '../../src/state/document.js'
import { effectiveMode, hasEnded, isLive, isLiveLease, nextChange } from '../../src/state/effective-mode.js'
import type { Window } from '../../src/state/window.js'
import { at, documentOf, leaseOf, minute, windowOf } from './windows.js'

const horizon = 40

/** Windows whose times are whole minutes, so that a simulation of every minute sees all that happens. */
const anyWindow: fc.Arbitrary<Window> = fc
  .record({
    origin: fc.constantFrom('manual', 'planned', 'leased', 'leased', 'automatic'),
    mode: fc.constantFrom('on', 'on', 'off', 'off', 'read-only', 'hold', 'lilac'),
    scope: fc.constantFrom('*', '*', '*', 'billing'),
    start: fc.integer({ min: -5, max: 20 }),
    length: fc.option(fc.integer({ min: 0, max: 20 })),
    expected: fc.option(fc.integer({ min: -5, max: 30 })),
    lease: fc.option(fc.integer({ min: -5, max: 30 })),
    onLapse: fc.constantFrom(undefined, 'reopen', 'keep', 'sing'),
    holder: fc.constantFrom(undefined, 'a', 'a', 'b'),
    recurring: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  })
  .map(({ start, length, expected, lease, recurring, ...rest }) => {
    const window: Record<string, unknown> = { id: 'w', by: 'ann', from: 'cli', start: at(start), ...rest }
    if (length !== null) window.end = at(start + length)
    if (expected !== null) window.expectedEnd = at(expected)
    if (lease !== null) window.leaseUntil = at(lease)
    if (recurring) window.recurrence = { cron: 'every night', timezone: 'UTC', duration: '1h' }
    return JSON.parse(JSON.stringify(window))
  })

const anyWindows = fc.array(anyWindow, { maxLength: 6 })
const anyMinute = fc.integer({ min: -6, max: horizon })

/** The rules once more, told as what happens at one minute, window after window. */
function simulate(windows: readonly Window[], now: number, at = now): Window[] {
  let closing: Window[] = []
  let siteLifted = false
  for (const window of windows) {
    const started = Date.parse(window.start) <= minute(at)
    const over = window.end !== undefined && minute(at) >= Date.parse(window.end)
    if (!started || over) continue
    if (isLapsed(window, now) && !outlivesItsLease(window)) continue
    if (window.mode !== 'off') closing.push(window)
    else if (window.scope === '*' && !window.recurrence) {
      siteLifted = true
      closing = closing.filter(({ holder }) => holder === undefined || holder !== window.holder)
    }
  }
  if (!siteLifted) return closing
  const liftable = (window: Window) =>
    window.origin === 'manual' || window.origin === 'planned' || isLapsed(window, now)
  return closing.filter((window) => !liftable(window))
}

/** What is held at `now` is renewed for ever, as seen from then. */
function isLapsed({ leaseUntil }: Window, now: number): boolean {
  return leaseUntil !== undefined && Date.parse(leaseUntil) <= minute(now)
}

function outlivesItsLease({ onLapse, mode }: Window): boolean {
  if (onLapse === 'keep') return true
  return mode !== 'off' && onLapse !== undefined && onLapse !== 'reopen'
}

const starts = (windows: readonly Window[]) => windows.map((window) => JSON.stringify(window)).sort()

describe('the effective mode, against a simulation of every minute', () => {
  it('is on while the simulation leaves a window, and names exactly those', () => {
    fc.assert(
      fc.property(anyWindows, anyMinute, (windows, now) => {
        const expected = simulate(windows, now)
        const { mode, windows: found } = effectiveMode(documentOf(...windows), minute(now))
        expect(mode).toBe(expected.length > 0 ? 'on' : 'off')
        expect(starts(found)).toEqual(starts(expected))
      }),
      { numRuns: 2000 },
    )
  })

  it('ends at the first minute at which the simulation has none left, leases taken as renewed', () => {
    fc.assert(
      fc.property(anyWindows, anyMinute, (windows, now) => {
        const { mode, until } = effectiveMode(documentOf(...windows), minute(now))
        fc.pre(mode === 'on')
        const later = Array.from({ length: 60 }, (_, index) => now + 1 + index)
        const first = later.find((at) => simulate(windows, now, at).length === 0)
        expect(until).toBe(first === undefined ? undefined : minute(first))
      }),
      { numRuns: 2000 },
    )
  })

  it('changes at no minute before the next change that is told', () => {
    fc.assert(
      fc.property(anyWindows, anyMinute, (windows, now) => {
        const next = nextChange(documentOf(...windows), minute(now)) ?? Number.POSITIVE_INFINITY
        expect(next).toBeGreaterThan(minute(now))
        const before = starts(simulate(windows, now))
        for (let later = now + 1; later <= horizon + 20 && minute(later) < next; later++) {
          expect(starts(simulate(windows, later))).toEqual(before)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('tells the latest end that people were promised, and none where a window opened by hand has none', () => {
    fc.assert(
      fc.property(anyWindows, anyMinute, (windows, now) => {
        const closing = simulate(windows, now)
        const promised = closing.map(({ expectedEnd, end }) => expectedEnd ?? end)
        const open = closing.some((window, place) => promised[place] === undefined && window.origin !== 'leased')
        const latest = promised
          .filter((end) => end !== undefined)
          .sort()
          .at(-1)
        const { expectedEnd } = effectiveMode(documentOf(...windows), minute(now))
        expect(expectedEnd).toBe(open || latest === undefined ? undefined : Date.parse(latest))
      }),
      { numRuns: 1000 },
    )
  })

  it('never throws, whatever a document that can be read says', () => {
    const anyInstant = fc.constantFrom('0000-01-01T00:00Z', '9999-12-31T23:59:59Z', '2026-03-01T12:00', at(0), at(1))
    const text = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '*', 'leased', 'off'))
    const optional = fc.record(
      { end: anyInstant, expectedEnd: anyInstant, leaseUntil: anyInstant, holder: text, onLapse: text, reason: text },
      { requiredKeys: [] },
    )
    const required = fc.record({ id: text, origin: text, mode: text, scope: text, start: anyInstant })
    const unknown = fc.constantFrom('__proto__', 'constructor', 'recurrence', 'ramp', 'colour')
    const anything = fc.dictionary(unknown, fc.jsonValue())
    const windows = fc.array(
      fc.tuple(anything, optional, required).map((parts) => Object.assign({}, ...parts)),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(windows, fc.double({ noNaN: true }), (windows, now) => {
        const document = parseDocument(JSON.stringify({ ...documentOf(), windows }))
        effectiveMode(document, now)
        nextChange(document, now)
        for (const window of document.windows) isLive(window, now) && isLiveLease(window, now) && hasEnded(window, now)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the effective mode, by example', () => {
  const modeAt = (now: number, ...windows: Window[]) => effectiveMode(documentOf(...windows), now).mode

  it('belongs to the instant of the start, and not to that of the end', () => {
    const window = windowOf({ start: at(1), end: at(2) })
    expect([minute(1) - 1, minute(1), minute(2) - 1, minute(2)].map((now) => modeAt(now, window))).toEqual([
      'off',
      'on',
      'on',
      'off',
    ])
  })

  it('is on for the whole site by a mode, a scope or a recurrence that this version does not know', () => {
    const recurrence = { cron: 'every night', timezone: 'UTC', duration: '1h' }
    for (const part of [
      { mode: 'lilac' },
      { mode: 'hold' },
      { mode: 'read-only' },
      { scope: 'billing' },
      { recurrence },
    ]) {
      expect(modeAt(minute(5), windowOf(part))).toBe('on')
    }
  })

  it('is lifted by no suspension for a part of the site, at times, or under terms that this version does not know', () => {
    const recurrence = { cron: 'every night', timezone: 'UTC', duration: '1h' }
    const suspension = { id: 'break', mode: 'off' } as const
    expect(modeAt(minute(5), windowOf(), windowOf(suspension))).toBe('off')
    expect(modeAt(minute(5), windowOf(), windowOf({ ...suspension, scope: 'billing' }))).toBe('on')
    expect(modeAt(minute(5), windowOf(), windowOf({ ...suspension, recurrence }))).toBe('on')
    const lapsed = leaseOf('a', { ...suspension, leaseUntil: at(3), onLapse: 'sing' as 'keep' })
    expect(modeAt(minute(5), windowOf(), lapsed)).toBe('on')
  })

  it('lets the innermost of nested leases of one holder win', () => {
    const outer = leaseOf('a', { id: '1' })
    const suspension = leaseOf('a', { id: '2', mode: 'off' })
    const inner = leaseOf('a', { id: '3' })
    const states = [[windowOf()], [windowOf(), outer], [windowOf(), outer, suspension]]
    expect(states.map((windows) => modeAt(minute(5), ...windows))).toEqual(['on', 'on', 'off'])
    expect(modeAt(minute(5), windowOf(), outer, suspension, inner)).toBe('on')
  })

  it('never lifts a live lease of another holder, and does once that has lapsed and was kept', () => {
    const other = leaseOf('b', { leaseUntil: at(10), onLapse: 'keep' })
    const suspension = leaseOf('a', { mode: 'off', leaseUntil: at(60) })
    expect(modeAt(minute(9), other, suspension)).toBe('on')
    expect(modeAt(minute(10), other)).toBe('on')
    expect(modeAt(minute(10), other, suspension)).toBe('off')
  })

  it('does not wait for a lease that has already lapsed', () => {
    const lapsed = leaseOf('b', { leaseUntil: at(1) })
    const { until } = effectiveMode(documentOf(windowOf({ end: at(30) }), lapsed), minute(5))
    expect(until).toBe(minute(30))
  })

  it('is closed by no pass, token or history', () => {
    const document = {
      ...documentOf(),
      passes: [{ name: 'ann', scope: '*', mode: 'on', start: at(0) }],
      tokens: [{ id: 'manual', mode: 'on' }],
      history: [{ at: at(0), action: 'open' as const, window: 'manual', mode: 'on', scope: '*', by: 'a', from: 'b' }],
    }
    expect(effectiveMode(document, minute(5)).mode).toBe('off')
    expect(nextChange(document, minute(-5))).toBeUndefined()
  })

  it('is led by the window that has a reason, then by the earliest', () => {
    const plain = windowOf({ id: 'plain', start: at(-10) })
    const early = windowOf({ id: 'early', start: at(-5), reason: 'Moving' })
    const late = windowOf({ id: 'late', start: at(-1), reason: 'Painting' })
    const { windows, since } = effectiveMode(documentOf(plain, late, early), minute(0))
    expect(windows.map(({ id }) => id)).toEqual(['early', 'late', 'plain'])
    expect(since).toBe(minute(-10))
  })
})
