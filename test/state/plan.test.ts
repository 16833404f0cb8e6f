import { beforeAll, describe, expect, it } from 'vitest'
import { closeWindows } from '../../src/state/closing.js'
import { effectiveMode, isLive } from '../../src/state/effective-mode.js'
import { occurrencesFrom, phaseOf } from '../../src/state/occurrence.js'
import { addPlan, editPlan, overlapping, type PlanTerms, removePlan, skipOccurrences } from '../../src/state/plan.js'
import { loadCron } from '../../src/state/recurrence.js'
import type { StateDocument, Window } from '../../src/state/window.js'
import { documentOf, windowOf } from './windows.js'

beforeAll(loadCron)

const bob = { by: 'bob', from: 'cli@desk' }
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
/** A Sunday; nothing of it is daylight-saving time. */
const now = Date.parse('2026-03-01T12:00:00Z')
const instant = (time: number) => new Date(time).toISOString()

const add = (ask: Partial<PlanTerms> & { id?: string } = {}, document = documentOf(), when = now) =>
  addPlan(document, { scope: '*', start: now + hour, duration: 2 * hour, ...ask }, bob, when)
const nightly = (ask: Partial<PlanTerms> & { id?: string } = {}, document = documentOf()) =>
  add({ start: undefined, cron: '0 2 * * *', timezone: 'UTC', ...ask }, document)
const edit = (document: StateDocument, ask: PlanTerms, when = now) =>
  editPlan(document, { id: 'plan-1', scope: '*', ...ask }, bob, when)
const skip = (document: StateDocument, date: string, when = now) =>
  skipOccurrences(
    document,
    {
      id: 'plan-1',
      scope: '*',
      day: date,
      around: Date.parse(date),
      dayOf: (at, timezone) => new Intl.DateTimeFormat('sv-SE', { timeZone: timezone }).format(at),
    },
    bob,
    when,
  )
const off = (document: StateDocument, when: number, ask: object = {}) =>
  closeWindows(document, { scope: '*', ...ask }, bob, when)
const modeAt = (document: StateDocument, at: number) => effectiveMode(document, at).mode
const next = (window: Window, from = now) => occurrencesFrom(window, from, 2).map(({ start }) => instant(start))
const night = (date: string) => Date.parse(`${date}T02:00Z`)

describe('phases', () => {
  const phases = (window: Window, ...hours: number[]) => hours.map((at) => phaseOf(window, now + at * hour))

  it('go from the announcement over the window to its end', () => {
    const { result } = add({ start: now + 10 * hour, announce: 5 * hour })
    expect(phases(result, 4, 5, 9, 10, 11.99, 12, 100)).toEqual([
      undefined,
      'announced',
      'announced',
      'active',
      'active',
      'done',
      'done',
    ])
  })

  it('verify after the end of one that is held closed, which stays closed', () => {
    const { result, document } = add({ start: now + 10 * hour, holdClosed: true })
    expect(phases(result, 9, 10, 12, 1000)).toEqual([undefined, 'active', 'verifying', 'verifying'])
    expect(modeAt(document, now + 1000 * hour)).toBe('on')
    expect(effectiveMode(document, now + 13 * hour)).toMatchObject({ until: undefined, expectedEnd: now + 12 * hour })
    const { document: after, result: closed } = off(document, now + 13 * hour)
    expect([closed.closed.length, modeAt(after, now + 13 * hour), after.windows]).toEqual([1, 'off', []])
  })

  it('reopen while a ramp lasts', () => {
    const ramp = { from: instant(now + 3 * hour), until: instant(now + 4 * hour) }
    const { result } = add()
    expect(phases({ ...result, end: ramp.until, ramp }, 0, 1, 3, 3.9, 4)).toEqual([
      undefined,
      'active',
      'reopening',
      'reopening',
      'done',
    ])
  })

  it('come again with each occurrence of a series', () => {
    const { result } = nightly({ announce: hour })
    expect(phases(result, 12, 13, 14, 16, 36, 37, 38)).toEqual([
      undefined,
      'announced',
      'active',
      undefined,
      undefined,
      'announced',
      'active',
    ])
  })

  it('of a series that is held closed verify until off, over the next occurrence too', () => {
    const { result, document } = nightly({ holdClosed: true })
    expect(phases(result, 13, 14, 17, 38.5, 41)).toEqual([undefined, 'active', 'verifying', 'active', 'verifying'])
    expect(effectiveMode(document, now + 41 * hour).since).toBe(night('2026-03-02'))
    const { document: after } = off(document, now + 41 * hour)
    expect([41, 61, 62, 65].map((at) => modeAt(after, now + at * hour))).toEqual(['off', 'off', 'on', 'on'])
  })
})

