import type { Context, Hono } from 'hono'
import type { Engine } from '../engine.js'
import { FetchRequest } from '../request/plain-request.js'
import type { MaintenanceUser } from '../request/request.js'
import { toMaintenanceUser } from '../request/user.js'
import { hasForcedHandlers } from './forced-handler.js'
import { connectionAddress } from './hono-address.js'
import { findForced } from './hono-routes.js'

/** A request within a Hono app. */
export class HonoRequest extends FetchRequest {
  readonly #context: Context

  constructor(context: Context, { clientAddress }: Engine) {
    super(context.req.raw, clientAddress, { native: context })
    this.#context = context
  }

  override get peerAddress(): string | undefined {
    return connectionAddress(this.#context.env, this.raw)
  }

  override user(): MaintenanceUser | null | undefined {
    return toMaintenanceUser(this.#context.get('user'))
  }

  override forced(): 'off' | 'on' | undefined {
    if (!hasForcedHandlers()) return undefined
    const { req } = this.#context
    return findForced(req.matchedRoutes, req.routeIndex + 1)
  }
}

/** The parts of an app that are read. */
export type HonoApp = Pick<Hono, 'fetch' | 'getPath' | 'router' | 'routes'>

/** A request that no Hono app has seen yet. */
export class OutermostHonoRequest extends FetchRequest {
  readonly #app: HonoApp | undefined
  readonly #env: object | undefined

  constructor(request: Request, { clientAddress }: Engine, app: HonoApp | undefined, env: object | undefined) {
    super(request, clientAddress)
    this.#app = app
    this.#env = env
  }

  override get peerAddress(): string | undefined {
    return connectionAddress(this.#env, this.raw)
  }

  override forced(): 'off' | 'on' | undefined {
    if (!this.#app || !hasForcedHandlers()) return undefined
    const { getPath, router } = this.#app
    const method = this.method === 'HEAD' ? 'GET' : this.method
    const [matched] = router.match(method, getPath(this.raw, { env: this.#env }))
    return findForced(
      matched.map(([[, route]]) => route),
      0,
    )
  }
}
