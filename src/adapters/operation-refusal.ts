import type { Decision } from '../decision/decision.js'
import type { Engine } from '../engine.js'
import { renderProblem } from '../reply/problem.js'
import type { Reply } from '../reply/reply.js'
import type { Mode } from '../state/window.js'

/** What clients are told of a refused operation. */
export interface RefusalDetails {
  /** The same for every refusal: compare it, not the message. */
  readonly type: string
  readonly mode: Mode
  readonly window?: string | undefined
  /** When the site is expected back, ISO 8601, where that is known. */
  readonly until?: string | undefined
  /** Seconds. */
  readonly retryAfter?: number | undefined
  /** The operation was not begun, so it can be sent again. */
  readonly processed: false
}

/** A refusal for a protocol with errors of its own. */
export interface OperationRefusal {
  readonly message: string
  readonly details: RefusalDetails
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** The body is the protocol's own. */
const ofTheBody = /^(?:content-|location$)/i

export function toOperationRefusal({ settings }: Engine, decision: Decision, reply: Reply): OperationRefusal {
  // A redirect is for people.
  const status = decision.action === 'redirect' ? settings.statusCode : reply.status
  const headers = Object.fromEntries(Object.entries(reply.headers).filter(([name]) => !ofTheBody.test(name)))
  const problem = JSON.parse(renderProblem(decision, status, decision.publicReason))
  const { type, detail: message, mode, window, until, processed } = problem
  const retryAfter = Number(new Headers(headers).get('Retry-After')) || undefined
  return { message, details: { type, mode, window, until, retryAfter, processed }, status, headers }
}

/** What of a refusal goes into an error for GraphQL clients. Servers take the answer's status and headers from `http`. */
export function toExtensions({ details, status, headers }: OperationRefusal): Record<string, unknown> {
  // Apollo reads a Map, Yoga an object.
  const http = { status, headers: Object.assign(new Map(Object.entries(headers)), headers) }
  return { code: 'SERVICE_UNAVAILABLE', ...details, http }
}

/** Servers in development send the stack along: ours would tell clients where things are, and nobody else anything. */
export function withoutStack<Failure extends Error>(error: Failure): Failure {
  error.stack = `${error.name}: ${error.message}`
  return error
}