describe('off', () => {
  it('ends the occurrence that goes on, tells its times, and leaves the series', () => {
    const { document } = nightly()
    const { document: after, result } = off(document, night('2026-03-02') + hour)
    expect(result.closed).toMatchObject([
      { id: 'plan-1', start: '2026-03-02T02:00:00.000Z', end: '2026-03-02T04:00:00.000Z' },
    ])
    expect(result.remaining).toEqual([])
    expect(after.history.at(-1)).toMatchObject({ action: 'close', start: '2026-03-02T02:00:00.000Z' })
    expect(next(after.windows[0] as Window)).toEqual(['2026-03-03T02:00:00.000Z', '2026-03-04T02:00:00.000Z'])
  })

  it('at the very start ends it, and a clock that is set back by an hour does not bring it back', () => {
    const { document } = nightly()
    const { document: after } = off(document, night('2026-03-02'))
    for (const at of [-hour, 0, minute, hour]) expect(modeAt(after, night('2026-03-02') + at)).toBe('off')
  })

  it('of a series that is held closed tells the occurrence that it was held closed by', () => {
    const { document } = nightly({ holdClosed: true })
    const times = { start: '2026-03-02T02:00:00.000Z', end: '2026-03-02T04:00:00.000Z' }
    expect(off(document, night('2026-03-02') + 5 * hour).result.closed).toMatchObject([times])
    const ramped = off(document, night('2026-03-02') + 5 * hour, { ramp: hour }).document
    expect(effectiveMode(ramped, night('2026-03-02') + 5 * hour).since).toBe(night('2026-03-02'))
    expect(ramped.history.at(-1)).toMatchObject({ action: 'ramp', start: times.start })
  })

  it('leaves a plan that has not begun', () => {
    const { document } = nightly({}, add({ id: 'once' }).document)
    expect(off(document, now).document).toBe(document)
    expect(off(document, now, { id: 'plan-1', all: true }).document).toBe(document)
  })
})

it('a clock that is set back by an hour closes what it had opened again, as the stored times say', () => {
  const { document } = add()
  const times = [0.99, 1, 2.99, 3, 2, 0.5].map((at) => modeAt(document, now + at * hour))
  expect(times).toEqual(['off', 'on', 'on', 'off', 'on', 'off'])
})

