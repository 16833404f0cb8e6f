import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MaintenanceError } from '../../src/errors.js'
import { closeWindows } from '../../src/state/closing.js'
import { parseDocument, serializeDocument } from '../../src/state/document.js'
import { effectiveMode } from '../../src/state/effective-mode.js'
import { keepLease, openLease, renewLease } from '../../src/state/leases.js'
import { extendWindow, openByHand } from '../../src/state/transitions.js'
import type { StateDocument, Window } from '../../src/state/window.js'
import { at, documentOf, leaseOf, minute, windowOf } from './windows.js'

const bob = { by: 'bob', from: 'code@web' }
const now = minute(10)
const hour = 3_600_000

const on = (document: StateDocument, ask: object = {}, when = now) =>
  openByHand(document, { id: 'manual', mode: 'on', scope: '*', ...ask }, bob, when)
const lease = (document: StateDocument, ask: object = {}) => {
  const usual = {
    id: 'deploy',
    mode: 'on',
    scope: '*',
    holder: 'bob',
    leaseUntil: minute(11),
    onLapse: 'reopen',
  } as const
  return openLease(document, { ...usual, ...ask }, bob, now)
}
const off = (document: StateDocument, ask: object = {}) => closeWindows(document, { scope: '*', ...ask }, bob, now)
const extend = (document: StateDocument, duration: number, id = 'manual') =>
  extendWindow(document, { id, scope: '*', duration }, bob, now)
const ids = (windows: readonly Window[]) => windows.map(({ id }) => id)
const actions = ({ history }: StateDocument) => history.map(({ action, window }) => `${action} ${window}`)

describe('on', () => {
  it('opens a window with an open end from now, and says who and what in the history', () => {
    const { document, result } = on(documentOf(), { reason: 'Moving', note: 'ticket 7' })
    expect(result.since).toBeUndefined()
    const window = windowOf({ start: at(10), reason: 'Moving', note: 'ticket 7', ...bob })
    expect(document.windows).toEqual([window])
    const told = { at: at(10), action: 'open', window: 'manual', mode: 'on', scope: '*', start: at(10), ...bob }
    expect(document.history).toEqual([{ ...told, reason: 'Moving', note: 'ticket 7' }])
  })

  it('takes a start that has passed, and one to come', () => {
    expect(effectiveMode(on(documentOf(), { start: minute(-60) }).document, now).since).toBe(minute(-60))
    expect(effectiveMode(on(documentOf(), { start: minute(60) }).document, now).mode).toBe('off')
  })

  it('while on updates what was asked, keeps the rest and its opener, and says since when', () => {
    const before = documentOf(windowOf({ reason: 'Moving', end: at(60), note: 'x' }))
    const { document, result } = on(before, { reason: 'Painting', end: null, expectedEnd: minute(30) })
    expect(result.since).toBe(at(0))
    expect(document.windows).toEqual([windowOf({ reason: 'Painting', expectedEnd: at(30), note: 'x' })])
    expect(document.history.at(-1)).toMatchObject({ action: 'update', by: 'bob', reason: 'Painting' })
  })

  it('while on makes on of a mode that only counted as on', () => {
    expect(on(documentOf(windowOf({ mode: 'lilac' }))).document.windows).toEqual([windowOf()])
  })

  it('while on writes nothing when nothing changes', () => {
    const before = documentOf(windowOf({ reason: 'Moving', end: at(60) }))
    expect(on(before).document).toBe(before)
    expect(on(before, { reason: 'Moving', end: minute(60), note: null }).document).toBe(before)
  })

  it('replaces a window that has not started, nothing of which is kept', () => {
    const planned = windowOf({ start: at(60), end: at(90), reason: 'Moving' })
    expect(on(documentOf(planned)).document.windows).toEqual([windowOf({ start: at(10), ...bob })])
  })

  it('with a start to come reopens a site that is on until then, as the original does', () => {
    const { document, result } = on(documentOf(windowOf()), { start: minute(60), end: minute(90) })
    expect(effectiveMode(document, now).mode).toBe('off')
    expect(result.since).toBe(at(0))
  })

  it('begins anew after a window whose end has come, which goes into the history', () => {
    const { document } = on(documentOf(windowOf({ end: at(5), reason: 'Moving' })))
    expect(document.windows).toEqual([windowOf({ start: at(10), ...bob })])
    expect(actions(document)).toEqual(['end manual', 'open manual'])
    expect(document.history[0]).toMatchObject({ at: at(5), by: 'clock' })
  })

  it('keeps a series, which is not judged by one end', () => {
    const recurrence = { cron: '0 2 * * *', timezone: 'UTC', duration: '1h' }
    const series = windowOf({ id: 'series', origin: 'planned', recurrence, end: at(5) })
    expect(ids(on(documentOf(series)).document.windows)).toEqual(['series', 'manual'])
  })

  it('with another id opens another window, never one that somebody else holds under that id', () => {
    const { document } = on(documentOf(windowOf()), { id: 'second' })
    expect(ids(document.windows)).toEqual(['manual', 'second'])
    expect(() => on(documentOf(leaseOf('web-1', { id: 'deploy' })), { id: 'deploy' })).toThrow(
      'There is already a window "deploy", held by web-1: close it first, or give another id.',
    )
  })

  it.each([
    [{ end: now }, `The end (${at(10)}) is not in the future: it is ${at(10)} now.`],
    [{ start: minute(30), end: minute(20) }, 'must be after the start'],
    [{ start: minute(0), end: minute(9) }, `The end (${at(9)}) is not in the future: it is ${at(10)} now.`],
    [{ expectedEnd: minute(9) }, 'The expected end'],
    [{ start: minute(30), expectedEnd: minute(20) }, 'must be after the start'],
    [{ end: minute(20), expectedEnd: minute(30) }, 'is after the end'],
    [{ end: Date.UTC(10_000, 0) }, 'before the year 10000'],
    [{ end: 9e15 }, 'before the year 10000'],
  ])('refuses %o', (ask, message) => {
    expect(() => on(documentOf(), ask)).toThrow(expect.objectContaining({ code: 'ERR_MAINTENANCE_TIME' }))
    expect(() => on(documentOf(), ask)).toThrow(message)
  })
})

