import { type Closure, closureAt } from '../state/closure.js'
import { nextChange } from '../state/effective-mode.js'
import type { Mode, StateDocument } from '../state/window.js'

/**
 * `pending`: the backend has not answered yet. `ready`: as stored, as far as we know. `stale`: the backend fails, the
 * last known state stands. `failed`: it has never answered, the fallback decides. `pinned`: the setting `mode` decides.
 */
export type SnapshotStatus = 'pending' | 'ready' | 'stale' | 'failed' | 'pinned'

/** The immutable copy of the state that one instance decides from. */
export interface Snapshot {
  readonly status: SnapshotStatus
  readonly mode: Mode
  /** Set whenever `mode` is not `off`; one object for as long as nothing of it changes. */
  readonly closure: Closure | undefined
  readonly document: StateDocument | undefined
  /** When the mode can change by the clock alone, in milliseconds since the epoch. */
  readonly nextChange: number | undefined
  /** When the backend last answered, in milliseconds since the epoch. */
  readonly checkedAt: number | undefined
  /** Why the status is `stale` or `failed`. */
  readonly error: string | undefined
}

const unknown = { document: undefined, nextChange: undefined, checkedAt: undefined, error: undefined }

export const pendingSnapshot: Snapshot = { ...unknown, status: 'pending', mode: 'off', closure: undefined }

/** The mode that a setting decides: a pin, or the fallback while the backend has never answered. */
export function settledSnapshot(status: 'pinned' | 'failed', mode: Mode, error?: string): Snapshot {
  const closure: Closure | undefined =
    mode === 'off' ? undefined : { mode, window: undefined, reason: undefined, since: undefined, until: undefined }
  return { ...unknown, status, mode, closure, error }
}

/** What a document means at `now`; `undefined` stands for "nothing is stored", which is `off`. */
export function createSnapshot(document: StateDocument | undefined, now: number, previous?: Snapshot): Snapshot {
  const closure = document && closureAt(document, now, previous?.closure)
  return {
    status: 'ready',
    mode: closure?.mode ?? 'off',
    closure,
    document,
    nextChange: document && nextChange(document, now),
    checkedAt: now,
    error: undefined,
  }
}

/**
 * An instance adopts a document with another `id` or a higher revision, never a lower revision of the same `id`. The same
 * revision is read anew: somebody may have edited it by hand.
 */
export function isOutdated(document: StateDocument | undefined, known: StateDocument | undefined): boolean {
  return document !== undefined && document.id === known?.id && document.revision < known.revision
}
