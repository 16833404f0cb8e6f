import { MaintenanceError } from '../errors.js'
import { withoutRamp } from './closing.js'
import { hasEnded, isLive, isLiveLease } from './effective-mode.js'
import { change, entry } from './history.js'
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
import type { Mode, StateDocument, Window } from './window.js'

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

export function withNew(document: StateDocument, window: Window, now: number): Window[] {
  return [...document.windows.filter((other) => !(hasName(other, window) && isLeft(other, now))), window]
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
