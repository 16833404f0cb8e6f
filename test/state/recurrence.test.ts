import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { effectiveMode, hasEnded, isLive, nextChange } from '../../src/state/effective-mode.js'
import { occurrencesFrom, phaseOf } from '../../src/state/occurrence.js'
import { cronProblem, durationText, loadCron, ruleOf } from '../../src/state/recurrence.js'
import type { Recurrence, Window } from '../../src/state/window.js'
import { documentOf, windowOf } from './windows.js'

beforeAll(loadCron)

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const instant = (time: number) => new Date(time).toISOString()
const seriesOf = (recurrence: Partial<Recurrence>, part: Partial<Window> = {}) =>
  windowOf({
    id: 'series',
    origin: 'planned',
    start: '2026-01-01T00:00:00.000Z',
    recurrence: { cron: '0 2 * * *', timezone: 'Europe/Rome', duration: '2h', ...recurrence },
    ...part,
  })
const startsOf = (window: Window, from: string, count = 4) =>
  occurrencesFrom(window, Date.parse(from), count).map(({ start }) => instant(start).slice(0, 16))

/** A cron expression, and what it means, told apart from its text. */
interface Rule {
  cron: string
  /** Minutes and hours are fixed: neither `*` nor a step. */
  fixed: boolean
  matches(wall: number): boolean
}

const field = (least: number, most: number, usual: number) =>
  fc.oneof(
    fc
      .uniqueArray(fc.oneof(fc.integer({ min: least, max: usual }), fc.integer({ min: least, max: most })), {
        minLength: 1,
        maxLength: 3,
      })
      .map((values) => ({ text: values.join(','), fixed: true, has: (value: number) => values.includes(value) })),
    fc
      .constantFrom(1, 2, 6, 20, 30)
      .filter((step) => (most === 59 ? step >= 20 : step < 20))
      .map((step) => ({
        text: step === 1 ? '*' : `*/${step}`,
        fixed: false,
        has: (value: number) => (value - least) % step === 0,
      })),
  )

const anyWeekday = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  fc.record({ weekday: fc.integer({ min: 0, max: 6 }), nth: fc.option(fc.integer({ min: 1, max: 5 })) }),
)

const anyRule: fc.Arbitrary<Rule> = fc
  .record({ minutes: field(0, 59, 45), hours: field(0, 23, 4), weekday: anyWeekday })
  .map(({ minutes, hours, weekday }) => ({
    cron: `${minutes.text} ${hours.text} * * ${weekday === undefined ? '*' : weekday.weekday}${weekday?.nth == null ? '' : `#${weekday.nth}`}`,
    fixed: minutes.fixed && hours.fixed,
    matches(wall) {
      const at = new Date(wall)
      if (!minutes.has(at.getUTCMinutes()) || !hours.has(at.getUTCHours())) return false
      if (weekday === undefined) return true
      return (
        at.getUTCDay() === weekday.weekday && (weekday.nth == null || Math.ceil(at.getUTCDate() / 7) === weekday.nth)
      )
    },
  }))

