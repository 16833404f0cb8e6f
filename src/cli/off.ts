import type { ModeChange } from '../control.js'
import { hasEnded } from '../state/effective-mode.js'
import { closingSpan } from '../state/occurrence.js'
import { type Window, wholeSite } from '../state/window.js'
import { changeData, changeRows, changeState, problemOf, type WaitingOptions, waitOf } from './change.js'
import { type Context, quoted } from './context.js'
import type { Outcome, Row } from './outcome.js'
import { printed } from './print.js'
import { planned, sinceText, timeText, windowRows } from './window-text.js'

export interface OffOptions extends WaitingOptions {
  scope?: string
  id?: string
  all?: boolean
  print?: boolean
}

/** Closes what was opened by hand, one window, or all. */
export async function off(context: Context, { print, ...options }: OffOptions): Promise<Outcome> {
  if (print) return printed(context, (unwritten) => off(unwritten, options))
  const { scope, id, all } = options
  const wait = waitOf(options)
  const change = await changeState(context, (control) => control.setMode('off', { scope, id, all, wait }))
  const { closed, remaining } = change
  const { windows } = change.after
  const rows: Row[] = [
    ...closed.map((window): Row => ['closed', closedText(window, context)]),
    ...[...remaining, ...planned(windows, context.now())].flatMap((window) => windowRows(window, context)),
    ...changeRows(change, context),
  ]
  return {
    headline: `Maintenance mode is ${modeText(change, context)}`,
    closed: remaining.length > 0,
    rows,
    ...problemOf(change, id === undefined ? stillClosed(remaining, context) : notFound(id, closed, windows, context)),
    data: changeData(change, context),
  }
}

function modeText({ closed, remaining }: ModeChange, context: Context): string {
  if (remaining.length === 0) return closed.length > 0 ? 'OFF' : 'already off'
  return `still ON${sinceText(Math.min(...remaining.map((window) => closingSpan(window, context.now()).start)), context)}`
}

function closedText(window: Window, context: Context): string {
  const { id, start, reason } = window
  const when =
    Date.parse(start) > context.now() ? ` planned from ${timeText(start, context)}` : sinceText(start, context)
  return `window ${id},${when === '' ? ' open' : when}${reason === undefined ? '' : `: ${reason}`}`
}

function stillClosed(remaining: readonly Window[], { commandLine }: Context): string | undefined {
  if (remaining.length === 0) return undefined
  const names = remaining.map(({ id, by, from }) => `"${id}" (by ${by} from ${from})`).join(' and ')
  const [one] = remaining.filter(({ scope }) => scope === wholeSite)
  const alone = one
    ? `${commandLine(`off --id ${quoted(one.id)}`)} closes ${remaining.length > 1 ? 'the first' : 'it'}, `
    : ''
  return `The site is still closed by ${names}, which a plain \`off\` leaves alone: ${alone}${commandLine('off --all')} closes all.`
}

function notFound(
  id: string,
  closed: readonly Window[],
  windows: readonly Window[],
  { now, commandLine }: Context,
): string | undefined {
  if (closed.length > 0) return undefined
  if (planned(windows, now()).some((window) => window.id === id && window.origin === 'planned')) {
    return `The plan "${id}" has not begun, so there is nothing to close: ${commandLine(`schedule remove ${quoted(id)}`)} takes it away.`
  }
  const ids = windows.filter((window) => !hasEnded(window, now())).map((window) => `"${window.id}"`)
  return `There is no window "${id}" to close.${ids.length > 0 ? ` There is ${ids.join(', ')}.` : ''}`
}
