import { type Engine, engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import {
  defaultMaintenance,
  type ForcibleHandler,
  type MethodContext,
  markHandler,
  onceItHasPassed,
} from './forced-handler.js'
import { answer } from './koa-answer.js'
import type { KoaContext, KoaMiddleware } from './koa-controls.js'
import { type KoaNativeContext, KoaRequest } from './koa-request.js'
import { findMaintenance, routesBefore } from './koa-router.js'
import { warnOfRoutes } from './mounted-after-routes.js'
import { settle } from './node-answer.js'
import { followNoted, innerGate } from './node-connections.js'
import { tellTemplates } from './template-locals.js'

export type { ForcibleHandler, MethodContext } from './forced-handler.js'
export { type KoaContext, type KoaMiddleware, maintenanceControls } from './koa-controls.js'
export { attachMaintenanceMode, withMaintenanceMode } from './node.js'

/**
 * Maintenance mode as a middleware of Koa 3: after the session, if users are to get through, and before all that is to be
 * closed. In `ctx.state`, templates find `maintenance_mode`, and `maintenance_mode_bypassed` where the request was let
 * through although the mode is not `off`.
 *
 * Not seen from here, and so never forced: handlers in mounted apps (koa-mount), and what is composed into one middleware.
 * Name their paths in the setting `routes`.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example app.use(maintenanceMode(maintenance))
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): KoaMiddleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const gate = innerGate(engine, (ctx: KoaNativeContext) => new KoaRequest(ctx, engine, maintenance))
  maintenance.start()

  function judgeAfter(landmark: object, ctx: KoaNativeContext, next: () => unknown): unknown {
    const request = new KoaRequest(ctx, engine, landmark)
    return settle(
      engine,
      request,
      ctx.res,
      ({ mode }) => {
        const { mark } = request
        if (mark?.mode === 'off') onceItHasPassed(mark, ctx, ctx.res, (goOn) => judgeAfter(mark, ctx, goOn))
        tellTemplates(engine, ctx.state, mode !== 'off')
        return next()
      },
      engine.judge(request),
      (reply) => answer(ctx, reply),
    )
  }

  let placed = false
  function maintenanceMode(given: KoaContext, next: () => Promise<unknown>): unknown {
    const ctx = given as KoaNativeContext
    followNoted(gate, ctx.req, ctx.res, ctx)
    if (!placed) {
      placed = true
      warnOfRoutes(engine, () => routesBefore(ctx, maintenance))
    }
    if (!engine.open) return judgeAfter(maintenance, ctx, next)
    tellTemplates(engine, ctx.state, false)
    return next()
  }
  // For handlers that are forced on, and for the walk of the routers.
  return Object.assign(maintenanceMode, { maintenance })
}

/**
 * A handler that stays open in every mode, wherever it stands in an app or in routers of @koa/router: requests get to it
 * past `maintenanceMode`, through whatever lies in between, and those that it passes on are judged again. Also a standard
 * method decorator.
 *
 * @throws TypeError for what is no handler, for an app, and for a whole router
 *
 * @example router.post('/webhook', forceMaintenanceModeOff(receive))
 */
export function forceMaintenanceModeOff<Handler extends ForcibleHandler>(
  handler: Handler,
  _context?: MethodContext,
): Handler {
  assertNoRouter(handler)
  return markHandler(handler, 'off', (mark, args, proceed) => {
    const [ctx, next] = args as [object, () => Promise<unknown>]
    const judge = mark.afterwards.get(ctx)
    return proceed(judge ? [ctx, async () => judge(next)] : args)
  })
}

/**
 * A handler that is closed in every mode and for everybody. Also a standard method decorator.
 *
 * @param maintenance answers. Default: that of the `maintenanceMode` in front of it, or else one with the settings of the
 * environment.
 * @throws TypeError for what is no handler, for an app, for a whole router, and for a second argument that
 * `createMaintenance` has not made
 *
 * @example router.get('/beta', forceMaintenanceModeOn(handler))
 */
export function forceMaintenanceModeOn<Handler extends ForcibleHandler>(
  handler: Handler,
  maintenance?: Maintenance | MethodContext,
): Handler {
  assertNoRouter(handler)
  const own: Engine | undefined = maintenance && !('kind' in maintenance) ? engineOf(maintenance) : undefined
  return markHandler(handler, 'on', (mark, [given]) => {
    const ctx = given as KoaNativeContext
    const engine = own ?? engineOf(findMaintenance(ctx, mark) ?? defaultMaintenance())
    const request = new KoaRequest(ctx, engine)
    return settle(
      engine,
      request,
      ctx.res,
      () => {},
      engine.refuse(request),
      (reply) => answer(ctx, reply),
    )
  })
}

/** A router that is nested in another is taken apart, and its mark would be lost without a word. */
function assertNoRouter(handler: object): void {
  if (!('router' in Object(handler))) return
  throw new TypeError(
    'A whole router of @koa/router cannot be forced: mark its handlers, or name its paths in the setting `routes`.',
  )
}
