import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import onHeaders from 'on-headers'
import { isPromise } from '../callback.js'
import type { Decision } from '../decision/decision.js'
import { type Engine, engineOf, type Verdict } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { Reply } from '../reply/reply.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { markRefused } from '../telemetry/refused.js'
import { NodeRequest } from './node-request.js'

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
  maintenance.start()
  return function maintenanceMode(req, res, next) {
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
  wrapped.set(handler, maintenance)
  maintenance.start()
  return function withMaintenanceMode(req, res) {
    if (engine.open) return handler(req, res)
    const request = new NodeRequest(req, engine.clientAddress)
    settle(engine, request, res, () => handler(req, res))
  }
}

const wrapped = new WeakMap<RequestListener, Maintenance>()

/** The maintenance object that an app is wrapped with. */
export function maintenanceAround(app: RequestListener): Maintenance | undefined {
  return wrapped.get(app)
}

/** Judges a request, then answers it or lets it pass. */
export function settle(
  engine: Engine,
  request: NodeRequest,
  res: ServerResponse,
  pass: (decision: Decision) => void,
): void {
  const fail = (error: unknown): void => {
    engine.reporter.failed('answering a request', error)
    if (res.headersSent) res.destroy()
    else res.writeHead(503, { 'Cache-Control': 'no-store', 'Content-Length': '0' }).end()
  }
  const finish = ({ decision, reply }: Verdict): void => {
    if (!reply) {
      if (decision.personal) keepPrivate(res)
      pass(decision)
      return
    }
    try {
      sendRefusal(res, reply, decision, request.native)
    } catch (error) {
      fail(error)
    }
  }
  judge(engine, request, finish, fail)
}

/** Nothing of ours may break the host: what cannot be judged is refused by `fail`, and what `finish` lets run is not caught. */
export function judge(
  engine: Engine,
  request: NodeRequest,
  finish: (verdict: Verdict) => void,
  fail: (error: unknown) => void,
): void {
  let verdict: Verdict | Promise<Verdict>
  try {
    verdict = engine.judge(request)
  } catch (error) {
    fail(error)
    return
  }
  if (isPromise(verdict)) verdict.then(finish, fail)
  else finish(verdict)
}

// What an earlier middleware said of the page that is not sent.
const ofThePage = [
  'ETag',
  'Last-Modified',
  'Content-Encoding',
  'Expires',
  'Surrogate-Control',
  'Surrogate-Key',
  'CDN-Cache-Control',
  'Cache-Tag',
]

/** Answers with a refusal, unless the client is gone or somebody has answered already. */
export function sendRefusal(res: ServerResponse, reply: Reply, decision: Decision, req: IncomingMessage): void {
  if (res.headersSent || res.destroyed) return
  markRefused(req, res, decision)
  const vary = res.getHeader('Vary')
  let { headers } = reply
  if (vary !== undefined) headers = { ...headers, Vary: `${vary}, ${headers.Vary ?? ''}`.replace(/, $/, '') }
  if (res.getHeaderNames().length > 0) for (const name of ofThePage) res.removeHeader(name)
  res.writeHead(reply.status, headers)
  res.end(reply.body)
}

/** A response that depends on who asks must not be served to others from a cache (RFC 9111, 5.2.2.7). */
export function keepPrivate(res: ServerResponse): void {
  onHeaders(res, function (this: ServerResponse) {
    this.setHeader('Cache-Control', 'private, no-store')
    for (const name of ['Expires', 'Surrogate-Control', 'CDN-Cache-Control']) this.removeHeader(name)
  })
}
