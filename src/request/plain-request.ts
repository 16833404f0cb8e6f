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

/** A fetch Request, or one described by hand, as the rules see it. */
export class FetchRequest extends LazyRequest {
  readonly method: string
  readonly url: string
  readonly native: Request
  readonly peerAddress: string | undefined
  readonly #user: MaintenanceUser | null | undefined

  constructor(native: Request, clientAddress: ClientAddress, known: Pick<PlainRequest, 'ip' | 'user'> = {}) {
    super(clientAddress)
    this.native = native
    this.method = native.method
    this.url = native.url.slice(native.url.indexOf('/', native.url.indexOf('//') + 2))
    this.peerAddress = known.ip
    this.#user = known.user
  }

  override get host(): string | undefined {
    return super.host ?? new URL(this.native.url).hostname
  }

  header(name: string): string | undefined {
    return this.native.headers.get(name) ?? undefined
  }

  override user(): MaintenanceUser | null | undefined {
    return this.#user
  }
}

export function toAdaptedRequest(request: Request | PlainRequest, clientAddress: ClientAddress): FetchRequest {
  if (request instanceof Request) return new FetchRequest(request, clientAddress)
  const { method = 'GET', url, headers = {}, ip, user } = request
  const known = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const host = known.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? 'localhost'
  const absolute = /^https?:/i.test(url) ? url : `http://${host}${url}`
  return new FetchRequest(new Request(absolute, { method, headers: known }), clientAddress, { ip, user })
}
