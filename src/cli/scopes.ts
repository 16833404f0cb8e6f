import { MaintenanceError } from '../errors.js'
import { lostAfter } from '../fleet/judgement.js'
import { didYouMean } from '../settings/nearest.js'
import { unknownScope } from '../settings/scope-names.js'
import { type ScopeStatus, scopesApart } from '../state/closure.js'
import type { EffectiveModes } from '../state/effective-mode.js'
import type { Context } from './context.js'
import { type Around, lookAround } from './instances.js'
import type { Row } from './outcome.js'
import { modeText, scopeFlag, sinceText, windowRows } from './window-text.js'

/**
 * A scope is one that the settings here define, or that a live instance has announced. Through a site its settings count.
 *
 * @throws MaintenanceError for any other: a slip of the pen must neither close nothing, nor the whole site
 */
export async function assertScope(context: Context, scope: string): Promise<void> {
  const { parts, isTenant, assert } = context.scopes
  if (assert) return assert(scope)
  if (parts.includes(scope) || isTenant?.(scope)) return
  const around = await lookAround(context)
  const { known, unchecked } = announced(context, around)
  if (known.includes(scope)) return
  if (unchecked) {
    throw refusal(
      `There is no part "${scope}".${didYouMean(scope, known)} Whether a tenant is called so cannot be told here: only the code of the app knows them. Put the setting \`tenants\` into the config file that this command reads, or give --via, which asks the app itself.`,
    )
  }
  const unseen =
    around.failure === undefined
      ? 'What only the code of the app defines is known here while an instance runs that announces it; else name it in the config file that this command reads, or give --via, which asks the app itself.'
      : `What the instances define is not known, as they could not be asked (${around.failure}).`
  throw refusal(`${unknownScope(scope, known, isTenant !== undefined)} ${unseen}`)
}

function announced(
  { scopes: { parts, isTenant } }: Context,
  { instances = [] }: Around,
): { known: readonly string[]; unchecked: boolean } {
  const live = instances.filter(({ age }) => age <= lostAfter)
  return {
    known: [...new Set([...parts, ...live.flatMap(({ scopes }) => scopes)])],
    unchecked: isTenant === undefined && live.some(({ tenants }) => tenants),
  }
}

/** A part or a tenant that is not as the site is. */
export interface KnownScopeStatus extends ScopeStatus {
  /** Whether there is such a part or tenant; `undefined` where it cannot be told here. */
  defined: boolean | undefined
}

/** The parts and tenants that are not as the site is. */
export function scopesNow(modes: EffectiveModes, context: Context, around: Around): KnownScopeStatus[] {
  const { isTenant, assert } = context.scopes
  const { known, unchecked } = announced(context, around)
  const isDefined = (scope: string): boolean | undefined => {
    if (known.includes(scope)) return true
    // Without any instance, nobody may have named it yet.
    if (unchecked || (!assert && !around.instances?.length)) return undefined
    try {
      return isTenant ? isTenant(scope) : false
    } catch {
      return undefined
    }
  }
  return scopesApart(modes).map((apart) => ({ ...apart, defined: isDefined(apart.scope) }))
}

export function scopeRows(scopes: readonly KnownScopeStatus[], context: Context): Row[] {
  return scopes.flatMap(({ scope, mode, since, windows, defined }) => {
    const rows: Row[] = [['scope', `"${scope}" is ${modeText(mode)}${since ? sinceText(since, context) : ''}`]]
    if (defined === false) {
      rows.push([
        'unknown',
        `no setting defines "${scope}", so its windows close nothing: ${context.commandLine(`off${scopeFlag(scope)}`)} takes them away`,
        'loud',
      ])
    }
    return [
      ...rows,
      ...windows.filter((window) => window.scope === scope).flatMap((window) => windowRows(window, context)),
    ]
  })
}

function refusal(message: string): MaintenanceError {
  return new MaintenanceError('ERR_MAINTENANCE_SETTING', message)
}