describe('off', () => {
  it('ends what was opened by hand, also what has not started, and leases that lapsed and were kept', () => {
    const kept = leaseOf('web-1', { leaseUntil: at(5), onLapse: 'keep' })
    const { document, result } = off(documentOf(windowOf(), windowOf({ id: 'later', start: at(60) }), kept))
    expect(ids(result.closed)).toEqual(['manual', 'later', 'lease-web-1'])
    expect(result.remaining).toEqual([])
    expect(document.windows).toEqual([])
    expect(actions(document)).toEqual(['close manual', 'close later', 'close lease-web-1'])
    expect(document.history[0]).toMatchObject({ at: at(10), by: 'bob', start: at(0) })
  })

  it('leaves live leases of others, and names them', () => {
    const { document, result } = off(documentOf(windowOf(), leaseOf('web-1')))
    expect([ids(result.closed), ids(result.remaining)]).toEqual([['manual'], ['lease-web-1']])
    expect(ids(document.windows)).toEqual(['lease-web-1'])
  })

  it('ends what goes on of a plan, also by its id, and nothing that is to come', () => {
    const going = windowOf({ id: 'going', origin: 'planned' })
    const later = windowOf({ id: 'later', origin: 'planned', start: at(60) })
    for (const ask of [{}, { all: true }, { id: 'going' }]) {
      expect(ids(off(documentOf(going, later), ask).result.closed)).toEqual(['going'])
    }
    const before = documentOf(later)
    expect(off(before, { id: 'later' })).toEqual({ document: before, result: { closed: [], remaining: [] } })
  })

  it('ends a series whose rule is not understood, which would close the site for ever', () => {
    const recurrence = { cron: 'every night', timezone: 'UTC', duration: '1h' }
    const { document, result } = off(documentOf(windowOf({ id: 'series', origin: 'planned', recurrence })))
    expect([ids(result.closed), document.windows]).toEqual([['series'], []])
  })

  it('with all takes live leases and every scope', () => {
    const elsewhere = windowOf({ id: 'other', scope: 'billing' })
    expect(ids(off(documentOf(leaseOf('web-1'), elsewhere)).result.closed)).toEqual([])
    expect(off(documentOf(leaseOf('web-1'), elsewhere), { all: true }).document.windows).toEqual([])
  })

  it('with an id takes that window alone, whoever holds it; with a holder only what is theirs', () => {
    const document = documentOf(windowOf(), leaseOf('web-1', { id: 'deploy' }), leaseOf('web-2', { id: 'deploy' }))
    expect(ids(off(document, { id: 'manual' }).result.closed)).toEqual(['manual'])
    expect(off(document, { id: 'deploy' }).result.closed).toHaveLength(2)
    const { closed } = off(document, { id: 'deploy', holder: 'web-2' }).result
    expect(closed.map(({ holder }) => holder)).toEqual(['web-2'])
  })

  it('writes nothing when there is nothing to close', () => {
    const before = documentOf(windowOf({ end: at(5) }), leaseOf('web-1', { leaseUntil: at(5) }))
    const { document, result } = off(before)
    expect(document).toBe(before)
    expect(result).toEqual({ closed: [], remaining: [] })
  })
})

