import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Engine, engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { ExpressRequest, inFlightRequest } from './express-request.js'
import { type ExpressApp, type ExpressNativeRequest, routesBefore } from './express-router.js'
import {
  defaultMaintenance,
  type ForcibleHandler,
  type Mark,
  type MethodContext,
  markHandler,
  onceItHasPassed,
} from './forced-handler.js'
import { findMaintenance } from './forced-route.js'
import { warnOfRoutes } from './mounted-after-routes.js'
import { maintenanceAround, type NodeMiddleware } from './node.js'
import { settle } from './node-answer.js'
import { followNoted, innerGate } from './node-connections.js'
import { tellTemplates } from './template-locals.js'

export type { ForcibleHandler, MethodContext } from './forced-handler.js'
export { attachMaintenanceMode, maintenanceControls, type NodeMiddleware, withMaintenanceMode } from './node.js'

type Next = (error?: unknown) => void

/**
 * Maintenance mode as a middleware of Express 5 and 4: after the session, if users are to get through, and before all that
 * is to be closed. In `res.locals`, templates find `maintenance_mode`, and `maintenance_mode_bypassed` where the request
 * was let through although the mode is not `off`.
 *
 * Not seen from here, and so never forced: handlers in mounted apps (`app.use('/shop', otherApp)`) and in routers that are
 * made per request. Name their paths in the setting `routes`.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example app.use(maintenanceMode(maintenance))
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): NodeMiddleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const gate = innerGate(engine, (req: ExpressNativeRequest) => inFlightRequest(req, engine, maintenance))
  maintenance.start()

  function judgeAfter(landmark: object, req: ExpressNativeRequest, res: ServerResponse, next: Next): void {
    const request = new ExpressRequest(req, engine, landmark)
    settle(engine, request, res, ({ mode }) => {
      const { mark } = request
      if (mark?.mode === 'off') onceItHasPassed(mark, req, res, (goOn) => judgeAfter(mark, req, res, goOn))
      tellLocals(engine, res, mode !== 'off')
      next()
    })
  }

  let placed = false
  function maintenanceMode(req: IncomingMessage, res: ServerResponse, next: Next): void {
    followNoted(gate, req, res, req)
    if (!placed) {
      placed = true
      warnOfRoutes(engine, () => routesBefore(req as ExpressNativeRequest, maintenance))
    }
    if (engine.open) {
      tellLocals(engine, res, false)
      next()
    } else judgeAfter(maintenance, req as ExpressNativeRequest, res, next)
  }
  // For handlers that are forced on, and for the walk of the router.
  return Object.assign(maintenanceMode, { maintenance })
}

/**
 * A handler, or a whole router, that stays open in every mode, wherever it stands: requests get to it past
 * `maintenanceMode`, through whatever lies in between, and those that it passes on are judged again. Also a standard method
 * decorator.
 *
 * @throws TypeError for what is no handler, and for an app
 *
 * @example app.post('/webhook', forceMaintenanceModeOff(receive))
 */
export function forceMaintenanceModeOff<Handler extends ForcibleHandler>(
  handler: Handler,
  _context?: MethodContext,
): Handler {
  return markHandler(handler, 'off', (mark, args, proceed) => {
    const [req, res, next] = args
    const judge = mark.afterwards.get(req as object)
    if (judge === undefined) return proceed(args)
    const judged = (signal?: unknown): void => {
      const pass = (): void => (next as Next)(signal)
      if (signal && signal !== 'route' && signal !== 'router') pass()
      else judge(pass)
    }
    return proceed([req, res, judged])
  })
}

/**
 * A handler, or a whole router, that is closed in every mode and for everybody: give such a router a path of its own, for
 * it refuses all that reaches it. Also a standard method decorator.
 *
 * @param maintenance answers. Default: that of the `maintenanceMode` or `withMaintenanceMode` in front of the app, or else
 * one with the settings of the environment.
 * @throws TypeError for what is no handler, for an app, and for a second argument that `createMaintenance` has not made
 *
 * @example app.get('/beta', forceMaintenanceModeOn(handler))
 */
export function forceMaintenanceModeOn<Handler extends ForcibleHandler>(
  handler: Handler,
  maintenance?: Maintenance | MethodContext,
): Handler {
  let own: Engine | undefined
  const forced = markHandler(handler, 'on', (mark, args) => {
    const [req, res] = (handler.length === 4 ? args.slice(1) : args) as [ExpressNativeRequest, ServerResponse]
    const engine = own ?? engineOf(maintenanceFor(req, mark))
    const request = new ExpressRequest(req, engine, mark)
    settle(engine, request, res, () => {}, engine.refuse(request))
  })
  if (maintenance && !('kind' in maintenance)) own = engineOf(maintenance)
  return forced
}

function maintenanceFor(req: ExpressNativeRequest, mark: Mark): Maintenance {
  for (let app: ExpressApp | undefined = req.app; app; app = app.parent) {
    const found = findMaintenance(req, app, mark) ?? maintenanceAround(app)
    if (found) return found
  }
  return defaultMaintenance()
}

function tellLocals(
  engine: Engine,
  { locals }: ServerResponse & { locals?: Record<string, unknown> },
  closed: boolean,
): void {
  if (locals) tellTemplates(engine, locals, closed)
}
