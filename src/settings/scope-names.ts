import { isPromise } from '../callback.js'
import { MaintenanceError, messageOf } from '../errors.js'
import { wholeSite } from '../state/window.js'
import { didYouMean } from './nearest.js'
import type { Settings } from './options.js'

/** Throws for what is neither the whole site nor the exact name of a part or a tenant. */
export type ScopeCheck = (scope: string) => void

export function compileScopeCheck({ scopes, tenants }: Pick<Settings, 'scopes' | 'tenants'>): ScopeCheck {
  const parts = Object.keys(scopes)
  return (scope) => {
    if (scope === wholeSite || parts.includes(scope) || (tenants && isTenant(tenants, scope))) return
    throw new MaintenanceError('ERR_MAINTENANCE_SETTING', unknownScope(scope, parts, tenants !== undefined))
  }
}

export function isDefined(check: ScopeCheck, scope: string): boolean {
  try {
    check(scope)
    return true
  } catch {
    return false
  }
}

/** What to say to whoever names a scope that there is not. Never which tenants there are. */
export function unknownScope(scope: string, parts: readonly string[], tenants: boolean): string {
  const there = parts.length > 0 ? `Defined are ${parts.map((name) => `"${name}"`).join(', ')}` : 'No part is defined'
  const others = tenants ? ', and no tenant is called so' : ''
  return `There is no scope "${scope}".${didYouMean(scope, parts)} ${there}${others} (settings \`scopes\` and \`tenants\`); "*" is the whole site.`
}

/** @throws MaintenanceError where the operator's own code cannot tell */
export function isTenant(tenants: NonNullable<Settings['tenants']>, name: string): boolean {
  try {
    const answer: unknown = tenants.has(name)
    if (typeof answer === 'boolean') return answer
    if (isPromise(answer)) Promise.resolve(answer).catch(() => {})
    throw new Error(
      `it must return true or false at once, and returned ${isPromise(answer) ? 'a promise' : typeof answer}`,
    )
  } catch (error) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_SETTING',
      `Whether "${name}" is a tenant cannot be told, as \`tenants.has\` failed: ${messageOf(error)}.`,
      { cause: error },
    )
  }
}
