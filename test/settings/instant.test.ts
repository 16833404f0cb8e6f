import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { TimeError } from '../../src/errors.js'
import { assertTimezone, formatInstant, parseInstant, systemTimezone } from '../../src/settings/instant.js'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const noon = Date.parse('2026-06-15T12:00:00Z')

function read(value: Date | string, timezone = 'Europe/Rome', now: string | number = noon): string {
  return parseInstant(value, { timezone, now: typeof now === 'string' ? Date.parse(now) : now }).toISOString()
}

const zones = [
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Pacific/Apia',
  'Europe/Rome',
  'America/New_York',
]
const from = Date.UTC(2000, 0)
const until = Date.UTC(2040, 0)

/** What the clocks show, by another way through Intl than the code under test. */
const swedish = new Map(
  zones.map((timeZone) => [
    timeZone,
    new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }),
  ]),
)
const clock = (zone: string, instant: number) => swedish.get(zone)!.format(instant)

/** Every instant at which the clocks show `text`, by looking at all of them: all these zones keep to quarters of hours. */
function scan(zone: string, text: string): number[] {
  const asUtc = Date.parse(`${text.replace(' ', 'T')}Z`)
  const found: number[] = []
  for (let instant = asUtc - 15 * hour; instant <= asUtc + 15 * hour; instant += 15 * minute) {
    if (clock(zone, instant) === text) found.push(instant)
  }
  return found
}

/** Days on which the offset of a zone changes. */
const changes = new Map(
  zones.map((zone) => {
    const found: number[] = []
    const behind = (at: number) => Date.parse(`${clock(zone, at).replace(' ', 'T')}Z`) - at
    for (let at = from; at < until; at += day) if (behind(at) !== behind(at + day)) found.push(at)
    return [zone, found]
  }),
)

const anyInstant = fc.integer({ min: from / 1000, max: until / 1000 }).map((seconds) => seconds * 1000)
const zoneAndInstant = fc.constantFrom(...zones).chain((zone) => {
  const days = changes.get(zone)!
  const near = fc
    .tuple(
      fc.constantFrom(...(days.length > 0 ? days : [from])),
      fc.integer({ min: -day / 1000, max: (2 * day) / 1000 }),
    )
    .map(([at, seconds]) => at + seconds * 1000)
  return fc.tuple(fc.constant(zone), fc.oneof(anyInstant, near))
})