describe('planning', () => {
  it('stores the times, who, and in the history what', () => {
    const { document, result } = add({ announce: 30 * minute, holdClosed: true, reason: 'Disks' })
    expect(result).toEqual({
      id: 'plan-1',
      origin: 'planned',
      mode: 'on',
      scope: '*',
      start: instant(now + hour),
      end: instant(now + 3 * hour),
      announceFrom: instant(now + 30 * minute),
      holdClosed: true,
      reason: 'Disks',
      ...bob,
    })
    expect(document.history).toMatchObject([{ action: 'plan', window: 'plan-1', reason: 'Disks', ...bob }])
  })

  it('names the next one by the first number that is free', () => {
    const { document } = add({ id: 'plan-2' }, add().document)
    expect(add({}, document).result.id).toBe('plan-3')
  })

  it('never closes by an occurrence that had begun before it was planned', () => {
    const when = night('2026-03-02') + minute
    const { document } = add({ start: undefined, cron: '0 2 * * *', timezone: 'UTC' }, documentOf(), when)
    expect(modeAt(document, when)).toBe('off')
  })

  it.each<[string, Partial<PlanTerms> & { id?: string }, string]>([
    ['a start that has passed', { start: now }, 'is not in the future'],
    ['an end before the start', { duration: undefined, end: now + 30 * minute }, 'must be after the start'],
    ['no end', { duration: undefined }, 'needs an end'],
    ['400 days', { duration: 400 * day }, 'A window of 400d is longer than a year'],
    ['an expected end after the end', { expectedEnd: now + 5 * hour }, 'is after the end'],
  ])('refuses %s', (_what, ask, message) => {
    expect(() => add(ask)).toThrow(
      expect.objectContaining({ code: 'ERR_MAINTENANCE_TIME', message: expect.stringContaining(message) }),
    )
  })

  it.each<[string, PlanTerms, string]>([
    ['a day that never comes', { cron: '0 2 31 2 *' }, 'never comes'],
    ['a duration as long as the gap', { duration: day }, 'too long for "0 2 * * *"'],
    [
      'one that is longer on the day that is shorter',
      { timezone: 'Europe/Rome', duration: 23.5 * hour },
      'the occurrence of 2026-03-29T01:00:00.000Z (Europe/Rome)',
    ],
    ['400 days', { duration: 400 * day }, 'longer than a year'],
    ['an end', { end: now + hour }, 'takes no start and no end'],
    ['a wrong expression', { cron: '0 25 * * *' }, 'the hour cannot be "25"'],
  ])('refuses a series with %s', (_what, ask, message) => {
    expect(() => nightly(ask)).toThrow(
      expect.objectContaining({ code: 'ERR_MAINTENANCE_TIME', message: expect.stringContaining(message) }),
    )
  })

  it('refuses an id that is there', () => {
    expect(() => add({ id: 'x' }, add({ id: 'x' }).document)).toThrow(
      'There is already a window "x", planned by bob: remove it first',
    )
    expect(() => add({ id: 'manual' }, documentOf(windowOf()))).toThrow('opened by ann: close it first')
  })

  it('names what it overlaps, an open end too, and nothing that only touches', () => {
    const { document } = nightly({}, documentOf(windowOf({ id: 'open', start: instant(now) })))
    const touching = add({ id: 'before', start: night('2026-03-02') - hour, duration: hour }, document)
    expect(overlapping(touching.document, touching.result, now).map(({ id }) => id)).toEqual(['open'])
    const meeting = add({ id: 'into', start: night('2026-03-03') - hour, duration: 61 * minute }, document)
    expect(overlapping(meeting.document, meeting.result, now).map(({ id }) => id)).toEqual(['open', 'plan-1'])
  })
})

