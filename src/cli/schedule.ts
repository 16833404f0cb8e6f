import type { PlanOptions } from '../control.js'
import { TimeError } from '../errors.js'
import { formatInstant, parseInstant } from '../settings/instant.js'
import { isLive } from '../state/effective-mode.js'
import {
  addPlan,
  editPlan,
  overlapping,
  type PlanTerms,
  removePlan,
  type Skipped,
  skipOccurrences,
} from '../state/plan.js'
import { loadCron } from '../state/recurrence.js'
import { nameText } from '../state/terms.js'
import type { Mode, Window } from '../state/window.js'
import { type Change, changeData, changeRows, changeState, parseLength } from './change.js'
import { type CommonOptions, type Context, quoted } from './context.js'
import type { Outcome, Row } from './outcome.js'
import { wrongUsage } from './output.js'
import { occurrencesTable, planData } from './schedule-list.js'
import { planned, scopeFlag, timeText, windowRows } from './window-text.js'

export interface ScheduleOptions extends CommonOptions {
  mode?: Mode
  scope?: string
  start?: string
  cron?: string
  for?: string
  end?: string
  expectedEnd?: string
  announce?: string
  holdClosed?: boolean
  reopenAtEnd?: boolean
  reason?: string
  note?: string
  id?: string
}

/** Plans a window. */
export async function add(context: Context, options: ScheduleOptions): Promise<Outcome> {
  const { id, cron } = options
  if (options.start === undefined && cron === undefined) {
    throw wrongUsage(
      'When does it start? Give --start 2026-12-06T02:00, or --cron "0 2 * * SUN#1" for again and again.',
    )
  }
  if (options.for === undefined && options.end === undefined) {
    throw wrongUsage('How long does it take? Give --for 2h, or --end 2026-12-06T04:00.')
  }
  const { asked, terms } = await termsOf(options, context)
  const timezone = cron === undefined ? undefined : context.timezone()
  const change = await changeState(context, (control) =>
    control.plan({ ...asked, id }, (document, given, actor, now) =>
      addPlan(document, { ...given, ...terms, timezone, id }, actor, now),
    ),
  )
  const window = change.window as Window
  return planOutcome(`Window ${nameText(window)} is planned${startText(window, context)}`, change, context)
}

/** Changes what is given of a plan. */
export async function edit(context: Context, options: ScheduleOptions, [id = '']: readonly string[]): Promise<Outcome> {
  const { asked, terms } = await termsOf(options, context)
  const change = await changeState(context, (control) =>
    control.plan(asked, (document, given, actor, now) =>
      editPlan(document, { ...given, ...terms, timezone: options.timezone, id }, actor, now),
    ),
  )
  const done = change.before === change.after ? 'is planned so already' : 'is planned anew'
  const window = change.window as Window
  return planOutcome(`Window ${nameText(window)} ${done}${startText(window, context)}`, change, context)
}

/** Skips what begins on one day. */
export async function skip(
  context: Context,
  { scope }: ScheduleOptions,
  [id = '', date = '']: readonly string[],
): Promise<Outcome> {
  // Also says what is wrong with it.
  parseInstant(date, { timezone: 'UTC', now: context.now() })
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) {
    throw new TimeError(`The date "${date}" cannot be read: write a day such as 2026-12-06, without a time.`)
  }
  let skipped: Skipped | undefined
  const change = await changeState(context, (control) =>
    control.plan({ scope }, (document, given, actor, now) => {
      const ask = { id, scope: given.scope, day: date, around: Date.parse(date), dayOf }
      const { document: next, result } = skipOccurrences(document, ask, actor, now)
      skipped = result
      return { document: next, result: result.window }
    }),
  )
  const { starts, fresh } = skipped as Skipped
  const times = starts.map((start) => timeText(start, context)).join(' and ')
  const headline = `Window ${nameText(change.window as Window)} ${fresh > 0 ? 'skips' : 'already skips'} what would begin ${times}`
  const outcome = planOutcome(headline, change, context)
  return { ...outcome, data: { ...outcome.data, skipped: starts.map((start) => new Date(start)) } }
}

/** Takes a plan away. */
export async function remove(
  context: Context,
  { scope }: ScheduleOptions,
  [id = '']: readonly string[],
): Promise<Outcome> {
  const change = await changeState(context, (control) =>
    control.plan({ scope }, (document, given, actor, now) =>
      removePlan(document, { id, scope: given.scope }, actor, now),
    ),
  )
  const was = isLive(change.window as Window, context.now()) ? ', which was going on' : ''
  const rest = [...change.remaining, ...planned(change.after.windows, context.now())]
  return {
    headline: `Plan ${nameText(change.window as Window)}${was} is removed`,
    closed: change.mode !== 'off',
    rows: [...rest.flatMap((window) => windowRows(window, context)), ...changeRows(change, context)],
    data: changeData(change, context),
  }
}

function dayOf(instant: number, timezone: string): string {
  return formatInstant(new Date(instant), timezone).slice(0, '2026-12-06'.length)
}

async function termsOf(
  options: ScheduleOptions,
  { timezone, now }: Context,
): Promise<{ asked: PlanOptions; terms: Pick<PlanTerms, 'cron' | 'duration' | 'announce' | 'holdClosed'> }> {
  const { mode, scope, reason, note, start, end, expectedEnd, cron, announce, holdClosed, reopenAtEnd } = options
  if (cron !== undefined) await loadCron()
  const instant = (time: string | undefined): Date | undefined =>
    time === undefined ? undefined : parseInstant(time, { timezone: timezone(), now: now() })
  const times = { start: instant(start), end: instant(end) }
  return {
    asked: { mode, scope, reason, note, ...times, expectedEnd: expectedEnd === 'none' ? null : instant(expectedEnd) },
    terms: {
      cron,
      duration: options.for === undefined ? undefined : parseLength(options.for),
      announce: announce === undefined ? undefined : announce === 'none' ? null : parseLength(announce),
      holdClosed: reopenAtEnd ? false : holdClosed,
    },
  }
}

function startText(window: Window, context: Context): string {
  return window.recurrence === undefined ? ` from ${timeText(window.start, context)}` : ''
}

function planOutcome(headline: string, change: Change, context: Context): Outcome {
  const { before, after } = change
  const window = change.window as Window
  const overlaps = overlapping(after, window, context.now())
  const rows: Row[] = [...windowRows(window, context), ...changeRows(change, context)]
  for (const other of overlaps) {
    rows.unshift([
      'overlaps',
      `window ${nameText(other)}, by ${other.by}: while both are there, the strictest mode counts`,
    ])
  }
  // What is absent where that is an accident may have closed the site.
  if (before.revision === 0 && before.windows.length === 0 && !context.store.backend.absentMeansOff) {
    rows.push(['begun', 'nothing was stored, so a new state is begun, in which nothing else closes the site', 'loud'])
  }
  const name = quoted(window.id) + scopeFlag(window.scope)
  return {
    headline,
    closed: change.mode !== 'off',
    rows,
    table: occurrencesTable([window], context),
    next: `To take it away: ${context.commandLine(`schedule remove ${name}`)}`,
    data: {
      ...changeData(change, context),
      ...planData(window, context.now()),
      overlaps: overlaps.map(({ id }) => id),
    },
  }
}
