import type { IncomingMessage } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { engineOf } from '../engine.js'
import { SettingError } from '../errors.js'
import type { Maintenance } from '../maintenance.js'
import { wholeSite } from '../state/window.js'
import type { MaintenanceStatus } from '../status.js'
import { NodeRequest } from './node-request.js'

/** What becomes of the sockets that are open when maintenance begins. */
export interface OpenSocketsOptions {
  /**
   * The WebSocket close code that they get, unless the request that opened them would be let through now: 1012 (service
   * restart), 1013 (try again later), or `false` to leave them open. Default: 1012.
   */
  closeCode?: 1012 | 1013 | false | undefined
}

/** What a server tells of its sockets. */
export interface SocketServer<Socket> {
  sockets(): Iterable<Socket>
  /** The request that opened it, where that is known. */
  requestOf(socket: Socket): IncomingMessage | null | undefined
  close(socket: Socket, code: number, reason: string): void
}

export interface OpenSockets<Socket> {
  /** Takes note of a request that has been let through. */
  judged(request: IncomingMessage): void
  /** Takes note of a socket that is open now. */
  opened(socket: Socket): void
  stop(): void
}

/** How many are judged before others get their turn: 10,000 at once would block the process for a good while. */
const atOnce = 50

/**
 * Closes the sockets that would be refused now, as soon as maintenance begins, or becomes another. One whose request is not
 * known is closed.
 *
 * @throws SettingError for another code
 */
export function watchOpenSockets<Socket>(
  maintenance: Maintenance,
  { closeCode = 1012 }: OpenSocketsOptions,
  server: SocketServer<Socket>,
): OpenSockets<Socket> {
  if (closeCode !== 1012 && closeCode !== 1013 && closeCode !== false)
    throw new SettingError('closeCode', `The option \`closeCode\` is ${closeCode}: write 1012, 1013 or false.`)
  const engine = engineOf(maintenance)
  const known = new WeakSet<IncomingMessage>()
  let closed = false
  let last = ''
  let beginnings = 0

  function failed(error: unknown): true {
    engine.reporter.failed('closing an open socket', error)
    return true
  }

  async function isRefused(socket: Socket): Promise<boolean> {
    const request = server.requestOf(socket)
    return !request || (await engine.decide(new NodeRequest(request, engine.clientAddress))).action !== 'allow'
  }

  async function closeIfRefused(socket: Socket): Promise<void> {
    const refused = await isRefused(socket).catch(failed)
    try {
      if (refused && closed) server.close(socket, closeCode || 1012, 'maintenance')
    } catch (error) {
      failed(error)
    }
  }

  async function closeRefused(): Promise<void> {
    const beginning = ++beginnings
    await nextTurn()
    const sockets = [...server.sockets()]
    for (let i = 0; i < sockets.length && closed && beginning === beginnings; i += atOnce) {
      await Promise.all(sockets.slice(i, i + atOnce).map(closeIfRefused))
      await nextTurn()
    }
  }

  function look({ mode, windows, scopes }: MaintenanceStatus): void {
    const parts = [{ scope: wholeSite, mode, windows }, ...scopes]
    const now = parts.map((part) => `${part.scope} ${part.mode} ${part.windows.every(({ ramp }) => ramp)}`).join()
    const changed = now !== last
    last = now
    closed = parts.some((part) => part.mode !== 'off')
    if (closed && changed && closeCode !== false) void closeRefused()
  }

  const unsubscribe = maintenance.subscribe(look)
  look(maintenance.status())
  return {
    judged(request) {
      if (closed) known.add(request)
    },
    opened(socket) {
      // Let through while the mode was off, by a handshake that took until maintenance had begun.
      const request = server.requestOf(socket)
      if (closed && !(request && known.has(request))) void closeIfRefused(socket)
    },
    stop() {
      closed = false
      unsubscribe()
    },
  }
}
