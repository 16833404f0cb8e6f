import type { CallbackRunner } from '../callback.js'
import { MaintenanceError, SettingError } from '../errors.js'
import type { RequestPath } from '../request/path.js'
import type { AdaptedRequest, MaintenanceRequest } from '../request/request.js'
import { didYouMean } from '../settings/nearest.js'
import type { Settings } from '../settings/options.js'
import { type Closure, type Closures, strictest } from '../state/closure.js'
import { wholeSite } from '../state/window.js'
import { compileUrlPatterns, type UrlMatcher } from './url-patterns.js'

/** Which requests belong to a part of the site: those of one of these paths, and those for one of these hosts. */
export interface ScopeDefinition {
  /** Written like `ignoreUrls`. */
  readonly urls?: readonly (string | RegExp)[] | undefined
  /** `pay.example.com`, or `*.pay.example.com` for every host below it. */
  readonly hosts?: readonly string[] | undefined
}

/** Whose request it is, where a site serves many. */
export interface TenantDefinition {
  /** The name of the tenant of a request; `undefined` for none. */
  of(request: MaintenanceRequest): string | undefined
  /** Whether there is a tenant of that name, so that a slip of the pen is no tenant. */
  has(name: string): boolean
}

/** What closes a request: the strictest of all parts that it belongs to and of its tenant, else the whole site. */
export type ClosureLookUp = (request: AdaptedRequest, path: RequestPath, closures: Closures) => Closure | undefined

type Settled = Pick<Settings, 'scopes' | 'tenants'>

/** Asks only while a window is about a part of the site. */
export function compileScopes({ scopes, tenants }: Settled, run: CallbackRunner): ClosureLookUp {
  const parts = Object.entries(scopes).map(([name, definition]) => ({ name, covers: compilePart(name, definition) }))
  refuseTwins(scopes, tenants, run)

  const tenantOf = (request: AdaptedRequest): string | undefined => {
    const tenant = tenants && run('tenants.of', () => tenants.of(request))
    return typeof tenant === 'string' ? tenant : undefined
  }

  return (request, path, { site, scopes: others }) => {
    if (others.size === 0) return site
    const closing = (name: string): Closure | undefined => (others.has(name) ? others.get(name) : site)
    let found: { closure: Closure | undefined } | undefined
    const add = (name: string): void => {
      found = { closure: found ? strictest(found.closure, closing(name)) : closing(name) }
    }
    for (const { name, covers } of parts) {
      // One that is as open as the site adds nothing, whoever it covers.
      if ((site !== undefined || others.has(name)) && covers(request, path)) add(name)
    }
    const tenant = tenantOf(request)
    if (tenant !== undefined) add(tenant)
    return found ? found.closure : site
  }
}

/** Throws for what is neither the whole site nor the exact name of a part or a tenant. */
export function compileScopeCheck({ scopes, tenants }: Settled): (scope: string) => void {
  const parts = Object.keys(scopes)
  return (scope) => {
    if (scope === wholeSite || parts.includes(scope) || tenants?.has(scope) === true) return
    throw new MaintenanceError('ERR_MAINTENANCE_SETTING', unknownScope(scope, parts, tenants !== undefined))
  }
}

/** What to say to whoever names a scope that there is not. */
export function unknownScope(scope: string, parts: readonly string[], tenants: boolean): string {
  const there = [parts.length > 0 ? parts.map((name) => `"${name}"`).join(', ') : 'no part']
  if (tenants) there.push('tenants, of which none is called so')
  return `There is no scope "${scope}".${didYouMean(scope, parts)} Defined are ${there.join(', and ')} (settings \`scopes\` and \`tenants\`); "*" is the whole site.`
}

function compilePart(name: string, { urls = [], hosts = [] }: ScopeDefinition): (...asked: Asked) => boolean {
  const patterns = [...urls, ...hosts.map((host) => `${host}/**`)]
  const matches = compileUrlPatterns(`scopes.${name}`, patterns, { closing: true })
  return (request, path) => matches?.(request, path) !== undefined
}

type Asked = Parameters<UrlMatcher>

/** @throws SettingError where a name is both that of a part and of a tenant: it would close both */
function refuseTwins(scopes: Settled['scopes'], tenants: TenantDefinition | undefined, run: CallbackRunner): void {
  const twin = tenants && Object.keys(scopes).find((name) => run('tenants.has', () => tenants.has(name)) === true)
  if (twin === undefined) return
  throw new SettingError(
    'scopes',
    `The name "${twin}" is that of a part (\`scopes\`) and of a tenant: give the part another one.`,
  )
}
