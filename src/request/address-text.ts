import ipaddr from 'ipaddr.js'

/** An IPv4 address is its 32 bits as a number. */
export type Address = number | Ipv6Address

interface Ipv6Address {
  /** Four times 32 bits, the highest first. */
  readonly words: readonly [number, number, number, number]
  /** As RFC 5952 writes it, once somebody has asked. */
  text?: string
}

const colon = 58
const dot = 46
/** An address and a zone are shorter. */
const longestText = 80
const zone = /^[\w.~-]+$/

/**
 * An address as a socket gives it; the zone of `fe80::1%eth0` is dropped, and `::ffff:10.0.0.1` is the IPv4 address.
 * `undefined` for anything else, and for spellings that some take for another address (`010.0.0.1`, `127.1`, `0x7f.1`).
 * Read by hand: ipaddr.js takes microseconds, and clients choose what they send.
 */
export function parseAddress(text: string): Address | undefined {
  const ipv4 = parseIpv4(text, 0, text.length)
  return ipv4 === -1 ? parseIpv6(text) : ipv4
}

/** Dotted decimal between two places of a text, or -1. A leading zero is refused: some readers take it for octal. */
function parseIpv4(text: string, start: number, end: number): number {
  if (end - start < 7 || end - start > 15) return -1
  let value = 0
  let octet = -1
  let dots = 0
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code === dot) {
      if (octet === -1 || ++dots > 3) return -1
      value = value * 256 + octet
      octet = -1
    } else {
      const digit = code - 48
      if (digit < 0 || digit > 9 || octet === 0) return -1
      octet = octet === -1 ? digit : octet * 10 + digit
      if (octet > 255) return -1
    }
  }
  return dots === 3 && octet !== -1 ? value * 256 + octet : -1
}

// Used within one call, never across two.
const groups = new Uint16Array(8)

function parseIpv6(text: string): Address | undefined {
  if (text.length > longestText) return undefined
  const percent = text.indexOf('%')
  if (percent !== -1 && !zone.test(text.slice(percent + 1))) return undefined
  const count = readGroups(text, percent === -1 ? text.length : percent)
  if (count === -1) return undefined
  const words = [word(0), word(2), word(4), word(6)] as const
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? words[3] : { words }
}

function word(index: number): number {
  return (((groups[index] as number) << 16) | (groups[index + 1] as number)) >>> 0
}

/** Fills all eight groups; -1 for what is no IPv6 address (RFC 4291, 2.2). */
function readGroups(text: string, end: number): number {
  let count = 0
  let gap = -1
  let i = 0
  if (text.startsWith('::')) {
    gap = 0
    i = 2
  }
  while (i < end) {
    const start = i
    let value = 0
    for (; i < end && i - start < 4; i++) {
      const digit = hexDigit(text.charCodeAt(i))
      if (digit === -1) break
      value = value * 16 + digit
    }
    if (text.charCodeAt(i) === dot) {
      const ipv4 = parseIpv4(text, start, end)
      if (ipv4 === -1 || count > 6) return -1
      groups[count++] = ipv4 >>> 16
      groups[count++] = ipv4 & 0xffff
      break
    }
    if (i === start || count === 8) return -1
    groups[count++] = value
    if (i === end) break
    if (text.charCodeAt(i++) !== colon || i === end) return -1
    if (text.charCodeAt(i) === colon) {
      if (gap !== -1) return -1
      gap = count
      i++
    }
  }
  return fillGap(count, gap)
}

/** `::` stands for at least one group of zeros. */
function fillGap(count: number, gap: number): number {
  if (gap === -1) return count === 8 ? 8 : -1
  if (count === 8) return -1
  groups.copyWithin(8 - (count - gap), gap, count)
  groups.fill(0, gap, 8 - (count - gap))
  return 8
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** An address as an `X-Forwarded-For` or `Forwarded` entry has it: with a port, and brackets around IPv6. */
export function parseForwardedAddress(text: string): Address | undefined {
  if (text.charCodeAt(0) === 91) {
    const end = text.indexOf(']')
    if (end === -1 || !isPort(text.slice(end + 1))) return undefined
    const address = text.slice(1, end)
    return address.includes(':') ? parseAddress(address) : undefined
  }
  const port = text.indexOf(':')
  if (port === -1 || port !== text.lastIndexOf(':')) return parseAddress(text)
  return isPort(text.slice(port)) ? parseAddress(text.slice(0, port)) : undefined
}

/** Nothing, a port, or an obfuscated one (RFC 7239, 6.2). */
function isPort(text: string): boolean {
  return /^(?::(?:\d{1,5}|_[\w.-]+))?$/.test(text)
}

/** Dotted decimal, or as RFC 5952 writes IPv6. */
export function formatAddress(address: Address): string {
  if (typeof address === 'number') {
    return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
  }
  address.text ??= new ipaddr.IPv6(address.words.flatMap((word) => [word >>> 16, word & 0xffff])).toRFC5952String()
  return address.text
}
