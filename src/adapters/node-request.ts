import type { IncomingMessage } from 'node:http'
import { type ClientAddress, LazyRequest } from '../request/lazy-request.js'
import type { MaintenanceUser } from '../request/request.js'

/** What session and log-in libraries put on a Node request. */
export interface NodeRequestExtras {
  /** Express: the path before any router took its prefix off. */
  originalUrl?: string
  /** Passport and many others: the user who is signed in. */
  user?: unknown
  session?: { destroy?: (done?: (error?: unknown) => void) => unknown } | null
  isAuthenticated?: unknown
  /** Passport: ends the session. */
  logout?: (...args: unknown[]) => unknown
}

/** A request of node:http, and of every framework on top of it. */
export class NodeRequest extends LazyRequest {
  readonly method: string
  readonly url: string
  readonly native: IncomingMessage & NodeRequestExtras

  constructor(native: IncomingMessage & NodeRequestExtras, clientAddress: ClientAddress) {
    super(clientAddress)
    this.native = native
    this.method = native.method ?? 'GET'
    this.url = native.originalUrl ?? native.url ?? '/'
  }

  get peerAddress(): string | undefined {
    return this.native.socket.remoteAddress
  }

  header(name: string): string | undefined {
    const value = this.native.headers[name.toLowerCase()]
    return Array.isArray(value) ? value.join(', ') : value
  }

  override user(): MaintenanceUser | null | undefined {
    return toMaintenanceUser(this.native)
  }

  override logOut(): Promise<void> | void {
    return endSession(this.native)
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

function toMaintenanceUser(request: NodeRequestExtras): MaintenanceUser | null | undefined {
  const { user } = request
  if (typeof user === 'object' && user !== null) {
    const { id, isStaff, is_staff, isSuperuser, is_superuser } = user as Record<string, unknown>
    return {
      id: typeof id === 'string' || typeof id === 'number' ? id : undefined,
      isAuthenticated: true,
      isStaff: isStaff === true || is_staff === true,
      isSuperuser: isSuperuser === true || is_superuser === true,
    }
  }
  // Without a session nobody has looked who is asking yet: that is not the same as nobody being signed in.
  const looked = typeof request.isAuthenticated === 'function' || request.session != null
  return looked ? null : undefined
}

/** Passport's own log-out, else the session's end. */
function endSession(request: NodeRequestExtras): Promise<void> | void {
  const { session } = request
  const end = request.logout ?? session?.destroy
  if (typeof end !== 'function') return
  return new Promise((resolve, reject) => {
    const returned = end.call(request.logout ? request : session, (error?: unknown) =>
      error ? reject(error) : resolve(),
    )
    // Some take a callback, some return a promise, and some are done at once.
    if (returned instanceof Promise) returned.then(() => resolve(), reject)
    else if (end.length === 0) resolve()
  })
}