describe('a lease', () => {
  it('is renewed without a word in the history, and not when it is gone or held by somebody else', () => {
    const { document } = lease(documentOf())
    const renewed = renewLease(document, { id: 'deploy', scope: '*', holder: 'bob', leaseUntil: minute(12) }, minute(5))
    expect(renewed.result).toBe(true)
    expect(renewed.document.windows[0]).toMatchObject({ leaseUntil: at(12) })
    expect(renewed.document.history).toBe(document.history)
    for (const other of [
      { id: 'deploy', holder: 'ann' },
      { id: 'x', holder: 'bob' },
      { id: 'deploy', scope: 'billing', holder: 'bob' },
    ]) {
      expect(renewLease(document, { scope: '*', ...other, leaseUntil: minute(12) }, minute(5))).toEqual({
        document,
        result: false,
      })
    }
  })

  it('whose end has come is renewed no more', () => {
    const { document } = lease(documentOf(), { end: minute(20) })
    const ask = { id: 'deploy', scope: '*', holder: 'bob', leaseUntil: minute(30) }
    expect(renewLease(document, ask, minute(19)).result).toBe(true)
    expect(renewLease(document, ask, minute(20))).toEqual({ document, result: false })
  })

  it('is let go of: lapsed at once whatever its policy, closed until off, and held by nobody; twice is once', () => {
    const { document } = lease(documentOf(), { note: 'why' })
    const ask = { id: 'deploy', scope: '*', holder: 'bob', note: 'why: it failed' }
    const kept = keepLease(document, ask, bob, now)
    const { holder, ...held } = document.windows[0] as Window
    expect(kept.result).toEqual({ ...held, leaseUntil: at(10), onLapse: 'keep', note: 'why: it failed' })
    expect(kept.document.windows).toEqual([kept.result])
    expect(kept.document.history.at(-1)).toMatchObject({
      action: 'keep',
      window: 'deploy',
      note: 'why: it failed',
      ...bob,
    })
    expect(keepLease(kept.document, ask, bob, now)).toEqual({ document: kept.document, result: kept.result })
    expect(renewLease(kept.document, { ...ask, leaseUntil: minute(12) }, now).result).toBe(false)
    expect(off(kept.document).result).toMatchObject({ closed: [{ id: 'deploy' }], remaining: [] })
    const others = keepLease(document, { ...ask, holder: 'ann' }, bob, now)
    expect(others).toEqual({ document, result: undefined })
    expect(keepLease(documentOf(), ask, bob, now).result).toBeUndefined()
  })

  it('takes no id that is in use, but that of a lease that lapsed and was kept', () => {
    expect(() => lease(documentOf(leaseOf('web-1', { id: 'deploy' })))).toThrow('held by web-1')
    expect(() => lease(documentOf(windowOf({ id: 'deploy' })))).toThrow('opened by ann')
    const left = leaseOf('web-1', { id: 'deploy', leaseUntil: at(5), onLapse: 'keep' })
    expect(lease(documentOf(left)).document.windows.map(({ holder }) => holder)).toEqual(['bob'])
    const lapsed = lease(documentOf({ ...left, onLapse: 'reopen' })).document
    expect(lapsed.windows.map(({ holder }) => holder)).toEqual(['bob'])
    expect(actions(lapsed)).toEqual(['lapse deploy', 'open deploy'])
  })
})

