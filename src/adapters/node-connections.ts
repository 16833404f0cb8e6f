import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Engine } from '../engine.js'
import type { OpenRequest, RequestSource } from '../fleet/drain.js'
import type { AdaptedRequest } from '../request/request.js'
import { NodeRequest } from './node-request.js'

/**
 * A place that requests of Node go through, so that those in flight can be counted when something is closed. To listen for
 * the end of every answer would cost each request 5 %; so a connection is followed, once, and names its answer when asked.
 */
export interface NodeGate {
  readonly connections: NodeConnections
  /**
   * `all`: whatever comes over its connections is its own. `noted`: only what it has noted. `rest`: all, as long as there
   * is no other place.
   */
  readonly covers: 'all' | 'noted' | 'rest'
  /** A request as this place sees it. */
  adapt(native: object, req: IncomingMessage): AdaptedRequest
}

const lastGate = Symbol('maintenance-mode.gate')
const nativeOf = Symbol('maintenance-mode.native')

type FollowedSocket = Socket & { [lastGate]?: NodeGate; _httpMessage?: ServerResponse | null }
type FollowedRequest = IncomingMessage & { [nativeOf]?: object }

/** Around a server's whole handler. */
export function outerGate(engine: Engine): NodeGate {
  return createGate(engine, 'all', plain(engine))
}

/** On a server, whose handler may have a place of its own. */
export function serverGate(engine: Engine): NodeGate {
  return createGate(engine, 'rest', plain(engine))
}

/** Within an app, after what may have been answered already. */
export function innerGate<Native extends object>(
  engine: Engine,
  adapt: (native: Native, req: IncomingMessage) => AdaptedRequest,
): NodeGate {
  return createGate(engine, 'noted', adapt as NodeGate['adapt'])
}

function createGate(engine: Engine, covers: NodeGate['covers'], adapt: NodeGate['adapt']): NodeGate {
  const { drain, clock } = engine
  const connections = drain.source instanceof NodeConnections ? drain.source : new NodeConnections(() => clock.now())
  drain.source = connections
  if (covers !== 'rest') connections.hasPlaces = true
  return { connections, covers, adapt }
}

function plain({ clientAddress }: Engine): NodeGate['adapt'] {
  return (req) => new NodeRequest(req as IncomingMessage, clientAddress)
}

/** For every request: two properties are read and compared. */
export function follow(gate: NodeGate, req: IncomingMessage, res: ServerResponse): void {
  const socket = req.socket as FollowedSocket | undefined
  if (socket?.[lastGate] !== gate || socket._httpMessage !== res) gate.connections.meet(gate, req, res)
}

/**
 * The same for a place within an app: what goes through it is noted on the request.
 *
 * @param native the framework's own request, which the rules need and nothing of Node leads to
 */
export function followNoted(gate: NodeGate, req: IncomingMessage, res: ServerResponse, native: object): void {
  ;(req as FollowedRequest)[nativeOf] = native
  follow(gate, req, res)
}

/** The same for a server: its connections are left to any other place. */
export function followUnlessFollowed(gate: NodeGate, req: IncomingMessage, res: ServerResponse): void {
  if ((req.socket as FollowedSocket | undefined)?.[lastGate] === undefined) gate.connections.meet(gate, req, res)
}

/** The answer to a request, where a framework does not tell it. */
export function answerTo({ socket }: IncomingMessage): ServerResponse | undefined {
  return (socket as FollowedSocket | undefined)?._httpMessage ?? undefined
}

class NodeConnections implements RequestSource {
  /** Whether one of the places sees all requests that are to be counted. */
  hasPlaces = false
  readonly #now: () => number
  readonly #sockets = new Map<FollowedSocket, NodeGate>()
  /** Those of HTTP/2, of servers whose connections do not name their answer, and what was pipelined behind another one. */
  readonly #single = new Map<ServerResponse, NodeGate>()
  readonly #since = new WeakMap<ServerResponse, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  meet(gate: NodeGate, req: IncomingMessage, res: ServerResponse): void {
    const socket = req.socket as FollowedSocket | undefined
    // Tests, and hosts that have no connections, hand in what only looks like it.
    if (typeof res?.once !== 'function') return
    if (socket?._httpMessage) this.#followSocket(gate, socket)
    // Of pipelined requests, the connection names the first one only.
    if (socket?._httpMessage !== res) this.#followAnswer(gate, res)
    if (!this.#since.has(res)) this.#since.set(res, this.#now())
  }

  *open(): Generator<OpenRequest> {
    for (const [socket, gate] of this.#sockets) {
      const open = this.#at(socket, gate)
      if (open) yield open
    }
    for (const [res, gate] of this.#single) {
      if (this.#sockets.has(res.socket as FollowedSocket)) continue
      const open = this.#toOpen(res, gate)
      if (open) yield open
    }
  }

  #followSocket(gate: NodeGate, socket: FollowedSocket): void {
    socket[lastGate] = gate
    if (!this.#sockets.has(socket)) socket.once('close', () => this.#sockets.delete(socket))
    this.#sockets.set(socket, gate)
  }

  #followAnswer(gate: NodeGate, res: ServerResponse): void {
    if (!this.#single.has(res)) onceEnded(res, () => this.#single.delete(res))
    this.#single.set(res, gate)
  }

  #at(socket: FollowedSocket, gate: NodeGate): OpenRequest | undefined {
    const { _httpMessage: res } = socket
    return res && !res.destroyed ? this.#toOpen(res, gate, socket) : undefined
  }

  #toOpen(answer: ServerResponse, gate: NodeGate, socket?: FollowedSocket): OpenRequest | undefined {
    const req = answer.req as FollowedRequest
    const native = gate.covers === 'noted' ? req[nativeOf] : req
    if (!native || (gate.covers === 'rest' && this.hasPlaces)) return undefined
    const since = this.#since.get(answer) ?? this.#now()
    this.#since.set(answer, since)
    let request: AdaptedRequest | undefined
    return {
      answer,
      native,
      since,
      get request() {
        request ??= gate.adapt(native, req)
        return request
      },
      // Of pipelined requests, the next one takes the place of the last.
      whenEnded: (run) => onceEnded(answer, () => run(socket && this.#at(socket, gate))),
      endStream: () => endStream(answer),
    }
  }
}

function onceEnded(res: ServerResponse, run: () => void): void {
  let ended = false
  const end = (): void => {
    if (!ended) run()
    ended = true
  }
  res.once('finish', end).once('close', end)
}

const endlessTypes = /^content-type:\s*(text\/event-stream|multipart\/x-mixed-replace)\b/im

/** Any other answer without a length has an end of its own: cut short, it would look as if it were whole. */
function endStream(res: ServerResponse): void {
  if (!res.headersSent || res.writableEnded) return
  // What is handed to writeHead() alone, getHeader() does not know.
  const { _header: sent = `content-type: ${res.getHeader('content-type')}` } = res as {
    _header?: string
  } & ServerResponse
  if (!endlessTypes.test(sent)) return
  // What the app writes before it has noticed would be an error nobody listens to, which ends the process.
  res.on('error', () => {})
  res.end()
}
