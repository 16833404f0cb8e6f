import { TimeError } from '../errors.js'
import { type Window, wholeSite } from './window.js'

/** Who does something, and from where. */
export interface Actor {
  by: string
  from: string
}

/** The part of a window that can be asked for. `null` takes a stored value away, `undefined` leaves it. */
export interface WindowTerms {
  start?: number | undefined
  end?: number | null | undefined
  expectedEnd?: number | null | undefined
  reason?: string | null | undefined
  note?: string | null | undefined
}

/** What names one window. */
export type WindowName = Pick<Window, 'id' | 'scope'>

/** `"manual"`; `"manual" in scope "billing"`. */
export function nameText({ id, scope }: WindowName): string {
  return scope === wholeSite ? `"${id}"` : `"${id}" in scope "${scope}"`
}

export function namesText(windows: readonly WindowName[]): string {
  return windows.map(nameText).join(', ')
}

export function hasName({ id, scope }: Window, name: WindowName): boolean {
  return id === name.id && scope === name.scope
}

export function withTerms(base: Window, terms: WindowTerms): Window {
  const window: Window = { ...base }
  if (terms.start !== undefined) window.start = toInstant(terms.start)
  for (const name of ['end', 'expectedEnd'] as const) {
    const value = terms[name]
    if (value === null) delete window[name]
    else if (value !== undefined) window[name] = toInstant(value)
  }
  for (const name of ['reason', 'note'] as const) {
    const value = terms[name]
    if (value === null) delete window[name]
    else if (value !== undefined) window[name] = value
  }
  return window
}

export function assertTimes(window: Window, ask: WindowTerms, now: number): void {
  const { start, end, expectedEnd } = window
  if (typeof ask.end === 'number' && ask.end <= now) {
    throw new TimeError(`The end (${end}) is not in the future: it is ${toInstant(now)} now.`)
  }
  if (end !== undefined && isBefore(end, start)) {
    throw new TimeError(`The end (${end}) must be after the start (${start}).`)
  }
  if (expectedEnd === undefined) return
  if (typeof ask.expectedEnd === 'number' && ask.expectedEnd <= now) {
    throw new TimeError(`The expected end (${expectedEnd}) is not in the future: it is ${toInstant(now)} now.`)
  }
  if (isBefore(expectedEnd, start)) {
    throw new TimeError(`The expected end (${expectedEnd}) must be after the start (${start}).`)
  }
  if (end !== undefined && Date.parse(expectedEnd) > Date.parse(end)) {
    throw new TimeError(
      `The expected end (${expectedEnd}) is after the end (${end}), at which the site reopens by itself: give an earlier one, or take the end away.`,
    )
  }
}

function isBefore(later: string, earlier: string): boolean {
  return Date.parse(later) <= Date.parse(earlier)
}

export function sameWindow(a: Window, b: Window): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof Window>
  return [...keys].every((key) => a[key] === b[key])
}

export function toInstant(time: number): string {
  const at = new Date(time)
  const text = Number.isNaN(at.getTime()) ? '' : at.toISOString()
  // Years beyond 9999 are written with a sign and six digits, and no document with such an instant is read back.
  if (text.length !== '2026-11-22T00:00:00.000Z'.length) {
    throw new TimeError('The time must lie before the year 10000: give an earlier one.')
  }
  return text
}
