import { engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { FetchRequest } from '../request/plain-request.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { settle } from './fetch-answer.js'

export { type FetchControls, maintenanceControls } from './fetch-controls.js'

/** A fetch handler: `Request` in, `Response` out, and whatever the runtime passes besides. */
export type FetchHandler<Rest extends unknown[]> = (request: Request, ...rest: Rest) => Response | Promise<Response>

/**
 * Maintenance mode around a fetch handler.
 *
 * A fetch Request does not tell the client's address: give `getClientIpAddress`, or `trustProxy` with the number of
 * proxies in front, where addresses matter.
 *
 * @example export default { fetch: withMaintenanceMode(maintenance, app.fetch) }
 */
export function withMaintenanceMode<Rest extends unknown[]>(
  given: Maintenance | MaintenanceOptions,
  handler: FetchHandler<Rest>,
): FetchHandler<Rest> {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  return function withMaintenanceMode(request, ...rest) {
    if (engine.open) return handler(request, ...rest)
    maintenance.start()
    const judged = new FetchRequest(request, engine.clientAddress)
    const response = settle(engine, judged, () => handler(request, ...rest))
    const unfinished = engine.unfinished()
    if (unfinished) outlive(rest, unfinished)
    return response
  }
}

/** Edge runtimes end what a request has begun with its answer, unless they are told of it. */
function outlive(rest: readonly unknown[], work: Promise<unknown>): void {
  for (const given of rest) {
    const context = given as { waitUntil?: (work: Promise<unknown>) => void } | null | undefined
    if (typeof context?.waitUntil === 'function') context.waitUntil(work)
  }
}
