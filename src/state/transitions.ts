import { MaintenanceError, TimeError } from '../errors.js'
import { limits } from './document.js'
import { effectiveMode, hasEnded, isLive, isLiveLease } from './effective-mode.js'
import { occurrenceAt } from './occurrence.js'
import { ruleOf } from './recurrence.js'
import { type HistoryEntry, type Mode, type StateDocument, type Window, wholeSite } from './window.js'

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

/** The document after a transition, and what there is to say about it. The same document means that nothing is to be written. */
export interface Transition<Result> {
  document: StateDocument
  result: Result
}

export interface Opened {
  window: Window
  /** Since when it had been live before this, if it had. */
  since: string | undefined
}

export interface Closed {
  closed: Window[]
  /** When everybody is let in, where that goes little by little, in milliseconds since the epoch. */
  reopening: number | undefined
  /** What still closes the site. */
  remaining: Window[]
}

/** The scopes in which a change opens a window that was not there. One that reopens is no other than before. */
export function openedScopes(before: StateDocument | undefined, after: StateDocument): string[] {
  const isNew = (window: Window): boolean => !before?.windows.some((other) => hasName(other, window))
  return after.windows.filter((window) => window.ramp === undefined && isNew(window)).map(({ scope }) => scope)
}

/** Opens the window of a scope and id by hand, or updates the one that is live. One that has not started is replaced. */
export function openByHand(
  document: StateDocument,
  ask: WindowTerms & { id: string; mode: Mode; scope: string },
  actor: Actor,
  now: number,
): Transition<Opened> {
  const existing = document.windows.find(
    (window) => window.origin === 'manual' && hasName(window, ask) && !hasEnded(window, now),
  )
  const live = existing !== undefined && isLive(existing, now) ? existing : undefined
  const { id, mode, scope } = ask
  if (!existing) refuseTaken(document, ask, now)
  const base: Window = (live && withoutRamp(live)) ?? {
    id,
    origin: 'manual',
    mode,
    scope,
    start: toInstant(now),
    ...actor,
  }
  const window = withTerms({ ...base, mode }, ask)
  assertTimes(window, ask, now)
  const result = { window, since: live?.start }
  if (live && sameWindow(live, window)) return { document, result }
  const windows = existing
    ? document.windows.map((one) => (one === existing ? window : one))
    : withNew(document, window, now)
  return { document: change(document, windows, [entry(live ? 'update' : 'open', window, actor, now)], now), result }
}

/** Opens a window that a running program holds and renews. */
export function openLease(
  document: StateDocument,
  ask: WindowTerms & {
    id: string
    mode: Mode
    scope: string
    holder: string
    leaseUntil: number
    onLapse: 'reopen' | 'keep'
  },
  actor: Actor,
  now: number,
): Transition<Opened> {
  const { id, mode, scope, holder, onLapse } = ask
  const leaseUntil = toInstant(ask.leaseUntil)
  const base: Window = {
    id,
    origin: 'leased',
    mode,
    scope,
    start: toInstant(now),
    holder,
    leaseUntil,
    onLapse,
    ...actor,
  }
  const window = withTerms(base, ask)
  assertTimes(window, ask, now)
  refuseTaken(document, ask, now)
  return {
    document: change(document, withNew(document, window, now), [entry('open', window, actor, now)], now),
    result: { window, since: undefined },
  }
}

/** An id names one window of a scope; only a lease that has lapsed gives way to a new one. */
export function refuseTaken(document: StateDocument, ask: WindowName, now: number): void {
  const taken = document.windows.find(
    (window) => hasName(window, ask) && !hasEnded(window, now) && !isLeft(window, now),
  )
  if (!taken) return
  const isPlan = taken.origin === 'planned'
  const by = taken.holder === undefined ? `opened by ${taken.by}` : `held by ${taken.holder}`
  throw new MaintenanceError(
    'ERR_MAINTENANCE_WINDOW',
    `There is already a window ${nameText(ask)}, ${isPlan ? `planned by ${taken.by}: remove` : `${by}: close`} it first, or give another id.`,
  )
}

/** A lease that lapsed and was kept. */
function isLeft(window: Window, now: number): boolean {
  return window.origin === 'leased' && isLive(window, now) && !isLiveLease(window, now)
}

function withNew(document: StateDocument, window: Window, now: number): Window[] {
  return [...document.windows.filter((other) => !(hasName(other, window) && isLeft(other, now))), window]
}

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

