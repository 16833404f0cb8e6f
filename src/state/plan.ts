import { MaintenanceError, TimeError } from '../errors.js'
import { hasEnded, isLive } from './effective-mode.js'
import { change, entry } from './history.js'
import { closingSpan, type Occurrence, occurrencesFrom } from './occurrence.js'
import { cronProblem, durationText, ruleOf } from './recurrence.js'
import {
  type Actor,
  assertTimes,
  hasName,
  namesText,
  nameText,
  sameWindow,
  toInstant,
  type WindowName,
  type WindowTerms,
  withTerms,
} from './terms.js'
import { refuseTaken, type Transition } from './transitions.js'
import { type HistoryEntry, type Mode, type Recurrence, type StateDocument, type Window, wholeSite } from './window.js'

const day = 24 * 60 * 60 * 1000

/** Milliseconds. What is planned to take longer is a slip of the pen. */
const longestPlan = 366 * day

/** How far ahead two occurrences of a series are looked for of which one goes on into the other. */
const foresight = { time: 400 * day, count: 1000 }

const mostSkipped = 100

/** What can be asked of a plan. Of the times, one that recurs takes `duration` only, one that does not all but `cron` and `timezone`. */
export interface PlanTerms extends WindowTerms {
  mode?: Mode | undefined
  cron?: string | undefined
  /** IANA name, known to exist. */
  timezone?: string | undefined
  /** Milliseconds. */
  duration?: number | undefined
  /** How long before its start it is announced, in milliseconds; `null`: not at all. */
  announce?: number | null | undefined
  holdClosed?: boolean | undefined
}

/** Plans a window. Without an id it gets the first free one of `plan-1`, `plan-2` … A plan that recurs needs `loadCron` before. */
export function addPlan(
  document: StateDocument,
  ask: PlanTerms & { id?: string | undefined; scope: string },
  actor: Actor,
  now: number,
): Transition<Window> {
  const { scope, id = freeId(document), mode = 'on', cron } = ask
  refuseTaken(document, { id, scope }, now)
  const base: Window = { id, origin: 'planned', mode, scope, start: toInstant(now), ...actor }
  const window = cron === undefined ? withTimes(base, ask, now) : withRule(base, ask, now)
  return {
    document: change(document, [...document.windows, window], [entry('plan', window, actor, now)], now),
    result: window,
  }
}

/** Changes what is given of a plan. With a new start all its times move along that are not given. */
export function editPlan(
  document: StateDocument,
  ask: PlanTerms & WindowName,
  actor: Actor,
  now: number,
): Transition<Window> {
  const found = findPlan(document, ask, now)
  const base = ask.mode === undefined ? found : { ...found, mode: ask.mode }
  const window = found.recurrence === undefined ? withTimes(base, ask, now) : withRule(base, ask, now)
  if (sameWindow(window, found)) return { document, result: found }
  return { document: replace(document, found, window, entry('edit', window, actor, now), now), result: window }
}

export interface Skipped {
  window: Window
  /** The starts that were asked for, and how many of them had not been skipped before. */
  starts: number[]
  fresh: number
}

/** Skips the occurrences of a plan that begin on one day. */
export function skipOccurrences(
  document: StateDocument,
  ask: WindowName & {
    day: string
    /** Midnight of the day in UTC. */
    around: number
    /** On which day an instant is, by the clocks of a time zone. */
    dayOf(instant: number, timezone: string): string
  },
  actor: Actor,
  now: number,
): Transition<Skipped> {
  const found = findPlan(document, ask, now)
  const rule = ruleOf(found)
  const { recurrence } = found
  if (!rule || !recurrence) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_WINDOW',
      `The plan "${ask.id}" does not recur: \`schedule remove ${ask.id}\` takes it away.`,
    )
  }
  const { timezone } = recurrence
  // Offsets go from -12 to +14 hours.
  const all = occurrencesFrom(
    { ...found, recurrence: { ...recurrence, skip: [] } },
    ask.around - day,
    Number.POSITIVE_INFINITY,
    ask.around + 2 * day,
  )
  const starts = all.map(({ start }) => start).filter((start) => ask.dayOf(start, timezone) === ask.day)
  const [first] = starts
  if (first === undefined) {
    const next = occurrencesFrom(found, now, 1).map(
      ({ start }) => ` The next one begins at ${toInstant(start)}, on ${ask.dayOf(start, timezone)} there.`,
    )
    throw new MaintenanceError(
      'ERR_MAINTENANCE_WINDOW',
      `No occurrence of "${ask.id}" begins on ${ask.day} by the clocks of ${timezone}.${next.join('')}`,
    )
  }
  const known = rule.skipped
  const fresh = starts.filter((start) => !known.has(start) && start > now)
  if (fresh.length === 0 && !known.has(first)) {
    const over = first + rule.duration <= now
    throw new TimeError(`The occurrence of "${ask.id}" on ${ask.day} ${over ? 'is over' : 'has begun: `off` ends it'}.`)
  }
  const result = { window: found, starts, fresh: fresh.length }
  if (fresh.length === 0) return { document, result }
  const kept = [...known, ...fresh].filter((start) => isNeeded(found, start + rule.duration, now)).sort((a, b) => a - b)
  if (kept.length > mostSkipped) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_LIMIT',
      `The plan "${ask.id}" already skips ${mostSkipped} occurrences, the most it takes: write another cron expression.`,
    )
  }
  const window = { ...found, recurrence: { ...recurrence, skip: kept.map(toInstant) } }
  const told = { ...window, start: toInstant(fresh[0] as number) }
  return {
    document: replace(document, found, window, entry('skip', told, actor, now), now),
    result: { ...result, window },
  }
}

