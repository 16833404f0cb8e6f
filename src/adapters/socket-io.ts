import type { IncomingMessage, ServerResponse } from 'node:http'
import { engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { settle } from './node-answer.js'
import { NodeRequest } from './node-request.js'
import { judgeUpgrade } from './node-upgrade.js'
import { type OpenSocketsOptions, watchOpenSockets } from './open-sockets.js'

export type { OpenSocketsOptions } from './open-sockets.js'

/** The part of a `Server` of Socket.IO that is needed. */
export interface SocketIoServer {
  readonly engine?: object
  bind(engine: never): unknown
}

/** A connection of Engine.IO, whatever it is carried by. */
interface Connection {
  /** Some set it to `null` to save memory, and WebTransport has none. */
  readonly request: IncomingMessage | null
  readonly transport: { readonly name: string; readonly socket?: { close(code: number, reason: string): void } }
  close(discard: boolean): void
}

type EngineRequest = IncomingMessage & { readonly res: ServerResponse; readonly _query: { readonly sid?: string } }
type Verify = (request: EngineRequest, upgrade: boolean, done: unknown) => unknown

interface EngineServer {
  readonly clients: Readonly<Record<string, Connection>>
  verify: Verify
  on(event: 'connection', listener: (connection: Connection) => void): unknown
  off(event: 'connection', listener: (connection: Connection) => void): unknown
}

/**
 * Maintenance mode for a `Server` of Socket.IO: requests are refused with a real 503, by polling and by WebSocket, and
 * connections that are open are closed when maintenance begins, unless the request that opened them would be let through.
 * Clients come back by themselves.
 *
 * @param given what `createMaintenance` returned, or its options
 * @returns a function that takes it off again
 * @throws SettingError; TypeError for what is no such server, and for an engine that does not run on node:http, as that of
 * uWebSockets.js
 *
 * @example attachMaintenanceMode(new Server(server), maintenance, { closeCode: 1013 })
 */
export function attachMaintenanceMode(
  io: SocketIoServer,
  given?: Maintenance | MaintenanceOptions,
  options: OpenSocketsOptions = {},
): () => void {
  const { bind } = io
  // `io.on(…)` returns a namespace, whatever its type says.
  if (typeof bind !== 'function') throw new TypeError('attachMaintenanceMode takes the Server of Socket.IO itself.')
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const guarded = new Map<EngineServer, () => void>()
  let attached = true
  const openSockets = watchOpenSockets<Connection>(maintenance, options, {
    sockets: () => [...guarded.keys()].flatMap(({ clients }) => Object.values(clients)),
    requestOf: ({ request }) => request,
    close: closeConnection,
  })

  function staysOpen({ clients }: EngineServer, { _query: { sid } }: EngineRequest): boolean {
    return options.closeCode === false && sid !== undefined && Object.hasOwn(clients, sid)
  }

  function guard(server: EngineServer): void {
    if (guarded.has(server)) return
    const { verify } = server
    // The last thing before a request is taken, after the engine's own middlewares: CORS, and the app's session.
    function verifyWhenOpen(request: EngineRequest, upgrade: boolean, done: unknown): void {
      if (engine.open || !attached || staysOpen(server, request))
        return void Reflect.apply(verify, server, [request, upgrade, done])
      const pass = (): void => {
        openSockets.judged(request)
        Reflect.apply(verify, server, [request, upgrade, done])
      }
      if (upgrade) judgeUpgrade(engine, request, request.socket, pass)
      else settle(engine, new PollRequest(request, engine.clientAddress), request.res, pass)
    }
    server.verify = verifyWhenOpen
    server.on('connection', openSockets.opened)
    guarded.set(server, () => {
      if (server.verify === verifyWhenOpen) server.verify = verify
      server.off('connection', openSockets.opened)
    })
  }

  // There is no engine before `io.attach`, and another one after each.
  function bindGuarded(server: never): unknown {
    guard(toEngineServer(server))
    return Reflect.apply(bind, io, [server])
  }

  if (io.engine) guard(toEngineServer(io.engine))
  io.bind = bindGuarded
  maintenance.start()
  return () => {
    attached = false
    if (io.bind === bindGuarded) io.bind = bind
    for (const release of guarded.values()) release()
    openSockets.stop()
  }
}

function toEngineServer(engine: object): EngineServer {
  if ('verify' in engine && 'onWebSocket' in engine) return engine as unknown as EngineServer
  throw new TypeError('attachMaintenanceMode of maintenance-mode/socket-io needs the Engine.IO server of node:http.')
}

/** Whichever way it carries messages, a poll belongs to the connection that a GET has opened. */
class PollRequest extends NodeRequest {
  override readonly method = 'GET'
}

/** Below Socket.IO: what it says itself (`io server disconnect`) tells a client not to come back. */
function closeConnection(connection: Connection, code: number, reason: string): void {
  const { transport } = connection
  if (transport.name === 'websocket') transport.socket?.close(code, reason)
  // Discarded, so that one that is between two polls is not waited for: its next one is refused.
  connection.close(true)
}
