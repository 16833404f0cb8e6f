import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { judgeUpgrade } from './node-upgrade.js'
import { type OpenSocketsOptions, watchOpenSockets } from './open-sockets.js'

export type { OpenSocketsOptions } from './open-sockets.js'

/** The part of a socket of `ws` that is needed. */
export interface WsSocket {
  close(code?: number, reason?: string): void
  once(event: 'close', listener: () => void): unknown
}

type Accept = (socket: WsSocket, request: IncomingMessage) => void

/** The part of a `WebSocketServer` that is needed. */
export interface WsServer {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, accept: Accept): void
  readonly clients?: Iterable<WsSocket>
}

/**
 * Maintenance mode for a `WebSocketServer`: upgrades are refused with a real 503 before any handshake, and sockets that are
 * open are closed when maintenance begins, unless the request that opened them would be let through.
 *
 * @param given what `createMaintenance` returned, or its options
 * @returns a function that takes it off again
 * @throws SettingError
 *
 * @example attachMaintenanceMode(new WebSocketServer({ server }), maintenance, { closeCode: 1013 })
 */
export function attachMaintenanceMode(
  wss: WsServer,
  given?: Maintenance | MaintenanceOptions,
  options: OpenSocketsOptions = {},
): () => void {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const requests = new Map<WsSocket, IncomingMessage | undefined>()

  function keep(socket: WsSocket, request?: IncomingMessage): void {
    requests.set(socket, request)
    socket.once('close', () => requests.delete(socket))
  }

  for (const socket of wss.clients ?? []) keep(socket)
  const openSockets = watchOpenSockets(maintenance, options, {
    sockets: () => requests.keys(),
    requestOf: (socket) => requests.get(socket),
    close: (socket, code, reason) => socket.close(code, reason),
  })
  maintenance.start()

  // All ways lead through it: a server of its own, one that is given, and none.
  const { handleUpgrade } = wss
  let attached = true
  function handleUpgradeWhenOpen(request: IncomingMessage, socket: Duplex, head: Buffer, accept: Accept): void {
    const keepAccepted: Accept = (accepted, ...rest) => {
      keep(accepted, request)
      accept(accepted, ...rest)
      openSockets.opened(accepted)
    }
    const pass = (): void => Reflect.apply(handleUpgrade, wss, [request, socket, head, keepAccepted])
    const passJudged = (): void => {
      openSockets.judged(request)
      pass()
    }
    if (engine.open || !attached) pass()
    else judgeUpgrade(engine, request, socket, passJudged)
  }

  wss.handleUpgrade = handleUpgradeWhenOpen
  return () => {
    attached = false
    if (wss.handleUpgrade === handleUpgradeWhenOpen) wss.handleUpgrade = handleUpgrade
    openSockets.stop()
  }
}
