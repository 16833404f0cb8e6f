import type { IncomingMessage, ServerResponse } from 'node:http'
import { isPromise } from '../callback.js'
import { forcedClosed } from '../decision/decide.js'
import { type Engine, engineOf } from '../engine.js'
import { createMaintenance, type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { ExpressRequest } from './express-request.js'
import { type ExpressApp, type ExpressNativeRequest, findMaintenance } from './express-router.js'
import { type ForcibleHandler, type Mark, type MethodContext, markHandler } from './forced-handler.js'
import { maintenanceAround, type NodeMiddleware, settle } from './node.js'

export type { ForcibleHandler, MethodContext } from './forced-handler.js'
export { attachMaintenanceMode, type NodeMiddleware, withMaintenanceMode } from './node.js'

type Next = (error?: unknown) => void

/**
 * Maintenance mode as a middleware of Express 5 or 4. Put it after the session, if users are to get through, and before
 * everything that is to be closed. Templates find `maintenance_mode` and `maintenance_mode_bypassed` in `res.locals`.
 *
 * Handlers that are forced inside mounted apps (`app.use('/shop', otherApp)`), or in routers that are made per request,
 * cannot be seen from here: name their paths in the setting `routes`.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example app.use(maintenanceMode(maintenance))
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): NodeMiddleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  maintenance.start()

  function judgeAfter(landmark: object, req: IncomingMessage, res: ServerResponse, next: Next): void {
    const request = new ExpressRequest(req, engine, landmark)
    settle(engine, request, res, ({ mode }) => {
      request.onPassedOn((mark, goOn) => judgeAfter(mark, req, res, goOn))
      tellTemplates(res, mode !== 'off')
      next()
    })
  }

  function maintenanceMode(req: IncomingMessage, res: ServerResponse, next: Next): void {
    if (!engine.open) return judgeAfter(maintenance, req, res, next)
    tellTemplates(res, false)
    next()
  }
  return Object.assign(maintenanceMode, { maintenance })
}
