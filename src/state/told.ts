import { closuresOf } from './closure.js'
import { effectiveModes } from './effective-mode.js'
import { occurrenceAt, phaseOf } from './occurrence.js'
import type { Transition } from './transitions.js'
import { type Mode, type StateDocument, wholeSite } from './window.js'

/**
 * What has been told of last: stored, so that whoever of a fleet comes first tells a transition, and nobody tells it
 * again.
 */
export interface Told {
  /** By scope; one that is not there is open. */
  scopes: Record<string, ToldScope>
  /** The planned windows that were announced: id and start. */
  announced: string[]
}

interface ToldScope {
  mode: Mode
  reopening?: true | undefined
  since?: string | undefined
  /** That it has been closed for long, and that nobody has said until when. */
  overdue?: true | undefined
}

/** A transition of a scope, by hand or by the clock. */
export interface Notice {
  /**
   * `announced`: a planned window is announced; `closed`, `changed` (to another mode), `reopening` (little by little),
   * `reopened`; `overdue`: closed for four hours, and nobody has said until when.
   */
  type: 'announced' | 'closed' | 'changed' | 'reopening' | 'reopened' | 'overdue'
  scope: string
  /** The mode now; of what is announced, that of the window. */
  mode: Mode | (string & {})
  previous: Mode
  /** The id of the window. */
  window: string | undefined
  reason: string | undefined
  /** Since when it is closed; of what is announced, its start. */
  since: string | undefined
  /** When it is expected back, where that is known. */
  until: string | undefined
  /** Who opened the window; `clock` for what reopened by itself. */
  by: string | undefined
}

/** Milliseconds. What is closed for so long without an end has perhaps been forgotten. */
export const overdueAfter: number = 4 * 60 * 60 * 1000

const nothing: Told = { scopes: {}, announced: [] }

/** What is to be told at `now`, and takes note that it is. Nothing is written where there is nothing to tell. */
export function tellTransitions(document: StateDocument, now: number): Transition<Notice[]> {
  // What is not ours is not written before an operator changes it.
  if (document.revision === 0) return { document, result: [] }
  const before = document.told ?? nothing
  const notices: Notice[] = []
  const scopes = tellScopes(document, before, now, notices)
  const announced = tellAnnounced(document, before, now, notices)
  const told: Told = { scopes, announced }
  if (JSON.stringify(told) === JSON.stringify({ scopes: before.scopes, announced: before.announced })) {
    return { document, result: [] }
  }
  return { document: { ...document, told }, result: notices }
}

function tellScopes(document: StateDocument, before: Told, now: number, notices: Notice[]): Told['scopes'] {
  const closures = closuresOf(effectiveModes(document, now))
  // Of a scope called `__proto__` an assignment would be lost.
  const told = new Map<string, ToldScope>()
  const names = new Set([wholeSite, ...closures.scopes.keys(), ...Object.keys(before.scopes)])
  for (const scope of [...names].sort()) {
    const closure = closures.scopes.has(scope) ? closures.scopes.get(scope) : closures.site
    const last = toldOf(before, scope)
    const reopening = closure?.ramps !== undefined
    const since = closure?.since?.toISOString()
    const overdue =
      closure?.since !== undefined && closure.until === undefined && now - closure.since.getTime() >= overdueAfter
    const window = document.windows.find(({ id, scope: of }) => id === closure?.window && of === closure.scope)
    const notice = {
      scope,
      mode: closure?.mode ?? 'off',
      previous: last.mode,
      window: closure?.window,
      reason: closure?.reason,
      since: since ?? last.since,
      until: closure?.until?.toISOString(),
      by: closure ? window?.by : closerOf(document, scope, last.since),
    }
    const type = transitionOf(last, { mode: notice.mode, reopening })
    if (type) notices.push({ type, ...notice })
    if (overdue && !(last.overdue && last.since === since)) notices.push({ type: 'overdue', ...notice })
    if (!closure) continue
    told.set(scope, { mode: closure.mode, since, ...(reopening && { reopening }), ...(overdue && { overdue }) })
  }
  return Object.fromEntries(told)
}

function toldOf({ scopes }: Told, scope: string): ToldScope {
  return (Object.hasOwn(scopes, scope) && scopes[scope]) || { mode: 'off' }
}

function transitionOf(
  last: ToldScope,
  { mode, reopening }: { mode: Mode; reopening: boolean },
): Notice['type'] | undefined {
  if (mode === 'off') return last.mode === 'off' ? undefined : 'reopened'
  if (last.mode === 'off') return 'closed'
  if (reopening !== (last.reopening ?? false)) return reopening ? 'reopening' : 'closed'
  return mode === last.mode ? undefined : 'changed'
}

function tellAnnounced(document: StateDocument, before: Told, now: number, notices: Notice[]): string[] {
  return document.windows
    .filter((window) => phaseOf(window, now) === 'announced')
    .map((window) => {
      const { start, end } = occurrenceAt(window, now)
      const since = new Date(start).toISOString()
      const name = `${window.scope} ${window.id} ${since}`
      if (!before.announced.includes(name)) {
        const { id, scope, mode, reason, by, expectedEnd } = window
        const until = expectedEnd ?? (Number.isFinite(end) ? new Date(end).toISOString() : undefined)
        notices.push({ type: 'announced', scope, mode, previous: 'off', window: id, reason, since, until, by })
      }
      return name
    })
}

/** Who ended what had closed a scope: what no history tells of ended by itself. */
function closerOf({ history }: StateDocument, scope: string, since: string | undefined): string {
  const ended = history.findLast((entry) => entry.scope === scope || entry.scope === wholeSite)
  return ended && ended.action === 'close' && ended.at >= (since ?? '') ? ended.by : 'clock'
}
