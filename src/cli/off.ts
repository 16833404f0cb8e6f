import type { ModeChange } from '../control.js'
import { scopesApart } from '../state/closure.js'
import { effectiveModes, hasEnded, isLive } from '../state/effective-mode.js'
import { closingSpan } from '../state/occurrence.js'
import { hasName, namesText, nameText, type WindowName } from '../state/terms.js'
import { type StateDocument, type Window, wholeSite } from '../state/window.js'
import { type Change, changeData, changeRows, changeState, problemOf, type WaitingOptions, waitOf } from './change.js'
import { type Context, quoted } from './context.js'
import type { Outcome, Row } from './outcome.js'
import { printed } from './print.js'
import {
  headText,
  idText,
  modeText,
  nameFlags,
  planned,
  reopeningText,
  scopeFlag,
  scopeText,
  sinceText,
  timeText,
  windowRows,
} from './window-text.js'

export interface OffOptions extends WaitingOptions {
  scope?: string
  id?: string
  all?: boolean
  ramp?: string
  print?: boolean
}

/** Closes what was opened by hand, one window, or all. */
export async function off(context: Context, { print, ...options }: OffOptions): Promise<Outcome> {
  if (print) return printed(context, (unwritten) => off(unwritten, options))
  const { scope = wholeSite, id, all, ramp } = options
  const wait = waitOf(options)
  const change = await changeState(context, (control) => control.setMode('off', { scope, id, all, ramp, wait }))
  const { closed, remaining, reopening } = change
  const { windows } = change.after
  const rows: Row[] = [
    ...closed.map((window): Row => {
      const reopens = ramp !== undefined && isLive(window, context.now())
      return [reopens ? 'reopening' : 'closed', closedText(window, context)]
    }),
    ...[...remaining, ...planned(windows, context.now())].flatMap((window) => windowRows(window, context)),
    ...stillClosedParts(change.after, scope, context),
    ...changeRows(change, context),
  ]
  return {
    headline: `${headText(scope)} ${nowText(change, context)}`,
    closed: remaining.length > 0,
    rows,
    next:
      reopening &&
      `To open it to all at once: ${context.commandLine(`off${scopeFlag(scope)}`)}. To close it again: ${context.commandLine(`on${scopeFlag(scope)}`)}`,
    ...problemOf(
      change,
      id === undefined ? stillClosed(remaining, scope, context) : notFound({ id, scope }, change, context),
    ),
    data: changeData(change, context),
  }
}

function nowText({ mode, closed, remaining, reopening }: ModeChange, context: Context): string {
  if (reopening) return `${closed.length > 0 ? '' : 'already '}${reopeningText(reopening, context)}`
  if (remaining.length === 0) return closed.length > 0 ? 'OFF' : 'already off'
  return `still ${modeText(mode)}${sinceText(Math.min(...remaining.map((window) => closingSpan(window, context.now()).start)), context)}`
}

function closedText(window: Window, context: Context): string {
  const { start, reason } = window
  const when =
    Date.parse(start) > context.now() ? ` planned from ${timeText(start, context)}` : sinceText(start, context)
  return `window ${idText(window)},${when === '' ? ' open' : when}${reason === undefined ? '' : `: ${reason}`}`
}

function stillClosed(remaining: readonly Window[], scope: string, { commandLine }: Context): string | undefined {
  const [first] = remaining
  if (!first) return undefined
  const names = remaining.map((window) => `${nameText(window)} (by ${window.by} from ${window.from})`).join(' and ')
  const what = scope === wholeSite ? 'The site' : scopeText(scope)
  const which = remaining.length > 1 ? 'the first' : 'it'
  return `${what} is still closed by ${names}, which \`off${scopeFlag(scope)}\` leaves alone: ${commandLine(`off${nameFlags(first)}`)} closes ${which}, ${commandLine('off --all')} closes all.`
}

/** Who reads that the site is open may take that for all of it. */
function stillClosedParts(document: StateDocument, asked: string, context: Context): Row[] {
  return scopesApart(effectiveModes(document, context.now()))
    .filter(({ scope, mode }) => mode !== 'off' && scope !== asked)
    .map(({ scope, mode }) => [
      'still',
      `"${scope}" is ${modeText(mode)}: ${context.commandLine(`off${scopeFlag(scope)}`)} reopens it`,
      'loud',
    ])
}

function notFound(name: WindowName, { closed, after }: Change, { now, commandLine }: Context): string | undefined {
  if (closed.length > 0) return undefined
  const there = after.windows.filter((window) => !hasEnded(window, now()))
  if (planned(there, now()).some((window) => window.origin === 'planned' && hasName(window, name))) {
    const flags = `${quoted(name.id)}${scopeFlag(name.scope)}`
    return `The plan "${name.id}" has not begun, so there is nothing to close: ${commandLine(`schedule remove ${flags}`)} takes it away.`
  }
  return `There is no window ${nameText(name)} to close.${there.length > 0 ? ` There is ${namesText(there)}.` : ''}`
}
