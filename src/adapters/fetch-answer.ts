import { isPromise } from '../callback.js'
import type { Decision } from '../decision/decision.js'
import type { Engine, Verdict } from '../engine.js'
import type { Reply } from '../reply/reply.js'
import type { FetchRequest } from '../request/plain-request.js'
import { markRefused } from '../telemetry/refused.js'

type Answer = Response | Promise<Response>

/** Answers a fetch request by its verdict, or with what `pass` returns. */
export function settle(
  engine: Engine,
  request: FetchRequest,
  pass: (decision: Decision) => Answer,
  verdict: Verdict | Promise<Verdict> = engine.judge(request),
): Answer {
  const finish = ({ decision, reply }: Verdict): Answer => {
    if (reply) {
      const response = toResponse(reply, request.method)
      markRefused(request.native, response, decision)
      return response
    }
    const response = pass(decision)
    if (!decision.personal) return response
    return isPromise(response) ? response.then(keepPrivate) : keepPrivate(response)
  }
  return isPromise(verdict) ? verdict.then(finish) : finish(verdict)
}

/** A reply as a Response. */
export function toResponse({ status, headers, body }: Reply, method = 'GET'): Response {
  const empty = method === 'HEAD' || body.length === 0
  return new Response(empty ? null : (body as BodyInit), { status, headers })
}

/** A response that depends on who asks must not be served to others from a cache (RFC 9111, 5.2.2.7). */
function keepPrivate(response: Response): Response {
  const headers = new Headers(response.headers)
  headers.set('Cache-Control', 'private, no-store')
  for (const name of ['Expires', 'Surrogate-Control', 'CDN-Cache-Control']) headers.delete(name)
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
