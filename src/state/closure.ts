import type { EffectiveMode, EffectiveModes } from './effective-mode.js'
import type { Ramp } from './occurrence.js'
import { type Mode, modes, type Window, wholeSite } from './window.js'

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

/** What the effective modes close. Of `previous` is returned, part by part, what does not differ. */
export function closuresOf(found: EffectiveModes, previous: Closures = allOpen): Closures {
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
  if (!a || !b || a === b) return a ?? b
  const leading = modes.indexOf(b.mode) > modes.indexOf(a.mode) ? b : a
  return leading.ramps ? together(leading, leading === a ? b : a) : leading
}

const pairs = new WeakMap<Closure, WeakMap<Closure, Closure>>()

/** Whom one of them lets in, the other may not: nobody is let in before both do. One object for the same two. */
function together(leading: Closure, other: Closure): Closure {
  const known = pairs.get(leading) ?? new WeakMap<Closure, Closure>()
  pairs.set(leading, known)
  const ramps = leading.ramps && other.ramps && [...leading.ramps, ...other.ramps]
  const both = known.get(other) ?? { ...leading, ramps }
  known.set(other, both)
  return both
}

/** A part or a tenant that is not as the whole site is, for people. */
export interface ScopeStatus extends Pick<Closure, 'mode' | 'since' | 'until' | 'reason'> {
  scope: string
  /** The windows that close it, the leading one first. */
  windows: Window[]
}

/** The parts and tenants that other windows close than the whole site, or none while the site is closed. */
export function scopesApart(found: EffectiveModes): ScopeStatus[] {
  const { windows: common } = found.get(wholeSite) as EffectiveMode
  return [...found]
    .filter(([, { windows }]) => windows.length !== common.length || windows.some((window) => !common.includes(window)))
    .map(([scope, effective]) => {
      const { since, until, reason } = toClosure(effective) ?? {}
      return { scope, mode: effective.mode, since, until, reason, windows: [...effective.windows] }
    })
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
