import { type CallbackRunner, isPromise } from '../callback.js'
import type { Clock } from '../clock.js'
import { SettingError } from '../errors.js'
import { normalizePath, type RequestPath } from '../request/path.js'
import { type Representation, wantedRepresentation } from '../request/representation.js'
import type { AdaptedRequest } from '../request/request.js'
import type { Settings } from '../settings/options.js'
import type { Closure, Closures } from '../state/closure.js'
import type { Decision } from './decision.js'
import type { Opening, Rule } from './rule.js'
import { compileIgnoreRequestRule } from './rules/ignore-request.js'
import { compileIpAddressRule } from './rules/ip-address.js'
import { compileReadOnlyRule } from './rules/read-only.js'
import { compileRedirectTargetRule } from './rules/redirect-target.js'
import { compileReopeningRule } from './rules/reopening.js'
import { compileTestsRule } from './rules/tests.js'
import { compileUrlRule } from './rules/urls.js'
import { compileUserRule } from './rules/user.js'
import { compileScopes } from './scopes.js'
import { compileUrlPatterns, type UrlMatcher } from './url-patterns.js'

export interface Decider {
  /** Judges one request: the first rule that has an opinion wins; the cheap ones are asked first, the user last. */
  decide(request: AdaptedRequest, closures: Closures): Decision | Promise<Decision>
  /** Whether a route is closed in every mode, so that requests have to be looked at while the mode is off. */
  readonly closesInEveryMode: boolean
}

