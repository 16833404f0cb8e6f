import { formatInstant } from '../settings/instant.js'
import { hasEnded, isLive, isLiveLease } from '../state/effective-mode.js'
import { closingSpan, isHeldClosed, occurrenceAt, phaseOf } from '../state/occurrence.js'
import { ruleOf } from '../state/recurrence.js'
import { isMode, manualId, type Window, wholeSite } from '../state/window.js'
import { type Context, quoted } from './context.js'
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

/** `ON`, `READ-ONLY`. A mode that this version does not know counts as on. */
export function modeText(mode: string): string {
  return isMode(mode) ? mode.toUpperCase() : 'ON'
}

/** `the site`, `"billing"`. */
export function scopeText(scope: string): string {
  return scope === wholeSite ? 'the site' : `"${scope}"`
}

/** `Maintenance mode is`, `Maintenance mode of "billing" is`. */
export function headText(scope: string): string {
  return `Maintenance mode ${scope === wholeSite ? '' : `of "${scope}" `}is`
}

/** `plan-1`, `plan-1 (scope "billing")`. */
export function idText({ id, scope }: Pick<Window, 'id' | 'scope'>): string {
  return scope === wholeSite ? id : `${id} (scope "${scope}")`
}

/** What names a window on the command line, as far as it must be said: ` --id deploy --scope billing`. */
export function nameFlags({ id, scope }: Pick<Window, 'id' | 'scope'>): string {
  return `${id === manualId ? '' : ` --id ${quoted(id)}`}${scopeFlag(scope)}`
}

export function scopeFlag(scope: string): string {
  return scope === wholeSite ? '' : ` --scope ${quoted(scope)}`
}

/** What a headline says while visitors are let in little by little. */
export function reopeningText(until: Date, context: Context): string {
  return `reopening: everybody is let in by ${timeText(until, context)}`
}

const meanings: Readonly<Record<string, string>> = {
  'read-only': 'read-only: reading goes on, and what would change something is refused',
  hold: 'hold: requests wait for a while before they are refused',
}

/** A window, for people. */
export function windowRows(window: Window, context: Context): Row[] {
  const { origin, mode, expectedEnd, reason, note, recurrence, ramp } = window
  const now = context.now()
  const { start, end } = occurrenceAt(window, now)
  const rows: Row[] = [['window', `${window.id}, ${originText(window, now)}`]]
  const meaning = meanings[mode]
  if (meaning !== undefined) rows.push(['mode', meaning])
  if (origin === 'planned') rows.push(['phase', phaseText(window, now)])
  if (origin === 'leased') rows.push(['since', timeText(start, context)], leaseRow(window, context))
  if (recurrence !== undefined) rows.push(recurrenceRow(window))
  if (start > now && Number.isFinite(start)) rows.push(['starts', timeText(start, context)])
  if (reason !== undefined) rows.push(['reason', reason])
  if (note !== undefined) rows.push(['note', note])
  if (expectedEnd !== undefined) rows.push(['expected', `${timeText(expectedEnd, context)}: what visitors are told`])
  if (ramp !== undefined) rows.push(['reopens', rampText(ramp, context)])
  else if (Number.isFinite(end)) {
    const then = isHeldClosed(window) ? 'it stays closed until `off`' : 'the site reopens by itself'
    rows.push(['ends', `${timeText(end, context)}: ${then}`])
  } else if (origin === 'manual') rows.push(['ends', 'open end: it stays until `off`'])
  return rows
}

function rampText({ from, until }: NonNullable<Window['ramp']>, context: Context): string {
  const [begin, end] = [Date.parse(from), Date.parse(until)]
  const share = Math.round(100 * Math.min(1, Math.max(0, (context.now() - begin) / (end - begin))))
  return `little by little since ${timeText(from, context)}; about ${share} % of the visitors are let in now, everybody by ${timeText(until, context)}`
}

/** Until when its holder has a word for it, and what is then. */
function leaseRow(window: Window, context: Context): Row {
  const { leaseUntil, onLapse, scope, mode } = window
  if (!isLiveLease(window, context.now())) {
    return ['kept', `closed until \`off\`: ${context.commandLine(`off${scopeFlag(scope)}`)}`, 'loud']
  }
  const ends = mode === 'off' ? 'it ends' : `${scopeText(scope)} reopens`
  const then = onLapse === 'keep' ? 'it stays until `off`' : `${ends} by itself`
  return [
    'renewed',
    `until ${timeText(leaseUntil ?? window.start, context)}, again and again; when its program dies, ${then}`,
  ]
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
  if (mode === 'off') parts.push(`keeps ${scopeText(scope)} open`)
  else if (!isMode(mode)) parts.push(`mode "${mode}", which counts as on in this version`)
  return parts.join(', ')
}
