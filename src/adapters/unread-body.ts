import type { Decision } from '../decision/decision.js'
import type { Engine, Verdict } from '../engine.js'
import type { FetchRequest } from '../request/plain-request.js'
import { isRefused } from '../telemetry/refused.js'
import { settle } from './fetch-answer.js'

/**
 * As `settle`, where a framework makes the body of a request from Node's: one that nobody reads stays on the connection,
 * before the next request.
 */
export async function settleAndDrain(
  engine: Engine,
  request: FetchRequest,
  pass: (decision: Decision) => Response | Promise<Response>,
  verdict?: Verdict | Promise<Verdict>,
): Promise<Response> {
  const response = await settle(engine, request, pass, verdict)
  if (isRefused(response)) request.raw.body?.pipeTo(new WritableStream()).catch(() => {})
  return response
}
