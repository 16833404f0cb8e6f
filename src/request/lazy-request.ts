import type { CallbackRunner } from '../callback.js'
import type { Settings } from '../settings/options.js'
import { compileTrustProxy } from './client-address.js'
import type { AdaptedRequest, MaintenanceUser } from './request.js'

/** Who the client is, as the settings say. */
export type ClientAddress = (request: LazyRequest) => string | undefined

/** Compiles how a client's address is found: the operator's own way, the trusted proxies, or the framework's verdict. */
export function compileClientAddress(
  { getClientIpAddress, trustProxy }: Pick<Settings, 'getClientIpAddress' | 'trustProxy'>,
  run: CallbackRunner,
): ClientAddress {
  const walk = trustProxy === false ? undefined : compileTrustProxy(trustProxy)
  const judged: ClientAddress = walk
    ? (request) => walk(request.peerAddress, (name) => request.header(name))
    : (request) => request.frameworkAddress
  if (!getClientIpAddress) return judged
  return (request) => {
    const address = run('getClientIpAddress', () => {
      request.ip = judged(request)
      return getClientIpAddress(request)
    })
    return typeof address === 'string' ? address : undefined
  }
}

/** What every adapter's request has in common: parts that cost something are worked out when they are asked for. */
export abstract class LazyRequest implements AdaptedRequest {
  abstract readonly method: string
  abstract readonly url: string
  abstract readonly native: unknown
  abstract readonly peerAddress: string | undefined
  abstract header(name: string): string | undefined
  readonly #clientAddress: ClientAddress
  #ip: string | undefined | null = null

  constructor(clientAddress: ClientAddress) {
    this.#clientAddress = clientAddress
  }

  get ip(): string | undefined {
    if (this.#ip === null) this.#ip = this.#clientAddress(this)
    return this.#ip
  }

  set ip(address: string | undefined) {
    this.#ip = address
  }

  get host(): string | undefined {
    return toHost(this.header('host'))
  }

  /** The framework's verdict on the client's address. */
  get frameworkAddress(): string | undefined {
    return this.peerAddress
  }

  user(): MaintenanceUser | null | undefined | Promise<MaintenanceUser | null | undefined> {
    return undefined
  }

  logOut(): void | Promise<void> {
    throw noLogOut()
  }

  forced(): 'off' | 'on' | undefined {
    return undefined
  }
}

/** Without its port, in lower case. An IPv6 host stands in brackets, so the port is after the last colon (RFC 9110, 7.2). */
export function toHost(authority: string | undefined): string | undefined {
  return authority?.toLowerCase().replace(/:\d*$/, '')
}

/** Who cannot be logged out stays signed in, and must not be judged as anonymous. */
export function noLogOut(): Error {
  return new Error(
    'there is no session here that could be ended, so the user stays signed in. End it in the app itself.',
  )
}
