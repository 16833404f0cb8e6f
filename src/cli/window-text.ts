import { formatInstant } from '../settings/instant.js'
import { hasEnded, isLive, isLiveLease } from '../state/effective-mode.js'
import { closingSpan, isHeldClosed, occurrenceAt, phaseOf } from '../state/occurrence.js'
import { ruleOf } from '../state/recurrence.js'
import { type Window, wholeSite } from '../state/window.js'
import type { Context } from './context.js'
import type { Row } from './outcome.js'

const minute = 60_000

/** `2026-11-22 02:30:00 +01:00 (Europe/Rome), in 29 minutes`. */
export function timeText(instant: Date | string | number, { timezone, now }: Context): string {
  const at = new Date(instant)
  return `${formatInstant(at, timezone())}, ${relativeText(at.getTime() - now())}`
}

/** ` since …`; nothing where it is not known, as in the Python original's state. */
export function sinceText(instant: Date | string | number, context: Context): string {
  return new Date(instant).getTime() === 0 ? '' : ` since ${timeText(instant, context)}`
}

/** A window, for people. */
export function windowRows(window: Window, context: Context): Row[] {
  const { origin, expectedEnd, reason, note, recurrence } = window
  const now = context.now()
  const { start, end } = occurrenceAt(window, now)
  const rows: Row[] = [['window', `${window.id}, ${originText(window, now)}`]]
  if (origin === 'planned') rows.push(['phase', phaseText(window, now)])
  if (recurrence !== undefined) rows.push(recurrenceRow(window))
  if (start > now && Number.isFinite(start)) rows.push(['starts', timeText(start, context)])
  if (reason !== undefined) rows.push(['reason', reason])
  if (note !== undefined) rows.push(['note', note])
  if (expectedEnd !== undefined) rows.push(['expected', `${timeText(expectedEnd, context)}: what visitors are told`])
  if (Number.isFinite(end)) {
    const then = isHeldClosed(window) ? 'it stays closed until `off`' : 'the site reopens by itself'
    rows.push(['ends', `${timeText(end, context)}: ${then}`])
  } else if (origin === 'manual') rows.push(['ends', 'open end: it stays until `off`'])
  return rows
}

/** `announced`; `planned` before anybody is told. */
export function phaseText(window: Window, now: number): string {
  return phaseOf(window, now) ?? 'planned'
}

/** `0 2 * * SUN#1 (Europe/Rome), 2h each`. */
export function recurrenceText({ recurrence }: Window): string {
  const { cron, timezone, duration } = recurrence ?? {}
  return `${cron} (${timezone}), ${duration} each`
}

function recurrenceRow(window: Window): Row {
  const text = recurrenceText(window)
  if (ruleOf(window) !== undefined) return ['recurs', text]
  return ['recurs', `${text}: this version does not understand it, so it counts as on until \`off\``, 'loud']
}

/** The windows that have not started yet. */
export function planned(windows: readonly Window[], now: number): Window[] {
  return windows.filter((window) => {
    const { start } = closingSpan(window, now)
    return start > now && Number.isFinite(start) && !hasEnded(window, now)
  })
}

/** The windows that keep the site open although others are open. */
export function suspensions(windows: readonly Window[], now: number): Window[] {
  return windows.filter((window) => window.mode === 'off' && isLive(window, now))
}

/** Where the state is. */
export function stateText(context: Context, revision: number | undefined): string {
  const { address } = context.store.backend
  if (revision === undefined) return `${address} (nothing is stored yet)`
  return revision === 0 ? address : `${address} (revision ${revision})`
}

/** `in 29 minutes`, `2 hours 5 minutes ago`. */
function relativeText(milliseconds: number): string {
  if (Math.abs(milliseconds) < 1000) return 'just now'
  const span = spanText(Math.abs(milliseconds))
  return milliseconds < 0 ? `${span} ago` : `in ${span}`
}

function spanText(milliseconds: number): string {
  if (milliseconds < minute) return counted(Math.round(milliseconds / 1000), 'second')
  const minutes = Math.round(milliseconds / minute)
  const hours = Math.floor(minutes / 60)
  if (hours === 0) return counted(minutes, 'minute')
  if (hours < 48) return pair(hours, 'hour', minutes % 60, 'minute')
  return pair(Math.floor(hours / 24), 'day', hours % 24, 'hour')
}

function pair(larges: number, large: string, smalls: number, small: string): string {
  return smalls === 0 ? counted(larges, large) : `${counted(larges, large)} ${counted(smalls, small)}`
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

function originText(window: Window, now: number): string {
  const { origin, mode, scope, holder, by, from } = window
  const verb = origin === 'leased' ? 'held' : origin === 'planned' ? 'planned' : 'opened'
  const parts = [`${verb} by ${by} from ${from}`]
  if (holder !== undefined) parts.push(`holder ${holder}`)
  if (origin === 'leased' && isLive(window, now) && !isLiveLease(window, now)) parts.push('whose program has stopped')
  if (scope !== wholeSite) parts.push(`scope "${scope}"`)
  if (mode === 'off') parts.push('keeps the site open')
  else if (mode !== 'on') parts.push(`mode "${mode}", which counts as on in this version`)
  return parts.join(', ')
}
