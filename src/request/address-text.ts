import ipaddr from 'ipaddr.js'

/** An IPv4 address is its 32 bits as a number. */
export type Address = number | Ipv6Address

interface Ipv6Address {
  /** Four times 32 bits, the highest first. */
  readonly words: readonly [number, number, number, number]
  /** As RFC 5952 writes it, once somebody has asked. */
  text?: string
}

/** Eight groups of four, or six and a dotted tail; and a zone. */
const longestIpv6 = 45
const longestText = 80
const ipv6Characters = /^[\da-f:]+(?:\d+\.\d+\.\d+\.\d+)?$/i
const fiveDigits = /[\da-f]{5}/i
const zone = /^[\w.~-]+$/

/** Clients come back, and ipaddr.js takes a microsecond or two. Two generations bound the memory. */
const cacheSize = 2048
let young = new Map<string, Address>()
let old = new Map<string, Address>()

/**
 * An address as a socket gives it; the zone of `fe80::1%eth0` is dropped, and `::ffff:10.0.0.1` is the IPv4 address.
 * `undefined` for anything else, and for spellings that some take for another address (`010.0.0.1`, `127.1`, `0x7f.1`).
 */
export function parseAddress(text: string): Address | undefined {
  const ipv4 = parseIpv4(text, 0, text.length)
  if (ipv4 !== -1) return ipv4
  if (text.length > longestText || !text.includes(':')) return undefined
  let found = young.get(text)
  if (found !== undefined) return found
  found = old.get(text) ?? parseIpv6(text)
  if (found === undefined) return undefined
  if (young.size >= cacheSize) {
    old = young
    young = new Map()
  }
  // A copy: part of a header would keep the whole header in memory.
  young.set(` ${text}`.slice(1), found)
  return found
}

/** The same, remembering nothing: settings are read once. */
export function readAddress(text: string): Address | undefined {
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
    if (code === 46) {
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

function parseIpv6(given: string): Address | undefined {
  let text = given
  const percent = given.indexOf('%')
  if (percent !== -1) {
    if (!zone.test(given.slice(percent + 1))) return undefined
    text = given.slice(0, percent)
  }
  if (text.length > longestIpv6 || !ipv6Characters.test(text) || fiveDigits.test(text)) return undefined
  const tail = text.lastIndexOf(':') + 1
  if (text.includes('.')) {
    // ipaddr.js reads a tail of `010.0.0.1` as octal.
    const ipv4 = parseIpv4(text, tail, text.length)
    if (ipv4 === -1) return undefined
    text = `${text.slice(0, tail)}${(ipv4 >>> 16).toString(16)}:${(ipv4 & 0xffff).toString(16)}`
  }
  const parts = partsOf(text)
  if (parts === undefined) return undefined
  const word = (index: number): number => (((parts[index] as number) << 16) | (parts[index + 1] as number)) >>> 0
  const words = [word(0), word(2), word(4), word(6)] as const
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? words[3] : { words }
}

function partsOf(text: string): readonly number[] | undefined {
  try {
    return ipaddr.IPv6.parse(text).parts
  } catch {
    return undefined
  }
}

/** An address as an `X-Forwarded-For` or `Forwarded` entry has it: with a port, and brackets around IPv6. */
export function parseForwardedAddress(text: string): Address | undefined {
  if (text.charCodeAt(0) === 91) {
    const end = text.indexOf(']')
    if (end === -1 || !isPort(text.slice(end + 1))) return undefined
    const address = text.slice(1, end)
    return address.includes(':') ? parseAddress(address) : undefined
  }
  const colon = text.indexOf(':')
  if (colon === -1 || colon !== text.lastIndexOf(':')) return parseAddress(text)
  return isPort(text.slice(colon)) ? parseAddress(text.slice(0, colon)) : undefined
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
