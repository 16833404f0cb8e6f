import type { ModeOptions } from '../mode-options.js'
import { parseInstant } from '../settings/instant.js'
import { isLive } from '../state/effective-mode.js'
import { type Mode, manualId, type Window, wholeSite } from '../state/window.js'
import {
  type Change,
  changeData,
  changeRows,
  changeState,
  parseLength,
  problemOf,
  type WaitingOptions,
  waitOf,
} from './change.js'
import type { Context } from './context.js'
import type { Outcome } from './outcome.js'
import { printed } from './print.js'
import {
  headText,
  modeText,
  nameFlags,
  scopeText,
  sinceText,
  suspensions,
  timeText,
  windowRows,
} from './window-text.js'

export interface OnOptions extends WaitingOptions {
  mode?: Mode
  scope?: string
  start?: string
  end?: string
  for?: string
  expectedEnd?: string
  reason?: string
  note?: string
  id?: string
  print?: boolean
}

const updatable = ['mode', 'start', 'end', 'expectedEnd', 'reason', 'note'] as const

/** Opens a window by hand, or updates the one that is open. */
export async function on(context: Context, { print, ...options }: OnOptions): Promise<Outcome> {
  if (print) return printed(context, (unwritten) => on(unwritten, options))
  const { mode = 'on', scope, reason, note, id = manualId } = options
  const terms = { ...timesOf(options, context), scope, reason, note, id, wait: waitOf(options) }
  const change = await changeState(context, (control) => control.setMode(mode, terms))
  const window = change.window as Window
  const previous = change.alreadySince === undefined ? undefined : previousOf(window, change.before.windows)
  const updated = previous ? updatable.filter((name) => window[name] !== previous[name]) : []
  const rows = [...windowRows(window, context), ...changeRows(change, context)]
  if (change.alreadySince !== undefined) rows.unshift(['updated', updated.join(', ') || 'nothing'])
  return {
    headline: headlineOf(change, window, previous, context),
    closed: change.mode !== 'off',
    rows,
    next: `To end it: ${context.commandLine(`off${nameFlags(window)}`)}`,
    data: { ...changeData(change, context), updated },
    ...problemOf(change, suspendedBy(change, window, context)),
  }
}

export function timesOf(
  options: Pick<OnOptions, 'start' | 'end' | 'for' | 'expectedEnd'>,
  { timezone, now }: Context,
): Pick<ModeOptions, 'start' | 'end' | 'expectedEnd'> {
  const start =
    options.start === undefined ? undefined : parseInstant(options.start, { timezone: timezone(), now: now() })
  const end =
    options.for === undefined ? orNone(options.end) : new Date((start?.getTime() ?? now()) + parseLength(options.for))
  return { start, end, expectedEnd: orNone(options.expectedEnd) }
}

function orNone(time: string | undefined): string | null | undefined {
  return time === 'none' ? null : time
}

function previousOf(window: Window, before: readonly Window[]): Window | undefined {
  return before.find(({ origin, id, scope }) => origin === 'manual' && id === window.id && scope === window.scope)
}

function headlineOf(
  { mode, alreadySince }: Change,
  window: Window,
  previous: Window | undefined,
  context: Context,
): string {
  const name = headText(window.scope)
  if (!isLive(window, context.now())) {
    const reopened = alreadySince === undefined ? '' : `; it had been closed${sinceText(alreadySince, context)}`
    const what = scopeText(window.scope)
    const until = mode === 'off' ? `${what} is open until then${reopened}` : `other windows close ${what} until then`
    return `${name} planned from ${timeText(window.start, context)} (${until})`
  }
  if (mode === 'off')
    return `${name} OFF: window "${window.id}" is open, but another one keeps ${scopeText(window.scope)} open`
  if (mode !== window.mode) {
    return `${name} ${modeText(mode)}: window "${window.id}" (${window.mode}) is open, but the mode of another one is stricter`
  }
  if (alreadySince === undefined) return `${name} ${modeText(mode)}${sinceText(window.start, context)}`
  const since = sinceText(alreadySince, context)
  if (previous?.ramp) return `${name} ${modeText(mode)} again, and no longer reopening; it had been closed${since}`
  if (previous?.mode === mode) return `${name} already ${mode}${since}`
  return `${name} now ${modeText(mode)}; the window has been open${since}`
}

function suspendedBy({ mode, after }: Change, window: Window, context: Context): string | undefined {
  if (mode !== 'off' || !isLive(window, context.now())) return undefined
  const [first, ...others] = suspensions(after.windows, context.now()).filter(
    ({ scope }) => scope === wholeSite || scope === window.scope,
  )
  if (first === undefined) return undefined
  const who = `"${first.id}" (by ${first.by} from ${first.from})${others.length > 0 ? ' and others' : ''}`
  const what = window.scope === wholeSite ? 'The site' : scopeText(window.scope)
  return `${what} is still open, as window ${who} keeps it so. Wait for its end, or close it: ${context.commandLine(`off${nameFlags(first)}`)}`
}
