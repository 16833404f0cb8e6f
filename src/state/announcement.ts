import type { EffectiveModes } from './effective-mode.js'
import { closingSpan, type Occurrence, occurrenceAt, type Phase, phaseOf } from './occurrence.js'
import { type Mode, type StateDocument, type Window, wholeSite } from './window.js'

/** What a site tells its visitors on a banner: a window that is announced, or that closes it now. */
export interface Announcement {
  /** Another one for every occurrence and every phase: so that what somebody has dismissed comes back with news. */
  readonly key: string
  readonly window: string
  readonly scope: string
  readonly mode: Mode | (string & {})
  readonly phase: Phase
  readonly start: Date
  /** When it is expected to be over, where that is known. */
  readonly end: Date | undefined
  /** Public. */
  readonly reason: string | undefined
}

/**
 * The windows that close a scope now, and those that are announced, the first to begin first.
 *
 * @param modes what the document means at that time
 */
export function announcementsAt(
  document: StateDocument,
  modes: EffectiveModes,
  now: number,
  scope: string = wholeSite,
): Announcement[] {
  // A scope without windows of its own is as the whole site is.
  const closing = (modes.get(scope) ?? modes.get(wholeSite))?.windows
  return document.windows
    .filter((window) => closing?.includes(window) || (isOf(window, scope) && phaseOf(window, now) === 'announced'))
    .map((window) => toAnnouncement(window, now))
    .sort((a, b) => a.start.getTime() - b.start.getTime())
}

/** A suspension closes nothing, so nobody has to be told of it. */
function isOf(window: Window, scope: string): boolean {
  return window.mode !== 'off' && (window.scope === scope || window.scope === wholeSite)
}

function toAnnouncement(window: Window, now: number): Announcement {
  const { id, scope, mode, reason } = window
  const phase = phaseOf(window, now) ?? 'active'
  // While it is held closed, it goes on by the occurrence that is over, not by the next one.
  const occurrence = occurrenceAt(window, phase === 'verifying' ? closingSpan(window, now).start : now)
  const start = new Date(occurrence.start)
  return {
    key: `${id} ${start.toISOString()} ${phase}`,
    window: id,
    scope,
    mode,
    phase,
    start,
    end: endOf(window, occurrence),
    reason,
  }
}

function endOf({ expectedEnd, recurrence }: Window, { end }: Occurrence): Date | undefined {
  if (expectedEnd !== undefined && recurrence === undefined) return new Date(expectedEnd)
  return Number.isFinite(end) ? new Date(end) : undefined
}
