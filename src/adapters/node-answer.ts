import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http'
import onHeaders from 'on-headers'
import { isPromise } from '../callback.js'
import type { Decision } from '../decision/decision.js'
import type { Engine, Verdict } from '../engine.js'
import type { Reply } from '../reply/reply.js'
import type { AdaptedRequest } from '../request/request.js'
import { markRefused } from '../telemetry/refused.js'
import { notePass } from './passed.js'
import { makePrivate } from './privacy.js'

/**
 * Answers a request by its verdict, or lets it pass.
 *
 * @param send answers in the framework's own way
 */
export function settle<Passed>(
  engine: Engine,
  request: AdaptedRequest,
  res: ServerResponse,
  pass: (decision: Decision) => Passed,
  verdict: Verdict | Promise<Verdict> = engine.judge(request),
  send?: (reply: Reply) => void,
): Passed | undefined | Promise<Passed | undefined> {
  const finish = ({ decision, reply }: Verdict): Passed | undefined => {
    if (!reply) {
      notePass(engine, res)
      if (decision.personal) keepPrivate(res)
      return pass(decision)
    }
    try {
      sendRefusal(res, reply, decision, res.req, send)
    } catch (error) {
      engine.reporter.failed('answering a request', error)
      if (res.headersSent) res.destroy()
      else res.writeHead(503, { 'Cache-Control': 'no-store', 'Content-Length': '0' }).end()
    }
    return undefined
  }
  return isPromise(verdict) ? verdict.then(finish) : finish(verdict)
}

// What an earlier middleware said of the page that is not sent.
const ofThePage = [
  'etag',
  'last-modified',
  'content-encoding',
  'expires',
  'surrogate-control',
  'surrogate-key',
  'cdn-cache-control',
  'cache-tag',
]

/** Answers with a refusal, unless the client is gone or somebody has answered already. */
export function sendRefusal(
  res: ServerResponse,
  reply: Reply,
  decision: Decision,
  req: IncomingMessage,
  send: (reply: Reply) => void = (sent) => writeReply(res, sent),
): void {
  if (res.headersSent || res.destroyed) return
  markRefused(req, res, decision)
  send(reply)
}

function writeReply(res: ServerResponse, { status, headers, body }: Reply): void {
  res.writeHead(status, res.getHeaderNames().length > 0 ? besideEarlier(headers, res) : headers)
  res.end(toBuffer(body))
}

/** Where a response keeps what has been said so far. */
interface EarlierHeaders {
  getHeader(name: string): OutgoingHttpHeader | undefined
  removeHeader(name: string): unknown
}

/** The headers of a refusal on a response that an earlier middleware has put headers on; takes off what does not fit it. */
export function besideEarlier(headers: Reply['headers'], earlier: EarlierHeaders): Reply['headers'] {
  // Not without need: Fastify deletes, and an object is slow from then on.
  for (const name of ofThePage) if (earlier.getHeader(name) !== undefined) earlier.removeHeader(name)
  const vary = earlier.getHeader('vary')
  return vary === undefined ? headers : { ...headers, Vary: `${vary}, ${headers.Vary ?? ''}`.replace(/, $/, '') }
}

/** What is rendered once is sent many times. */
const buffers = new WeakMap<Uint8Array, Buffer>()

/** A body for frameworks that know Buffers only. */
export function toBuffer(body: Reply['body']): Buffer {
  if (typeof body === 'string') return Buffer.from(body)
  let buffer = buffers.get(body)
  if (!buffer) {
    buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    buffers.set(body, buffer)
  }
  return buffer
}

function keepPrivate(res: ServerResponse): void {
  onHeaders(res, function (this: ServerResponse) {
    makePrivate({
      set: (name, value) => this.setHeader(name, value),
      delete: (name) => this.removeHeader(name),
    })
  })
}
