import { SettingError } from '../errors.js'
import { type AddressMatcher, compileAddresses } from './address.js'
import { type Hop, readForwarded, readForwardedFor } from './forwarded.js'

/** Who the client is, from the connection's own address and the headers; `undefined` where that cannot be told. */
type FindClient = (peer: string | undefined, header: (name: string) => string | undefined) => string | undefined

/** The proxies that are trusted: so many in front of us, or those with certain addresses; `false` for none. */
export type TrustProxy = number | readonly string[] | false | undefined

/**
 * Compiles who the client is. No header is believed unless the connection comes from a trusted proxy: anybody can write one.
 * A number is how many proxies stand in front, each of which appends the address that called it.
 */
export function compileTrustProxy(trustProxy: TrustProxy): FindClient {
  const proxies = readTrust(trustProxy)
  if (proxies === undefined) return (peer) => peer
  const find = typeof proxies === 'number' ? byPosition(proxies) : byAddress(proxies)
  const isTrusted = compileTrustedPeer(trustProxy)
  return (peer, header) => {
    if (!isTrusted(peer)) return peer
    const forwardedFor = readForwardedFor(header('x-forwarded-for'))
    const forwarded = readForwarded(header('forwarded'))
    if (forwardedFor === undefined) return forwarded === undefined ? peer : find(forwarded)
    if (forwarded === undefined) return find(forwardedFor)
    // A proxy that sets one of the two passes on whatever a client wrote into the other, and nothing says which one it sets.
    const client = find(forwardedFor)
    return client === find(forwarded) ? client : undefined
  }
}

/** Compiles whether a connection's own address is a trusted proxy's, whose other headers may be believed then. */
export function compileTrustedPeer(trustProxy: TrustProxy): (peer: string | undefined) => boolean {
  const proxies = readTrust(trustProxy)
  if (proxies === undefined) return () => false
  if (typeof proxies === 'number') return () => true
  return (peer) => proxies(peer) !== undefined
}

function readTrust(trustProxy: TrustProxy): number | AddressMatcher | undefined {
  if (trustProxy === undefined || trustProxy === false || trustProxy === 0) return undefined
  if (Array.isArray(trustProxy)) return compileAddresses('trustProxy', trustProxy)
  if (typeof trustProxy === 'number' && Number.isInteger(trustProxy) && trustProxy > 0) return trustProxy
  throw new SettingError(
    'trustProxy',
    `\`trustProxy\` is ${JSON.stringify(trustProxy)}: write how many proxies stand in front, or a list of their addresses.`,
  )
}

/** The entry that the outermost proxy wrote. One that cannot be read on the way there may stand for any number of proxies. */
function byPosition(count: number): (hops: readonly Hop[]) => string | undefined {
  return (hops) => {
    const position = Math.max(0, hops.length - count)
    for (let i = hops.length - 1; i > position; i--) if (hops[i] === undefined) return undefined
    return hops[position]
  }
}

/** The nearest address that is not a proxy's, or the farthest one when all are. */
function byAddress(isProxy: AddressMatcher): (hops: readonly Hop[]) => string | undefined {
  return (hops) => {
    for (let i = hops.length - 1; i > 0; i--) {
      const hop = hops[i]
      if (hop === undefined || isProxy(hop) === undefined) return hop
    }
    return hops[0]
  }
}