describe('parseInstant', () => {
  it.each([
    ['2026-11-22T02:00Z', '2026-11-22T02:00:00.000Z'],
    ['2026-11-22t02:00z', '2026-11-22T02:00:00.000Z'],
    ['2026-11-22 02:00:30Z', '2026-11-22T02:00:30.000Z'],
    ['2026-11-22T02:00:30.5Z', '2026-11-22T02:00:30.500Z'],
    ['2026-11-22T02:00:30,123456789Z', '2026-11-22T02:00:30.123Z'],
    ['2026-11-22T02:00+01:00', '2026-11-22T01:00:00.000Z'],
    ['2026-11-22T02:00+0100', '2026-11-22T01:00:00.000Z'],
    ['2026-11-22T02:00+01', '2026-11-22T01:00:00.000Z'],
    ['2026-11-22 02:00:00 +01:00', '2026-11-22T01:00:00.000Z'],
    ['2026-11-22T02:00-03:30', '2026-11-22T05:30:00.000Z'],
    ['2026-11-22T02:00+14:00', '2026-11-21T12:00:00.000Z'],
    ['2026-11-22T02:00-00:00', '2026-11-22T02:00:00.000Z'],
    ['2024-02-29T00:00Z', '2024-02-29T00:00:00.000Z'],
    ['0099-01-01T00:00Z', '0099-01-01T00:00:00.000Z'],
    ['2026-11-22T02:00', '2026-11-22T01:00:00.000Z'],
    ['2026-07-22T02:00', '2026-07-22T00:00:00.000Z'],
    ['2026-11-22 02:00:30', '2026-11-22T01:00:30.000Z'],
    ['2026-11-22', '2026-11-21T23:00:00.000Z'],
    [' 2026-11-22 ', '2026-11-21T23:00:00.000Z'],
  ])('reads %s', (text, expected) => {
    expect(read(text)).toBe(expected)
  })

  it('takes a Date as it is, also one of another realm, and gives another object', () => {
    const date = new Date(noon + 7)
    expect(read(date)).toBe(date.toISOString())
    expect(read(runInNewContext(`new Date(${noon})`) as Date)).toBe('2026-06-15T12:00:00.000Z')
    expect(parseInstant(date, { timezone: 'UTC', now: 0 })).not.toBe(date)
  })

  it.each([
    ['', 'empty'],
    ['tomorrow', 'not an ISO 8601 time'],
    ['now', 'not an ISO 8601 time'],
    ['next friday 02:00', 'not an ISO 8601 time'],
    ['22/11/2026', 'not an ISO 8601 time'],
    ['Nov 22, 2026 02:00', 'not an ISO 8601 time'],
    ['2026-11-22T2:00', 'not an ISO 8601 time'],
    ['2026-1-2', 'not an ISO 8601 time'],
    ['2026-11', 'not an ISO 8601 time'],
    ['2:00', 'not an ISO 8601 time'],
    ['2am', 'not an ISO 8601 time'],
    ['02:00Z', 'not an ISO 8601 time'],
    ['2026-11-22Z', 'not an ISO 8601 time'],
    ['2026-11-22T02', 'not an ISO 8601 time'],
    ['2026-11-22\n02:00', 'not an ISO 8601 time'],
    ['2026-11-22T02:00 Europe/Rome', 'not an ISO 8601 time'],
    ['+002026-11-22T02:00Z', 'not an ISO 8601 time'],
    ['1763776800', 'seconds or milliseconds'],
    ['1763776800000', 'seconds or milliseconds'],
    ['-1', 'seconds or milliseconds'],
    ['1763776800.5', 'seconds or milliseconds'],
    ['20261122', 'seconds or milliseconds'],
    [1763776800000, 'seconds or milliseconds'],
    [Number.NaN, 'seconds or milliseconds'],
    [null, 'neither a Date nor text'],
    [{}, 'neither a Date nor text'],
    [new Date(Number.NaN), 'the Date is invalid'],
    ['2026-02-30', 'no day 30 in month 02 of 2026'],
    ['2026-02-29T00:00Z', 'no day 29 in month 02 of 2026'],
    ['2026-04-31', 'no day 31'],
    ['2026-04-00', 'no day 00'],
    ['2026-13-01', 'no month 13'],
    ['2026-00-01', 'no month 00'],
    ['25:00', 'no hour 25'],
    ['2026-11-22T25:00Z', 'no hour 25'],
    ['24:00', 'midnight is 00:00 of the day that begins'],
    ['2026-11-22T24:00', 'midnight is 00:00 of the day that begins'],
    ['2026-11-22T02:60', 'no minute 60'],
    ['2026-11-22T23:59:60Z', 'no second 60'],
    ['2026-11-22T02:00+25:00', 'no place has the offset +25:00'],
    ['2026-11-22T02:00+01:60', 'no place has the offset +01:60'],
    ['2026-11-22T02:00-14:01', 'no place has the offset -14:01'],
  ])('refuses %j: %s', (value, why) => {
    const reading = () => read(value as string)
    expect(reading).toThrow(TimeError)
    expect(reading).toThrow(why)
    expect(reading).toThrow('(read in Europe/Rome)')
  })

  it('refuses an unknown zone when it needs it, and only then', () => {
    expect(() => read('2026-11-22T02:00', 'Mars/Olympus')).toThrow('time zone "Mars/Olympus" is unknown')
    expect(() => read('02:00', 'Mars/Olympus')).toThrow('time zone "Mars/Olympus" is unknown')
    expect(read('2026-11-22T02:00Z', 'Mars/Olympus')).toBe('2026-11-22T02:00:00.000Z')
  })

  it('reads any text as a valid Date, or throws a TimeError', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123459-:TZ+ .'), maxLength: 24 })
    const two = fc.nat(99).map((n) => String(n).padStart(2, '0'))
    const alike = fc
      .tuple(fc.nat(9999), two, two, two, two, fc.constantFrom('', 'Z', '+01:00', '-0930'))
      .map(([y, mo, d, h, mi, offset]) => `${String(y).padStart(4, '0')}-${mo}-${d}T${h}:${mi}${offset}`)
    fc.assert(
      fc.property(fc.oneof(digits, alike, fc.string()), fc.constantFrom(...zones), (text, timezone) => {
        try {
          expect(parseInstant(text, { timezone, now: noon }).getTime()).not.toBeNaN()
        } catch (error) {
          expect(error).toBeInstanceOf(TimeError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a time without an offset, where clocks change', () => {
  it('is refused in the gap, with the two nearest times that exist', () => {
    for (const text of ['2026-03-29 02:30', '2026-03-29T02:00', '2026-03-29T02:59:59.999']) {
      expect(() => read(text)).toThrow(TimeError)
      expect(() => read(text)).toThrow(
        'does not exist in Europe/Rome: ' +
          `${text.replace('T', ' ').slice(0, 16)}:${text.endsWith('.999') ? '59' : '00'} is skipped, ` +
          'as the clocks go from 2026-03-29 01:59:59 to 2026-03-29 03:00:00',
      )
    }
    expect(read('2026-03-29T01:59:59')).toBe('2026-03-29T00:59:59.000Z')
    expect(read('2026-03-29T03:00')).toBe('2026-03-29T01:00:00.000Z')
    expect(read('2026-03-29T02:30Z')).toBe('2026-03-29T02:30:00.000Z')
  })

  it('is the first of the two that it names', () => {
    expect(read('2026-10-25T02:30')).toBe('2026-10-25T00:30:00.000Z')
    expect(read('2026-10-25T02:30+02:00')).toBe('2026-10-25T00:30:00.000Z')
    expect(read('2026-10-25T02:30+01:00')).toBe('2026-10-25T01:30:00.000Z')
    expect(read('2026-10-25T03:00')).toBe('2026-10-25T02:00:00.000Z')
    expect(read('2026-11-01T01:30', 'America/New_York')).toBe('2026-11-01T05:30:00.000Z')
  })

  it('knows changes of half an hour', () => {
    expect(read('2026-04-05T01:45', 'Australia/Lord_Howe')).toBe('2026-04-04T14:45:00.000Z')
    expect(() => read('2026-10-04T02:15', 'Australia/Lord_Howe')).toThrow(
      'from 2026-10-04 01:59:59 to 2026-10-04 02:30:00',
    )
  })

  it('knows a day that a zone left out by crossing the date line', () => {
    for (const text of ['2011-12-30', '2011-12-30T12:00', '2011-12-30T23:59:59']) {
      expect(() => read(text, 'Pacific/Apia')).toThrow('from 2011-12-29 23:59:59 to 2011-12-31 00:00:00')
    }
    expect(read('2011-12-29T23:59', 'Pacific/Apia')).toBe('2011-12-30T09:59:00.000Z')
    expect(read('2011-12-31', 'Pacific/Apia')).toBe('2011-12-30T10:00:00.000Z')
  })

  it('is refused as a date whose midnight is skipped', () => {
    expect(() => read('2018-11-04', 'America/Sao_Paulo')).toThrow('from 2018-11-03 23:59:59 to 2018-11-04 01:00:00')
  })
})

describe('a time of day', () => {
  it('is the next such moment after now', () => {
    expect(read('02:00', 'Europe/Rome', '2026-06-14T23:59:59Z')).toBe('2026-06-15T00:00:00.000Z')
    expect(read('02:00', 'Europe/Rome', '2026-06-15T00:00:00Z')).toBe('2026-06-16T00:00:00.000Z')
    expect(read('02:00:30', 'Europe/Rome', '2026-06-15T00:00:00Z')).toBe('2026-06-15T00:00:30.000Z')
    expect(read('23:00', 'Asia/Kolkata', '2026-06-15T12:00:00Z')).toBe('2026-06-15T17:30:00.000Z')
    expect(read('00:00', 'UTC', '2026-12-31T12:00:00Z')).toBe('2027-01-01T00:00:00.000Z')
  })

  it('keeps to the clocks over a change of offset', () => {
    expect(read('12:00', 'Europe/Rome', '2026-03-28T12:00:00Z')).toBe('2026-03-29T10:00:00.000Z')
    expect(read('12:00', 'Europe/Rome', '2026-10-24T12:00:00Z')).toBe('2026-10-25T11:00:00.000Z')
  })

  it('is refused when the next night skips it, and fine once that is over', () => {
    expect(() => read('02:30', 'Europe/Rome', '2026-03-28T12:00:00Z')).toThrow('2026-03-29 02:30:00 is skipped')
    expect(() => read('02:30', 'Europe/Rome', '2026-03-29T00:59:59Z')).toThrow('2026-03-29 02:30:00 is skipped')
    expect(read('02:30', 'Europe/Rome', '2026-03-29T01:00:00Z')).toBe('2026-03-30T00:30:00.000Z')
  })

  it('comes again an hour later when clocks are put back', () => {
    expect(read('02:30', 'Europe/Rome', '2026-10-24T12:00:00Z')).toBe('2026-10-25T00:30:00.000Z')
    expect(read('02:30', 'Europe/Rome', '2026-10-25T00:45:00Z')).toBe('2026-10-25T01:30:00.000Z')
    expect(read('02:30', 'Europe/Rome', '2026-10-25T01:30:00Z')).toBe('2026-10-26T01:30:00.000Z')
  })

  it('comes again also when clocks are put back over midnight, into the day before', () => {
    expect(read('23:30', 'America/St_Johns', '2006-10-29T02:30:30Z')).toBe('2006-10-29T03:00:00.000Z')
  })

  it('is the first instant after now at which the clocks show it', () => {
    const quarter = fc
      .nat(95)
      .map((n) => `${String(Math.floor(n / 4)).padStart(2, '0')}:${['00', '15', '30', '45'][n % 4]}`)
    fc.assert(
      fc.property(zoneAndInstant, quarter, ([timezone, now], text) => {
        let next = Math.floor(now / (15 * minute)) * 15 * minute + 15 * minute
        while (clock(timezone, next).slice(11) !== `${text}:00`) next += 15 * minute
        try {
          expect(read(text, timezone, now)).toBe(new Date(next).toISOString())
        } catch (error) {
          if (!(error instanceof TimeError)) throw error
          const skipped = /: (\S+ \S+) is skipped/.exec(error.message)?.[1]
          expect(skipped?.slice(11)).toBe(`${text}:00`)
          expect(scan(timezone, skipped!)).toEqual([])
          expect(clock(timezone, now) < skipped! && skipped! < clock(timezone, next)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('local text', () => {
  it('reads back as the instant whose clocks show it, the first where there are two', () => {
    fc.assert(
      fc.property(zoneAndInstant, ([timezone, instant]) => {
        const text = clock(timezone, instant)
        const all = scan(timezone, text)
        expect(all).toContain(instant)
        expect(read(text, timezone)).toBe(new Date(all[0]!).toISOString())
      }),
      { numRuns: 1000 },
    )
  })

  it('is refused exactly where no instant shows it, with times that do exist on both sides', () => {
    fc.assert(
      fc.property(zoneAndInstant, ([timezone, wall]) => {
        const text = new Date(wall).toISOString().slice(0, 19).replace('T', ' ')
        const [first] = scan(timezone, text)
        if (first !== undefined) {
          expect(read(text, timezone)).toBe(new Date(first).toISOString())
          return
        }
        expect(() => read(text, timezone)).toThrow(TimeError)
        try {
          read(text, timezone)
        } catch (error) {
          const [, before, after] = /from (\S+ \S+) to (\S+ \S+)\./.exec((error as Error).message)!
          expect(before! < text && text < after!).toBe(true)
          expect(Date.parse(read(after!, timezone)) - Date.parse(read(before!, timezone))).toBe(1000)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('formatInstant', () => {
  it.each([
    ['2026-11-22T01:00:00Z', 'Europe/Rome', '2026-11-22 02:00:00 +01:00 (Europe/Rome)'],
    ['2026-07-22T00:00:00.999Z', 'europe/rome', '2026-07-22 02:00:00 +02:00 (Europe/Rome)'],
    ['2026-11-22T01:00:00Z', 'UTC', '2026-11-22 01:00:00 +00:00 (UTC)'],
    ['2026-11-22T01:00:00Z', 'Asia/Kolkata', '2026-11-22 06:30:00 +05:30 (Asia/Kolkata)'],
    ['2026-11-22T01:00:00Z', 'America/St_Johns', '2026-11-21 21:30:00 -03:30 (America/St_Johns)'],
    ['2026-10-25T00:30:00Z', 'Europe/Rome', '2026-10-25 02:30:00 +02:00 (Europe/Rome)'],
    ['2026-10-25T01:30:00Z', 'Europe/Rome', '2026-10-25 02:30:00 +01:00 (Europe/Rome)'],
    ['1850-01-01T00:00:00.500Z', 'Europe/Rome', '1850-01-01 00:49:56 +00:49:56 (Europe/Rome)'],
    ['1969-12-31T23:59:59.500Z', 'UTC', '1969-12-31 23:59:59 +00:00 (UTC)'],
    ['0000-06-01T12:00:00Z', 'UTC', '0000-06-01 12:00:00 +00:00 (UTC)'],
  ])('writes %s in %s', (instant, timezone, text) => {
    expect(formatInstant(new Date(instant), timezone)).toBe(text)
  })

  it('refuses an invalid Date and an unknown zone', () => {
    expect(() => formatInstant(new Date(Number.NaN), 'UTC')).toThrow(TimeError)
    expect(() => formatInstant(new Date(0), 'Nowhere')).toThrow(TimeError)
  })

  it('writes what parses back to the second, in whatever zone it is read', () => {
    fc.assert(
      fc.property(zoneAndInstant, fc.nat(999), fc.constantFrom(...zones), ([zone, instant], ms, other) => {
        const text = formatInstant(new Date(instant + ms), zone)
        expect(text).toBe(`${clock(zone, instant)} ${text.slice(20, 26)} (${zone})`)
        expect(read(text.slice(0, 26), other)).toBe(new Date(instant).toISOString())
      }),
      { numRuns: 500 },
    )
  })
})

describe('assertTimezone', () => {
  it.each([
    ['Europe/Rome', 'Europe/Rome'],
    ['europe/rome', 'Europe/Rome'],
    ['AMERICA/NEW_YORK', 'America/New_York'],
    ['utc', 'UTC'],
    ['Etc/GMT-1', 'Etc/GMT-1'],
  ])('knows %s', (name, canonical) => {
    expect(assertTimezone(name)).toBe(canonical)
  })

  it.each(['Asia/Kolkata', 'Asia/Calcutta', 'US/Eastern', 'Etc/UTC', 'GMT', 'CET'])('never renames %s', (name) => {
    expect(assertTimezone(name)).toBe(name)
  })

  it.each([
    '',
    ' ',
    'Rome',
    'Europe/Roma',
    ' Europe/Rome',
    '+01:00',
    '-0500',
    'UTC+2',
    'Z',
    'IST',
    'bst',
    'PST',
    null,
    1,
  ])('refuses %j', (name) => {
    expect(() => assertTimezone(name as string)).toThrow(TimeError)
    expect(() => assertTimezone(name as string)).toThrow('Write an IANA name such as "Europe/Rome"')
  })
})

describe('the time zone of the process', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it.each([
    ['America/New_York', 300],
    ['Pacific/Kiritimati', -840],
    ['Europe/Rome', -60],
    ['UTC', 0],
  ])('changes nothing but systemTimezone (%s)', (timezone, minutes) => {
    vi.stubEnv('TZ', timezone)
    expect(new Date(Date.UTC(2026, 0)).getTimezoneOffset()).toBe(minutes)
    expect(systemTimezone()).toBe(timezone)
    expect(read('2026-11-22T02:00')).toBe('2026-11-22T01:00:00.000Z')
    expect(read('2026-11-22')).toBe('2026-11-21T23:00:00.000Z')
    expect(read('02:00')).toBe('2026-06-16T00:00:00.000Z')
    expect(read('2026-10-25T02:30')).toBe('2026-10-25T00:30:00.000Z')
    expect(() => read('2026-03-29T02:30')).toThrow('from 2026-03-29 01:59:59 to 2026-03-29 03:00:00')
    expect(formatInstant(new Date('2026-11-22T01:00:00Z'), 'Europe/Rome')).toBe(
      '2026-11-22 02:00:00 +01:00 (Europe/Rome)',
    )
  })

  it.each(['', 'Not/AZone'])('is UTC where TZ is %j', (timezone) => {
    vi.stubEnv('TZ', timezone)
    expect(systemTimezone()).toBe('UTC')
  })
})