describe('extend', () => {
  it('moves the end, counted from the old one', () => {
    const { document, result } = extend(documentOf(windowOf({ end: at(30), expectedEnd: at(20) })), hour)
    expect(result).toMatchObject({ end: at(90), expectedEnd: at(20) })
    expect(document.history.at(-1)).toMatchObject({ action: 'extend', by: 'bob', end: at(90) })
  })

  it('takes an expected end along that was the same', () => {
    const same = windowOf({ end: at(30), expectedEnd: at(30) })
    expect(extend(documentOf(same), hour).result).toMatchObject({ end: at(90), expectedEnd: at(90) })
  })

  it('moves the expected end where there is no end, and sets one where there is neither', () => {
    const { result } = extend(documentOf(windowOf({ expectedEnd: at(20) })), hour)
    expect([result.expectedEnd, result.end]).toEqual([at(80), undefined])
    expect(extend(documentOf(windowOf()), hour).result.expectedEnd).toBe(at(70))
  })

  it('counts an overrun from now', () => {
    expect(extend(documentOf(windowOf({ expectedEnd: at(5) })), hour).result.expectedEnd).toBe(at(70))
  })

  it('refuses an id that nothing has, and names those there are', () => {
    expect(() => extend(documentOf(windowOf({ id: 'move' })), hour)).toThrow(
      'There is no window "manual" to extend. There is "move".',
    )
    expect(() => extend(documentOf(windowOf({ end: at(5) })), hour)).toThrow(
      'No window is open or planned: open one with `on`.',
    )
  })

  it('refuses an end that nobody could read back', () => {
    expect(() => extend(documentOf(windowOf()), Number.MAX_SAFE_INTEGER)).toThrow('before the year 10000')
  })
})

describe('bounds', () => {
  it('refuses the window after the 200th, and says what to do', () => {
    const full = documentOf(...Array.from({ length: 200 }, (_, index) => windowOf({ id: `w${index}` })))
    expect(() => on(full)).toThrow(/already holds 200 windows.*Close some first/)
    expect(on(full, { id: 'w7', reason: 'x' }).document.windows).toHaveLength(200)
  })

  it('keeps ten of them for windows that are opened by hand: however much is planned, the site can be closed', () => {
    const plans = Array.from({ length: 190 }, (_, index) =>
      windowOf({ id: `plan-${index}`, origin: 'planned', start: at(100 + index), end: at(101 + index) }),
    )
    expect(() => lease(documentOf(...plans))).toThrow(/already holds 190 windows.*schedule remove/)
    expect(on(documentOf(...plans)).document.windows).toHaveLength(191)
  })

  it('lets a document that was edited beyond them be brought down again', () => {
    const beyond = documentOf(...Array.from({ length: 300 }, (_, index) => windowOf({ id: `w${index}` })))
    expect(off(beyond, { id: 'w7' }).document.windows).toHaveLength(299)
  })

  it('keeps the last 200 entries of the history', () => {
    let document = documentOf()
    for (let times = 0; times < 150; times++) document = off(on(document, { note: `${times}` }).document).document
    expect(document.history).toHaveLength(200)
    expect(document.history.at(-1)).toMatchObject({ action: 'close', note: '149' })
    expect(parseDocument(serializeDocument(document))).toEqual(document)
  })

  it('hold whatever is done one after the other: what is written can be read back, and refusals say why', () => {
    const time = fc.option(fc.oneof(fc.integer({ min: -30, max: 90 }).map(minute), fc.double({ noNaN: true })), {
      nil: undefined,
    })
    const id = fc.constantFrom('manual', 'deploy', 'x')
    const step = fc.oneof(
      fc
        .record({ id, start: time, end: time, expectedEnd: time, reason: fc.string() })
        .map((ask) => (it: StateDocument) => on(it, ask)),
      fc
        .record({ id, holder: id, leaseUntil: fc.integer({ min: 5, max: 30 }).map(minute) })
        .map((ask) => (it: StateDocument) => lease(it, ask)),
      fc
        .record({ id: fc.option(id, { nil: undefined }), all: fc.boolean() })
        .map((ask) => (it: StateDocument) => off(it, ask)),
      fc.tuple(fc.oneof(fc.nat(hour), fc.maxSafeNat()), id).map(
        ([by, which]) =>
          (it: StateDocument) =>
            extend(it, by, which),
      ),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let document = { ...documentOf(), revision: 1 }
        for (const each of steps) {
          try {
            document = each(document).document
          } catch (error) {
            expect(error).toBeInstanceOf(MaintenanceError)
          }
          expect(parseDocument(serializeDocument(document))).toEqual(document)
          const open = document.windows.map(({ id }) => id)
          expect(new Set(open).size).toBe(open.length)
        }
      }),
      { numRuns: 500 },
    )
  })
})