/** Takes a plan away, with all its occurrences, also one that goes on. */
export function removePlan(document: StateDocument, ask: WindowName, actor: Actor, now: number): Transition<Window> {
  const found = findPlan(document, ask, now)
  const windows = document.windows.filter((window) => window !== found)
  return { document: change(document, windows, [entry('remove', found, actor, now)], now), result: found }
}

/** The windows that close the site while one of the next occurrences of this one does. */
export function overlapping(document: StateDocument, window: Window, now: number): Window[] {
  const next = occurrencesFrom(window, now, 3)
  const meets = (other: Window, { start, end }: Occurrence): boolean => {
    const span = closingSpan(other, start)
    return span.start < end && start < span.end
  }
  return document.windows.filter(
    (other) =>
      meet(other.scope, window.scope) &&
      !hasName(other, window) &&
      other.mode !== 'off' &&
      !hasEnded(other, now) &&
      next.some((one) => meets(other, one)),
  )
}

/** A part is closed by its own windows and those of the whole site. */
function meet(scope: string, other: string): boolean {
  return scope === other || scope === wholeSite || other === wholeSite
}

/** @throws MaintenanceError that names the plans there are */
function findPlan(document: StateDocument, name: WindowName, now: number): Window {
  const here = document.windows.filter((window) => !hasEnded(window, now))
  const found = here.find((window) => hasName(window, name))
  if (found?.origin === 'planned') return found
  const there = namesText(here.filter(({ origin }) => origin === 'planned'))
  const other = found && ` The window of that name was opened by ${found.by}: \`on\`, \`off\` and \`extend\` change it.`
  throw new MaintenanceError(
    'ERR_MAINTENANCE_WINDOW',
    `There is no plan ${nameText(name)}.${other ?? (there === '' ? ' Nothing is planned.' : ` There is ${there}.`)}`,
  )
}

function freeId({ windows }: StateDocument): string {
  for (let number = 1; ; number++) if (!windows.some(({ id }) => id === `plan-${number}`)) return `plan-${number}`
}

function replace(
  document: StateDocument,
  before: Window,
  after: Window,
  told: HistoryEntry,
  now: number,
): StateDocument {
  const windows = document.windows.map((window) => (window === before ? after : window))
  return change(document, windows, [told], now)
}

