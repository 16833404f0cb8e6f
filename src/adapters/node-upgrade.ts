import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { isPromise } from '../callback.js'
import type { Engine, Verdict } from '../engine.js'
import type { Reply } from '../reply/reply.js'
import { NodeRequest } from './node-request.js'

/** Answers a request for an upgrade that is refused on its bare socket, before any handshake, or lets it pass. */
export function judgeUpgrade(engine: Engine, req: IncomingMessage, socket: Duplex, pass: () => void): void {
  const ignore = (): void => {}
  // A client that leaves while we wait must not end the process.
  socket.on('error', ignore)
  const finish = ({ reply }: Verdict): void => {
    if (reply) {
      // A client that keeps its side open would stay for ever.
      socket.once('finish', () => socket.destroy())
      socket.end(toBytes(reply))
      return
    }
    socket.off('error', ignore)
    pass()
  }
  const verdict = engine.judge(new NodeRequest(req, engine.clientAddress))
  if (isPromise(verdict)) verdict.then(finish)
  else finish(verdict)
}

/** A whole answer for a socket that no parser looks after any more. */
function toBytes({ status, headers, body }: Reply): Buffer {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`]
  for (const [name, value] of Object.entries({ ...headers, Connection: 'close' })) lines.push(`${name}: ${value}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])
}
