import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Engine } from '../engine.js'
import type { MaintenanceUser } from '../request/request.js'
import { hasForcedHandlers, type Mark } from './forced-handler.js'
import { findForced } from './koa-router.js'
import { NodeRequest, type NodeRequestExtras, userOf } from './node-request.js'

/** What is read and written of a Koa context. */
export interface KoaNativeContext extends Omit<NodeRequestExtras, 'user'> {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly request: { readonly body?: unknown }
  readonly app: { readonly middleware: readonly unknown[] }
  readonly originalUrl: string
  readonly path: string
  readonly host: string
  readonly ip: string
  readonly state: Record<string, unknown>
  status: number
  body: unknown
  set(headers: Readonly<Record<string, string>>): void
  remove(name: string): void
}

/** A request of Koa. Its own part is the context. */
export class KoaRequest extends NodeRequest<KoaNativeContext> {
  /** What the handler that would answer is marked with. */
  mark: Mark | undefined
  readonly #landmark: object | undefined

  /** @param landmark what of ours in the app asks */
  constructor(ctx: KoaNativeContext, { clientAddress }: Engine, landmark?: object) {
    super(ctx, clientAddress, ctx.req)
    this.#landmark = landmark
  }

  /** As the app's own `proxy` says. */
  override get frameworkAddress(): string | undefined {
    return this.native.ip
  }

  /** koa-passport and koa-jwt put the user into `ctx.state`. */
  override user(): MaintenanceUser | null | undefined {
    const { state, session = null, isAuthenticated } = this.native
    return userOf({ user: state.user, session, isAuthenticated })
  }

  override logOut(): Promise<void> | void {
    const ctx = this.native
    if (typeof ctx.logout === 'function' || !ctx.session) return super.logOut()
    // The way of koa-session.
    ctx.session = null
  }

  override forced(): 'off' | 'on' | undefined {
    if (!this.#landmark || !hasForcedHandlers()) return undefined
    this.mark = findForced(this.native, this.#landmark)
    return this.mark?.mode
  }
}