describe('changing a plan', () => {
  it('moves all its times along with the start', () => {
    const { document } = add({ announce: hour, expectedEnd: now + 2 * hour })
    const { result, document: after } = edit(document, { start: now + 11 * hour })
    expect(result).toMatchObject({
      start: instant(now + 11 * hour),
      end: instant(now + 13 * hour),
      expectedEnd: instant(now + 12 * hour),
      announceFrom: instant(now + 10 * hour),
    })
    expect(after.history.at(-1)).toMatchObject({ action: 'edit', start: instant(now + 11 * hour) })
  })

  it('writes nothing where nothing changes', () => {
    for (const { document } of [add({ holdClosed: true }), nightly({ announce: hour })]) {
      expect(edit(document, { duration: 2 * hour }).document).toBe(document)
    }
  })

  it('takes away what is not wanted any more', () => {
    expect(
      edit(add({ announce: hour, holdClosed: true }).document, { announce: null, holdClosed: false }).result,
    ).not.toHaveProperty('announceFrom')
    const { result } = edit(nightly({ announce: hour, holdClosed: true }).document, {
      announce: null,
      holdClosed: false,
    })
    expect([result.recurrence?.announce, result.holdClosed]).toEqual([undefined, undefined])
  })

  it('brings nothing back that is over by the old rule', () => {
    const { document } = nightly()
    const when = night('2026-03-02') + 3 * hour
    for (const ask of [{ duration: 5 * hour }, { cron: '0 4 * * *' }, { holdClosed: true }]) {
      expect(modeAt(edit(document, ask, when).document, when)).toBe('off')
    }
  })

  it('of a series that goes on changes its duration, and not when it recurs', () => {
    const { document } = nightly()
    const when = night('2026-03-02') + hour
    const { document: after } = edit(document, { duration: 5 * hour }, when)
    expect([1, 4.9, 5].map((at) => modeAt(after, night('2026-03-02') + at * hour))).toEqual(['on', 'on', 'off'])
    expect(() => edit(document, { cron: '0 3 * * *' }, when)).toThrow('goes on: end it with `off`')
  })

  it('refuses another start once it has begun, and what it is not', () => {
    expect(() => edit(add().document, { start: now + 9 * hour }, now + 2 * hour)).toThrow('has begun')
    expect(() => edit(add().document, { cron: '0 2 * * *' })).toThrow('does not recur')
    expect(() => edit(documentOf(windowOf({ id: 'plan-1' })), {})).toThrow('opened by ann: `on`, `off` and `extend`')
    expect(() => edit(add({ id: 'x' }).document, {})).toThrow('There is no plan "plan-1". There is "x".')
  })

  it('is removed with all its occurrences, also with one that goes on', () => {
    const when = night('2026-03-02') + hour
    const { document } = removePlan(nightly().document, { id: 'plan-1', scope: '*' }, bob, when)
    expect([document.windows, document.history.at(-1)?.action]).toEqual([[], 'remove'])
  })
})

describe('skipping', () => {
  it('leaves out what begins on a day of the zone, by its start', () => {
    const { document } = nightly({ cron: '0 0,23 * * *', timezone: 'Asia/Tokyo', duration: 10 * minute })
    const { document: after, result } = skip(document, '2026-03-03')
    const starts = ['2026-03-02T15:00:00.000Z', '2026-03-03T14:00:00.000Z']
    expect(result).toMatchObject({ fresh: 2, starts: starts.map((start) => Date.parse(start)) })
    const [window] = after.windows as [Window]
    expect(window.recurrence?.skip).toEqual(starts)
    expect(starts.map((start) => isLive(window, Date.parse(start)))).toEqual([false, false])
    expect(isLive(window, Date.parse('2026-03-03T15:00Z'))).toBe(true)
    expect(after.history.at(-1)).toMatchObject({ action: 'skip', start: starts[0] })
  })

  it('twice writes nothing, and says that there was nothing to do', () => {
    const { document } = skip(nightly().document, '2026-03-03')
    const again = skip(document, '2026-03-03')
    expect([again.document === document, again.result.fresh]).toEqual([true, 0])
  })

  it('refuses a day on which nothing begins, what goes on, what is over, and what does not recur', () => {
    const { document } = nightly({ cron: '0 2 * * SUN' })
    expect(() => skip(document, '2026-03-09')).toThrow('The next one begins at 2026-03-08T02:00:00.000Z, on 2026-03-08')
    expect(() => skip(document, '2026-03-08', night('2026-03-08') + hour)).toThrow('has begun: `off` ends it')
    expect(() => skip(document, '2026-03-08', night('2026-03-08') + 3 * hour)).toThrow('is over')
    expect(() => skip(add().document, '2026-03-01')).toThrow('does not recur: `schedule remove plan-1`')
  })

  it('forgets what is long over', () => {
    const { document } = skip(nightly().document, '2026-03-03')
    const { document: after } = skip(document, '2026-04-03', now + 20 * day)
    expect(after.windows[0]?.recurrence?.skip).toEqual(['2026-04-03T02:00:00.000Z'])
  })
})
