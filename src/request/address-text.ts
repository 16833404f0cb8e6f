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
 * Read by hand: clients choose what they send, and a library takes microseconds.
 */
export function parseAddress(text: string): Address | undefined {
  const words = new Uint32Array(4)
  return readAddress(text, words) ? toAddress(words) : undefined
}

/** The same into four times 32 bits that there are already, an IPv4 address as `::ffff:10.0.0.1`; `false` for no address. */
export function readAddress(text: string, words: Uint32Array): boolean {
  const ipv4 = parseIpv4(text, 0, text.length)
  if (ipv4 !== -1) {
    words[0] = words[1] = 0
    words[2] = 0xffff
    words[3] = ipv4
    return true
  }
  if (text.length > longestText || !(readGroups(text, text.length) || readZoned(text))) return false
  for (let i = 0; i < 4; i++) words[i] = ((groups[2 * i] as number) << 16) | (groups[2 * i + 1] as number)
  return true
}

export function toAddress(words: Uint32Array): Address {
  const [first, second, third, last] = words as unknown as Ipv6Address['words']
  return isIpv4(words) ? last : { words: [first, second, third, last] }
}

/** Whether these 32-bit words are an IPv4 address (RFC 4291, 2.5.5.2). */
export function isIpv4(words: Uint32Array): boolean {
  return words[2] === 0xffff && words[1] === 0 && words[0] === 0
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

/** What an ASCII character is as a hexadecimal digit, or -1. */
const digits = new Int8Array(128).fill(-1)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  digits[digit.charCodeAt(0)] = value
  digits[digit.toUpperCase().charCodeAt(0)] = value
}

// Used within one call, never across two.
const groups = new Uint16Array(8)

/** Zones are seldom: looking for one in every address takes as long as reading it. */
function readZoned(text: string): boolean {
  const percent = text.indexOf('%')
  return percent !== -1 && zone.test(text.slice(percent + 1)) && readGroups(text, percent)
}

/** Fills all eight groups; `false` for what is no IPv6 address (RFC 4291, 2.2). */
function readGroups(text: string, end: number): boolean {
  let count = 0
  let gap = -1
  let i = 0
  if (text.charCodeAt(0) === colon && text.charCodeAt(1) === colon) {
    gap = 0
    i = 2
  }
  while (i < end) {
    const start = i
    let value = 0
    let code = 0
    for (; i < end; i++) {
      code = text.charCodeAt(i)
      const digit = code < 128 ? (digits[code] as number) : -1
      if (digit === -1) break
      value = (value << 4) | digit
    }
    if (code === dot) {
      const ipv4 = parseIpv4(text, start, end)
      if (ipv4 === -1 || count > 6) return false
      groups[count++] = ipv4 >>> 16
      groups[count++] = ipv4 & 0xffff
      break
    }
    if (i === start || i - start > 4 || count === 8) return false
    groups[count++] = value
    if (i === end) break
    if (code !== colon || ++i === end) return false
    if (text.charCodeAt(i) === colon) {
      if (gap !== -1) return false
      gap = count
      i++
    }
  }
  return fillGap(count, gap)
}

/** `::` stands for at least one group of zeros. */
function fillGap(count: number, gap: number): boolean {
  if (gap === -1) return count === 8
  if (count === 8) return false
  let last = 7
  for (let i = count - 1; i >= gap; i--) groups[last--] = groups[i] as number
  while (last >= gap) groups[last--] = 0
  return true
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
  address.text ??= formatIpv6(address.words)
  return address.text
}

/** As RFC 5952, 4 has it: the first of the longest runs of two or more zero groups becomes `::`. */
function formatIpv6(words: Ipv6Address['words']): string {
  const text = words.flatMap((word) => [word >>> 16, word & 0xffff].map((group) => group.toString(16))).join(':')
  const runs = text.match(/\b0(?::0)+\b/g) ?? []
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '')
  return longest === '' ? text : text.replace(new RegExp(`(^|:)${longest}(:|$)`), '::')
}
