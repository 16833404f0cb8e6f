import { isPromise } from '../callback.js'
import type { Decision } from '../decision/decision.js'
import { type Engine, engineOf, type Verdict } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { Reply } from '../reply/reply.js'
import type { FetchRequest } from '../request/plain-request.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { markRefused } from '../telemetry/refused.js'
import { notePass } from './passed.js'
import { makePrivate } from './privacy.js'

type Answer = Response | Promise<Response>

/** A fetch handler: `Request` in, `Response` out, and whatever the runtime passes besides. */
export type FetchHandler<Rest extends unknown[]> = (request: Request, ...rest: Rest) => Response | Promise<Response>

/** A fetch handler with maintenance mode around it. */
export function wrapHandler<Rest extends unknown[]>(
  given: Maintenance | MaintenanceOptions,
  handler: FetchHandler<Rest>,
  toRequest: (request: Request, engine: Engine, rest: Rest) => FetchRequest,
): FetchHandler<Rest> {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  return function withMaintenanceMode(request, ...rest) {
    if (engine.open) return handler(request, ...rest)
    maintenance.start()
    const response = settle(engine, toRequest(request, engine, rest), () => handler(request, ...rest))
    outlive(rest, engine.unfinished())
    return response
  }
}

/** Answers a fetch request by its verdict, or with what `pass` returns. */
export function settle(
  engine: Engine,
  request: FetchRequest,
  pass: (decision: Decision) => Answer,
  verdict?: Verdict | Promise<Verdict>,
): Answer {
  const passPrivately = (decision: Decision): Answer => {
    const response = pass(decision)
    if (!decision.personal) return response
    return isPromise(response) ? response.then(keepPrivate) : keepPrivate(response)
  }
  return refuseOr(engine, request, passPrivately, verdict)
}

/**
 * Refuses a fetch request by its verdict, or returns what `pass` does, whose privacy is its own affair.
 *
 * @param answer makes a Response of a reply
 */
export function refuseOr<Passed>(
  engine: Engine,
  request: FetchRequest,
  pass: (decision: Decision) => Passed | Promise<Passed>,
  verdict: Verdict | Promise<Verdict> = engine.judge(request),
  answer: (reply: Reply, method: string) => Response = toResponse,
): Response | Passed | Promise<Response | Passed> {
  const finish = ({ decision, reply }: Verdict): Response | Passed | Promise<Passed> => {
    if (!reply) {
      notePass(engine, request.raw)
      return pass(decision)
    }
    const response = answer(reply, request.method)
    markRefused(request.native, response, decision)
    if (request.native !== request.raw) markRefused(request.raw, response, decision)
    return response
  }
  return isPromise(verdict) ? verdict.then(finish) : finish(verdict)
}

/** A reply as a Response. */
export function toResponse({ status, headers, body }: Reply, method = 'GET'): Response {
  const empty = method === 'HEAD' || body.length === 0
  return new Response(empty ? null : (body as BodyInit), { status, headers })
}

/** The same response, for its receiver alone. */
export function keepPrivate(response: Response): Response {
  const headers = new Headers(response.headers)
  makePrivate(headers)
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}

/** Edge runtimes end what a request has begun with its answer, unless one of these contexts is told of it. */
export function outlive(contexts: readonly unknown[], work: Promise<unknown> | undefined): void {
  if (!work) return
  for (const given of contexts) {
    const context = given as { waitUntil?: (work: Promise<unknown>) => void } | null | undefined
    if (typeof context?.waitUntil === 'function') context.waitUntil(work)
  }
}
