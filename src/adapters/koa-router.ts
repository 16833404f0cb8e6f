import type { Maintenance } from '../maintenance.js'
import type { Mark } from './forced-handler.js'
import type { KoaNativeContext } from './koa-request.js'

/** What stands in an app or a router. Ours carry what they belong to. */
interface Handle {
  /** What `router.routes()` of @koa/router returns leads back to its router. */
  readonly router?: Router
  readonly forceMaintenanceMode?: Mark
  readonly maintenance?: Maintenance
}

interface Layer {
  readonly path: string | RegExp
  /** None: a middleware of the router's. */
  readonly methods: readonly string[]
  readonly paramNames: readonly unknown[]
  readonly stack: readonly Handle[]
}

interface Router {
  readonly stack: readonly Layer[]
  readonly opts?: { readonly exclusive?: boolean | 'specificity'; readonly routerPath?: string }
  match(path: string, method: string): { readonly pathAndMethod: readonly Layer[]; readonly route: boolean }
  matchHost?(host: string): boolean
}

/** What a request comes to: the handlers of a route, or a middleware. */
interface Step {
  readonly handles: readonly Handle[]
  readonly isRoute: boolean
}

interface Opinion {
  readonly mark: Mark | undefined
}

/**
 * The mark of what Koa would bring this request to after `landmark`: the maintenance object, or the mark, of the handler
 * that asks. The first route decides, or the first marked middleware before it.
 */
export function findForced(ctx: KoaNativeContext, landmark: object): Mark | undefined {
  const { method = 'GET', headers } = ctx.req
  const found = firstAfter(landmark, ctx, method)
  if (found || method !== 'OPTIONS') return found?.mark
  // A preflight that no route answers itself asks on behalf of another method.
  const asked = headers['access-control-request-method']
  return asked === undefined ? undefined : firstAfter(landmark, ctx, asked)?.mark
}

function firstAfter(landmark: object, ctx: KoaNativeContext, method: string): Opinion | undefined {
  let first: Opinion | undefined
  let located = false
  for (const { handles, isRoute } of stepsOf(ctx, method)) {
    const place = handles.findIndex((one) => one.maintenance === landmark || one.forceMaintenanceMode === landmark)
    if (place >= 0) {
      located = true
      first = undefined
    }
    if (place >= 0 && place === handles.length - 1) continue
    const mark = handles.slice(place + 1).find((one) => one.forceMaintenanceMode)?.forceMaintenanceMode
    if (isRoute || mark) first ??= { mark }
    if (located && first) return first
  }
  // Called by another middleware, such as one that makes exceptions; but not in a mounted app, whose paths mean other pages.
  return located || ctx.originalUrl.split('?', 1)[0] === ctx.path ? first : undefined
}

/** The maintenance object of the last `maintenanceMode` on a request's way to the marked handler. */
export function findMaintenance(ctx: KoaNativeContext, mark: Mark): Maintenance | undefined {
  let last: Maintenance | undefined
  for (const { handles } of stepsOf(ctx, ctx.req.method ?? 'GET')) {
    for (const handle of handles) {
      if (handle.forceMaintenanceMode === mark) return last
      last = handle.maintenance ?? last
    }
  }
  return last
}

/** The routes of the app that stand before maintenance mode, as `GET /path`. */
export function routesBefore({ app }: KoaNativeContext, maintenance: Maintenance): string[] {
  const handles = app.middleware as readonly Handle[]
  const place = handles.findIndex((one) => one.maintenance === maintenance)
  return handles
    .slice(0, Math.max(place, 0))
    .flatMap(({ router }) => router?.stack ?? [])
    .filter(({ methods, stack }) => methods.length > 0 && !stack.some((one) => one.forceMaintenanceMode))
    .map(({ methods, path }) => `${methods.at(-1)} ${path}`)
}

/** Everything that Koa brings a request to if each passes it on, in order. */
function* stepsOf(ctx: KoaNativeContext, method: string): Generator<Step> {
  for (const handle of ctx.app.middleware as readonly Handle[]) {
    const { router } = handle
    if (typeof router?.match !== 'function') yield { handles: [handle], isRoute: false }
    else if (router.matchHost?.(ctx.host) !== false) yield* stepsIn(router, ctx, method)
  }
}

/** Routers that are nested in it are part of it: @koa/router copies their layers. */
function* stepsIn(router: Router, { path }: KoaNativeContext, method: string): Generator<Step> {
  const { exclusive, routerPath } = router.opts ?? {}
  const { route, pathAndMethod } = router.match(routerPath || path, method)
  if (!route) return
  const layers = exclusive ? [chosenOf(pathAndMethod, exclusive)] : pathAndMethod
  for (const { stack, methods } of layers) yield { handles: stack, isRoute: methods.length > 0 }
}

/** The one layer that an exclusive router runs: the last, or the first of those with the fewest parameters. */
function chosenOf(layers: readonly Layer[], exclusive: true | 'specificity'): Layer {
  if (exclusive === true) return layers.at(-1) as Layer
  return layers.reduce((best, layer) => (layer.paramNames.length < best.paramNames.length ? layer : best))
}
