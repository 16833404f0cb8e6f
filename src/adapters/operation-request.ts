import type { IncomingMessage } from 'node:http'
import { isPromise } from '../callback.js'
import type { Decision } from '../decision/decision.js'
import type { Engine, Verdict } from '../engine.js'
import { type ClientAddress, LazyRequest } from '../request/lazy-request.js'
import { FetchRequest } from '../request/plain-request.js'
import type { AdaptedRequest } from '../request/request.js'
import { markRefused } from '../telemetry/refused.js'
import { NodeRequest } from './node-request.js'

/** What neither the address nor the method of a request tells of what it asks for. */
export interface Operation {
  readonly writes: boolean
  readonly forced?: 'off' | 'on' | undefined
}

export interface ContextOptions<Context> {
  /**
   * Finds the HTTP request, of Node or fetch, in your context. Default: `req`, else `request`. Without it nobody is let
   * in by address or URL.
   */
  request?: ((context: Context) => unknown) | undefined
}

/** What a context is usually made with. */
export function requestOf(context: unknown): unknown {
  const { req, request } = Object(context) as { req?: unknown; request?: unknown }
  return req ?? request
}

/** Notes the refusal for log filters: on its error, and on the request and response that are known. */
export function markOperation(native: object, outcome: object, context: unknown, decision: Decision): void {
  const { res } = Object(context) as { res?: unknown }
  // A context without a request is the app's own.
  markRefused(isHttpRequest(native) ? native : outcome, outcome, decision)
  if (typeof res === 'object' && res !== null) markRefused(outcome, res, decision)
}

interface Shape {
  readonly url?: unknown
  readonly method?: unknown
  readonly headers?: { readonly get?: unknown }
}

export function isHttpRequest(value: unknown): value is Request | IncomingMessage {
  const { url, headers } = Object(value) as Shape
  return typeof url === 'string' && typeof headers === 'object'
}

/** What is known where nobody told which HTTP request it is: its method and headers at best. */
class UnknownRequest extends LazyRequest {
  readonly method: string
  /** No path at all: it matches no pattern. */
  readonly url = '*'
  readonly native: object
  readonly peerAddress = undefined

  constructor(native: Shape, clientAddress: ClientAddress) {
    super(clientAddress)
    this.native = native
    this.method = typeof native.method === 'string' ? native.method : 'POST'
  }

  header(name: string): string | undefined {
    const { headers } = this.native as { headers?: { get?: (name: string) => string | null | undefined } }
    return typeof headers?.get === 'function' ? (headers.get(name) ?? undefined) : undefined
  }
}

/** The request that an operation came with, as the rules see it. */
export function toOperationRequest(native: object, { clientAddress }: Engine, operation: Operation): AdaptedRequest {
  const request = !isHttpRequest(native)
    ? new UnknownRequest(native, clientAddress)
    : typeof (native as Shape).headers?.get === 'function'
      ? new FetchRequest(native as Request, clientAddress)
      : new NodeRequest(native as IncomingMessage, clientAddress)
  return Object.defineProperties(request, {
    writes: { get: () => operation.writes },
    forced: { value: () => operation.forced },
  })
}

/** Judges operations one by one. Those of a batch share what has to be waited for: one look-up of the user serves them all. */
export function compileOperationJudge(
  engine: Engine,
): (native: object, operation: Operation) => Verdict | Promise<Verdict> {
  const waiting = new WeakMap<object, Map<string, Promise<Verdict>>>()
  return (native, operation) => {
    const key = `${operation.writes} ${operation.forced}`
    const known = waiting.get(native)?.get(key)
    if (known) return known
    const verdict = engine.judge(toOperationRequest(native, engine, operation))
    if (!isPromise(verdict)) return verdict
    const verdicts = waiting.get(native) ?? new Map<string, Promise<Verdict>>()
    waiting.set(native, verdicts.set(key, verdict))
    // Not for longer: all that comes over one WebSocket shares a request.
    return verdict.finally(() => verdicts.delete(key))
  }
}
