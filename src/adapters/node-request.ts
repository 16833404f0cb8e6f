import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type ClientAddress, LazyRequest, noLogOut, toHost } from '../request/lazy-request.js'
import type { MaintenanceUser } from '../request/request.js'
import { toMaintenanceUser } from '../request/user.js'

/** What session and log-in libraries put on a Node request. */
export interface NodeRequestExtras {
  /** Express: the path before any router took its prefix off. */
  originalUrl?: string
  /** Passport and many others: the user who is signed in. */
  user?: unknown
  session?: { destroy?: (done?: (error?: unknown) => void) => unknown; delete?: () => unknown } | null
  isAuthenticated?: unknown
  /** Passport: ends the session. */
  logout?: (...args: unknown[]) => unknown
}

/** A request of node:http, and of every framework on top of it. */
export class NodeRequest<Native extends object = IncomingMessage & NodeRequestExtras> extends LazyRequest {
  readonly method: string
  readonly url: string
  readonly native: Native
  readonly #raw: IncomingMessage

  /** @param raw Node's own request, where the framework keeps it inside one of its own */
  constructor(
    native: Native & NodeRequestExtras,
    clientAddress: ClientAddress,
    raw: IncomingMessage = native as unknown as IncomingMessage,
  ) {
    super(clientAddress)
    this.native = native
    this.#raw = raw
    this.method = raw.method ?? 'GET'
    this.url = native.originalUrl ?? raw.url ?? '/'
  }

  get peerAddress(): string | undefined {
    return this.#raw.socket.remoteAddress
  }

  override get host(): string | undefined {
    // HTTP/2 has a field of its own for it (RFC 9113, 8.3.1).
    return super.host ?? toHost(this.header(':authority'))
  }

  header(name: string): string | undefined {
    const value = this.#raw.headers[name.toLowerCase()]
    return Array.isArray(value) ? value.join(', ') : value
  }

  override user(): MaintenanceUser | null | undefined {
    return userOf(this.native)
  }

  override logOut(): Promise<void> | void {
    return endSession(this.native)
  }

  onGone(listener: () => void): () => void {
    const raw = this.#raw
    const { socket } = raw
    let watched: EventEmitter = raw
    const watch = (emitter: EventEmitter): void => {
      watched = emitter.once('close', closed)
    }
    const closed = (): void => {
      if (raw.aborted || socket.destroyed) listener()
      // Somebody has read the request to its end, which closes it too. Not before: of one that is pipelined with others
      // the connection would have a listener for each.
      else watch(socket)
    }
    if (raw.destroyed || raw.aborted) closed()
    else watch(raw)
    return () => void watched.off('close', closed)
  }
}

/** A request that nothing of the app has touched yet. */
export class UntouchedNodeRequest extends NodeRequest {
  /** Found where it came in: Node makes `headers` on their first use, which takes longer than all the rest of a refusal. */
  override header(name: string): string | undefined {
    const wanted = name.toLowerCase()
    const { rawHeaders } = this.native
    let found: string | undefined
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const field = rawHeaders[i] as string
      if (field.length !== wanted.length || field.toLowerCase() !== wanted) continue
      // Node knows which repeated ones are joined, and which are dropped.
      if (found !== undefined) return super.header(name)
      found = rawHeaders[i + 1]
    }
    return found
  }
}

/** The user, as session and log-in libraries have left them. */
export function userOf(request: NodeRequestExtras): MaintenanceUser | null | undefined {
  const user = toMaintenanceUser(request.user)
  if (user) return user
  // Without a session nobody has looked who is asking yet: that is not the same as nobody being signed in.
  const looked = typeof request.isAuthenticated === 'function' || request.session != null
  return looked ? null : undefined
}

/** Passport's own log-out, else the session's end. */
function endSession(request: NodeRequestExtras): Promise<void> | void {
  const { session } = request
  const end = request.logout ?? session?.destroy ?? session?.delete
  if (typeof end !== 'function') throw noLogOut()
  return new Promise((resolve, reject) => {
    const returned = end.call(request.logout ? request : session, (error?: unknown) =>
      error ? reject(error) : resolve(),
    )
    // Some take a callback, some return a promise, and some are done at once.
    if (returned instanceof Promise) returned.then(() => resolve(), reject)
    else if (end.length === 0) resolve()
  })
}
