import { MaintenanceError, TimeError } from './errors.js'
import type { WaitOptions } from './fleet/wait.js'
import { parseDuration } from './settings/duration.js'
import { didYouMean } from './settings/nearest.js'
import { isMode, type Mode } from './state/window.js'

/** A time as people give it: a Date, ISO 8601, or a time without a zone, read in the setting `timezone`. */
export type Time = Date | string

/** What can be said of a window that is opened by hand. `null` takes away what an open one has, `undefined` leaves it. */
export interface ModeOptions {
  /** Default: now. */
  start?: Time | undefined
  /** The site reopens by itself then. Default: open end. */
  end?: Time | null | undefined
  /** Told to people; reopens nothing. */
  expectedEnd?: Time | null | undefined
  /** Public: shown on the page. */
  reason?: string | null | undefined
  /** For the history only. */
  note?: string | null | undefined
  /** Default: `*`, the whole site. */
  scope?: string | undefined
  /** Tells several windows opened by hand apart. Default: `manual`. With `off`, the one window to close. */
  id?: string | undefined
  /** With `off`: every scope, and live leases of others too. */
  all?: boolean | undefined
  /** With `off`: visitors are let in little by little, all of them after so long: `10m`, or seconds. Default: all at once. */
  ramp?: string | number | undefined
  /** Who does it. */
  by?: string | undefined
  /** From where. */
  from?: string | undefined
  /** Resolve when every live instance decides by the change; reject with NotConfirmedError where that cannot be had. */
  wait?: boolean | WaitOptions | undefined
}

const longestText = 2000
const longestName = 200
const whose = ['by', 'from']
/** What can be said of any window. */
const ofAll = ['end', 'expectedEnd', 'reason', 'note', 'scope', 'id', ...whose]
export const modeOptions: readonly string[] = ['start', 'all', 'ramp', 'wait', ...ofAll]
export const leaseOptions: readonly string[] = ['mode', 'onLapse', 'wait', ...ofAll]
export const planOptions: readonly string[] = ['start', ...ofAll]
export const closeOptions: readonly string[] = ['scope', ...whose]

export function readMode(mode: unknown): Mode {
  if (mode === true) return 'on'
  if (mode === false) return 'off'
  if (isMode(mode)) return mode
  throw new MaintenanceError(
    'ERR_MAINTENANCE_SETTING',
    `The mode must be 'on', 'off', 'read-only', 'hold', true or false; got ${typeof mode === 'string' ? `"${mode}"` : String(mode)}.`,
  )
}

export function assertOptions(options: ModeOptions, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new MaintenanceError('ERR_MAINTENANCE_SETTING', `Unknown option \`${name}\`.${didYouMean(name, known)}`)
    }
  }
  for (const name of ['id', 'scope', 'by', 'from'] as const) {
    if (options[name] !== undefined) assertName(name, options[name])
  }
}

/** What is no string would be written, and could not be read back. */
export function assertName(name: string, text: unknown): void {
  if (typeof text === 'string' && text.trim() !== '' && text.length <= longestName) return
  throw new MaintenanceError(
    'ERR_MAINTENANCE_SETTING',
    `The ${name} must be a string of 1 to ${longestName} characters.`,
  )
}

export function readText(name: string, text: string | null | undefined): string | null | undefined {
  if (text === null || text === undefined) return text
  if (typeof text !== 'string' || text.length > longestText) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_SETTING',
      `The ${name} must be a string of at most ${longestText} characters.`,
    )
  }
  return text.trim() === '' ? null : text
}

/** Milliseconds. Who is let in later than that is not let in by a ramp. */
const longestRamp = 7 * 24 * 60 * 60 * 1000

export function readRamp(ramp: string | number | undefined): number | undefined {
  if (ramp === undefined) return undefined
  const length = parseDuration(ramp)
  if (length > 0 && length <= longestRamp) return length
  throw new TimeError(`The ramp "${ramp}" must be longer than nothing and at most 7 days: write for example 10m.`)
}