/** Days on which clocks are set, one way or the other; also over midnight, by half an hour, and not at all. */
const settings: readonly (readonly [timezone: string, date: string])[] = [
  ['Europe/Rome', '2026-03-29'],
  ['Europe/Rome', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['America/Santiago', '2026-09-06'],
  ['America/Santiago', '2026-04-05'],
  ['Asia/Beirut', '2026-03-29'],
  ['Asia/Kathmandu', '2026-03-29'],
]

interface Stretch {
  timezone: string
  from: number
  /** What the clocks show, as if it were UTC, at every minute from `from`. */
  walls: number[]
}

const reach = 2 * day
const stretches = new Map<string, Stretch>()

function stretchOf([timezone, date]: readonly [string, string]): Stretch {
  const known = stretches.get(timezone + date)
  if (known) return known
  const from = Date.parse(date) - reach
  // A Swedish clock shows ISO 8601.
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' })
  const walls = Array.from({ length: (2 * reach) / minute }, (_, index) =>
    Date.parse(`${clock.format(from + index * minute).replace(' ', 'T')}Z`),
  )
  const stretch = { timezone, from, walls }
  stretches.set(timezone + date, stretch)
  return stretch
}

/** The starts of a rule, found minute by minute. */
function walk({ from, walls }: Stretch, { fixed, matches }: Rule): number[] {
  const starts: number[] = []
  let latest = walls[0] as number
  for (let index = 1; index < walls.length; index++) {
    const wall = walls[index] as number
    let starting = matches(wall)
    if (fixed) {
      // Shown before: the clocks were put back.
      if (wall <= latest) starting = false
      // Never shown: the clocks were put forward.
      for (let skipped = latest + minute; skipped < wall; skipped += minute) starting ||= matches(skipped)
    }
    if (starting) starts.push(from + index * minute)
    latest = Math.max(latest, wall)
  }
  return starts
}

interface Case {
  rule: Rule
  stretch: Stretch
  /** Minutes. */
  duration: number
  begin: number
  skipped: number[]
}

const anyCase: fc.Arbitrary<Case> = fc.record({
  rule: anyRule,
  stretch: fc.constantFrom(...settings).map(stretchOf),
  duration: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 1500 })),
  begin: fc.integer({ min: 0, max: 3000 }),
  skipped: fc.array(fc.nat(20), { maxLength: 3 }),
})

function caseOf({ rule, stretch, duration, begin, skipped }: Case) {
  const all = walk(stretch, rule)
  const start = stretch.from + day / 2 + begin * 17_000
  const skip = skipped.flatMap((place: number) => all[place] ?? [])
  const window = seriesOf(
    { cron: rule.cron, timezone: stretch.timezone, duration: `${duration}m`, skip: skip.map(instant) },
    { start: instant(start) },
  )
  const starts = all.filter((one) => one >= start && !skip.includes(one))
  const until = stretch.from + 2 * reach - 26 * hour
  const live = (now: number) => starts.some((one) => one <= now && now < one + duration * minute)
  return { window, starts, live, start, until }
}

describe('a recurring window, against a walk through every minute that clocks show', () => {
  it('is live from the wall-clock time of each start for its duration, whatever the order of the questions', () => {
    fc.assert(
      fc.property(anyCase, fc.array(fc.nat(4 * 24 * 60 * 4), { minLength: 20, maxLength: 20 }), (given, quarters) => {
        const { window, live, start, until } = caseOf(given)
        for (const quarter of quarters) {
          const now = start - day / 4 + quarter * 15_000
          if (now < until) expect([instant(now), isLive(window, now)]).toEqual([instant(now), live(now)])
        }
      }),
      { numRuns: 200 },
    )
  })

  it('changes at the instants that are told one after the other, and at no other', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { window, starts, live, start, until } = caseOf(given)
        const expected = starts
          .flatMap((one) => [one, one + given.duration * minute])
          .sort((a, b) => a - b)
          .filter((at, place, all) => at !== all[place - 1] && at < until && live(at) !== live(at - 1))
        const told: number[] = []
        const document = documentOf(window)
        for (let at = nextChange(document, start - 1); at !== undefined && at < until; at = nextChange(document, at)) {
          if (effectiveMode(document, at).mode !== effectiveMode(document, at - 1).mode) told.push(at)
        }
        expect(told.map(instant)).toEqual(expected.map(instant))
      }),
      { numRuns: 60 },
    )
  })

  it('tells since when and until when it is closed', () => {
    fc.assert(
      fc.property(anyCase, fc.nat(1000), (given, part) => {
        const { window, starts, live, until } = caseOf(given)
        const one = starts[0]
        fc.pre(one !== undefined && one + given.duration * minute < until)
        const now = (one as number) + Math.floor((given.duration * minute * part) / 1001)
        const told = effectiveMode(documentOf(window), now)
        expect(told.since).toBe(one)
        let end = now
        while (live(end)) end = starts.filter((other) => other <= end).at(-1)! + given.duration * minute
        fc.pre(end < until)
        expect(told.until).toBe(end)
      }),
      { numRuns: 100 },
    )
  })
})

