import { modeIn, type Snapshot, type SnapshotStatus } from './snapshot/snapshot.js'
import { type ScopeStatus, scopesApart } from './state/closure.js'
import { type Mode, type Window, wholeSite } from './state/window.js'

/** A part or a tenant that is not as the site is. */
export interface InstanceScopeStatus extends ScopeStatus {
  /** Whether the settings define it: the windows of what they do not close nothing. */
  defined: boolean
}

/** What one instance knows, for people. */
export interface MaintenanceStatus {
  mode: Mode
  /** Whether the setting `mode` decides. */
  pinned: boolean
  since: Date | undefined
  /** When the site is expected back, where that is known. */
  until: Date | undefined
  reason: string | undefined
  /** The windows that close the site. */
  windows: Window[]
  /** The parts and tenants that are not as the site is. */
  scopes: InstanceScopeStatus[]
  revision: number | undefined
  snapshot: SnapshotStatus
  /** Where the state is. */
  stateBackend: string
  /** When the state was last read. */
  checkedAt: Date | undefined
  /** Why the snapshot is `stale` or `failed`. */
  error: string | undefined
  /** How many requests wait here, in the mode `hold`. */
  held: number
}

/** What a snapshot says, with copies of the windows: whoever changes them changes nothing else. */
export function describeStatus(
  told: Snapshot,
  {
    isDefined,
    ...known
  }: Pick<MaintenanceStatus, 'pinned' | 'stateBackend' | 'held'> & { isDefined(scope: string): boolean },
): MaintenanceStatus {
  const { document, modes, status, checkedAt, error } = told
  const closure = told.closures.site
  return {
    mode: modeIn(told),
    since: closure?.since,
    until: closure?.until,
    reason: closure?.reason,
    windows: copies(modes.get(wholeSite)?.windows ?? []),
    scopes: scopesApart(modes).map((apart) => ({
      ...apart,
      windows: copies(apart.windows),
      defined: isDefined(apart.scope),
    })),
    revision: document?.revision,
    snapshot: status,
    checkedAt: checkedAt === undefined ? undefined : new Date(checkedAt),
    error,
    ...known,
  }
}

function copies(windows: readonly Window[]): Window[] {
  return windows.map((window) => ({ ...window }))
}
