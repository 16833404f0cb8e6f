import type { IncomingMessage, ServerResponse } from 'node:http'
import onHeaders from 'on-headers'
import { isPromise } from '../callback.js'
import type { Decision } from '../decision/decision.js'
import type { Engine, Verdict } from '../engine.js'
import type { Reply } from '../reply/reply.js'
import { markRefused } from '../telemetry/refused.js'
import type { NodeRequest } from './node-request.js'

/** Answers a request by its verdict, or lets it pass. */
export function settle(
  engine: Engine,
  request: NodeRequest,
  res: ServerResponse,
  pass: (decision: Decision) => void,
  verdict: Verdict | Promise<Verdict> = engine.judge(request),
): void {
  const finish = ({ decision, reply }: Verdict): void => {
    if (!reply) {
      if (decision.personal) keepPrivate(res)
      pass(decision)
      return
    }
    try {
      sendRefusal(res, reply, decision, request.native)
    } catch (error) {
      engine.reporter.failed('answering a request', error)
      if (res.headersSent) res.destroy()
      else res.writeHead(503, { 'Cache-Control': 'no-store', 'Content-Length': '0' }).end()
    }
  }
  if (isPromise(verdict)) verdict.then(finish)
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
  let { headers } = reply
  if (res.getHeaderNames().length > 0) {
    for (const name of ofThePage) res.removeHeader(name)
    const vary = res.getHeader('Vary')
    if (vary !== undefined) headers = { ...headers, Vary: `${vary}, ${headers.Vary ?? ''}`.replace(/, $/, '') }
  }
  res.writeHead(reply.status, headers)
  res.end(reply.body)
}

/** A response that depends on who asks must not be served to others from a cache (RFC 9111, 5.2.2.7). */
function keepPrivate(res: ServerResponse): void {
  onHeaders(res, function (this: ServerResponse) {
    this.setHeader('Cache-Control', 'private, no-store')
    for (const name of ['Expires', 'Surrogate-Control', 'CDN-Cache-Control']) this.removeHeader(name)
  })
}
