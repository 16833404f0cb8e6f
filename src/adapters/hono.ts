import type { Context, MiddlewareHandler, Next } from 'hono'
import { createControls } from '../admin/controls.js'
import { isPromise } from '../callback.js'
import { engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { targetOf } from '../request/plain-request.js'
import type { MaintenanceOptions } from '../settings/options.js'
import type { Announcement } from '../state/announcement.js'
import { refuseOr, wrapHandler } from './fetch-answer.js'
import { answerControls } from './fetch-controls.js'
import { defaultMaintenance, type ForcibleHandler, type Mark, markHandler } from './forced-handler.js'
import { judge, send, tellVariables } from './hono-answer.js'
import { followNodeOf } from './hono-connection.js'
import { type HonoApp, HonoRequest, OutermostHonoRequest } from './hono-request.js'
import { findMaintenance, marksOf } from './hono-routes.js'
import { forgetPass } from './passed.js'

export type { ForcibleHandler } from './forced-handler.js'
export type { HonoApp } from './hono-request.js'

declare module 'hono' {
  interface ContextVariableMap {
    /** True in every mode but `off`. */
    maintenance_mode: boolean
    /** Whether this request was let through although the mode is not `off`. */
    maintenance_mode_bypassed: boolean
    /** What is announced, or goes on, for a banner: where there is such a window. */
    maintenance_announcement?: Announcement | undefined
  }
}

/**
 * Maintenance mode as a middleware of Hono 4: after what signs users in, if they are to get through, and before all that is
 * to be closed. Handlers and JSX find the variables `maintenance_mode`, and `maintenance_mode_bypassed` where the request
 * was let through although the mode is not `off`.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example app.use(maintenanceMode(maintenance))
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): MiddlewareHandler {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const follow = followNodeOf(engine, (c: Context) => new HonoRequest(c, engine))
  // Not async: that costs Hono more than all the rest.
  function maintenanceMode(c: Context, next: Next): ReturnType<MiddlewareHandler> {
    follow(c.env, c)
    if (!engine.open) return judge(maintenance, c, next)
    tellVariables(engine, c, false)
    return next()
  }
  // For forced handlers.
  return Object.assign(maintenanceMode, { maintenance })
}

/** A fetch handler of the type of an app's own. */
type Fetch = (request: Request, env?: never, executionCtx?: never) => Response | Promise<Response>

/**
 * Maintenance mode around a whole app, before anything of it has run: the place that costs least and works even when the
 * app's own middleware does not.
 *
 * @param app a Hono app, or its `fetch`; of the app itself forced handlers are seen as well
 * @example serve({ fetch: withMaintenanceMode(maintenance, app) })
 */
export function withMaintenanceMode<Handler extends Fetch>(
  given: Maintenance | MaintenanceOptions,
  app: Handler | (HonoApp & { readonly fetch: Handler }),
): Handler {
  const maintenance = toMaintenance(given)
  const handler = (typeof app === 'function' ? app : app.fetch) as (
    request: Request,
    env?: object,
    executionCtx?: unknown,
  ) => Response | Promise<Response>
  const seen = typeof app === 'function' ? undefined : app
  for (const mark of seen ? marksOf(seen.routes) : []) around.set(mark, maintenance)
  const engine = engineOf(maintenance)
  const follow = followNodeOf(
    engine,
    (request: Request, incoming) => new OutermostHonoRequest(request, engine, seen, { incoming }),
  )
  return wrapHandler(
    maintenance,
    (request, env?: object, context?: unknown) => {
      follow(env, request)
      return handler(request, env, context)
    },
    (request, engine, [env]) => new OutermostHonoRequest(request, engine, seen, env),
  ) as Handler
}

/** What an app with a forced handler is wrapped with. */
const around = new WeakMap<Mark, Maintenance>()

/**
 * A handler that stays open in every mode, wherever its app is mounted: requests get to it past `maintenanceMode`, through
 * whatever lies in between, and those that it passes on are judged again.
 *
 * @throws TypeError for what is no handler
 *
 * @example app.post('/webhook', forceMaintenanceModeOff((c) => c.body(null, 204)))
 */
export function forceMaintenanceModeOff<Handler extends ForcibleHandler>(handler: Handler): Handler {
  return markHandler(handler, 'off', (mark, [given, next, ...rest], proceed) => {
    const c = given as Context
    const judged = (): Promise<unknown> => {
      const maintenance = findMaintenance(c.req.matchedRoutes, c.req.routeIndex) ?? around.get(mark)
      const pass = next as Next
      if (!maintenance || engineOf(maintenance).open) return pass()
      forgetPass(c.req.raw)
      return judge(maintenance, c, pass)
    }
    return proceed([c, judged, ...rest])
  })
}

/**
 * A handler that is closed in every mode and for everybody.
 *
 * @param maintenance answers. Default: that of the `maintenanceMode` or `withMaintenanceMode` in front of it, or else one
 * with the settings of the environment.
 * @throws TypeError for what is no handler, and for a second argument that `createMaintenance` has not made
 *
 * @example app.get('/beta', forceMaintenanceModeOn(handler))
 */
export function forceMaintenanceModeOn<Handler extends ForcibleHandler>(
  handler: Handler,
  maintenance?: Maintenance,
): Handler {
  const own = maintenance && engineOf(maintenance)
  return markHandler(handler, 'on', (mark, [given]) => {
    const c = given as Context
    const engine =
      own ??
      engineOf(findMaintenance(c.req.matchedRoutes, c.req.routeIndex) ?? around.get(mark) ?? defaultMaintenance())
    const request = new HonoRequest(c, engine)
    const refused = refuseOr<undefined>(engine, request, () => undefined, engine.refuse(request))
    return isPromise(refused) ? refused.then((response) => send(c, response)) : send(c, refused)
  })
}

/**
 * The control URLs below the setting `controlUrl`, for superusers and for who sends a token: a page with the button, `on`,
 * `off`, `status`, `check`, and what the command line's `--via` needs. Mount it after what finds out who the user is.
 *
 * @param given what `createMaintenance` returned, or its options
 * @example app.use(maintenanceControls(maintenance))
 */
export function maintenanceControls(given?: Maintenance | MaintenanceOptions): MiddlewareHandler {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const controls = createControls(maintenance)
  return function maintenanceControls(c, next) {
    return controls.owns(targetOf(c.req.url)) ? answerControls(controls, new HonoRequest(c, engine)) : next()
  }
}
