import { type Mode, type StateDocument, type Window, wholeSite } from './window.js'

/** What a state means at one instant. Pure arithmetic over stored times: total, and the same in every instance. */
export interface EffectiveMode {
  mode: Mode
  /** The windows that make it so, the leading one first; empty when the mode is `off`. */
  windows: readonly Window[]
  /** Since when the earliest of them. */
  since: number | undefined
  /** The first instant at which none is left; leases count as renewed. Unknown for an open end. */
  until: number | undefined
  /** What people are told: the latest `expectedEnd ?? end`. Unknown as soon as one window opened by hand has neither. */
  expectedEnd: number | undefined
}

interface Span {
  window: Window
  start: number
  end: number
  lapse: number
}

const open: EffectiveMode = { mode: 'off', windows: [], since: undefined, until: undefined, expectedEnd: undefined }

/** The effective mode of the whole site at `now`. */
export function effectiveMode(document: StateDocument, now: number): EffectiveMode {
  const spans = document.windows.map(toSpan)
  const closing = closingAt(spans, now)
  if (closing.length === 0) return open
  return {
    mode: 'on',
    windows: closing.map((span) => span.window).sort(leadingFirst),
    since: closing.reduce((earliest, span) => Math.min(earliest, span.start), now),
    until: reopening(spans, now),
    expectedEnd: toldEnd(closing),
  }
}

/** The next instant after `now` at which the effective mode can differ. */
export function nextChange(document: StateDocument, now: number): number | undefined {
  return boundaries(document.windows.map(toSpan), now)[0]
}

/** Whether a window is live: its start belongs to it, its end does not, and a lapsed lease has ended unless it is kept. */
export function isLive(window: Window, now: number): boolean {
  return spanIsLive(toSpan(window), now)
}

/** A lease that its holder still renews. Nobody else closes or lifts it. */
export function isLiveLease(window: Window, now: number): boolean {
  return window.origin === 'leased' && isLive(window, now) && now < toSpan(window).lapse
}

/** Ended for good: its end has passed, or it lapsed without being kept. A series is not judged by one end. */
export function hasEnded(window: Window, now: number): boolean {
  if (window.recurrence !== undefined) return false
  const { end, lapse } = toSpan(window)
  return end <= now || hasLapsed(window, lapse, now)
}

function toSpan(window: Window): Span {
  return {
    window,
    start: Date.parse(window.start),
    end: window.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(window.end),
    lapse: window.leaseUntil === undefined ? Number.POSITIVE_INFINITY : Date.parse(window.leaseUntil),
  }
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
  const suspensions = live.flatMap((span, place) =>
    suspends(span.window) ? [{ holder: span.window.holder, place }] : [],
  )
  return live.filter(
    (span, place) =>
      closes(span.window) &&
      !suspensions.some(({ holder, place: later }) => isLifted(span, now, holder, place < later)),
  )
}

/** A suspension for a scope, or at times, that this version does not know lifts nothing. */
function suspends(window: Window): boolean {
  return !closes(window) && window.scope === wholeSite && window.recurrence === undefined
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
  const renewed = spans.map((span) => (span.lapse > now ? { ...span, lapse: Number.POSITIVE_INFINITY } : span))
  return boundaries(renewed, now).find((at) => closingAt(renewed, at).length === 0)
}

/** The instants after `now` at which something begins or ends, in order. */
function boundaries(spans: readonly Span[], now: number): number[] {
  const all = spans.flatMap(({ start, end, lapse }) => [start, end, lapse])
  return all.filter((at) => at > now && Number.isFinite(at)).sort((a, b) => a - b)
}

function toldEnd(spans: readonly Span[]): number | undefined {
  const known: number[] = []
  for (const { window, end } of spans) {
    if (window.expectedEnd !== undefined) known.push(Date.parse(window.expectedEnd))
    else if (Number.isFinite(end)) known.push(end)
    // A lease ends with its program: it makes an end that is known elsewhere no less likely.
    else if (window.origin !== 'leased') return undefined
  }
  return known.length === 0 ? undefined : known.reduce((latest, at) => Math.max(latest, at))
}

/** The window whose reason people read: one that has a reason, then the earliest. */
function leadingFirst(a: Window, b: Window): number {
  return Number(b.reason !== undefined) - Number(a.reason !== undefined) || Date.parse(a.start) - Date.parse(b.start)
}
