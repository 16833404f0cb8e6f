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
  const windows = closingAt(spans, now, false)
  if (windows.length === 0) return open
  return {
    mode: 'on',
    windows: windows.map((span) => span.window).sort(leadingFirst),
    since: Math.min(...windows.map((span) => span.start)),
    until: reopening(spans, now),
    expectedEnd: toldEnd(windows),
  }
}

/** The next instant after `now` at which the effective mode can differ. */
export function nextChange(document: StateDocument, now: number): number | undefined {
  const next = Math.min(
    ...document.windows.map(toSpan).flatMap(({ start, end, lapse }) => [start, end, lapse].filter((at) => at > now)),
  )
  return Number.isFinite(next) ? next : undefined
}

/** Whether a window is live: its start belongs to it, its end does not, and a lapsed lease has ended unless it is kept. */
export function isLive(window: Window, now: number): boolean {
  return spanIsLive(toSpan(window), now, false)
}

/** A lease that its holder still renews. Nobody else closes or lifts it. */
export function isLiveLease(window: Window, now: number): boolean {
  return window.origin === 'leased' && isLive(window, now) && !hasLapsed(window, now)
}

/** Ended for good: its end has passed, or it lapsed without being kept. A series is not judged by one end. */
export function hasEnded(window: Window, now: number): boolean {
  if (window.recurrence !== undefined) return false
  const { end } = toSpan(window)
  return end <= now || (hasLapsed(window, now) && !isKept(window))
}

function toSpan(window: Window): Span {
  return {
    window,
    start: Date.parse(window.start),
    end: window.end === undefined ? Number.POSITIVE_INFINITY : Date.parse(window.end),
    lapse: window.leaseUntil === undefined ? Number.POSITIVE_INFINITY : Date.parse(window.leaseUntil),
  }
}

function hasLapsed(window: Window, now: number): boolean {
  return window.leaseUntil !== undefined && Date.parse(window.leaseUntil) <= now
}

/** Only `reopen`, the default, reopens: what this version does not know stays closed. */
function isKept(window: Window): boolean {
  return window.onLapse !== undefined && window.onLapse !== 'reopen'
}

function spanIsLive({ window, start, end, lapse }: Span, now: number, renewed: boolean): boolean {
  return start <= now && now < end && (renewed || now < lapse || isKept(window))
}

function closingAt(spans: readonly Span[], now: number, renewed: boolean): Span[] {
  const live = spans.filter((span) => spanIsLive(span, now, renewed))
  return live.filter(
    (span, index) => closes(span.window) && !live.some((other, at) => lifts(other, at, span, index, now, renewed)),
  )
}

/** Every mode but `off` closes, known or not: an older version must not open what a newer one has closed. */
function closes(window: Window): boolean {
  return window.mode !== 'off'
}

/**
 * A suspension lifts windows opened by hand or planned, and what its own holder had leased before it,
 * so that nested blocks of one program behave as blocks do: the innermost wins.
 */
function lifts(other: Span, at: number, span: Span, index: number, now: number, renewed: boolean): boolean {
  if (closes(other.window) || other.window.scope !== wholeSite) return false
  const { origin, holder } = span.window
  if (origin === 'manual' || origin === 'planned') return true
  const leased = renewed || now < span.lapse
  return !leased || (holder !== undefined && holder === other.window.holder && index < at)
}

function reopening(spans: readonly Span[], now: number): number | undefined {
  const boundaries = spans.flatMap(({ start, end }) => [start, end]).filter((at) => at > now && Number.isFinite(at))
  return boundaries.sort((a, b) => a - b).find((at) => closingAt(spans, at, true).length === 0)
}

function toldEnd(spans: readonly Span[]): number | undefined {
  const known: number[] = []
  for (const { window, end } of spans) {
    if (window.expectedEnd !== undefined) known.push(Date.parse(window.expectedEnd))
    else if (Number.isFinite(end)) known.push(end)
    // A lease ends with its program: it makes an end that is known elsewhere no less likely.
    else if (window.origin !== 'leased') return undefined
  }
  return known.length === 0 ? undefined : Math.max(...known)
}

/** The window whose reason people read: one that has a reason, then the earliest. */
function leadingFirst(a: Window, b: Window): number {
  return Number(b.reason !== undefined) - Number(a.reason !== undefined) || Date.parse(a.start) - Date.parse(b.start)
}
