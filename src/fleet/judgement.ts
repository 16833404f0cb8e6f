import { formatDuration } from '../settings/duration.js'
import type { Mode } from '../state/window.js'
import type { InFlight, SeenInstance } from './instance.js'

/** The state that instances are to decide by. */
export interface TargetState {
  /** The id of its document. */
  document: string
  /** 0 where nothing is stored, or nothing of ours. */
  revision: number
  /** What it means now. */
  mode: Mode
  /** How long what had been let in is waited for, in milliseconds; `undefined`: not at all. */
  drainTimeout?: number | undefined
}

/** Whether an instance decides by a state. */
export interface FleetInstance extends SeenInstance {
  /**
   * `confirmed`: it does, and has finished what it had let in, where that is to be. `waiting`: not yet. `draining`: it does,
   * and has requests in flight. `undrained`: so it had for as long as `drainTimeout` allows. `lost`: nothing was heard of it for 15 s, and it did not say good-bye.
   * `contradicting`: it never will, as the setting `mode` pins another mode.
   */
  verdict: 'confirmed' | 'waiting' | 'draining' | 'undrained' | 'lost' | 'contradicting'
  /** Why it is not confirmed, or what its confirmation leaves open; for people. */
  reason: string | undefined
}

/** An instance announces itself every 5 s: what misses two turns is slow, what misses three is lost. Milliseconds. */
export const lostAfter = 15_000

/** Whether an instance decides by a state. */
export function judge(instance: SeenInstance, target: TargetState): FleetInstance {
  const verdict = verdictOf(instance, target)
  return { ...instance, verdict, reason: reasonOf(verdict, instance, target) }
}

function verdictOf(instance: SeenInstance, target: TargetState): FleetInstance['verdict'] {
  if (instance.age > lostAfter) return 'lost'
  if (instance.pinned) return instance.mode === target.mode ? 'confirmed' : 'contradicting'
  return hasApplied(instance, target) ? drainOf(instance, target) : 'waiting'
}

function drainOf({ inFlight, revision, age }: SeenInstance, target: TargetState): FleetInstance['verdict'] {
  if (target.drainTimeout === undefined || inFlight === undefined) return 'confirmed'
  // By its clock nothing is closed yet; or somebody has reopened since.
  if (inFlight.draining === undefined) return revision === target.revision ? 'waiting' : 'confirmed'
  if (inFlight.count === 0) return 'confirmed'
  return inFlight.draining + age < target.drainTimeout ? 'draining' : 'undrained'
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

function reasonOf(verdict: FleetInstance['verdict'], instance: SeenInstance, target: TargetState): string | undefined {
  const { age, mode, revision, document, snapshot, inFlight } = instance
  if (verdict === 'confirmed') {
    const isUncounted = target.drainTimeout !== undefined && inFlight === undefined && !instance.pinned
    return isUncounted ? 'cannot count its requests in flight: some may still be running' : undefined
  }
  if (verdict === 'lost') return `is lost: last heard of ${formatDuration(age)} ago`
  if (verdict === 'contradicting') return `contradicts: its mode is pinned to "${mode}"`
  if (inFlight && (verdict === 'draining' || verdict === 'undrained')) return `still has ${inFlightText(inFlight, age)}`
  if (snapshot === undefined) return 'has said nothing that this version understands'
  const failing = snapshot === 'stale' || snapshot === 'failed' ? ', and cannot read the state' : ''
  if (document === undefined) return `knows no state yet${failing}`
  if (target.revision > 0 && document !== target.document) return `decides by another state${failing}`
  if (target.revision > 0 && revision === target.revision) return `is still "${mode}" by its clock`
  return `decides by revision ${revision ?? 0}${failing}`
}

/** `3 requests in flight: GET /report (12s), POST /upload (4s) and 1 more`. */
function inFlightText({ count, oldest }: InFlight, heard: number): string {
  const named = oldest.map(({ method, path, age }) => `${method} ${path} (${formatDuration(age + heard)})`).join(', ')
  const more = count - oldest.length
  const list = named === '' ? '' : `: ${named}${more > 0 ? ` and ${more} more` : ''}`
  return `${count} request${count === 1 ? '' : 's'} in flight${list}`
}
