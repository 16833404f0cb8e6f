import { createControls } from '../admin/controls.js'
import { type Engine, engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { LocalsRequest } from './app-locals.js'
import { outlive, settle } from './fetch-answer.js'
import { answerControls } from './fetch-controls.js'
import { tellTemplates } from './template-locals.js'

// Its declarations of `App.Locals` come along.
export type { MaintenanceLocals } from './app-locals.js'

/** The parts of Astro's `APIContext` that are read. */
export interface AstroContext {
  readonly request: Request
  readonly url: URL
  readonly locals: object
  readonly isPrerendered: boolean
  readonly clientAddress: string
  readonly session?: { destroy(): void } | undefined
}

/** Astro's `MiddlewareHandler`. */
export type AstroMiddleware = (context: AstroContext, next: () => Promise<Response>) => Response | Promise<Response>

/**
 * Maintenance mode as Astro's `onRequest`. In `Astro.locals`, pages and endpoints find `maintenance_mode`, and
 * `maintenance_mode_bypassed` where the request was let through although the mode is not `off`. The user is `locals.user`,
 * as an earlier middleware has set it; a log-out ends Astro's session.
 *
 * A prerendered page is a file: no middleware sees who asks for it, and none is refused while it is built.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example export const onRequest = sequence(signIn, maintenanceMode(maintenance), maintenanceControls(maintenance))
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): AstroMiddleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  return function maintenanceMode(context, next) {
    const { locals } = context
    if (engine.open || context.isPrerendered) {
      tellTemplates(engine, locals, false)
      return next()
    }
    maintenance.start()
    const response = settle(engine, new AstroRequest(context, engine), ({ mode }) => {
      tellTemplates(engine, locals, mode !== 'off')
      return next()
    })
    outlive(contextsOf(locals), engine.unfinished())
    return response
  }
}

/**
 * The control URLs below the setting `controlUrl`, as a middleware, for superusers and for who sends a token. Put it after
 * what finds out who the user is.
 *
 * @param given what `createMaintenance` returned, or its options
 * @example export const onRequest = sequence(signIn, maintenanceMode(maintenance), maintenanceControls(maintenance))
 */
export function maintenanceControls(given?: Maintenance | MaintenanceOptions): AstroMiddleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const controls = createControls(maintenance)
  return function maintenanceControls(context, next) {
    if (!controls.owns(context.url.pathname)) return next()
    return answerControls(controls, new AstroRequest(context, engine))
  }
}

class AstroRequest extends LocalsRequest {
  declare readonly native: AstroContext

  constructor(context: AstroContext, engine: Engine) {
    super(context, engine, () => context.clientAddress)
  }

  override logOut(): void | Promise<void> {
    const { session } = this.native
    if (!session) return super.logOut()
    session.destroy()
  }
}

/** Where the adapter for Cloudflare keeps what has `waitUntil`, now and before Astro 6. */
function contextsOf(locals: object): unknown[] {
  const { cfContext, runtime } = locals as { cfContext?: unknown; runtime?: { ctx?: unknown } }
  return [cfContext, runtime?.ctx]
}
