import { allOpen, type Closure, type Closures, closuresOf } from '../state/closure.js'
import { alwaysOpen, type EffectiveModes, effectiveModes, nextChange } from '../state/effective-mode.js'
import { type Mode, type StateDocument, wholeSite } from '../state/window.js'

/**
 * `pending`: the backend has not answered yet. `ready`: as stored, as far as we know. `stale`: the backend fails, the
 * last known state stands. `failed`: it has never answered, the fallback decides. `pinned`: the setting `mode` decides.
 */
export type SnapshotStatus = 'pending' | 'ready' | 'stale' | 'failed' | 'pinned'

/** The immutable copy of the state that one instance decides from. */
export interface Snapshot {
  readonly status: SnapshotStatus
  /** What is closed, the whole site and parts of it; one object for as long as nothing of it changes. */
  readonly closures: Closures
  readonly document: StateDocument | undefined
  /** What the document means, and the windows that make it so. */
  readonly modes: EffectiveModes
  /** When the mode can change by the clock alone, in milliseconds since the epoch. */
  readonly nextChange: number | undefined
  /** When the backend last answered, in milliseconds since the epoch. */
  readonly checkedAt: number | undefined
  /** Why the status is `stale` or `failed`. */
  readonly error: string | undefined
}

const unknown = {
  document: undefined,
  modes: alwaysOpen,
  nextChange: undefined,
  checkedAt: undefined,
  error: undefined,
}

export const pendingSnapshot: Snapshot = { ...unknown, status: 'pending', closures: allOpen }

/** The mode that a setting decides: a pin, or the fallback while the backend has never answered. */
export function settledSnapshot(status: 'pinned' | 'failed', mode: Mode, error?: string): Snapshot {
  const told = { window: undefined, reason: undefined, since: undefined, until: undefined, ramps: undefined }
  const closures = mode === 'off' ? allOpen : { ...allOpen, site: { ...told, mode, scope: wholeSite } }
  return { ...unknown, status, closures, error }
}

/** What a document means at `now`; `undefined` stands for "nothing is stored", which is `off`. */
export function createSnapshot(document: StateDocument | undefined, now: number, previous?: Snapshot): Snapshot {
  const modes = document ? effectiveModes(document, now) : alwaysOpen
  return {
    status: 'ready',
    closures: closuresOf(modes, previous?.closures),
    document,
    modes,
    nextChange: document && nextChange(document, now),
    checkedAt: now,
    error: undefined,
  }
}

/** What closes a scope, by its own windows or by those of the whole site. */
export function closureOf(
  { closures: { site, scopes } }: Pick<Snapshot, 'closures'>,
  scope: string,
): Closure | undefined {
  return scopes.has(scope) ? scopes.get(scope) : site
}

/** The effective mode of a scope. */
export function modeIn(snapshot: Pick<Snapshot, 'closures'>, scope: string = wholeSite): Mode {
  return closureOf(snapshot, scope)?.mode ?? 'off'
}

/** Whether nothing is closed, in no scope. */
export function isOpen({ closures: { site, scopes } }: Pick<Snapshot, 'closures'>): boolean {
  return site === undefined && scopes.size === 0
}

/**
 * An instance adopts a document with another `id` or a higher revision, never a lower revision of the same `id`. The same
 * revision is read anew: somebody may have edited it by hand.
 */
export function isOutdated(document: StateDocument | undefined, known: StateDocument | undefined): boolean {
  return document !== undefined && document.id === known?.id && document.revision < known.revision
}
