import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { closuresOf, scopesApart } from '../../src/state/closure.js'
import { parseDocument } from '../../src/state/document.js'
import {
  effectiveMode,
  effectiveModes,
  hasEnded,
  isLive,
  isLiveLease,
  nextChange,
} from '../../src/state/effective-mode.js'
import { phaseOf } from '../../src/state/occurrence.js'
import { loadCron } from '../../src/state/recurrence.js'
import type { Window } from '../../src/state/window.js'
import {
  anyMinute,
  anyScope,
  anyWindows,
  horizon,
  promised,
  scopes,
  simulate,
  simulatedMode,
  simulatedRamp,
} from './simulation.js'
import { at, documentOf, leaseOf, minute, windowOf } from './windows.js'

const instants = (windows: readonly Window[]) => windows.map((window) => JSON.stringify(window)).sort()

beforeAll(loadCron)

describe('the effective mode, against a simulation of every minute', () => {
  it('is the strictest of those that the simulation leaves, in every scope, and names exactly those', () => {
    fc.assert(
      fc.property(anyWindows, anyScope, anyMinute, (windows, scope, now) => {
        const expected = simulate(windows, scope, now)
        const found = effectiveMode(documentOf(...windows), minute(now), scope)
        expect(found.mode).toBe(simulatedMode(expected))
        expect(instants(found.windows)).toEqual(instants(expected))
        expect(simulatedMode(found.windows.slice(0, 1))).toBe(found.mode)
      }),
      { numRuns: 3000 },
    )
  })

  it('ends at the first minute at which the simulation has none left, leases taken as renewed', () => {
    fc.assert(
      fc.property(anyWindows, anyScope, anyMinute, (windows, scope, now) => {
        const { mode, until } = effectiveMode(documentOf(...windows), minute(now), scope)
        fc.pre(mode !== 'off')
        const later = Array.from({ length: horizon }, (_, index) => now + 1 + index)
        const first = later.find((at) => simulate(windows, scope, now, at).length === 0)
        if (first !== undefined) expect(until).toBe(minute(first))
        else expect(until ?? Number.POSITIVE_INFINITY).toBeGreaterThan(minute(now + horizon))
      }),
      { numRuns: 2000 },
    )
  })

  it('reopens gently where everything that closes does, until the last of it lets everybody in', () => {
    fc.assert(
      fc.property(anyWindows, anyScope, anyMinute, (windows, scope, now) => {
        const closing = simulate(windows, scope, now)
        const { ramps } = effectiveMode(documentOf(...windows), minute(now), scope)
        expect(ramps !== undefined).toBe(simulatedRamp(closing, now))
        const until = closing.map(({ ramp }) => Date.parse(ramp?.until ?? '')).sort()
        if (ramps) expect(ramps.map((ramp) => ramp.until).sort()).toEqual(until)
      }),
      { numRuns: 2000 },
    )
  })

  it('tells the latest end that people were promised, and none where a window opened by hand has none', () => {
    fc.assert(
      fc.property(anyWindows, anyScope, anyMinute, (windows, scope, now) => {
        const closing = simulate(windows, scope, now)
        const ends = closing.map((window) => promised(window, now))
        const open = closing.some((window, place) => ends[place] === undefined && window.origin !== 'leased')
        const latest = ends
          .filter((end) => end !== undefined)
          .sort()
          .at(-1)
        const { expectedEnd } = effectiveMode(documentOf(...windows), minute(now), scope)
        expect(expectedEnd).toBe(open || latest === undefined ? undefined : Date.parse(latest))
      }),
      { numRuns: 2000 },
    )
  })

  it('is the same for an instant whatever was asked before, as clocks jump', () => {
    fc.assert(
      fc.property(anyWindows, fc.array(anyMinute, { minLength: 2, maxLength: 12 }), (windows, jumps) => {
        const document = documentOf(...windows)
        const answer = (now: number) => scopes.map((scope) => ({ ...effectiveMode(document, minute(now), scope) }))
        const sorted = new Map([...jumps].sort((a, b) => a - b).map((now) => [now, answer(now)]))
        for (const now of jumps) expect(answer(now)).toEqual(sorted.get(now))
      }),
      { numRuns: 300 },
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
    const unknown = fc.constantFrom('__proto__', 'constructor', 'recurrence', 'colour')
    const anything = fc.dictionary(unknown, fc.jsonValue())
    const ramp = fc.option(fc.record({ ramp: fc.record({ from: anyInstant, until: anyInstant }) }))
    const windows = fc.array(
      fc.tuple(anything, optional, ramp, required).map((parts) => Object.assign({}, ...parts)),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(windows, fc.double({ noNaN: true }), (windows, now) => {
        const document = parseDocument(JSON.stringify({ ...documentOf(), windows }))
        effectiveMode(document, now).until
        nextChange(document, now)
        closuresOf(effectiveModes(document, now))
        scopesApart(effectiveModes(document, now))
        for (const window of document.windows) {
          for (const ask of [isLive, isLiveLease, hasEnded, phaseOf]) ask(window, now)
        }
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

  it('is on by a mode or a recurrence that this version does not know', () => {
    const recurrence = { cron: 'every night', timezone: 'UTC', duration: '1h' }
    for (const part of [{ mode: 'lilac' }, { recurrence }]) expect(modeAt(minute(5), windowOf(part))).toBe('on')
  })

  it('is the strictest where several are live: on, hold, read-only', () => {
    const [readOnly, hold, on] = (['read-only', 'hold', 'on'] as const).map((mode) => windowOf({ id: mode, mode }))
    const states = [[readOnly], [hold, readOnly], [readOnly, on, hold]] as Window[][]
    expect(states.map((windows) => modeAt(minute(5), ...windows))).toEqual(['read-only', 'hold', 'on'])
    expect(modeAt(minute(5), hold as Window, windowOf({ mode: 'lilac' }))).toBe('on')
  })

  it('of a part is that of its own windows and of the whole site’s, by its exact name', () => {
    const document = documentOf(windowOf({ mode: 'read-only' }), windowOf({ scope: 'billing' }))
    const scopes = ['*', 'billing', 'bill', 'billing.api', 'Billing']
    expect(scopes.map((scope) => effectiveMode(document, minute(5), scope).mode)).toEqual([
      'read-only',
      'on',
      'read-only',
      'read-only',
      'read-only',
    ])
  })

  it('of a part is lifted by a suspension of that part, and of no other', () => {
    const suspension = windowOf({ id: 'break', mode: 'off', scope: 'billing' })
    const document = documentOf(windowOf(), suspension)
    const found = ['*', 'billing', 'shop'].map((scope) => effectiveMode(document, minute(5), scope).mode)
    expect(found).toEqual(['on', 'off', 'on'])
  })

  it('is lifted by no suspension at times, or under terms that this version does not know', () => {
    const recurrence = { cron: 'every night', timezone: 'UTC', duration: '1h' }
    const suspension = { id: 'break', mode: 'off' } as const
    expect(modeAt(minute(5), windowOf(), windowOf(suspension))).toBe('off')
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
