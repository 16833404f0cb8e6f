import { TimeError } from '../errors.js'
import { assertTimezone, gapEnd, instantsAt, offsetAt } from './timezone.js'

export { assertTimezone, systemTimezone } from './timezone.js'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const time = String.raw`(?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,](?<fraction>\d+))?)?`
const bareTime = new RegExp(`^${time}$`)
const dateAndTime = new RegExp(
  String.raw`^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:[Tt ]${time}(?: ?(?<offset>[Zz]|[+-]\d\d(?::?\d\d)?))?)?$`,
)

const plainNumber = 'a plain number may count seconds or milliseconds, and nobody can see which'

type Fields = Record<string, string | undefined>

/** What a time without an offset is read by. */
export interface InstantOptions {
  /** IANA name. */
  timezone: string
  /** Milliseconds since the epoch: a bare `02:00` is the next one after it. */
  now: number
}

/**
 * Reads an instant: a `Date`; ISO 8601 with `Z` or an offset; or, read in `timezone`, a date and time without one, a date
 * (its midnight), or a time (the next such moment). Of a time that comes twice, as clocks are put back, it is the first;
 * write the offset to mean the second.
 *
 * @throws {TimeError} for anything else, for dates that are not in the calendar, and for times that clocks put forward skip
 */
export function parseInstant(value: Date | string, options: InstantOptions): Date {
  if (isDate(value)) {
    if (Number.isNaN(value.getTime())) throw unreadable(value, options, 'the Date is invalid')
    return new Date(value.getTime())
  }
  if (typeof value !== 'string') {
    throw unreadable(value, options, typeof value === 'number' ? plainNumber : 'it is neither a Date nor text')
  }
  const text = value.trim()
  if (/^[-+]?\d+(?:[.,]\d+)?$/.test(text)) throw unreadable(value, options, plainNumber)
  const timeOnly = bareTime.exec(text)?.groups
  if (timeOnly !== undefined) return nextTime(value, timeOfDay(value, options, timeOnly), options)
  const fields = dateAndTime.exec(text)?.groups
  if (fields === undefined) throw unreadable(value, options, text === '' ? 'it is empty' : 'it is not an ISO 8601 time')
  const wall = dateOf(value, options, fields) + timeOfDay(value, options, fields)
  if (fields.offset !== undefined) return new Date(wall - offsetOf(value, options, fields.offset))
  const timezone = assertTimezone(options.timezone)
  const [first] = instantsAt(wall, timezone)
  if (first === undefined) throw inGap(value, wall, timezone)
  return new Date(first)
}

/** Writes an instant for people, as the clocks of a time zone show it: `2026-11-22 02:00:00 +01:00 (Europe/Rome)`. */
export function formatInstant(instant: Date, timezone: string): string {
  const at = instant.getTime()
  if (Number.isNaN(at)) throw new TimeError('The Date is invalid, so it cannot be written as a time: give a valid one.')
  const zone = assertTimezone(timezone)
  const offset = offsetAt(at, zone)
  return `${wallText(at + offset)} ${offsetText(offset)} (${zone})`
}

function nextTime(value: string, sinceMidnight: number, { timezone, now }: InstantOptions): Date {
  const zone = assertTimezone(timezone)
  const today = Math.floor((now + offsetAt(now, zone)) / day) * day
  // The day before as well: clocks put back over midnight show its last hour again.
  const next = [today - day, today, today + day]
    .map((date) => date + sinceMidnight)
    .flatMap((wall) => {
      const instants = instantsAt(wall, zone)
      if (instants.length === 0) return { wall, instant: gapEnd(wall, zone), exists: false }
      return instants.map((instant) => ({ wall, instant, exists: true }))
    })
    .filter(({ instant }) => instant > now)
    .sort((a, b) => a.instant - b.instant)[0]!
  // Going on to the day after would move tonight's work by a day without a word.
  if (!next.exists) throw inGap(value, next.wall, zone)
  return new Date(next.instant)
}

function dateOf(value: string, options: InstantOptions, fields: Fields): number {
  const [year, month, date] = [Number(fields.year), Number(fields.month), Number(fields.day)]
  if (month < 1 || month > 12) throw unreadable(value, options, `there is no month ${fields.month}`)
  const result = new Date(0)
  result.setUTCFullYear(year, month - 1, date)
  if (date < 1 || result.getUTCMonth() !== month - 1) {
    throw unreadable(value, options, `there is no day ${fields.day} in month ${fields.month} of ${fields.year}`)
  }
  return result.getTime()
}

function timeOfDay(value: string, options: InstantOptions, fields: Fields): number {
  const [hours, minutes, seconds] = [Number(fields.hour ?? 0), Number(fields.minute ?? 0), Number(fields.second ?? 0)]
  if (hours === 24) throw unreadable(value, options, 'midnight is 00:00 of the day that begins')
  if (hours > 23) throw unreadable(value, options, `there is no hour ${fields.hour}`)
  if (minutes > 59) throw unreadable(value, options, `there is no minute ${fields.minute}`)
  if (seconds > 59) throw unreadable(value, options, `there is no second ${fields.second}`)
  const fraction = Number((fields.fraction ?? '').padEnd(3, '0').slice(0, 3))
  return hours * hour + minutes * minute + seconds * second + fraction
}

function offsetOf(value: string, options: InstantOptions, text: string): number {
  if (text === 'Z' || text === 'z') return 0
  const hours = Number(text.slice(1, 3))
  const minutes = Number(text.slice(3).replace(':', ''))
  const offset = hours * hour + minutes * minute
  if (minutes > 59 || offset > 14 * hour) {
    throw unreadable(value, options, `no place has the offset ${text} (they go from -12:00 to +14:00)`)
  }
  return text.startsWith('-') ? -offset : offset
}

function wallText(wall: number): string {
  return new Date(wall).toISOString().slice(0, -'.000Z'.length).replace('T', ' ')
}

function offsetText(offset: number): string {
  const size = Math.abs(offset)
  const parts = [size / hour, (size % hour) / minute].map((part) => String(Math.floor(part)).padStart(2, '0'))
  // Offsets before standard time have seconds.
  if (size % minute !== 0) parts.push(String((size % minute) / second).padStart(2, '0'))
  return (offset < 0 ? '-' : '+') + parts.join(':')
}

// A Date of another realm is no instance of this one's.
function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === '[object Date]'
}

function inGap(value: string, wall: number, timezone: string): TimeError {
  const end = gapEnd(wall, timezone)
  const before = wallText(end - second + offsetAt(end - second, timezone))
  const after = wallText(end + offsetAt(end, timezone))
  return new TimeError(
    `The time ${JSON.stringify(value)} does not exist in ${timezone}: ${wallText(wall)} is skipped, ` +
      `as the clocks go from ${before} to ${after}. Write one of these two, or a time with its offset.`,
  )
}

function unreadable(value: unknown, options: InstantOptions, why: string): TimeError {
  const given = typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value)
  return new TimeError(
    `The time ${given} cannot be read: ${why}. Write a date and time such as "2026-11-22T02:00" ` +
      `(read in ${options.timezone}) or "2026-11-22T02:00+01:00", or a time of day such as "02:00".`,
  )
}
