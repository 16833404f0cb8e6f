import type { Maintenance } from '../maintenance.js'
import { FetchRequest } from '../request/plain-request.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { type FetchHandler, wrapHandler } from './fetch-answer.js'

export type { FetchHandler } from './fetch-answer.js'
export { type FetchControls, maintenanceControls } from './fetch-controls.js'

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
  return wrapHandler(given, handler, (request, { clientAddress }) => new FetchRequest(request, clientAddress))
}
