import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { isPromise } from '../callback.js'
import { type Engine, engineOf, type Verdict } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { sendRefusal } from './node-answer.js'
import { followUnlessFollowed, serverGate } from './node-connections.js'
import { NodeRequest } from './node-request.js'
import { judgeUpgrade } from './node-upgrade.js'

/** The part of a server that is needed: http and https alike. */
type NodeServer = Pick<Server, 'emit' | 'on' | 'off' | 'listenerCount'>

/**
 * Adds what never reaches a request listener in time, and counts the requests in flight where nothing else does: upgrades (WebSockets) are refused with a real 503, and
 * `Expect: 100-continue` before the client has sent its body.
 *
 * @returns a function that takes it off again
 */
export function attachMaintenanceMode(server: NodeServer, given: Maintenance | MaintenanceOptions): () => void {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  maintenance.start()
  const gate = serverGate(engine)
  const { emit } = server
  let attached = true

  // Upgrade listeners are added before and after us, so the event itself is held: a listener of ours could not stop theirs.
  function emitWhenOpen(this: unknown, ...event: unknown[]): boolean {
    const [name, req, other] = event
    if (name === 'request' && attached) followUnlessFollowed(gate, req as IncomingMessage, other as ServerResponse)
    if (engine.open || !attached || (name !== 'upgrade' && name !== 'checkContinue'))
      return Reflect.apply(emit, server, event)
    const pass = (): boolean => Reflect.apply(emit, server, event)
    if (name === 'upgrade') judgeUpgrade(engine, req as IncomingMessage, other as Duplex, pass)
    else judgeContinue(engine, req as IncomingMessage, other as ServerResponse, pass)
    return true
  }

  // Without a listener Node sends `100 Continue` by itself.
  function onCheckContinue(req: IncomingMessage, res: ServerResponse): void {
    if (server.listenerCount('checkContinue') > 1) return
    res.writeContinue()
    server.emit('request', req, res)
  }

  server.emit = emitWhenOpen as typeof server.emit
  server.on('checkContinue', onCheckContinue)
  return () => {
    // Somebody else may have wrapped ours in the meantime: then it stays, and passes on.
    attached = false
    if (server.emit === (emitWhenOpen as typeof server.emit)) server.emit = emit
    server.off('checkContinue', onCheckContinue)
  }
}

function judgeContinue(engine: Engine, req: IncomingMessage, res: ServerResponse, pass: () => void): void {
  const finish = ({ decision, reply }: Verdict): void => {
    // The body may or may not follow: only closing the connection is safe (RFC 9110, 10.1.1).
    if (reply) sendRefusal(res, { ...reply, headers: { ...reply.headers, Connection: 'close' } }, decision, req)
    else pass()
  }
  const verdict = engine.judge(new NodeRequest(req, engine.clientAddress))
  if (isPromise(verdict)) verdict.then(finish)
  else finish(verdict)
}
