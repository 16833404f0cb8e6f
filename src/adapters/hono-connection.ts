import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Engine } from '../engine.js'
import type { AdaptedRequest } from '../request/request.js'
import { followNoted, innerGate, type NodeGate } from './node-connections.js'

/** What @hono/node-server passes as `env`; inside `server` where the app is given more than that. */
interface NodeBindings {
  readonly server?: NodeBindings
  readonly incoming?: IncomingMessage
  readonly outgoing?: ServerResponse
}

/** Follows the connections of Node, on other runtimes nothing. */
export function followNodeOf<Native extends object>(
  engine: Engine,
  adapt: (native: Native, req: IncomingMessage) => AdaptedRequest,
): (env: unknown, native: Native) => void {
  let gate: NodeGate | undefined
  return (env, native) => {
    const given = env as NodeBindings | undefined
    const { incoming, outgoing } = given?.server ?? given ?? {}
    if (!incoming || !outgoing) return
    gate ??= innerGate(engine, adapt)
    followNoted(gate, incoming, outgoing, native)
  }
}
