import { announcedFrom, closingSpan, isHeldClosed, occurrenceAt, type Ramp, rampOf } from './occurrence.js'
import { ruleOf } from './recurrence.js'
import { isMode, type Mode, modes, type StateDocument, type Window, wholeSite } from './window.js'

/** What a state means for a scope at one instant. Pure arithmetic over stored times: total, and the same in every instance. */
export interface EffectiveMode {
  mode: Mode
  /** The windows that make it so, the leading one first; empty when the mode is `off`. */
  windows: readonly Window[]
  /** Since when the earliest of them. */
  since: number | undefined
  /** The first instant at which none is left; leases count as renewed. Unknown for an open end, and for one too far away. */
  readonly until: number | undefined
  /** What people are told: the latest `expectedEnd ?? end`. Unknown as soon as one window opened by hand has neither. */
  expectedEnd: number | undefined
  /** The spans in which visitors are let in little by little: set where every window that closes is reopening gently. */
  ramps: readonly Ramp[] | undefined
}

/** A window as far as it matters at an instant: of one that recurs the current or next occurrence. */
interface Span {
  window: Window
  start: number
  end: number
  /** The end that is told: one that is held closed goes on after it. */
  told: number
  lapse: number
  /** Another instant makes another span of it. */
  recurs: boolean
}

/** How many changes beyond those of its single windows a document is followed: for weeks, where two series take turns. */
const farthest = 100

const open: EffectiveMode = {
  mode: 'off',
  windows: [],
  since: undefined,
  until: undefined,
  expectedEnd: undefined,
  ramps: undefined,
}

/** The effective mode of a scope, by its own windows and those of the whole site. */
export function effectiveMode(document: StateDocument, now: number, scope: string = wholeSite): EffectiveMode {
  return modeBy(spansAt(document, now), now, scope)
}

/** The effective mode of the whole site, which is always there, and of every other scope that windows are about. */
export type EffectiveModes = ReadonlyMap<string, EffectiveMode>

export const alwaysOpen: EffectiveModes = new Map([[wholeSite, open]])

export function effectiveModes(document: StateDocument, now: number): EffectiveModes {
  const spans = spansAt(document, now)
  const scopes = new Set([wholeSite, ...document.windows.map(({ scope }) => scope)])
  return new Map([...scopes].map((scope) => [scope, modeBy(spans, now, scope)]))
}

function modeBy(all: readonly Span[], now: number, scope: string): EffectiveMode {
  const spans = all.filter(({ window }) => window.scope === wholeSite || window.scope === scope)
  const closing = closingAt(spans, now)
  if (closing.length === 0) return open
  const [leading] = closing.sort(leadingFirst) as [Span, ...Span[]]
  return {
    mode: modeOf(leading.window),
    windows: closing.map((span) => span.window),
    since: closing.reduce((earliest, span) => Math.min(earliest, span.start), now),
    // It takes longer to find than all the rest, and few ask.
    get until() {
      return reopening(spans, now)
    },
    expectedEnd: toldEnd(closing),
    ramps: rampsOf(closing, now),
  }
}

/** The next instant after `now` at which the effective mode of any scope can differ, or the phase of a window. */
export function nextChange(document: StateDocument, now: number): number | undefined {
  const phases = (window: Window): number[] => {
    const { start, end } = occurrenceAt(window, now)
    return [start, end, announcedFrom(window, start), rampOf(window)?.from ?? Number.POSITIVE_INFINITY]
  }
  const spans = spansAt(document, now)
  return earliest(
    spans.flatMap((span) => [...boundariesOf(span), ...phases(span.window)]),
    now,
  )
}

/** A mode that this version does not know counts as `on`. */
function modeOf({ mode }: Window): Mode {
  return isMode(mode) ? mode : 'on'
}

/** Whether a window is live: its start belongs to it, its end does not, and a lapsed lease has ended unless it is kept. */
export function isLive(window: Window, now: number): boolean {
  return spanIsLive(toSpan(window, now), now)
}

/** A lease that its holder still renews. Nobody else closes or lifts it. */
export function isLiveLease(window: Window, now: number): boolean {
  return window.origin === 'leased' && isLive(window, now) && now < lapseOf(window)
}

/** Ended for good: its end has passed, or it lapsed without being kept. A series is not judged by one end. */
export function hasEnded(window: Window, now: number): boolean {
  if (window.recurrence !== undefined) return false
  const { end, lapse } = toSpan(window, now)
  return end <= now || hasLapsed(window, lapse, now)
}

function spansAt({ windows }: StateDocument, now: number): Span[] {
  return windows.map((window) => toSpan(window, now))
}

