import { TimeError } from '../errors.js'
import { nearestName } from './nearest.js'

const day = 24 * 60 * 60 * 1000

/**
 * The three-letter names of the IANA database. Engines know more of them from an old Java list, in which BST is
 * Bangladesh and IST is India: those are refused.
 */
const shortNames: ReadonlySet<string> = new Set('CET EET EST GMT HST MET MST PRC ROC ROK UCT UTC WET'.split(' '))

/**
 * Checks the name of a time zone and returns it in its canonical spelling, where the engine tells.
 *
 * @throws {TimeError} where the name is not in the IANA database
 */
export function assertTimezone(name: string): string {
  const canonical = isName(name) ? canonicalName(name) : undefined
  if (canonical === undefined) {
    const given = typeof name === 'string' ? JSON.stringify(name.slice(0, 60)) : String(name)
    throw new TimeError(
      `The time zone ${given} is unknown. Write an IANA name such as "Europe/Rome", "America/New_York" or "UTC".${meant(name)}`,
    )
  }
  // For an alias engines answer with another name, at times an outdated one (Asia/Calcutta): the operator's own stands.
  return canonical.toLowerCase() === name.toLowerCase() ? canonical : name
}

/** ` Did you mean …?`, or nothing. The city alone is enough. */
function meant(name: unknown): string {
  if (typeof name !== 'string' || name.length > 60) return ''
  const city = `/${name.trim().toLowerCase().replaceAll(' ', '_')}`
  const names = Intl.supportedValuesOf('timeZone')
  const zone = names.find((one) => one.toLowerCase().endsWith(city)) ?? nearestName(name, names)
  return zone === undefined ? '' : ` Did you mean "${zone}"?`
}

/** The time zone of this process; `UTC` where it has none. */
export function systemTimezone(): string {
  try {
    return assertTimezone(new Intl.DateTimeFormat('en-US').resolvedOptions().timeZone)
  } catch {
    return 'UTC'
  }
}

/** What the clocks of a time zone are ahead of UTC at an instant, in milliseconds. */
export function offsetAt(instant: number, timezone: string): number {
  const fields: Record<string, string> = {}
  for (const { type, value } of formatterOf(timezone).formatToParts(instant)) fields[type] = value
  const year = fields.era?.startsWith('B') ? 1 - Number(fields.year) : Number(fields.year)
  const wall = new Date(0)
  wall.setUTCFullYear(year, Number(fields.month) - 1, Number(fields.day))
  wall.setUTCHours(Number(fields.hour), Number(fields.minute), Number(fields.second))
  return wall.getTime() - Math.floor(instant / 1000) * 1000
}

/**
 * The instants, in order, at which the clocks of a time zone show a wall-clock time (given as if it were UTC): one; two
 * where clocks are put back; none where they are put forward.
 */
export function instantsAt(wall: number, timezone: string): number[] {
  // No offset exceeds a day, and no zone changes its offset twice within two, so these are the only two in question.
  const offsets = new Set([offsetAt(wall - day, timezone), offsetAt(wall + day, timezone)])
  return [...offsets]
    .map((offset) => wall - offset)
    .filter((instant) => instant + offsetAt(instant, timezone) === wall)
    .sort((a, b) => a - b)
}

/** The first instant after the gap that a wall-clock time without an instant falls into. */
export function gapEnd(wall: number, timezone: string): number {
  let before = wall - day
  let after = wall + day
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (middle + offsetAt(middle, timezone) < wall) before = middle
    else after = middle
  }
  return after
}

// Newer engines take offsets such as "+01:00" for time zones, older ones do not: the same settings must work on all.
function isName(name: unknown): name is string {
  if (typeof name !== 'string' || !/^[a-z]/i.test(name)) return false
  return name.length !== 3 || shortNames.has(name.toUpperCase())
}

function canonicalName(name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterOf(timezone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timezone)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formatters.set(timezone, formatter)
  }
  return formatter
}
