import { isPromise } from '../callback.js'
import { type Engine, engineOf, type Verdict } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { FetchRequest } from '../request/plain-request.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { markRefused } from '../telemetry/refused.js'
import { toResponse } from './fetch-response.js'

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
    const response = settle(engine, request, () => handler(request, ...rest))
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

function settle(
  engine: Engine,
  request: Request,
  pass: () => Response | Promise<Response>,
): Response | Promise<Response> {
  const finish = ({ decision, reply }: Verdict): Response | Promise<Response> => {
    if (reply) {
      const response = toResponse(reply, request.method)
      markRefused(request, response, decision)
      return response
    }
    if (!decision.personal) return pass()
    const response = pass()
    return isPromise(response) ? response.then(keepPrivate) : keepPrivate(response)
  }
  const verdict = engine.judge(new FetchRequest(request, engine.clientAddress))
  return isPromise(verdict) ? verdict.then(finish) : finish(verdict)
}

/** A response that depends on who asks must not be served to others from a cache (RFC 9111, 5.2.2.7). */
function keepPrivate(response: Response): Response {
  const headers = new Headers(response.headers)
  headers.set('Cache-Control', 'private, no-store')
  for (const name of ['Expires', 'Surrogate-Control', 'CDN-Cache-Control']) headers.delete(name)
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