describe('where clocks are set', () => {
  it('a time that they skip is the first one after, and lasts as long', () => {
    const [one] = occurrencesFrom(seriesOf({ cron: '30 2 * * *' }), Date.parse('2026-03-29T00:00Z'), 1)
    expect([one?.start, one?.end].map((at) => instant(at as number))).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T03:00:00.000Z',
    ])
  })

  it('a time that comes twice is the first one, and lasts as long in real time', () => {
    expect(startsOf(seriesOf({ cron: '30 2 * * *' }), '2026-10-24T12:00Z', 2)).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ])
  })

  it('what recurs by the hour goes by real time', () => {
    expect(startsOf(seriesOf({ cron: '30 * * * *', duration: '1m' }), '2026-10-24T23:59Z', 3)).toEqual([
      '2026-10-25T00:30',
      '2026-10-25T01:30',
      '2026-10-25T02:30',
    ])
  })

  it('half an hour, as on Lord Howe Island', () => {
    const window = seriesOf({ cron: '10 2 * * *', timezone: 'Australia/Lord_Howe' })
    expect(startsOf(window, '2026-10-02T12:00Z', 3)).toEqual([
      '2026-10-02T15:40',
      '2026-10-03T15:30',
      '2026-10-04T15:10',
    ])
  })
})

describe('a rule', () => {
  it('may name the first Sunday, or the last day of a month', () => {
    expect(startsOf(seriesOf({ cron: '0 2 * * SUN#1', timezone: 'UTC' }), '2026-01-01T00:00Z', 2)).toEqual([
      '2026-01-04T02:00',
      '2026-02-01T02:00',
    ])
    expect(startsOf(seriesOf({ cron: '0 2 L * *', timezone: 'UTC' }), '2026-01-01T00:00Z', 2)).toEqual([
      '2026-01-31T02:00',
      '2026-02-28T02:00',
    ])
  })

  it.each([
    ['61 2 * * *', 'the minute cannot be "61"'],
    ['0 25 * * *', 'the hour cannot be "25"'],
    ['0 2 32 * *', 'the day of the month cannot be "32"'],
    ['0 2 * JANUARY *', 'the month cannot be "JANUARY"'],
    ['0 2 * * MOO', 'the day of the week cannot be "MOO"'],
    ['0 2 * *', 'it has 4 fields, and must have five'],
    ['0 0 2 * * *', 'it has 6 fields, and must have five'],
    ['@daily', 'it has 1 field, and must have five'],
    [' ', 'it has no fields'],
  ])('"%s" is refused: %s', (cron, problem) => {
    expect(cronProblem(cron)).toContain(problem)
  })

  it.each([
    ['0 2 * *', 'Europe/Rome', '2h'],
    ['0 2 * * *', 'Europe/Romee', '2h'],
    ['0 2 * * *', 'Europe/Rome', '2 hours'],
    ['0 2 * * *', 'Europe/Rome', '0h'],
    [5, 'UTC', '2h'],
    ['0 2 * * *', null, '2h'],
    ['0 2 * * *', 'UTC', 7200],
  ])('%j in %j for %j is not understood: it counts as on', (cron, timezone, duration) => {
    const window = seriesOf({ cron, timezone, duration } as never)
    expect(ruleOf(window)).toBeUndefined()
    expect(effectiveMode(documentOf(window), Date.parse('2026-05-01T12:00Z')).mode).toBe('on')
    expect(effectiveMode(documentOf(window), Date.parse('2025-05-01T12:00Z')).mode).toBe('off')
  })

  it.each([null, 5, 'daily', [], {}])('%j is none that is understood either', (recurrence) => {
    expect(isLive(seriesOf({}, { recurrence: recurrence as never }), Date.parse('2026-05-01T12:00Z'))).toBe(true)
  })

  it('that never comes closes nothing, and a series has never ended', () => {
    const window = seriesOf({ cron: '0 2 31 2 *' })
    expect(occurrencesFrom(window, Date.parse('2026-05-01T12:00Z'), 3)).toEqual([])
    expect(nextChange(documentOf(window), Date.parse('2026-05-01T12:00Z'))).toBeUndefined()
    expect(hasEnded(window, Date.parse('2126-05-01T12:00Z'))).toBe(false)
    expect(phaseOf(window, Date.parse('2026-05-01T12:00Z'))).toBe('done')
  })

  it('has a duration that is read as it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 366 * day }), (milliseconds) => {
        expect(ruleOf(seriesOf({ duration: durationText(milliseconds) }))?.duration).toBe(milliseconds)
      }),
    )
    expect([90 * minute, 2 * hour, 1500].map(durationText)).toEqual(['90m', '2h', '1500ms'])
    expect(ruleOf(seriesOf({ duration: '1h30m' }))?.duration).toBe(90 * minute)
    const tooLong = seriesOf({ duration: '999999999999d' })
    expect(ruleOf(tooLong), 'nobody could say when it ends').toBeUndefined()
    expect(effectiveMode(documentOf(tooLong), Date.parse('2026-05-01T12:00Z'))).toMatchObject({
      mode: 'on',
      expectedEnd: undefined,
    })
  })

  it('never throws, whatever the clock says', () => {
    fc.assert(
      fc.property(fc.double(), fc.constantFrom('0 2 * * *', '0 2 29 2 *', '*/5 * * * *'), (now, cron) => {
        const document = documentOf(seriesOf({ cron }), seriesOf({ cron }, { holdClosed: true }))
        effectiveMode(document, now)
        nextChange(document, now)
        for (const window of document.windows) phaseOf(window, now)
      }),
      { numRuns: 300 },
    )
  })
})

