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

export type Stack = readonly Layer[]

interface Layer {
  readonly handle: Handle
  /** Whose own stack has a layer for each handler. */
  readonly route?: { readonly path: unknown; readonly stack: Stack; readonly methods: { readonly head?: boolean } }
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
export interface Step {
  readonly handles: readonly Handle[]
  readonly isRoute: boolean
  /** What has been taken off the path before these are called, and what is left of it. */
  readonly base: string
  readonly rest: string
  /** Whether a middleware or router stands under a prefix of its own. */
  readonly isMounted: boolean
}

export function stackOf(app: ExpressApp): Stack {
  return (app._router ?? app.router).stack
}

/**
 * Everything that Express brings a request to if each passes it on, in order. Read-only: the dispatch that is under way
 * does not notice.
 *
 * @param prefix what the app is mounted under
 * @param landmark a marked router that is not to be entered
 */
export function stepsOf(
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

export function* walk(stack: Stack, path: string, method: string, landmark?: object, base = ''): Generator<Step> {
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

/** The routes of the app that stand before its `maintenanceMode`, and are not forced: they are never closed. */
export function routesBefore({ app }: ExpressNativeRequest, maintenance: Maintenance): string[] {
  const stack = stackOf(app)
  const place = stack.findIndex(({ handle }) => handle.maintenance === maintenance)
  return stack.slice(0, Math.max(place, 0)).flatMap(({ route, handle }) => {
    const isForced = [handle, ...(route?.stack.map((layer) => layer.handle) ?? [])].some(
      (one) => one.forceMaintenanceMode,
    )
    if (isForced) return []
    if (route) return [String(route.path)]
    return handle.stack?.some((layer) => layer.route) ? ['those of a router'] : []
  })
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