/** Pushes a lease forward. `false`: the window is gone, somebody else closed it. Writes no history. */
export function renewLease(
  document: StateDocument,
  ask: WindowName & { holder: string; leaseUntil: number },
  now: number,
): Transition<boolean> {
  const held = document.windows.find((window) => hasName(window, ask) && window.holder === ask.holder)
  // One that has lapsed meanwhile is renewed nevertheless: its holder lives.
  if (!held || hasEnded({ ...held, leaseUntil: undefined }, now)) return { document, result: false }
  const renewed: Window = { ...held, leaseUntil: toInstant(ask.leaseUntil) }
  return {
    document: { ...document, windows: document.windows.map((window) => (window === held ? renewed : window)) },
    result: true,
  }
}

/** Lets go of a lease: it has lapsed, and is kept closed. Undefined: the window is gone. */
export function keepLease(
  document: StateDocument,
  ask: WindowName & { holder: string; note: string | null | undefined },
  actor: Actor,
  now: number,
): Transition<Window | undefined> {
  const held = document.windows.find(
    (window) =>
      hasName(window, ask) && window.origin === 'leased' && !hasEnded({ ...window, leaseUntil: undefined }, now),
  )
  // Nobody holds what has been let go of before.
  if (held?.holder !== ask.holder) return { document, result: held?.holder === undefined ? held : undefined }
  const { holder, ...rest } = held
  const window = withTerms({ ...rest, leaseUntil: toInstant(now), onLapse: 'keep' }, { note: ask.note })
  const windows = document.windows.map((one) => (one === held ? window : one))
  return { document: change(document, windows, [entry('keep', window, actor, now)], now), result: window }
}

export interface CloseTerms {
  scope: string
  id?: string | undefined
  holder?: string | undefined
  all?: boolean | undefined
  /** What closes now goes on to do so for as long, for fewer and fewer visitors. Milliseconds. */
  ramp?: number | undefined
}

/**
 * Closes. Without an id: the windows of the scope that were opened by hand (also those that have not started, and
 * lapsed leases that were kept), and the current occurrence of a plan. With one: that window alone, and with a holder
 * only if it is held by them. `all` takes every scope, and live leases too. Of a plan never what is to come.
 */
export function closeWindows(document: StateDocument, ask: CloseTerms, actor: Actor, now: number): Transition<Closed> {
  const isAsked = (window: Window): boolean => {
    if (!ask.all && window.scope !== ask.scope) return false
    if (ask.holder !== undefined && window.holder !== ask.holder) return false
    if (window.origin === 'planned' && !isLive(window, now)) return false
    if (ask.id !== undefined) return window.id === ask.id
    return ask.all || !isLiveLease(window, now)
  }
  const asked = document.windows.filter(
    (window) => !hasEnded(window, now) && isAsked(window) && (ask.ramp === undefined || window.ramp === undefined),
  )
  const closed = asked.map((window) => currentOccurrence(window, now))
  const until = ask.ramp === undefined ? undefined : toInstant(now + ask.ramp)
  const ramped = closed.flatMap((window) => (until && isClosing(window, now) ? [withRamp(window, until, now)] : []))
  const kept = document.windows.flatMap((window) => (asked.includes(window) ? restOf(window, now) : [window]))
  const entries = closed.map((window) => {
    const ramp = ramped.find((one) => hasName(one, window))
    return ramp ? entry('ramp', ramp, actor, now) : entry('close', window, actor, now)
  })
  const next = closed.length === 0 ? document : change(document, [...kept, ...ramped.map(apart(kept))], entries, now)
  const { windows, ramps } = effectiveMode(next, now, ask.scope)
  return {
    document: next,
    result: {
      closed,
      reopening: ramps && Math.max(...ramps.map((ramp) => ramp.until)),
      remaining: windows.filter(({ ramp }) => ramp === undefined),
    },
  }
}

function isClosing(window: Window, now: number): boolean {
  return window.mode !== 'off' && isLive(window, now)
}

/** It closes until the ramp ends, whatever its end was, and nobody holds it any longer. */
function withRamp(window: Window, until: string, now: number): Window {
  const { recurrence, expectedEnd, holdClosed, holder, leaseUntil, onLapse, ...rest } = window
  const origin = window.origin === 'leased' ? 'manual' : window.origin
  return { ...rest, origin, end: until, ramp: { from: toInstant(now), until } }
}

