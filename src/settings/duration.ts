import { TimeError } from '../errors.js'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** From the largest to the smallest: also the order in which they must be written. */
const units: ReadonlyMap<string, number> = new Map([
  ['w', 7 * day],
  ['d', day],
  ['h', hour],
  ['m', minute],
  ['s', second],
  ['ms', 1],
])
const order = [...units.keys()]

const parts = /^\d+[a-z]+(?: *\d+[a-z]+)*$/i
const iso =
  /^P(?=\d|T\d)(?:(?<w>\d+)W)?(?:(?<d>\d+)D)?(?:T(?=\d)(?:(?<h>\d+)H)?(?:(?<m>\d+)M)?(?:(?<s>\d+)(?:[.,](?<fraction>\d+))?S)?)?$/i

const noFixedLength = 'years and months have no fixed length, so count in days'

/**
 * Reads a duration, in milliseconds: `90s`, `1h30m`, `1h 30m`, `7d`, `2w`, `500ms`, ISO 8601 `PT1H30M`, or plain seconds.
 * Zero is a duration; whether it makes sense is for the caller to say.
 *
 * @throws {TimeError} for anything else, and for what is negative or has no fixed length (months, years)
 */
export function parseDuration(value: string | number): number {
  if (typeof value === 'number') return checked(value, value * second)
  if (typeof value !== 'string') throw unreadable(value, 'it is neither text nor a number')
  const text = value.trim()
  if (text === '') throw unreadable(value, 'it is empty')
  if (/^\d+$/.test(text)) return checked(value, Number(text) * second)
  if (/^[-+]?P/i.test(text)) return checked(value, readIso(value, text))
  return checked(value, readParts(value, text))
}

/**
 * Writes a duration for people: its largest unit and the next one below, the rest cut off: `1h 30m`, `2d 3h`, `45s`.
 * Milliseconds show only below one second. Less than nothing is `0s`.
 */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms))
    throw new TimeError(`A duration of ${ms} milliseconds cannot be written: give a finite number.`)
  const left = Math.max(ms, 0)
  if (left >= day) return pair(left, day, 'd', hour, 'h')
  if (left >= hour) return pair(left, hour, 'h', minute, 'm')
  if (left >= second || left < 1) return pair(left, minute, 'm', second, 's')
  return `${Math.floor(left)}ms`
}

function pair(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const larges = Math.floor(ms / large)
  const smalls = Math.floor((ms % large) / small)
  if (larges === 0) return `${smalls}${smallUnit}`
  return smalls === 0 ? `${larges}${largeUnit}` : `${larges}${largeUnit} ${smalls}${smallUnit}`
}

function readParts(value: string, text: string): number {
  if (/^[-−]/.test(text)) throw unreadable(value, 'a duration cannot be negative')
  if (/\d[.,]\d/.test(text)) throw unreadable(value, 'text takes whole numbers only, so half an hour is "30m"')
  if (!parts.test(text)) throw unreadable(value, 'it is not numbers with units')
  let total = 0
  let before = -1
  for (const [, amount, unit] of text.matchAll(/(\d+)([a-z]+)/gi)) {
    const length = units.get(unit!)
    if (length === undefined) throw unreadable(value, unknownUnit(unit!))
    const place = order.indexOf(unit!)
    if (place === before) throw unreadable(value, `the unit "${unit}" is there twice`)
    if (place < before) throw unreadable(value, `the unit "${unit}" comes after a smaller one`)
    before = place
    total += Number(amount) * length
  }
  return total
}

function readIso(value: string, text: string): number {
  if (/^-|-\d/.test(text)) throw unreadable(value, 'a duration cannot be negative')
  if (/^P(?:\d+[WD])*\d+[YM]/i.test(text)) throw unreadable(value, noFixedLength)
  const groups = iso.exec(text)?.groups
  if (groups === undefined) throw unreadable(value, 'it is not an ISO 8601 duration')
  let total = Number(`0.${groups.fraction ?? 0}`) * second
  for (const [unit, length] of units) total += Number(groups[unit] ?? 0) * length
  return total
}

function unknownUnit(unit: string): string {
  if (/^(?:y|yr|years?|mo|mon|months?)$/i.test(unit)) {
    return noFixedLength
  }
  return `the unit "${unit.slice(0, 20)}" is unknown (units are w, d, h, m, s and ms, in small letters)`
}

function checked(value: string | number, ms: number): number {
  if (Number.isNaN(ms)) throw unreadable(value, 'it is not a number')
  if (ms < 0) throw unreadable(value, 'a duration cannot be negative')
  const whole = Math.round(ms)
  if (whole > Number.MAX_SAFE_INTEGER) throw unreadable(value, 'it is too long to be counted in milliseconds')
  // Minus zero is zero.
  return whole + 0
}

function unreadable(value: unknown, why: string): TimeError {
  const given = typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value)
  return new TimeError(
    `The duration ${given} cannot be read: ${why}. Write for example "90s", "15m", "1h30m", "7d", "PT1H30M" or plain seconds.`,
  )
}
