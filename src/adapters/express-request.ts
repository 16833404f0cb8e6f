import type { Engine } from '../engine.js'
import type { ExpressNativeRequest } from './express-router.js'
import { hasForcedHandlers, type Mark } from './forced-handler.js'
import { findForced } from './forced-route.js'
import { NodeRequest } from './node-request.js'

/** A request of Express 5 or 4. */
export class ExpressRequest extends NodeRequest {
  declare readonly native: ExpressNativeRequest
  /** What the route that would answer is marked with. */
  mark: Mark | undefined
  readonly #engine: Engine
  readonly #landmark: object

  /** @param landmark what of ours in the router asks */
  constructor(native: ExpressNativeRequest, engine: Engine, landmark: object) {
    super(native, engine.clientAddress)
    this.#engine = engine
    this.#landmark = landmark
  }

  /** As the app's own 'trust proxy' says. */
  override get frameworkAddress(): string | undefined {
    return this.native.ip
  }

  override forced(): 'off' | 'on' | undefined {
    if (!hasForcedHandlers()) return undefined
    try {
      this.mark = findForced(this.native, this.#landmark)
    } catch (error) {
      if (error instanceof URIError) return undefined
      this.#engine.reporter.warn(
        'unknown-router',
        'Forced handlers are not seen before they run: the router of this Express app has a shape that is not known, or `maintenanceMode` does not stand in it by itself. Name their paths in the setting `routes`.',
      )
    }
    return this.mark?.mode
  }
}

/** A request that a handler has got: by then, routers have taken off its path what they stand under. */
export function inFlightRequest(req: ExpressNativeRequest, engine: Engine, landmark: object): ExpressRequest {
  const whole = { url: { value: req.originalUrl }, baseUrl: { value: '' } }
  return new ExpressRequest(hasForcedHandlers() ? Object.create(req, whole) : req, engine, landmark)
}
