import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { allOpen, type Closure, type Closures, closuresOf, scopesApart, strictest } from '../../src/state/closure.js'
import { effectiveMode, effectiveModes, nextChange } from '../../src/state/effective-mode.js'
import { phaseOf } from '../../src/state/occurrence.js'
import { loadCron } from '../../src/state/recurrence.js'
import { anyMinute, anyWindows, horizon, scopes, simulatedPhase } from './simulation.js'
import { at, documentOf, minute, windowOf } from './windows.js'

beforeAll(loadCron)

const closureOf = ({ site, scopes }: Closures, scope: string) => (scopes.has(scope) ? scopes.get(scope) : site)

describe('what is closed at an instant', () => {
  it('is the effective mode of every scope, and only what differs from the whole site stands beside it', () => {
    fc.assert(
      fc.property(anyWindows, anyMinute, (windows, now) => {
        const document = documentOf(...windows)
        const closures = closuresOf(effectiveModes(document, minute(now)))
        for (const scope of scopes) {
          const { mode, windows: closing, expectedEnd, ramps } = effectiveMode(document, minute(now), scope)
          const closure = closureOf(closures, scope)
          expect(closure?.mode ?? 'off').toBe(mode)
          expect(closure?.window).toBe(closing[0]?.id)
          expect(closure?.scope).toBe(closing[0]?.scope)
          expect(closure?.until?.getTime()).toBe(expectedEnd)
          expect(closure?.ramps).toEqual(ramps)
        }
        for (const closure of closures.scopes.values()) expect(closure).not.toEqual(closures.site)
        expect([...closures.scopes.keys()]).not.toContain('*')
      }),
      { numRuns: 1000 },
    )
  })

  it('is told of every scope that other windows close than the site', () => {
    fc.assert(
      fc.property(anyWindows, anyMinute, (windows, now) => {
        const document = documentOf(...windows)
        const closing = (scope: string) => new Set(effectiveMode(document, minute(now), scope).windows)
        const apart = scopesApart(effectiveModes(document, minute(now)))
        const common = closing('*')
        const isApart = (own: typeof common) =>
          own.size !== common.size || [...own].some((window) => !common.has(window))
        const expected = scopes.filter((scope) => isApart(closing(scope)))
        expect(apart.map(({ scope }) => scope).sort()).toEqual([...expected].sort())
        for (const { scope, windows } of apart) expect(new Set(windows)).toEqual(closing(scope))
      }),
      { numRuns: 500 },
    )
  })

  it('is one object for as long as nothing changes, whatever was known before, and clocks may jump', () => {
    fc.assert(
      fc.property(anyWindows, fc.array(anyMinute, { minLength: 2, maxLength: 10 }), (windows, jumps) => {
        const document = documentOf(...windows)
        let known = allOpen
        for (const now of jumps) {
          const next = closuresOf(effectiveModes(document, minute(now)), known)
          expect(next).toEqual(closuresOf(effectiveModes(document, minute(now))))
          expect(next === known).toBe(isSame(next, known))
          for (const [scope, closure] of next.scopes) {
            if (isSame(closure, known.scopes.get(scope))) expect(closure).toBe(known.scopes.get(scope))
          }
          if (isSame(next.site, known.site)) expect(next.site).toBe(known.site)
          expect(closuresOf(effectiveModes(document, minute(now)), next)).toBe(next)
          known = next
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('changes in no scope, nor does the phase of a window, before the next change that is told', () => {
    fc.assert(
      fc.property(anyWindows, anyMinute, (windows, now) => {
        const document = documentOf(...windows)
        const next = nextChange(document, minute(now)) ?? Number.POSITIVE_INFINITY
        expect(next).toBeGreaterThan(minute(now))
        const closures = closuresOf(effectiveModes(document, minute(now)))
        const phases = windows.map((window) => simulatedPhase(window, now))
        for (let later = now + 1; later <= horizon + 20 && minute(later) < next; later++) {
          expect(closuresOf(effectiveModes(document, minute(later)), closures)).toBe(closures)
          expect(windows.map((window) => simulatedPhase(window, later))).toEqual(phases)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the phase of a window', () => {
  it('is that of who watches it minute by minute', () => {
    fc.assert(
      fc.property(anyWindows, anyMinute, (windows, now) => {
        for (const window of windows) expect(phaseOf(window, minute(now))).toBe(simulatedPhase(window, now))
      }),
      { numRuns: 3000 },
    )
  })
})

describe('a request in several scopes', () => {
  const closure = (part: Partial<Closure> = {}): Closure => ({
    mode: 'on',
    window: 'manual',
    scope: 'billing',
    reason: undefined,
    since: undefined,
    until: undefined,
    ramps: undefined,
    ...part,
  })
  const [early, late] = [1, 2].map((until) => [{ from: minute(0), until: minute(until) }] as const)

  it('has the strictest mode, of two alike the first', () => {
    const [on, hold, other] = [closure(), closure({ mode: 'hold' }), closure({ scope: 'shop' })]
    expect(strictest(hold, on)).toBe(on)
    expect(strictest(on, other)).toBe(on)
    expect(strictest(undefined, hold)).toBe(hold)
    expect(strictest(hold, undefined)).toBe(hold)
  })

  it('is let in by a ramp only where all of them reopen, and not before the last of them does', () => {
    const reopening = closure({ ramps: early })
    const readOnly = closure({ mode: 'read-only', scope: 'shop' })
    expect(strictest(reopening, readOnly)).toEqual(closure())
    expect(strictest(readOnly, reopening)).toEqual(closure())
    expect(strictest(closure(), reopening)?.ramps).toBeUndefined()
    const later = closure({ mode: 'read-only', ramps: late })
    expect(strictest(reopening, later)).toEqual(closure({ ramps: [...(early ?? []), ...(late ?? [])] }))
  })

  it('is answered from one object for the same two', () => {
    const [one, other] = [closure({ ramps: early }), closure({ ramps: late })]
    expect(strictest(one, other)).toBe(strictest(one, other))
  })
})

describe('a window that reopens', () => {
  const ramp = { from: at(5), until: at(15) }

  it('closes until its ramp ends, also where somebody wrote another end by hand, or that it is to be held', () => {
    for (const part of [{}, { end: at(60) }, { holdClosed: true }]) {
      const document = documentOf(windowOf({ ...part, ramp }))
      const modes = [14, 15].map((now) => effectiveMode(document, minute(now)).mode)
      expect([modes, nextChange(document, minute(10))]).toEqual([['on', 'off'], minute(15)])
    }
  })
})

/** Whether two values say the same. */
function isSame(a: unknown, b: unknown): boolean {
  const told = (value: unknown) =>
    JSON.stringify(value, (_, part) => (part instanceof Map ? [...part].sort() : (part ?? null)))
  return told(a) === told(b)
}
