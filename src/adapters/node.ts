import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { settle } from './node-answer.js'
import { follow, followNoted, innerGate, outerGate } from './node-connections.js'
import { NodeRequest, UntouchedNodeRequest } from './node-request.js'

export { maintenanceControls } from './node-controls.js'
export { attachMaintenanceMode } from './node-server.js'

/** A middleware of Connect's shape. */
export type NodeMiddleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void

/**
 * Maintenance mode as a middleware `(req, res, next)`.
 *
 * @param given what `createMaintenance` returned, or its options
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): NodeMiddleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const gate = innerGate(engine, (req: IncomingMessage) => new NodeRequest(req, engine.clientAddress))
  maintenance.start()
  return function maintenanceMode(req, res, next) {
    followNoted(gate, req, res, req)
    if (engine.open) return next()
    const request = new NodeRequest(req, engine.clientAddress)
    settle(engine, request, res, () => next())
  }
}

/**
 * Maintenance mode around a whole app, before anything of it has run: the place that costs least and works even when
 * the app's own sessions and database do not.
 *
 * @example createServer(withMaintenanceMode(maintenance, app)).listen(3000)
 */
export function withMaintenanceMode(
  given: Maintenance | MaintenanceOptions,
  handler: RequestListener,
): RequestListener {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const gate = outerGate(engine)
  wrapped.set(handler, maintenance)
  maintenance.start()
  return function withMaintenanceMode(req, res) {
    follow(gate, req, res)
    if (engine.open) return handler(req, res)
    const request = new UntouchedNodeRequest(req, engine.clientAddress)
    settle(engine, request, res, () => handler(req, res))
  }
}

const wrapped = new WeakMap<RequestListener, Maintenance>()

/** The maintenance object that an app is wrapped with. */
export function maintenanceAround(app: RequestListener): Maintenance | undefined {
  return wrapped.get(app)
}
