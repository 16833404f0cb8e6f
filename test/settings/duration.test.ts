import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TimeError } from '../../src/errors.js'
import { formatDuration, parseDuration } from '../../src/settings/duration.js'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

describe('parseDuration', () => {
  it.each([
    ['90s', 90_000],
    ['15m', 15 * minute],
    ['1h30m', 90 * minute],
    ['1h 30m', 90 * minute],
    ['1h  30m', 90 * minute],
    [' 45s ', 45_000],
    ['7d', 7 * day],
    ['2w', 14 * day],
    ['500ms', 500],
    ['1s500ms', 1500],
    ['1w2d3h4m5s6ms', 9 * day + 3 * hour + 4 * minute + 5006],
    ['90m', 90 * minute],
    ['007s', 7000],
    ['0s', 0],
    ['PT1H30M', 90 * minute],
    ['pt1h30m', 90 * minute],
    ['PT90S', 90_000],
    ['PT1.5S', 1500],
    ['PT0,25S', 250],
    ['P1D', day],
    ['P2W', 14 * day],
    ['P1DT12H', 36 * hour],
    ['P1W2DT3H', 9 * day + 3 * hour],
    ['PT0S', 0],
    ['90', 90_000],
    ['0', 0],
    [90, 90_000],
    [1.5, 1500],
    [0.0015, 2],
    [0, 0],
    [-0, 0],
  ])('reads %j as %d ms', (value, ms) => {
    expect(parseDuration(value)).toBe(ms)
  })

  it.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['-5m', 'negative'],
    ['-90', 'negative'],
    ['-PT5M', 'negative'],
    ['PT-5M', 'negative'],
    [-1, 'negative'],
    [Number.NaN, 'not a number'],
    [Number.POSITIVE_INFINITY, 'too long'],
    [Number.NEGATIVE_INFINITY, 'negative'],
    ['NaN', 'not numbers with units'],
    ['Infinity', 'not numbers with units'],
    ['1e3', 'not numbers with units'],
    ['0x10', 'not numbers with units'],
    ['+5m', 'not numbers with units'],
    ['soon', 'not numbers with units'],
    ['an hour', 'not numbers with units'],
    ['h', 'not numbers with units'],
    ['1h30', 'not numbers with units'],
    ['1h and 30m', 'not numbers with units'],
    ['1 h', 'not numbers with units'],
    ['1h\n30m', 'not numbers with units'],
    ['1.5h', '"30m"'],
    ['1.5', '"30m"'],
    ['5x', 'the unit "x" is unknown'],
    ['5min', 'the unit "min" is unknown'],
    ['5constructor', 'is unknown'],
    ['5M', 'small letters'],
    ['1y', 'no fixed length'],
    ['2mo', 'no fixed length'],
    ['1h1h', '"h" is there twice'],
    ['30m1h', '"h" comes after a smaller one'],
    ['1s1m', '"m" comes after a smaller one'],
    ['P1Y', 'no fixed length'],
    ['P1M', 'no fixed length'],
    ['P1Y2M3D', 'no fixed length'],
    ['P2W1MT5M', 'no fixed length'],
    ['P', 'not an ISO 8601 duration'],
    ['PT', 'not an ISO 8601 duration'],
    ['P1DT', 'not an ISO 8601 duration'],
    ['PT1D', 'not an ISO 8601 duration'],
    ['P1H', 'not an ISO 8601 duration'],
    ['PT30M1H', 'not an ISO 8601 duration'],
    ['PT1H1H', 'not an ISO 8601 duration'],
    ['PT1.5H', 'not an ISO 8601 duration'],
    ['PT1H 30M', 'not an ISO 8601 duration'],
    ['party', 'not an ISO 8601 duration'],
    ['9'.repeat(400), 'too long'],
    [`${'9'.repeat(400)}w`, 'too long'],
    [Number.MAX_SAFE_INTEGER, 'too long'],
    [null, 'neither text nor a number'],
    [true, 'neither text nor a number'],
  ])('refuses %j: %s', (value, why) => {
    const reading = () => parseDuration(value as string)
    expect(reading).toThrow(TimeError)
    expect(reading).toThrow(why)
    expect(reading).toThrow('Write for example "90s"')
  })

  it('allows what a safe integer can hold', () => {
    expect(parseDuration(`${Number.MAX_SAFE_INTEGER}ms`)).toBe(Number.MAX_SAFE_INTEGER)
    expect(() => parseDuration(`${Number.MAX_SAFE_INTEGER}ms`.replace('1ms', '9ms'))).toThrow('too long')
  })

  it('does not repeat a very long value in full', () => {
    expect(() => parseDuration('x'.repeat(10_000))).toThrow(/^.{0,250}$/s)
  })

  it('reads the sum of any parts in order, and the same in ISO 8601', () => {
    const amount = fc.option(fc.nat(9999), { nil: undefined })
    fc.assert(
      fc.property(amount, amount, amount, amount, amount, fc.constantFrom('', ' '), (w, d, h, m, s, blank) => {
        fc.pre([w, d, h, m, s].some((part) => part !== undefined))
        const part = (value: number | undefined, unit: string) => (value === undefined ? [] : [`${value}${unit}`])
        const written = [part(w, 'w'), part(d, 'd'), part(h, 'h'), part(m, 'm'), part(s, 's')].flat().join(blank)
        const clock = [part(h, 'H'), part(m, 'M'), part(s, 'S')].flat().join('')
        const iso = `P${[part(w, 'W'), part(d, 'D')].flat().join('')}${clock && 'T'}${clock}`
        const total = ((((w ?? 0) * 7 + (d ?? 0)) * 24 + (h ?? 0)) * 60 + (m ?? 0)) * minute + (s ?? 0) * 1000
        expect(parseDuration(written)).toBe(total)
        expect(parseDuration(iso)).toBe(total)
      }),
    )
  })

  it('reads any text as a whole number of milliseconds, or throws a TimeError', () => {
    const letters = fc.string({ unit: fc.constantFrom(...'0159wdhmsPT.,-+ xY'), maxLength: 12 })
    fc.assert(
      fc.property(fc.oneof(letters, fc.string()), (text) => {
        try {
          expect(parseDuration(text)).toSatisfy((ms: number) => Number.isSafeInteger(ms) && ms >= 0)
        } catch (error) {
          expect(error).toBeInstanceOf(TimeError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [0.4, '0s'],
    [1, '1ms'],
    [999.9, '999ms'],
    [1000, '1s'],
    [45_900, '45s'],
    [59_999, '59s'],
    [minute, '1m'],
    [90_000, '1m 30s'],
    [90 * minute, '1h 30m'],
    [hour + 59_000, '1h'],
    [2 * day + 3 * hour + 59 * minute, '2d 3h'],
    [day + 59 * minute, '1d'],
    [14 * day, '14d'],
    [-1, '0s'],
    [-5 * hour, '0s'],
  ])('writes %d as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (ms) => {
    expect(() => formatDuration(ms)).toThrow(TimeError)
  })

  it('writes what parses back, never more, and short by less than its smaller unit', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(2 * day), fc.nat(400 * day), fc.maxSafeNat()), (ms) => {
        const back = parseDuration(formatDuration(ms))
        const unit = ms >= day ? hour : ms >= hour ? minute : ms >= 1000 ? 1000 : 1
        expect(ms - back).toBeGreaterThanOrEqual(0)
        expect(ms - back).toBeLessThan(unit)
        expect(formatDuration(back)).toBe(formatDuration(ms))
      }),
    )
  })
})