/** A plan that does not recur. */
function withTimes(base: Window, ask: PlanTerms, now: number): Window {
  if (ask.cron !== undefined) {
    throw new TimeError(`The plan "${base.id}" does not recur: plan another one with --cron, and remove this one.`)
  }
  const isNew = base.end === undefined
  if (ask.start !== undefined && ask.start <= now) {
    throw new TimeError(
      `The start (${toInstant(ask.start)}) is not in the future: it is ${toInstant(now)} now. To close the site at once, say \`on\`.`,
    )
  }
  if (!isNew && ask.start !== undefined && isLive(base, now)) {
    throw new TimeError(`The window "${base.id}" has begun, so it cannot start at another time: \`off\` ends it.`)
  }
  const start = ask.start ?? Date.parse(base.start)
  const moved = start - Date.parse(base.start)
  const along = (time: string | undefined): number | undefined =>
    isNew || time === undefined ? undefined : Date.parse(time) + moved
  const window = withTerms(base, {
    ...ask,
    start,
    end: ask.end ?? (ask.duration === undefined ? along(base.end) : start + ask.duration),
    expectedEnd: ask.expectedEnd === undefined ? along(base.expectedEnd) : ask.expectedEnd,
  })
  if (window.end === undefined) throw new TimeError('A plan needs an end, or how long it takes.')
  const announced = ask.announce == null ? along(base.announceFrom) : start - ask.announce
  if (ask.announce === null) delete window.announceFrom
  else if (announced !== undefined) window.announceFrom = toInstant(announced)
  const end = Date.parse(window.end)
  const isAsked = isNew || ask.end !== undefined || ask.duration !== undefined
  assertTimes(window, { end: isAsked ? end : undefined, expectedEnd: ask.expectedEnd }, now)
  assertLength(end - start)
  return withHold(window, ask)
}

/** A plan that recurs. */
function withRule(base: Window, ask: PlanTerms, now: number): Window {
  if (ask.start !== undefined || ask.end != null || ask.expectedEnd != null) {
    throw new TimeError(
      `A plan that recurs takes no start and no end: its times are those of the cron expression, and a duration.`,
    )
  }
  const { recurrence } = base
  const { cron = recurrence?.cron, timezone = recurrence?.timezone } = ask
  const duration = ask.duration === undefined ? recurrence?.duration : durationText(ask.duration)
  if (cron === undefined || timezone === undefined || duration === undefined) {
    throw new TimeError('A plan that recurs needs a cron expression, a time zone and a duration.')
  }
  const wrong = cronProblem(cron)
  if (wrong !== undefined) {
    throw new TimeError(
      `The cron expression "${cron}" cannot be read: ${wrong}. Write for example "0 2 * * SUN#1" for 02:00 on every first Sunday.`,
    )
  }
  if (ask.duration !== undefined) assertLength(ask.duration)
  const current = recurrence !== undefined && isLive(base, now) ? closingSpan(base, now).start : undefined
  if (current !== undefined && (cron !== recurrence?.cron || timezone !== recurrence.timezone)) {
    throw new TimeError(`An occurrence of "${base.id}" goes on: end it with \`off\`, and then change when it recurs.`)
  }
  const rule: Recurrence = { ...recurrence, cron, timezone, duration }
  if (ask.announce === null) delete rule.announce
  else if (ask.announce !== undefined) rule.announce = durationText(ask.announce)
  const window = withHold(withTerms(base, { reason: ask.reason, note: ask.note }), ask)
  if (JSON.stringify(rule) === JSON.stringify(recurrence) && window.holdClosed === base.holdClosed) return window
  // What is over by the old rule must not go on by the new one.
  const series = { ...window, start: toInstant(current ?? now), recurrence: rule }
  assertSeries(series, now)
  return series
}

function withHold(window: Window, { holdClosed }: PlanTerms): Window {
  if (holdClosed === undefined || holdClosed === (window.holdClosed ?? false)) return window
  const { holdClosed: _, ...rest } = window
  return holdClosed ? { ...rest, holdClosed } : rest
}

function assertLength(duration: number): void {
  if (duration <= longestPlan) return
  throw new TimeError(
    `A window of ${durationText(duration)} is longer than a year: give a shorter one, or close the site with \`on\`, which needs no end.`,
  )
}

/** @throws TimeError for a series that never begins, or goes on for ever */
function assertSeries(window: Window, now: number): void {
  const { cron, timezone, duration } = window.recurrence as Recurrence
  const next = occurrencesFrom(window, now, foresight.count, now + foresight.time)
  if (next.length === 0 && occurrencesFrom(window, now, 1).length === 0) {
    throw new TimeError(`The cron expression "${cron}" never comes: there is no such day.`)
  }
  const rule = ruleOf(window)
  for (const { start, end } of next) {
    const following = rule?.next(start + 1) ?? Number.POSITIVE_INFINITY
    if (following > end) continue
    throw new TimeError(
      `The duration ${duration} is too long for "${cron}": the occurrence of ${toInstant(start)} (${timezone}) would still go on at ${toInstant(following)}, when the next one begins, and the site would never open in between. Give a shorter one.`,
    )
  }
}

function isNeeded(window: Window, end: number, now: number): boolean {
  // The clock may be set back.
  return window.holdClosed === true || end + day > now
}
