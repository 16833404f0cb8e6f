import type { ServerResponse } from 'node:http'
import type { AbstractHttpAdapter } from '@nestjs/core'
import { maintenanceControls, maintenanceMode } from './express.js'
import { ExpressRequest, inFlightRequest } from './express-request.js'
import { type ExpressNativeRequest, stepsOf } from './express-router.js'
import { isLeftHandler } from './nestjs-routes.js'
import type { NestPlatform, NestSite } from './nestjs-site.js'
import { settle } from './node-answer.js'
import { followNoted, innerGate } from './node-connections.js'
import { forgetPass } from './passed.js'
import { tellTemplates } from './template-locals.js'

type Next = (error?: unknown) => void
type Middleware = (req: ExpressNativeRequest, res: ServerResponse, next: Next) => void

/**
 * Stands in the app of the Express platform: first of all; or after what main.ts adds, but before static files, body
 * parsers and the middleware of modules.
 */
export function standInExpress(adapter: AbstractHttpAdapter, site: NestSite): NestPlatform {
  const { maintenance, engine, left, place } = site
  const judge = maintenanceMode(maintenance) as Middleware
  const use = adapter.use.bind(adapter)
  const { registerParserMiddleware } = adapter
  const gate = innerGate(engine, (req: ExpressNativeRequest) => inFlightRequest(req, engine, maintenance))
  let stands = false

  function isLeft(req: ExpressNativeRequest): boolean {
    if (!site.guarded) return false
    try {
      for (const { isRoute, handles } of stepsOf(req, req.app, req.baseUrl, req.method as string, site)) {
        if (isRoute && handles.some((handle) => isLeftHandler(handle, place === 'guard'))) return true
      }
    } catch {
      // A path that Express answers with 400, or a router of a shape that is not known.
    }
    return false
  }

  function maintenanceModeOfNest(req: ExpressNativeRequest, res: ServerResponse, next: Next): void {
    if (engine.open || !isLeft(req)) judge(req, res, next)
    else {
      left.add(req)
      followNoted(gate, req, res, req)
      next()
    }
  }

  function judgeWhatIsLeft(req: ExpressNativeRequest, res: ServerResponse, next: Next): void {
    if (left.delete(req)) {
      forgetPass(res)
      judge(req, res, next)
    } else next()
  }

  function stand(): void {
    if (stands) return
    stands = true
    // Marked as `maintenanceMode` itself is.
    use(Object.assign(maintenanceModeOfNest, { maintenance }))
    if (site.controls) use(maintenanceControls(maintenance))
  }

  /** What is left to a guard has not been let in yet: no file is for it. */
  function unlessLeft(serveStatic: Middleware): Middleware {
    return (req, res, next) => (left.has(req) ? next() : serveStatic(req, res, next))
  }

  if (place === 'outermost') stand()
  adapter.use = (...args: unknown[]) => {
    if (args.some(isStatic)) stand()
    return use(...args.map((arg) => (isStatic(arg) ? unlessLeft(arg) : arg)))
  }
  adapter.registerParserMiddleware = (...args) => {
    stand()
    return registerParserMiddleware.apply(adapter, args)
  }

  return {
    stand,
    // A route may pass on what it was sent: another version or host, `next()`.
    afterRoutes: () => void use(judgeWhatIsLeft),
    judge(req: ExpressNativeRequest, res: ServerResponse & { locals: Record<string, unknown> }, forced) {
      const request = site.atRoute(new ExpressRequest(req, engine, maintenance), forced)
      return new Promise((resolve) => {
        settle(engine, request, res, ({ mode }) => {
          tellTemplates(engine, res.locals, mode !== 'off')
          resolve(true)
        })
      })
    },
  }
}

/** Of `useStaticAssets`, and of `express.static`. */
function isStatic(given: unknown): given is Middleware {
  return typeof given === 'function' && given.name === 'serveStatic'
}