export interface DeciderOptions {
  run: CallbackRunner
  clock: Pick<Clock, 'now'>
  testRunner: string | undefined
  /** Whether requests can wait here. */
  holds: boolean
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD'])
/** A preflight waits like the request that it announces. */
const patientMethods: ReadonlySet<string> = new Set([...safeMethods, 'OPTIONS'])

export function compileDecider(settings: Settings, { run, clock, testRunner, holds }: DeciderOptions): Decider {
  const forced = Object.entries(settings.routes)
  const forcedOff = compileUrlPatterns('routes', patternsOf(forced, 'off'))
  const forcedOn = compileUrlPatterns('routes', patternsOf(forced, 'on'), { closing: true })
  refuseClosedTarget(settings, forcedOff, forcedOn)
  const { controlUrl } = settings
  const adminSite = compileUrlRule('admin-site', 'adminSiteUrls', settings.adminSiteUrls)
  const rules = [
    compileUrlRule('control', 'controlUrl', [controlUrl, `${controlUrl}/**`]),
    compileUrlRule('health', 'healthUrls', settings.healthUrls, safeMethods),
    compileReadOnlyRule(settings),
    compileTestsRule(settings.ignoreTests, testRunner),
    compileIpAddressRule(settings.ignoreIpAddresses),
    compileUrlRule('url', 'ignoreUrls', settings.ignoreUrls),
    settings.ignoreAdminSite ? adminSite : undefined,
    compileUrlRule('login', 'loginUrls', settings.loginUrls),
    compileRedirectTargetRule(settings.redirectUrl, settings.siteUrl),
    compileIgnoreRequestRule(settings.ignoreRequest, run),
    compileReopeningRule(clock),
    compileUserRule(settings, run),
  ].filter((rule) => rule !== undefined)

  const closureOf = compileScopes(settings, run)
  const refusals = new WeakMap<Closure, Refusals>()
  const closed = (request: AdaptedRequest, closure: Closure): Decision => {
    // One object each: a stampede of visitors allocates none.
    let refusal = refusals.get(closure)
    if (!refusal) {
      refusal = refusalsOf(closure)
      refusals.set(closure, refusal)
    }
    // What is refused in mode read-only was to write. Of a handshake, a client follows no redirect, nor does it wait.
    if (closure.mode === 'read-only' || !patientMethods.has(request.method)) return refusal.block
    if (request.header('upgrade') !== undefined) return refusal.block
    if (holds && closure.mode === 'hold') return refusal.hold
    return isRedirected(settings, request, run) ? refusal.redirect : refusal.block
  }

  const ask = (
    from: number,
    request: AdaptedRequest,
    path: RequestPath,
    closure: Closure,
  ): Decision | Promise<Decision> => {
    for (let index = from; index < rules.length; index++) {
      const opening = (rules[index] as Rule)(request, path, closure)
      if (opening === undefined) continue
      return isPromise(opening) ? wait(opening, index + 1, request, path, closure) : allowed(opening, closure)
    }
    return closed(request, closure)
  }
  // Apart, so that a request that waits for nobody makes no closure.
  const wait = (
    opening: Promise<Opening | undefined>,
    next: number,
    request: AdaptedRequest,
    path: RequestPath,
    closure: Closure,
  ): Promise<Decision> => opening.then((found) => (found ? allowed(found, closure) : ask(next, request, path, closure)))

  return {
    closesInEveryMode: forcedOn !== undefined,
    decide(request, closures) {
      const path = normalizePath(request.url)
      const here = request.forced()
      if (here === 'off' || forcedOff?.(request, path) !== undefined) return allowed(forcedOpen, closures.site)
      if (here === 'on' || forcedOn?.(request, path) !== undefined) return forcedClosed
      const closure = closureOf(request, path, closures)
      return closure ? ask(0, request, path, closure) : allowed(modeOff, undefined)
    },
  }
}

/** Whether a request that is not let through is sent elsewhere instead of being answered: pages of people are. */
export function isRedirected(settings: Settings, request: AdaptedRequest, run: CallbackRunner): boolean {
  if (settings.redirectUrl === undefined || !safeMethods.has(request.method)) return false
  return representationOf(settings, request, run) === 'html'
}

/** What this request is answered in: the setting's word, where it has one, before the client's wish. */
export function representationOf(
  { responseType }: Pick<Settings, 'responseType'>,
  request: AdaptedRequest,
  run: CallbackRunner,
): Representation {
  const told =
    typeof responseType === 'function' ? run('responseType', () => checked(responseType(request))) : responseType
  return told === 'html' || told === 'json' ? told : wantedRepresentation(request)
}

function checked(type: unknown): 'auto' | 'html' | 'json' {
  if (type === 'auto' || type === 'html' || type === 'json') return type
  if (isPromise(type)) Promise.resolve(type).catch(() => {})
  throw new SettingError('responseType', `responseType returned ${String(type)}: return 'auto', 'html' or 'json'.`)
}

const forcedOpen: Opening = {
  rule: 'forced-off',
  reason: 'maintenance mode is forced off for this route',
  personal: false,
}
const modeOff: Opening = { rule: 'mode-off', reason: 'the mode is off', personal: false }
export const forcedClosed: Decision = Object.freeze({
  action: 'block',
  rule: 'forced-on',
  reason: 'maintenance mode is forced on for this route',
  publicReason: undefined,
  mode: 'on',
  window: undefined,
  scope: undefined,
  until: undefined,
  reopening: false,
  personal: false,
} as const)

function allowed({ rule, reason, personal }: Opening, closure: Closure | undefined): Decision {
  return { action: 'allow', rule, reason, personal, ...toldOf(closure) }
}

function toldOf(
  closure: Closure | undefined,
): Pick<Decision, 'mode' | 'publicReason' | 'window' | 'scope' | 'until' | 'reopening'> {
  return {
    mode: closure?.mode ?? 'off',
    publicReason: closure?.reason,
    window: closure?.window,
    scope: closure?.scope,
    until: closure?.until,
    reopening: closure?.ramps !== undefined,
  }
}

interface Refusals {
  readonly block: Decision
  readonly redirect: Decision
  readonly hold: Decision
}

function refusalsOf(closure: Closure): Refusals {
  const base = {
    rule: 'closed',
    reason: `the mode is ${closure.mode}, and no rule lets this request through`,
    personal: false,
    ...toldOf(closure),
  } as const
  // Shared by many requests, and handed to the operator's own code.
  return {
    block: Object.freeze({ action: 'block', ...base }),
    redirect: Object.freeze({ action: 'redirect', ...base }),
    hold: Object.freeze({ action: 'hold', ...base }),
  }
}

/** @throws SettingError where all who are redirected would come to a closed door */
function refuseClosedTarget(
  { redirectUrl, siteUrl }: Settings,
  forcedOff: UrlMatcher | undefined,
  forcedOn: UrlMatcher | undefined,
): void {
  if (redirectUrl === undefined || forcedOn === undefined) return
  const site = siteUrl === undefined ? 'http://same-site.invalid' : siteUrl
  const target = new URL(redirectUrl, site)
  if (target.host !== new URL(site).host) return
  const request = { method: 'GET', host: siteUrl === undefined ? undefined : target.hostname }
  const path = normalizePath(target.pathname)
  const pattern = forcedOn(request, path)
  if (pattern === undefined || forcedOff?.(request, path) !== undefined) return
  throw new SettingError(
    'redirectUrl',
    `The option \`redirectUrl\` is "${redirectUrl}", which \`routes\` forces on ("${pattern}"): nobody would see it. Take it out of \`routes\`, or redirect elsewhere.`,
  )
}

function patternsOf(routes: readonly [string, 'off' | 'on'][], wanted: 'off' | 'on'): string[] {
  return routes.filter(([, forced]) => forced === wanted).map(([pattern]) => pattern)
}
