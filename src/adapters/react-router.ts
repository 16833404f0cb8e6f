import { createControls } from '../admin/controls.js'
import { type Engine, engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { FetchRequest } from '../request/plain-request.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { answerControls } from './fetch-controls.js'
import type { MaintenanceLocals } from './template-locals.js'
import { settleAndDrain } from './unread-body.js'

export type { MaintenanceLocals } from './template-locals.js'

/** As `createContext` of React Router makes it. */
export interface MaintenanceContext {
  defaultValue?: MaintenanceLocals
}

/** The parts that are read of what React Router passes to a middleware. */
export interface ReactRouterArgs {
  readonly request: Request
  /** Since React Router 7.13: without what its data requests add to the URL. */
  readonly url?: URL
  readonly context: { set(context: MaintenanceContext, value: MaintenanceLocals): void }
}

/** A middleware of a route module. */
export type ReactRouterMiddleware = (
  args: ReactRouterArgs,
  next: () => Promise<Response>,
) => Response | Promise<Response> | undefined

/**
 * What loaders, actions and later middleware find in `context`: `maintenance_mode`, and `maintenance_mode_bypassed` where
 * the request was let through although the mode is not `off`.
 *
 * @example export const loader = ({ context }) => context.get(maintenanceContext)
 */
export const maintenanceContext: MaintenanceContext = {
  defaultValue: { maintenance_mode: false, maintenance_mode_bypassed: false },
}

/**
 * Maintenance mode as a middleware of a route module: in `app/root.tsx` for all routes, in a layout for those below it.
 * Nothing runs for what no route matches: have a route `*`.
 *
 * A Request tells neither the client's address nor the user: give `getClientIpAddress` and `getAuthenticatedUser`, to which
 * `request.native` is what React Router passes to a middleware. What is prerendered during a build is never refused.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example export const middleware = [maintenanceMode(maintenance), maintenanceControls(maintenance)]
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): ReactRouterMiddleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  return function maintenanceMode(args, next) {
    // Whoever returns nothing is followed by the next.
    if (isBuilding()) return undefined
    const { announcement } = engine
    if (announcement)
      args.context.set(maintenanceContext, {
        maintenance_mode: false,
        maintenance_mode_bypassed: false,
        maintenance_announcement: announcement,
      })
    if (engine.open) return undefined
    maintenance.start()
    return settleAndDrain(engine, new ReactRouterRequest(args, engine), ({ mode }) => {
      const closed = mode !== 'off'
      const told = {
        maintenance_mode: closed,
        maintenance_mode_bypassed: closed,
        maintenance_announcement: announcement,
      }
      if (closed) args.context.set(maintenanceContext, told)
      return next()
    })
  }
}

/**
 * A middleware that closes its route, and those below it, in every mode and for everybody. What is to stay open in every
 * mode has to lie outside of the layout that has `maintenanceMode`, or is named in the setting `routes`.
 *
 * @param given what `createMaintenance` returned, or its options
 * @example export const middleware = [forceMaintenanceModeOn(maintenance)]
 */
export function forceMaintenanceModeOn(given?: Maintenance | MaintenanceOptions): ReactRouterMiddleware {
  const engine = engineOf(toMaintenance(given))
  return function forceMaintenanceModeOn(args, next) {
    const request = new ReactRouterRequest(args, engine)
    return settleAndDrain(engine, request, next, engine.refuse(request))
  }
}

/**
 * The control URLs below the setting `controlUrl`, for superusers and for who sends a token, as a middleware: in
 * `app/root.tsx`, or wherever a route matches these URLs.
 *
 * @param given what `createMaintenance` returned, or its options
 * @example export const middleware = [maintenanceMode(maintenance), maintenanceControls(maintenance)]
 */
export function maintenanceControls(given?: Maintenance | MaintenanceOptions): ReactRouterMiddleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const controls = createControls(maintenance)
  return function maintenanceControls(args) {
    const request = new ReactRouterRequest(args, engine)
    return controls.owns(request.url) ? answerControls(controls, request) : undefined
  }
}

class ReactRouterRequest extends FetchRequest {
  declare url: string

  constructor(native: ReactRouterArgs, { clientAddress }: Engine) {
    super(native.request, clientAddress, { native })
    const { url } = native
    if (url) this.url = url.pathname + url.search
  }
}

/** React Router marks a build so; the header that its prerenderer sends could come from anybody. */
function isBuilding(): boolean {
  return globalThis.process?.env?.IS_RR_BUILD_REQUEST === 'yes'
}
