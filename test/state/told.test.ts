import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDocument, serializeDocument } from '../../src/state/document.js'
import { effectiveMode } from '../../src/state/effective-mode.js'
import { tellTransitions } from '../../src/state/told.js'
import type { Mode, StateDocument } from '../../src/state/window.js'
import { at, documentOf, minute, windowOf } from './windows.js'

const anyWindow = fc
  .record({
    id: fc.constantFrom('manual', 'deploy', 'plan-1'),
    mode: fc.constantFrom('on', 'read-only', 'off'),
    scope: fc.constantFrom('*', 'billing'),
    start: fc.integer({ min: 0, max: 40 }),
    length: fc.option(fc.integer({ min: 1, max: 20 })),
    ramp: fc.option(fc.integer({ min: 1, max: 20 })),
  })
  .map(({ id, mode, scope, start, length, ramp }) =>
    windowOf({
      id,
      mode,
      scope,
      start: at(start),
      ...(length !== null && { end: at(start + length) }),
      ...(ramp !== null && { ramp: { from: at(start + ramp), until: at(start + ramp + 10) } }),
    }),
  )

/** At each minute the state is another one, or the same. */
const anyStory = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.array(anyWindow, { maxLength: 4 })), {
  maxLength: 12,
})

describe('what is told', () => {
  it('is told once, and leads from the mode that was told before to the one that is', () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        let document: StateDocument = documentOf()
        let now = 0
        const told: Record<string, Mode | (string & {})> = {}
        for (const [pause, windows] of story) {
          now += pause
          const { document: next, result } = tellTransitions({ ...document, windows }, minute(now))
          for (const { type, scope, mode, previous } of result.filter(({ type }) => type !== 'announced')) {
            if (type !== 'overdue') expect(told[scope] ?? 'off').toBe(previous)
            told[scope] = mode
          }
          expect(told['*'] ?? 'off').toBe(effectiveMode(next, minute(now)).mode)
          // A part that closes with the whole site is not told of by itself.
          if ((told.billing ?? 'off') !== 'off' || (told['*'] ?? 'off') === 'off') {
            expect(told.billing ?? 'off').toBe(effectiveMode(next, minute(now), 'billing').mode)
          }
          const again = tellTransitions(next, minute(now))
          expect([again.result, again.document === next]).toEqual([[], true])
          document = next
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('of a planned window is its announcement, once for each occurrence', () => {
    const plan = windowOf({ id: 'plan-1', origin: 'planned', start: at(60), end: at(90), announceFrom: at(10) })
    const first = tellTransitions(documentOf(plan), minute(9))
    expect(first.result).toEqual([])
    const second = tellTransitions(first.document, minute(10))
    expect(second.result).toMatchObject([{ type: 'announced', window: 'plan-1', since: at(60), until: at(90) }])
    expect(tellTransitions(second.document, minute(59)).result).toEqual([])
    expect(tellTransitions(second.document, minute(60)).result).toMatchObject([{ type: 'closed', window: 'plan-1' }])
  })

  it.each(['constructor', 'prototype', '__proto__'])(
    'of a scope called %s is told once, over what is stored too',
    (scope) => {
      const first = tellTransitions(documentOf(windowOf({ scope })), minute(1))
      expect(first.result).toMatchObject([{ type: 'closed', scope, previous: 'off' }])
      const stored = parseDocument(serializeDocument(first.document))
      expect(tellTransitions(stored, minute(2)).result).toEqual([])
      expect(tellTransitions({ ...stored, windows: [] }, minute(3)).result).toMatchObject([{ type: 'reopened', scope }])
    },
  )

  it("is nothing of a state that is not ours: the Python original's file stays as it is", () => {
    const document = { ...documentOf(windowOf()), revision: 0 }
    expect(tellTransitions(document, minute(1))).toEqual({ document, result: [] })
  })
})
