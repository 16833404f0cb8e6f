import { createRequire } from 'node:module'
import { type CanActivate, type ExecutionContext, ServiceUnavailableException } from '@nestjs/common'
import type { HttpAdapterHost, ModulesContainer } from '@nestjs/core'
import { type Engine, engineOf } from '../engine.js'
import type { Maintenance } from '../maintenance.js'
import type { AdaptedRequest } from '../request/request.js'
import { standInExpress } from './nestjs-express.js'
import { standInFastify } from './nestjs-fastify.js'
import { forcedMode, hasForced, markRoutes } from './nestjs-routes.js'

/** Where maintenance mode stands in an app of Nest's, and what it serves. */
export interface NestMaintenanceOptions {
  /**
   * Where requests are judged. Default: `middleware`.
   *
   * - `outermost`: before everything. No user of the app is known: give `getAuthenticatedUser`.
   * - `middleware`: after what main.ts adds with `app.use()`, sessions for one; before static files, body parsers, the
   *   middleware of modules, guards and routes. On Fastify the same as `outermost`.
   * - `guard`: routes of controllers in a global guard, so that the user is known whom an earlier global guard or a hook of
   *   Fastify has found; everything else as in `middleware`, on Fastify as late as its hooks allow.
   */
  place?: 'outermost' | 'middleware' | 'guard' | undefined
  /** Whether the control URLs are served, below the setting `controlUrl`. Default: `true`. */
  controls?: boolean | undefined
}

type Forced = 'off' | 'on' | undefined

/** What differs between Express and Fastify. */
export interface NestPlatform {
  /** Takes its place, at the latest now. */
  stand(): void
  /** All routes of controllers are there. */
  afterRoutes(): void
  /** Resolves for a request that is let through, and never for one that is refused: then it has been answered. */
  judge(req: unknown, res: unknown, forced: Forced): Promise<true>
}

/** Maintenance mode in one app of Nest's. */
export class NestSite {
  readonly maintenance: Maintenance
  readonly engine: Engine
  readonly place: 'outermost' | 'middleware' | 'guard'
  readonly controls: boolean
  /** Whether there is a guard that requests can be left to. */
  readonly guarded: boolean
  /** The requests that are left to the guard, as the platform has them. */
  readonly left: WeakSet<object> = new WeakSet()
  readonly #host: HttpAdapterHost
  readonly #modules: ModulesContainer
  #platform: NestPlatform | undefined

  constructor(
    maintenance: Maintenance,
    { place = 'middleware', controls = true }: NestMaintenanceOptions,
    host: HttpAdapterHost,
    modules: ModulesContainer,
  ) {
    if (!['outermost', 'middleware', 'guard'].includes(place)) {
      throw new TypeError(`place is "${place}": write 'outermost', 'middleware' or 'guard'.`)
    }
    assertSupported()
    this.maintenance = maintenance
    this.engine = engineOf(maintenance)
    this.place = place
    this.controls = controls
    this.guarded = place === 'guard' || hasForced('off') || hasForced('on')
    this.#host = host
    this.#modules = modules
    this.#standIn()
  }

  /** Before the routes are made. */
  beforeRoutes(): void {
    // Testing modules have no HTTP adapter before.
    this.#standIn()
    if (this.guarded) markRoutes(this.#modules)
    this.#platform?.stand()
  }

  afterRoutes(): void {
    this.#platform?.afterRoutes()
  }

  /** A request at a route: it is known how that is forced, and behind a guard, who is asking. */
  atRoute<Request extends AdaptedRequest>(request: Request, forced: Forced): Request {
    const user = request.user.bind(request)
    if (forced) request.forced = () => forced
    if (this.place === 'guard') request.user = () => user() ?? null
    return request
  }

  /** Nothing, where no request could be left to it. */
  guard(): CanActivate | undefined {
    return this.guarded ? { canActivate: (context) => this.#canActivate(context) } : undefined
  }

  #canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (this.engine.open && !hasForced('on')) return true
    const forced = forcedMode(context.getHandler(), context.getClass())
    if (context.getType() !== 'http') {
      // Messages and events are nobody's visit, and what came over HTTP has been judged there.
      if (forced === 'on') throw new ServiceUnavailableException()
      return true
    }
    const http = context.switchToHttp()
    const req = http.getRequest<object>()
    if (forced !== 'on' && (this.engine.open || !this.left.has(req))) return true
    // What a route passes on that is forced off has yet to be let in.
    if (forced !== 'off') this.left.delete(req)
    return (this.#platform as NestPlatform).judge(req, http.getResponse(), forced)
  }

  #standIn(): void {
    const adapter = this.#host.httpAdapter
    if (!adapter || this.#platform) return
    const type = adapter.getType()
    if (type === 'express') this.#platform = standInExpress(adapter, this)
    else if (type === 'fastify') this.#platform = standInFastify(adapter, this)
    else throw new TypeError(`maintenance-mode/nestjs knows the platforms Express and Fastify, not "${type}".`)
  }
}

/** @throws TypeError that says which versions are supported */
function assertSupported(): void {
  let version: string
  try {
    ;({ version } = createRequire(import.meta.url)('@nestjs/core/package.json') as { version: string })
  } catch {
    // In a bundle there is no package to ask.
    return
  }
  if (/^1[12]\./.test(version)) return
  throw new TypeError(`maintenance-mode/nestjs is made for Nest 11 and 12, and this is Nest ${version}.`)
}