describe('several windows', () => {
  const noon = Date.parse('2026-05-01T12:00Z')

  it('a recurring suspension keeps the site open at its times', () => {
    const suspension = seriesOf({ cron: '0 12 * * *', timezone: 'UTC', duration: '1h' }, { id: 'break', mode: 'off' })
    const document = documentOf(windowOf({ start: instant(noon - day) }), suspension)
    expect([noon - 1, noon, noon + hour].map((at) => effectiveMode(document, at).mode)).toEqual(['on', 'off', 'on'])
    expect(effectiveMode(document, noon - 1).until).toBe(noon)
  })

  it('that take turns for ever have no end that is told, nor is it looked for for ever', () => {
    const nights = seriesOf({ cron: '0 0 * * *', timezone: 'UTC', duration: '12h' }, { id: 'nights' })
    const days = seriesOf({ cron: '0 12 * * *', timezone: 'UTC', duration: '12h' }, { id: 'days' })
    expect(effectiveMode(documentOf(nights, days), noon)).toMatchObject({ mode: 'on', until: undefined })
  })

  it('cost little: 200 different series, evaluated again and again', () => {
    const windows = Array.from({ length: 200 }, (_, index) =>
      seriesOf({ cron: `${index % 60} ${index % 24} * * ${index % 7}`, duration: '30m' }, { id: `plan-${index}` }),
    )
    const document = documentOf(...windows)
    effectiveMode(document, noon)
    nextChange(document, noon)
    const took = Array.from({ length: 100 }, (_, count) => {
      const from = performance.now()
      effectiveMode(document, noon + count)
      nextChange(document, noon + count)
      return performance.now() - from
    })
    expect(took.toSorted((a, b) => a - b)[50]).toBeLessThan(5)
  })
})
