import { type EffectiveMode, effectiveModes, type Ramp } from './effective-mode.js'
import { type Mode, modes, type StateDocument, wholeSite } from './window.js'

/** What closes a scope, as far as people and clients are told of it. */
export interface Closure {
  readonly mode: Mode
  /** The id of the leading window; none where a setting decides. */
  readonly window: string | undefined
  /** The scope of that window: `*`, the whole site, or a part of it. */
  readonly scope: string
  /** Public. */
  readonly reason: string | undefined
  readonly since: Date | undefined
  /** When the site is expected back, where that is known. */
  readonly until: Date | undefined
  /** Set while it reopens gently: when each of the windows lets in whom. */
  readonly ramps: readonly Ramp[] | undefined
}

/** What is closed at an instant. One object for as long as nothing of it changes. */
export interface Closures {
  /** The whole site; `undefined` while it is open. */
  readonly site: Closure | undefined
  /** The parts and tenants that are not as the whole site is; `undefined` for one that is open while the site is not. */
  readonly scopes: ReadonlyMap<string, Closure | undefined>
}

export const allOpen: Closures = { site: undefined, scopes: new Map() }

/** What is closed at `now`. Of `previous` is returned, part by part, what does not differ. */
export function closuresAt(document: StateDocument, now: number, previous: Closures = allOpen): Closures {
  const found = effectiveModes(document, now)
  const site = toClosure(found.get(wholeSite) as EffectiveMode, previous.site)
  const scopes = new Map<string, Closure | undefined>()
  for (const [scope, mode] of found) {
    const closure = toClosure(mode, site, previous.scopes.get(scope))
    if (closure !== site) scopes.set(scope, closure)
  }
  return site === previous.site && sameScopes(scopes, previous.scopes) ? previous : { site, scopes }
}

/** What closes a request that is in several scopes: the strictest mode, of two alike the first. */
export function strictest(a: Closure | undefined, b: Closure | undefined): Closure | undefined {
  return strictness(b) > strictness(a) ? b : a
}

/** One that is reopening lets in some, so it is less strict than another of the same mode. */
function strictness(closure: Closure | undefined): number {
  return closure ? 2 * modes.indexOf(closure.mode) + (closure.ramps ? 0 : 1) : -1
}

function toClosure(
  { mode, windows, since, expectedEnd, ramps }: EffectiveMode,
  ...known: readonly (Closure | undefined)[]
): Closure | undefined {
  const [leading] = windows
  if (mode === 'off' || !leading) return undefined
  const closure: Closure = {
    mode,
    window: leading.id,
    scope: leading.scope,
    reason: leading.reason,
    // The Python original's state tells no start.
    since: toDate(since || undefined),
    until: toDate(expectedEnd),
    ramps,
  }
  return known.find((one) => one && sameClosure(closure, one)) ?? closure
}

function toDate(time: number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time)
}

function sameClosure(a: Closure, b: Closure): boolean {
  return (
    a.mode === b.mode &&
    a.window === b.window &&
    a.scope === b.scope &&
    a.reason === b.reason &&
    a.since?.getTime() === b.since?.getTime() &&
    a.until?.getTime() === b.until?.getTime() &&
    JSON.stringify(a.ramps) === JSON.stringify(b.ramps)
  )
}

function sameScopes(a: Closures['scopes'], b: Closures['scopes']): boolean {
  return a.size === b.size && [...a].every(([scope, closure]) => b.has(scope) && b.get(scope) === closure)
}
