import { type CallbackRunner, isPromise } from '../callback.js'
import { SettingError } from '../errors.js'
import type { RequestPath } from '../request/path.js'
import type { AdaptedRequest, MaintenanceRequest } from '../request/request.js'
import type { Settings } from '../settings/options.js'
import { isTenant } from '../settings/scope-names.js'
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
  const parts = Object.entries(scopes).map(([name, definition]) => ({ name, ...compilePart(definition) }))
  refuseTwins(scopes, tenants)

  const tenantOf = (request: AdaptedRequest): string | undefined => {
    const tenant = tenants && run('tenants.of', () => checked(tenants.of(request)))
    return typeof tenant === 'string' ? tenant : undefined
  }

  return (request, path, { site, scopes: others }) => {
    if (others.size === 0) return site
    const closing = (name: string): Closure | undefined => (others.has(name) ? others.get(name) : site)
    let found: { closure: Closure | undefined } | undefined
    const add = (name: string): void => {
      found = { closure: found ? strictest(found.closure, closing(name)) : closing(name) }
    }
    for (const { name, covers, isPlainly } of parts) {
      // One that is as open as the site adds nothing, whoever it covers.
      if ((site === undefined && !others.has(name)) || !covers(request, path)) continue
      add(name)
      // A part can be open while the site is not: what only may be meant for it is as closed as both.
      if (site !== undefined && others.has(name) && !isPlainly(request, path)) add(wholeSite)
    }
    const tenant = tenantOf(request)
    if (tenant !== undefined) add(tenant)
    return found ? found.closure : site
  }
}

type Covers = (...asked: Parameters<UrlMatcher>) => boolean

/** What may be meant for a part, in some reading of an odd path; and what is, in all of them. */
function compilePart({ urls = [], hosts = [] }: ScopeDefinition): { covers: Covers; isPlainly: Covers } {
  const patterns = [...urls, ...hosts.map((host) => `${host}/**`)]
  const compile = (closing: boolean): Covers => {
    const matches = compileUrlPatterns('scopes', patterns, { closing })
    return (request, path) => matches?.(request, path) !== undefined
  }
  return { covers: compile(true), isPlainly: compile(false) }
}

/** What is no name would let the requests of a closed tenant in unseen. */
function checked(tenant: unknown): string | undefined {
  if (typeof tenant === 'string') return tenant
  if (tenant === undefined || tenant === null) return undefined
  if (isPromise(tenant)) Promise.resolve(tenant).catch(() => {})
  const found = isPromise(tenant) ? 'a promise: it must answer at once' : typeof tenant
  throw new SettingError('tenants', `tenants.of must return the name of a tenant, or undefined, and returned ${found}.`)
}

/** @throws SettingError where a name is both that of a part and of a tenant: it would close both */
function refuseTwins(scopes: Settled['scopes'], tenants: TenantDefinition | undefined): void {
  const twin = tenants && Object.keys(scopes).find((name) => isTenantByNow(tenants, name))
  if (twin === undefined) return
  throw new SettingError(
    'scopes',
    `The name "${twin}" is that of a part (\`scopes\`) and of a tenant: give the part another one.`,
  )
}

/** When the app starts, nobody may know its tenants yet. */
function isTenantByNow(tenants: TenantDefinition, name: string): boolean {
  try {
    return isTenant(tenants, name)
  } catch {
    return false
  }
}
