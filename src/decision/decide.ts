import { type CallbackRunner, isPromise } from '../callback.js'
import { SettingError } from '../errors.js'
import { normalizePath, type RequestPath } from '../request/path.js'
import { type Representation, wantedRepresentation } from '../request/representation.js'
import type { AdaptedRequest } from '../request/request.js'
import type { Settings } from '../settings/options.js'
import type { Closure } from '../state/closure.js'
import type { Mode } from '../state/window.js'
import type { Decision } from './decision.js'
import type { Opening, Rule } from './rule.js'
import { compileIgnoreRequestRule } from './rules/ignore-request.js'
import { compileIpAddressRule } from './rules/ip-address.js'
import { compileRedirectTargetRule } from './rules/redirect-target.js'
import { compileTestsRule } from './rules/tests.js'
import { compileUrlRule } from './rules/urls.js'
import { compileUserRule } from './rules/user.js'
import { compileUrlPatterns, type UrlMatcher } from './url-patterns.js'

/** The part of a snapshot that decides. */
export interface DecidingState {
  readonly mode: Mode
  readonly closure: Closure | undefined
}

export interface Decider {
  /** Judges one request: the first rule that has an opinion wins; the cheap ones are asked first, the user last. */
  decide(request: AdaptedRequest, state: DecidingState): Decision | Promise<Decision>
  /** Whether a route is closed in every mode, so that requests have to be looked at while the mode is off. */
  readonly closesInEveryMode: boolean
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD'])

export function compileDecider(settings: Settings, run: CallbackRunner, testRunner: string | undefined): Decider {
  const forced = Object.entries(settings.routes)
  const forcedOff = compileUrlPatterns('routes', patternsOf(forced, 'off'))
  const forcedOn = compileUrlPatterns('routes', patternsOf(forced, 'on'), { closing: true })
  refuseClosedTarget(settings, forcedOff, forcedOn)
  const { controlUrl } = settings
  const adminSite = compileUrlRule('admin-site', 'adminSiteUrls', settings.adminSiteUrls)
  const rules = [
    compileUrlRule('control', 'controlUrl', [controlUrl, `${controlUrl}/**`]),
    compileUrlRule('health', 'healthUrls', settings.healthUrls, safeMethods),
    compileTestsRule(settings.ignoreTests, testRunner),
    compileIpAddressRule(settings.ignoreIpAddresses),
    compileUrlRule('url', 'ignoreUrls', settings.ignoreUrls),
    settings.ignoreAdminSite ? adminSite : undefined,
    compileUrlRule('login', 'loginUrls', settings.loginUrls),
    compileRedirectTargetRule(settings.redirectUrl, settings.siteUrl),
    compileIgnoreRequestRule(settings.ignoreRequest, run),
    compileUserRule(settings, run),
  ].filter((rule) => rule !== undefined)

  const refusalsOf = rememberRefusals()
  const closed = (request: AdaptedRequest, state: DecidingState): Decision => {
    const { block, redirect } = refusalsOf(state.closure)
    const redirects =
      settings.redirectUrl !== undefined &&
      safeMethods.has(request.method) &&
      // Of a handshake, a client follows no redirect.
      request.header('upgrade') === undefined &&
      representationOf(settings, request, run) === 'html'
    return redirects ? redirect : block
  }

  const ask = (
    from: number,
    request: AdaptedRequest,
    path: RequestPath,
    state: DecidingState,
  ): Decision | Promise<Decision> => {
    for (let index = from; index < rules.length; index++) {
      const opening = (rules[index] as Rule)(request, path)
      if (opening === undefined) continue
      return isPromise(opening) ? wait(opening, index + 1, request, path, state) : allowed(opening, state)
    }
    return closed(request, state)
  }
  // Apart, so that a request that waits for nobody makes no closure.
  const wait = (
    opening: Promise<Opening | undefined>,
    next: number,
    request: AdaptedRequest,
    path: RequestPath,
    state: DecidingState,
  ): Promise<Decision> => opening.then((found) => (found ? allowed(found, state) : ask(next, request, path, state)))

  return {
    closesInEveryMode: forcedOn !== undefined,
    decide(request, state) {
      const path = normalizePath(request.url)
      const here = request.forced()
      if (here === 'off' || forcedOff?.(request, path) !== undefined) return allowed(forcedOpen, state)
      if (here === 'on' || forcedOn?.(request, path) !== undefined) return forcedClosed
      if (state.mode === 'off') return allowed(modeOff, state)
      return ask(0, request, path, state)
    },
  }
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
  until: undefined,
  personal: false,
} as const)

function allowed({ rule, reason, personal }: Opening, { mode, closure }: DecidingState): Decision {
  return {
    action: 'allow',
    rule,
    reason,
    mode,
    publicReason: closure?.reason,
    window: closure?.window,
    until: closure?.until,
    personal,
  }
}

interface Refusals {
  readonly block: Decision
  readonly redirect: Decision
}

/** The refusals of one closure are one object each: a stampede of visitors allocates none. */
function rememberRefusals(): (closure: Closure | undefined) => Refusals {
  let last: Refusals | undefined
  let lastClosure: Closure | undefined
  return (closure) => {
    if (last && closure === lastClosure) return last
    const base = {
      rule: 'closed',
      reason: 'maintenance mode is on, and no rule lets this request through',
      mode: closure?.mode ?? 'on',
      publicReason: closure?.reason,
      window: closure?.window,
      until: closure?.until,
      personal: false,
    } as const
    lastClosure = closure
    // Shared by many requests, and handed to the operator's own code.
    last = {
      block: Object.freeze({ action: 'block', ...base }),
      redirect: Object.freeze({ action: 'redirect', ...base }),
    }
    return last
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
