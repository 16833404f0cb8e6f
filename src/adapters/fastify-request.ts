import type { FastifyRequest as NativeRequest } from 'fastify'
import type { Engine } from '../engine.js'
import { NodeRequest, type NodeRequestExtras } from './node-request.js'

type Native = NativeRequest & NodeRequestExtras

/** A request of Fastify 5. Users, sessions and log-outs are decorators, by the names that they have on Node requests. */
export class FastifyRequest extends NodeRequest<Native> {
  readonly #mayBeForced: boolean

  /** @param mayBeForced whether some route is: Fastify makes an object to tell how its own is configured */
  constructor(native: Native, { clientAddress }: Engine, mayBeForced = true) {
    super(native, clientAddress, native.raw)
    this.#mayBeForced = mayBeForced
  }

  /** As the app's own `trustProxy` says. */
  override get frameworkAddress(): string | undefined {
    return this.native.ip
  }

  override forced(): 'off' | 'on' | undefined {
    if (!this.#mayBeForced) return undefined
    const { forceMaintenanceMode: forced } = this.native.routeOptions.config
    return forced === 'off' || forced === 'on' ? forced : undefined
  }
}
