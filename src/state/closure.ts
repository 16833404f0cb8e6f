import { effectiveMode } from './effective-mode.js'
import type { Mode, StateDocument } from './window.js'

/** What closes the site, as far as people and clients are told of it. */
export interface Closure {
  readonly mode: Mode
  /** The id of the leading window; none where a setting decides. */
  readonly window: string | undefined
  /** Public. */
  readonly reason: string | undefined
  readonly since: Date | undefined
  /** When the site is expected back, where that is known. */
  readonly until: Date | undefined
}

/** What closes the site at `now`, `undefined` while it is open. `previous` is returned itself where nothing differs. */
export function closureAt(document: StateDocument, now: number, previous?: Closure): Closure | undefined {
  const { mode, windows, since, expectedEnd } = effectiveMode(document, now)
  if (mode === 'off') return undefined
  const [leading] = windows
  const closure: Closure = {
    mode,
    window: leading?.id,
    reason: leading?.reason,
    // The Python original's state tells no start.
    since: toDate(since || undefined),
    until: toDate(expectedEnd),
  }
  return previous && sameClosure(closure, previous) ? previous : closure
}

function toDate(time: number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time)
}

function sameClosure(a: Closure, b: Closure): boolean {
  return (
    a.mode === b.mode &&
    a.window === b.window &&
    a.reason === b.reason &&
    a.since?.getTime() === b.since?.getTime() &&
    a.until?.getTime() === b.until?.getTime()
  )
}
