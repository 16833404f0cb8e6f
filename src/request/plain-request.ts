import { type ClientAddress, LazyRequest } from './lazy-request.js'
import type { MaintenanceUser } from './request.js'

/** A request described by hand, for `maintenance.decide`. */
export interface PlainRequest {
  /** Default: `GET`. */
  method?: string | undefined
  /** An absolute address, or path and query. */
  url: string
  headers?: Readonly<Record<string, string | undefined>> | undefined
  ip?: string | undefined
  user?: MaintenanceUser | null | undefined
}

/** What is known of a fetch Request besides. */
export interface KnownOfRequest extends Pick<PlainRequest, 'ip' | 'user'> {
  /** The framework's own request, where that is another object. */
  native?: object
}

/** A fetch Request, or one described by hand, as the rules see it. */
export class FetchRequest extends LazyRequest {
  readonly method: string
  readonly url: string
  readonly raw: Request
  readonly native: object
  readonly #known: KnownOfRequest

  constructor(raw: Request, clientAddress: ClientAddress, known: KnownOfRequest = {}) {
    super(clientAddress)
    this.raw = raw
    this.native = known.native ?? raw
    this.method = raw.method
    this.url = targetOf(raw.url)
    this.#known = known
  }

  override get host(): string | undefined {
    return super.host ?? new URL(this.raw.url).hostname
  }

  get peerAddress(): string | undefined {
    return this.#known.ip
  }

  header(name: string): string | undefined {
    return this.raw.headers.get(name) ?? undefined
  }

  override user(): MaintenanceUser | null | undefined | Promise<MaintenanceUser | null | undefined> {
    return this.#known.user
  }

  onGone(listener: () => void): () => void {
    const { signal } = this.raw
    if (signal.aborted) listener()
    signal.addEventListener('abort', listener, { once: true })
    return () => signal.removeEventListener('abort', listener)
  }
}

/** Path and query of an absolute address. */
export function targetOf(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2))
}

export function toAdaptedRequest(request: Request | PlainRequest, clientAddress: ClientAddress): FetchRequest {
  if (request instanceof Request) return new FetchRequest(request, clientAddress)
  const { method = 'GET', url, headers = {}, ip, user } = request
  const known = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const host = known.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? 'localhost'
  const absolute = /^https?:/i.test(url) ? url : `http://${host}${url}`
  return new DescribedRequest(new Request(absolute, { method, headers: known }), clientAddress, { ip, user })
}

/** Nobody has sent it, so nobody is signed in anywhere: what is told is what would be done. */
class DescribedRequest extends FetchRequest {
  override logOut(): void {}
}