function toSpan(window: Window, now: number): Span {
  const { start, end } = closingSpan(window, now)
  const told = isHeldClosed(window) ? occurrenceAt(window, start).end : end
  return { window, start, end, told, lapse: lapseOf(window), recurs: ruleOf(window) !== undefined }
}

function lapseOf({ leaseUntil }: Window): number {
  return leaseUntil === undefined ? Number.POSITIVE_INFINITY : Date.parse(leaseUntil)
}

/** Every mode but `off` closes, known or not: an older version must not open what a newer one has closed. */
function closes(window: Window): boolean {
  return window.mode !== 'off'
}

/** What this version does not know stays closed: only `reopen`, the default, ends a closed window, only `keep` a suspension not. */
function hasLapsed(window: Window, lapse: number, now: number): boolean {
  if (now < lapse) return false
  return closes(window) ? (window.onLapse ?? 'reopen') === 'reopen' : window.onLapse !== 'keep'
}

function spanIsLive({ window, start, end, lapse }: Span, now: number): boolean {
  return start <= now && now < end && !hasLapsed(window, lapse, now)
}

function closingAt(spans: readonly Span[], now: number): Span[] {
  const live = spans.filter((span) => spanIsLive(span, now))
  const suspensions = live.flatMap((span, place) => (suspends(span) ? [{ holder: span.window.holder, place }] : []))
  return live.filter(
    (span, place) =>
      closes(span.window) &&
      !suspensions.some(({ holder, place: later }) => isLifted(span, now, holder, place < later)),
  )
}

/** A suspension at times that this version does not know lifts nothing. */
function suspends({ window, recurs }: Span): boolean {
  return !closes(window) && (window.recurrence === undefined || recurs)
}

/**
 * A suspension lifts windows opened by hand or planned, and what its own holder had leased before it,
 * so that nested blocks of one program behave as blocks do: the innermost wins.
 */
function isLifted({ window, lapse }: Span, now: number, suspendedBy: string | undefined, before: boolean): boolean {
  if (window.origin === 'manual' || window.origin === 'planned' || lapse <= now) return true
  return before && window.holder !== undefined && window.holder === suspendedBy
}

/** What a live program holds now counts as renewed: nobody knows when it will be done. */
function reopening(spans: readonly Span[], now: number): number | undefined {
  let renewed = spans.map((span) => (span.lapse > now ? { ...span, lapse: Number.POSITIVE_INFINITY } : span))
  const recurring = renewed.some(({ recurs }) => recurs)
  let left = 3 * renewed.length + (recurring ? farthest : 0)
  for (let at = nextBoundary(renewed, now); at !== undefined && left > 0; at = nextBoundary(renewed, at), left--) {
    if (recurring) renewed = renewed.map((span) => later(span, at as number))
    if (closingAt(renewed, at).length === 0) return at
  }
  return undefined
}

/** As seen when the occurrence is over. */
function later(span: Span, at: number): Span {
  return span.recurs && span.end <= at ? { ...toSpan(span.window, at), lapse: span.lapse } : span
}

/** The first instant after `now` at which something begins or ends. */
function nextBoundary(spans: readonly Span[], now: number): number | undefined {
  return earliest(spans.flatMap(boundariesOf), now)
}

function boundariesOf({ start, end, lapse }: Span): number[] {
  return [start, end, lapse]
}

function earliest(times: readonly number[], now: number): number | undefined {
  const next = times.reduce((first, at) => (at > now && at < first ? at : first), Number.POSITIVE_INFINITY)
  return Number.isFinite(next) ? next : undefined
}

function rampsOf(closing: readonly Span[], now: number): Ramp[] | undefined {
  const ramps = closing.map(({ window }) => rampOf(window)).filter((ramp) => ramp !== undefined && ramp.from <= now)
  return ramps.length === closing.length ? (ramps as Ramp[]) : undefined
}

function toldEnd(spans: readonly Span[]): number | undefined {
  const known: number[] = []
  for (const { window, told, recurs } of spans) {
    if (window.expectedEnd !== undefined && !recurs) known.push(Date.parse(window.expectedEnd))
    else if (Number.isFinite(told)) known.push(told)
    // A lease ends with its program: it makes an end that is known elsewhere no less likely.
    else if (window.origin !== 'leased') return undefined
  }
  return known.length === 0 ? undefined : known.reduce((latest, at) => Math.max(latest, at))
}

/** The window whose reason people read: of the strictest one that has a reason, then the earliest. */
function leadingFirst(a: Span, b: Span): number {
  const stricter = modes.indexOf(modeOf(b.window)) - modes.indexOf(modeOf(a.window))
  return stricter || Number(b.window.reason !== undefined) - Number(a.window.reason !== undefined) || a.start - b.start
}
