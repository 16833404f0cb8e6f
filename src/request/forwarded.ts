import { formatAddress, parseForwardedAddress } from './address-text.js'

/** One proxy's note of whom it was called by; `undefined` where it says nothing that can be read. */
export type Hop = string | undefined

/** The entries of `X-Forwarded-For`, the farthest from us first; `undefined` where the header is absent or blank. */
export function readForwardedFor(header: string | undefined): readonly Hop[] | undefined {
  if (header === undefined || header.trim() === '') return undefined
  return header.split(',').map(toHop)
}

/**
 * The `for=` entries of `Forwarded` (RFC 7239, 4), the farthest from us first; `undefined` where the header is absent or
 * blank. A header that breaks the syntax says nothing at all: where its quotes end would be a guess.
 */
export function readForwarded(header: string | undefined): readonly Hop[] | undefined {
  if (header === undefined || header.trim() === '') return undefined
  const hops: Hop[] = []
  let named: string | undefined
  let repeated = false
  pair.lastIndex = 0
  for (let separator = ','; separator !== ''; ) {
    const found = pair.exec(header)
    if (found === null) return [undefined]
    const [, name, quoted, token, ending = ''] = found
    separator = ending
    if (name?.toLowerCase() === 'for') {
      repeated = named !== undefined
      named = quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1')
    }
    if (separator !== ';') {
      hops.push(named === undefined || repeated ? undefined : toHop(named))
      named = undefined
      repeated = false
    }
  }
  return hops
}

/** One `name=value`, perhaps none (an empty element), and what ends it. */
const pair = /[\t ]*(?:([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))[\t ]*)?(,|;|$)/sy

function toHop(entry: string): Hop {
  const address = parseForwardedAddress(entry.trim())
  return address === undefined ? undefined : formatAddress(address)
}
