import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Engine, engineOf, type Verdict } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { Reply } from '../reply/reply.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { judge, sendRefusal } from './node-answer.js'
import { NodeRequest } from './node-request.js'

/** The part of a server that is needed: http and https alike. */
type NodeServer = Pick<Server, 'emit' | 'on' | 'off' | 'listenerCount'>

/**
 * Adds what never reaches a request listener in time: upgrades (WebSockets) are refused with a real 503, and
 * `Expect: 100-continue` before the client has sent its body.
 *
 * @returns a function that takes it off again
 */
export function attachMaintenanceMode(server: NodeServer, given: Maintenance | MaintenanceOptions): () => void {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  maintenance.start()
  const { emit } = server

  // Upgrade listeners are added before and after us, so the event itself is held: a listener of ours could not stop theirs.
  function emitWhenOpen(this: unknown, ...event: unknown[]): boolean {
    const [name, req, other] = event
    if (engine.open || (name !== 'upgrade' && name !== 'checkContinue')) return Reflect.apply(emit, server, event)
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
    if (server.emit === (emitWhenOpen as typeof server.emit)) server.emit = emit
    server.off('checkContinue', onCheckContinue)
  }
}

function judgeContinue(engine: Engine, req: IncomingMessage, res: ServerResponse, pass: () => void): void {
  const request = new NodeRequest(req, engine.clientAddress)
  const finish = ({ decision, reply }: Verdict): void => {
    // The body may or may not follow: only closing the connection is safe (RFC 9110, 10.1.1).
    if (reply) sendRefusal(res, { ...reply, headers: { ...reply.headers, Connection: 'close' } }, decision, req)
    else pass()
  }
  judge(engine, request, finish, (error) => giveUp(engine, req.socket, error))
}

function judgeUpgrade(engine: Engine, req: IncomingMessage, socket: Duplex, pass: () => void): void {
  const ignore = (): void => {}
  // A client that leaves while we wait must not end the process.
  socket.on('error', ignore)
  const finish = ({ reply }: Verdict): void => {
    if (reply) return void socket.end(toBytes(reply))
    socket.off('error', ignore)
    pass()
  }
  judge(engine, new NodeRequest(req, engine.clientAddress), finish, (error) => giveUp(engine, socket, error))
}

function giveUp(engine: Engine, socket: Duplex, error: unknown): void {
  engine.reporter.failed('answering a request', error)
  socket.destroy()
}

/** A whole answer for a socket that no parser looks after any more. */
function toBytes({ status, headers, body }: Reply): Buffer {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`]
  for (const [name, value] of Object.entries({ ...headers, Connection: 'close' })) lines.push(`${name}: ${value}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])
}
