import type { IncomingMessage, RequestListener } from 'node:http'
import type { Maintenance } from '../maintenance.js'
import type { Mark } from './forced-handler.js'
import type { NodeRequestExtras } from './node-request.js'

/** The parts of an Express request that are read. */
export interface ExpressNativeRequest extends IncomingMessage, NodeRequestExtras {
  readonly app: ExpressApp
  readonly baseUrl: string
  readonly originalUrl: string
  readonly path: string
  readonly ip?: string | undefined
}

/** The parts of an app that are read. Express 4 has `_router`, and throws on `router`. */
export interface ExpressApp extends RequestListener {
  readonly _router?: { readonly stack: Stack }
  readonly router: { readonly stack: Stack }
  readonly parent?: ExpressApp
}

type Stack = readonly Layer[]

interface Layer {
  readonly handle: Handle
  /** Whose own stack has a layer for each handler. */
  readonly route?: { readonly stack: Stack; readonly methods: { readonly head?: boolean } }
  /** In a route, in lower case; none is all. */
  readonly method?: string
  /** Express 5. */
  readonly slash?: boolean
  readonly matchers: readonly ((path: string) => { readonly path: string } | false)[]
  /** Express 4. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean; readonly fast_star?: boolean }
}

/** What stands in a router. Ours carry what they belong to. */
interface Handle {
  readonly length: number
  readonly stack?: Stack
  readonly forceMaintenanceMode?: Mark
  readonly maintenance?: Maintenance
}

/** What a request comes to: the handlers of a route, or one middleware or router. */
interface Step {
  readonly handles: readonly Handle[]
  readonly isRoute: boolean
  /** What has been taken off the path before these are called, and what is left of it. */
  readonly base: string
  readonly rest: string
  /** Whether a middleware or router stands under a prefix of its own. */
  readonly isMounted: boolean
}

interface Opinion {
  readonly mark: Mark | undefined
}

/**
 * The mark of what Express would bring this request to after `landmark`: the maintenance object, or the mark, of the
 * handler that asks. The first route decides, or the first marked middleware or router before it.
 *
 * @throws URIError for a path that Express answers with 400; any other error where the router cannot be read
 */
export function findForced(req: ExpressNativeRequest, landmark: object): Mark | undefined {
  const found = firstAfter(landmark, req, req.method as string)
  if (found || req.method !== 'OPTIONS') return found?.mark
  // A preflight that no route answers itself asks on behalf of another method.
  const method = req.headers['access-control-request-method']
  return method === undefined ? undefined : firstAfter(landmark, req, method)?.mark
}

function firstAfter(landmark: object, req: ExpressNativeRequest, method: string): Opinion | undefined {
  for (const prefix of prefixesOf(req.baseUrl)) {
    let first: Opinion | undefined
    let located = false
    for (const step of stepsOf(req, req.app, prefix, method, landmark)) {
      const place = placeOf(landmark, step, prefix, req)
      if (place >= 0) {
        located = true
        first = undefined
        if (place === step.handles.length - 1) continue
      }
      first ??= opinionOf(step, method)
      if (located && first) return first
    }
    if (located) return undefined
    // Called by another middleware, such as one that makes exceptions, or the path has been rewritten.
    if (req.baseUrl === '') return first
  }
  throw new Error('not found in the router')
}

function opinionOf({ handles, isRoute, isMounted, rest }: Step, method: string): Opinion | undefined {
  const marks = handles.map(({ forceMaintenanceMode }) => forceMaintenanceMode).filter((mark) => mark !== undefined)
  const mark = marks.find(({ mode }) => mode === 'off') ?? marks[0]
  if (isRoute) return { mark }
  const router = handles[0]?.stack
  if (mark?.mode === 'off' && router && !isMounted) {
    // A router without a prefix of its own sees every request: it opens what it has something for.
    for (const step of walk(router, rest, method)) if (step.isRoute || step.isMounted) return { mark }
    return undefined
  }
  return mark && { mark }
}

/** The maintenance object of the last `maintenanceMode` on a request's way to the marked handler, else any of the app. */
export function findMaintenance(req: ExpressNativeRequest, app: ExpressApp, mark: Mark): Maintenance | undefined {
  return ifReadable(() => lastBefore(mark, req, app)) ?? ifReadable(() => anyIn(stackOf(app)))
}

function ifReadable<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function lastBefore(mark: Mark, req: ExpressNativeRequest, app: ExpressApp): Maintenance | undefined {
  for (const prefix of prefixesOf(req.baseUrl)) {
    let last: Maintenance | undefined
    for (const step of stepsOf(req, app, prefix, req.method as string, mark)) {
      if (last && placeOf(mark, step, prefix, req) >= 0) return last
      for (const { maintenance } of step.handles) last = maintenance ?? last
    }
  }
  return undefined
}

function anyIn(stack: Stack, seen: Set<Stack> = new Set()): Maintenance | undefined {
  // A router may stand in itself.
  if (seen.has(stack)) return undefined
  seen.add(stack)
  for (const { handle, route } of stack) {
    const found = handle.maintenance ?? anyIn(route?.stack ?? handle.stack ?? [], seen)
    if (found) return found
  }
  return undefined
}

function stackOf(app: ExpressApp): Stack {
  return (app._router ?? app.router).stack
}

/**
 * What an app may itself be mounted under: nothing, or some of what has been taken off the path so far. Only the right one
 * leads to a landmark with just that taken off.
 */
function* prefixesOf(baseUrl: string): Generator<string> {
  yield ''
  for (let end = 1; end < baseUrl.length; ) {
    const slash = baseUrl.indexOf('/', end)
    end = slash === -1 ? baseUrl.length : slash
    yield baseUrl.slice(0, end++)
  }
}

function placeOf(landmark: object, { handles, base }: Step, prefix: string, req: ExpressNativeRequest): number {
  if (prefix + base !== req.baseUrl) return -1
  return handles.findIndex((handle) => handle.forceMaintenanceMode === landmark || handle.maintenance === landmark)
}

function stepsOf(
  { baseUrl, path, originalUrl }: ExpressNativeRequest,
  app: ExpressApp,
  prefix: string,
  method: string,
  landmark: object,
): Generator<Step> {
  // At the end of a prefix Express adds a slash that nobody sent, and that strict routing would tell apart.
  const added = path === '/' && originalUrl.split('?', 1)[0] === baseUrl
  const full = added ? baseUrl : baseUrl + path
  return walk(stackOf(app), full.slice(prefix.length) || '/', method, landmark)
}

/** Everything that a request comes to if each passes it on, in the order in which Express calls it. */
function* walk(stack: Stack, path: string, method: string, landmark?: object, base = ''): Generator<Step> {
  for (const layer of stack) {
    const taken = matchedPart(layer, path)
    if (taken === undefined) continue
    const { handle, route } = layer
    if (route) {
      const name = method === 'HEAD' && !route.methods.head ? 'get' : method.toLowerCase()
      const handles = route.stack.filter((one) => !one.method || one.method === name).map((one) => one.handle)
      const called = handles.filter(takesRequests)
      if (called.length > 0) yield { handles: called, isRoute: true, isMounted: false, base, rest: path }
    } else if (takesRequests(handle) && isPrefix(taken, path, layer)) {
      const rest = path.slice(taken.length)
      const mount = taken.endsWith('/') ? taken.slice(0, -1) : taken
      const step = {
        handles: [handle],
        isRoute: false,
        isMounted: mount !== '',
        base: base + mount,
        rest: rest.startsWith('/') ? rest : `/${rest}`,
      }
      yield step
      if (handle.stack && handle.forceMaintenanceMode !== landmark) {
        yield* walk(handle.stack, step.rest, method, landmark, step.base)
      }
    }
  }
}

/** Error handlers are told by their length. */
function takesRequests({ length }: Handle): boolean {
  return length <= 3
}

/** Not by `layer.match`: in Express 4, and in Express 5 with router 2.2, it writes on the layer, which other requests use. */
function matchedPart({ slash, matchers, regexp }: Layer, path: string): string | undefined {
  if (slash || regexp?.fast_slash) return ''
  if (regexp) return regexp.fast_star ? path : regexp.exec(path)?.[0]
  for (const matcher of matchers) {
    const match = matcher(path)
    if (match) return match.path
  }
  return undefined
}

function isPrefix(taken: string, path: string, { regexp }: Layer): boolean {
  if (taken === '') return true
  const after = path[taken.length]
  return path.startsWith(taken) && (after === undefined || after === '/' || (after === '.' && regexp !== undefined))
}
