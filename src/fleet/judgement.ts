import { formatDuration } from '../settings/duration.js'
import type { Mode } from '../state/window.js'
import type { SeenInstance } from './instance.js'

/** The state that instances are to decide by. */
export interface TargetState {
  /** The id of its document. */
  document: string
  /** 0 where nothing is stored, or nothing of ours. */
  revision: number
  /** What it means now. */
  mode: Mode
}

/** Whether an instance decides by a state. */
export interface FleetInstance extends SeenInstance {
  /**
   * `confirmed`: it does. `waiting`: not yet. `lost`: nothing was heard of it for 15 s, and it did not say good-bye.
   * `contradicting`: it never will, as the setting `mode` pins another mode.
   */
  verdict: 'confirmed' | 'waiting' | 'lost' | 'contradicting'
  /** Why it is not confirmed, for people. */
  reason: string | undefined
}

/** An instance announces itself every 5 s: what misses two turns is slow, what misses three is lost. Milliseconds. */
export const lostAfter = 15_000

/** Whether an instance decides by a state. */
export function judge(instance: SeenInstance, target: TargetState): FleetInstance {
  const verdict = verdictOf(instance, target)
  return { ...instance, verdict, reason: verdict === 'confirmed' ? undefined : reasonOf(verdict, instance, target) }
}

function verdictOf(instance: SeenInstance, target: TargetState): FleetInstance['verdict'] {
  if (instance.age > lostAfter) return 'lost'
  if (instance.pinned) return instance.mode === target.mode ? 'confirmed' : 'contradicting'
  return hasApplied(instance, target) ? 'confirmed' : 'waiting'
}

function hasApplied({ document, revision = 0, snapshot, mode }: SeenInstance, target: TargetState): boolean {
  // Without a document of ours there is no revision to go by, but what it means.
  if (target.revision === 0) return revision === 0 && snapshot === 'ready' && mode === target.mode
  if (document !== target.document || revision < target.revision) return false
  // The same document means the same, but by a clock that is late a window has not begun yet.
  return revision > target.revision || isOpen(mode) === isOpen(target.mode)
}

function isOpen(mode: FleetInstance['mode']): boolean {
  return mode === 'off'
}

function reasonOf(verdict: FleetInstance['verdict'], instance: SeenInstance, target: TargetState): string {
  const { age, mode, revision, document, snapshot } = instance
  if (verdict === 'lost') return `is lost: last heard of ${formatDuration(age)} ago`
  if (verdict === 'contradicting') return `contradicts: its mode is pinned to "${mode}"`
  if (snapshot === undefined) return 'has said nothing that this version understands'
  const failing = snapshot === 'stale' || snapshot === 'failed' ? ', and cannot read the state' : ''
  if (document === undefined) return `knows no state yet${failing}`
  if (target.revision > 0 && document !== target.document) return `decides by another state${failing}`
  if (target.revision > 0 && revision === target.revision) return `is still "${mode}" by its clock`
  return `decides by revision ${revision ?? 0}${failing}`
}