/** Beside the series that it is an occurrence of, it needs a name of its own. */
function apart(others: readonly Window[]): (window: Window) => Window {
  return (window) =>
    others.some((other) => hasName(other, window)) ? { ...window, id: `${window.id}-reopening` } : window
}

/** Closed again while it reopened: what the ramp had set is gone. */
function withoutRamp({ ramp, ...window }: Window): Window {
  if (ramp && window.end === ramp.until) delete window.end
  return window
}

/** A window with the times of the occurrence that goes on. */
function currentOccurrence(window: Window, now: number): Window {
  if (ruleOf(window) === undefined) return window
  const { start, end } = occurrenceAt(window, now)
  return start <= now ? { ...window, start: toInstant(start), end: toInstant(end) } : window
}

/** What is left of a window that is closed: of a series all that begins later. Of a rule that is not understood nothing is. */
function restOf(window: Window, now: number): Window[] {
  return ruleOf(window) === undefined ? [] : [{ ...window, start: toInstant(now + 1) }]
}

/** Moves the end later, or where there is none the expected end; counted from the old instant or from now, whichever is later. */
export function extendWindow(
  document: StateDocument,
  ask: { id: string; scope: string; duration: number },
  actor: Actor,
  now: number,
): Transition<Window> {
  const found = document.windows.find((window) => hasName(window, ask) && !hasEnded(window, now))
  if (!found) {
    const there = namesText(document.windows.filter((window) => !hasEnded(window, now)))
    throw new MaintenanceError(
      'ERR_MAINTENANCE_WINDOW',
      `There is no window ${nameText(ask)} to extend. ${there === '' ? 'No window is open or planned: open one with `on`.' : `There is ${there}.`}`,
    )
  }
  if (found.ramp !== undefined) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_WINDOW',
      `The window "${ask.id}" is reopening, until ${found.ramp.until}: \`on\` closes the site again, \`off\` opens it to all at once.`,
    )
  }
  if (found.recurrence !== undefined) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_WINDOW',
      `The window "${ask.id}" recurs, so there is no one end to move: \`schedule edit ${ask.id} --for\` changes how long each occurrence is.`,
    )
  }
  const later = (from: string | undefined): string =>
    toInstant(Math.max(from === undefined ? now : Date.parse(from), now) + ask.duration)
  const window: Window =
    found.end !== undefined ? { ...found, end: later(found.end) } : { ...found, expectedEnd: later(found.expectedEnd) }
  // An end that moves past what people were told takes the told end along only where both were the same.
  if (found.end !== undefined && found.expectedEnd === found.end) window.expectedEnd = window.end
  const windows = document.windows.map((one) => (one === found ? window : one))
  return { document: change(document, windows, [entry('extend', window, actor, now)], now), result: window }
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

/** The document with these windows and entries; what has ended by the clock goes into the history on the way. */
export function change(
  document: StateDocument,
  windows: Window[],
  entries: HistoryEntry[],
  now: number,
): StateDocument {
  const ended = windows.filter((window) => hasEnded(window, now))
  const live = windows.filter((window) => !ended.includes(window))
  if (live.length > limits.windows && live.length > document.windows.length) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_LIMIT',
      `The state already holds ${limits.windows} windows, the most it takes. Close some first: \`status\` lists them.`,
    )
  }
  const history = [...document.history, ...ended.map(endEntry), ...entries].slice(-limits.history)
  return { ...document, windows: live, history }
}

/** What has ended by the clock, and stands in no history yet. */
export function endings({ windows }: StateDocument, now: number): HistoryEntry[] {
  return windows.filter((window) => hasEnded(window, now)).map(endEntry)
}

export function entry(action: HistoryEntry['action'], window: Window, actor: Actor, now: number): HistoryEntry {
  const { id, mode, scope, start, end, expectedEnd, reason, note } = window
  const told = { start, end, expectedEnd, reason, note }
  const known = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined))
  return { at: toInstant(now), action, window: id, mode, scope, ...known, by: actor.by, from: actor.from }
}

function endEntry(window: Window): HistoryEntry {
  const end = window.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(window.end)
  const lapse = window.leaseUntil === undefined ? Number.POSITIVE_INFINITY : Date.parse(window.leaseUntil)
  const lapsed = lapse < end && hasEnded({ ...window, end: undefined }, lapse)
  return entry(lapsed ? 'lapse' : 'end', window, { by: 'clock', from: 'clock' }, lapsed ? lapse : end)
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
