import type { ModeChange, ModeOptions } from '../control.js'
import { StateDamagedError } from '../errors.js'
import { parseInstant } from '../settings/instant.js'
import { isLive } from '../state/effective-mode.js'
import { type Mode, manualId, type Window } from '../state/window.js'
import { changeData, changeRows, parseLength, suspensions } from './change.js'
import { type CommonOptions, type Context, quoted } from './context.js'
import type { Outcome, Row } from './outcome.js'
import { sinceText, timeText, windowRows } from './window-text.js'

export interface OnOptions extends CommonOptions {
  mode?: Mode
  scope?: string
  start?: string
  end?: string
  for?: string
  expectedEnd?: string
  reason?: string
  note?: string
  id?: string
}

const updatable = ['mode', 'start', 'end', 'expectedEnd', 'reason', 'note'] as const

/** Opens a window by hand, or updates the one that is open. */
export async function on(context: Context, options: OnOptions): Promise<Outcome> {
  const { mode = 'on', scope, reason, note, id = manualId } = options
  const before = await storedWindows(context)
  const change = await context.control.setMode(mode, { ...timesOf(options, context), scope, reason, note, id })
  const window = change.window as Window
  const previous = before.find((one) => one.origin === 'manual' && one.id === window.id && one.scope === window.scope)
  const updated = change.alreadySince === undefined ? [] : updatable.filter((name) => window[name] !== previous?.[name])
  const rows: Row[] = [...windowRows(window, context), ...changeRows(change, context)]
  if (change.alreadySince !== undefined) rows.unshift(['updated', updated.join(', ') || 'nothing'])
  return {
    headline: headlineOf(change, window, context),
    closed: change.mode !== 'off',
    rows,
    problem: suspendedBy(change, window, context),
    next: `To end it: ${context.commandLine(id === manualId ? 'off' : `off --id ${quoted(id)}`)}`,
    data: { ...changeData(change, context), updated },
  }
}

function timesOf(options: OnOptions, { settings, now }: Context): Pick<ModeOptions, 'start' | 'end' | 'expectedEnd'> {
  const { end, expectedEnd, for: length } = options
  const start = options.start && parseInstant(options.start, { timezone: settings.timezone, now: now() })
  return {
    start: start || undefined,
    end: length === undefined ? orNone(end) : new Date((start ? start.getTime() : now()) + parseLength(length)),
    expectedEnd: orNone(expectedEnd),
  }
}

function orNone(time: string | undefined): string | null | undefined {
  return time === 'none' ? null : time
}

/** Only for telling what was updated, so a damaged state has none. */
async function storedWindows({ store }: Context): Promise<Window[]> {
  try {
    return (await store.read())?.windows ?? []
  } catch (error) {
    if (error instanceof StateDamagedError) return []
    throw error
  }
}

function headlineOf({ mode, alreadySince }: ModeChange, window: Window, context: Context): string {
  if (isLive(window, context.now())) {
    if (mode === 'off')
      return `Maintenance mode is OFF: window "${window.id}" is open, but another one keeps the site open`
    if (alreadySince === undefined) return `Maintenance mode is ON${sinceText(window.start, context)}`
    return `Maintenance mode is already on${sinceText(alreadySince, context)}`
  }
  const until = mode === 'off' ? 'the site is open until then' : 'other windows close the site until then'
  const moved = alreadySince === undefined ? 'planned' : `no longer on${sinceText(alreadySince, context)}, but planned`
  return `Maintenance mode is ${moved} from ${timeText(window.start, context)} (${until})`
}

function suspendedBy({ mode }: ModeChange, window: Window, context: Context): string | undefined {
  if (mode !== 'off' || !isLive(window, context.now())) return undefined
  const names = suspensions(context.written()?.windows ?? [], context.now()).map(
    ({ id, by, from }) => `"${id}" (by ${by} from ${from})`,
  )
  return `The site is still open: it is kept so by ${names.join(' and ')}. Wait for its end, or close it: ${context.commandLine('off --id ID')}`
}
