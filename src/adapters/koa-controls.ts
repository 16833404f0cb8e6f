import type { IncomingMessage, ServerResponse } from 'node:http'
import { createControls } from '../admin/controls.js'
import { engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { answer } from './koa-answer.js'
import { type KoaNativeContext, KoaRequest } from './koa-request.js'
import { authorityOf, readBody } from './node-controls.js'

/** The part of a Koa context that tells it from others. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly originalUrl: string
}

/** A middleware of Koa. */
export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => unknown

/**
 * The control URLs below the setting `controlUrl`, for superusers and for who sends a token: a page with the button, `on`,
 * `off`, `status`, `check`, and what the command line's `--via` needs. Mount it after what finds out who the user is.
 * Other paths go on to `next`.
 *
 * @param given what `createMaintenance` returned, or its options
 * @example app.use(maintenanceControls(maintenance))
 */
export function maintenanceControls(given?: Maintenance | MaintenanceOptions): KoaMiddleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const controls = createControls(maintenance)
  maintenance.start()
  return async function maintenanceControls(given, next) {
    if (!controls.owns(given.originalUrl)) return next()
    const ctx = given as KoaNativeContext
    const request = new KoaRequest(ctx, engine)
    const body = (limit: number) => readBody(ctx.req, limit, ctx.request.body)
    answer(ctx, await controls.answer({ request, authority: authorityOf(request), body }))
  }
}
