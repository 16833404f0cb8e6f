import type { Address } from './address-text.js'

/** Every address whose first `prefix` bits are those of `network`. */
export interface AddressRange {
  readonly network: Address
  readonly prefix: number
}

/**
 * Whether an address is in one of the ranges: sorted and merged once, then a binary search, so that a hundred thousand ranges
 * cost little more than ten.
 */
export function compileRanges(ranges: readonly AddressRange[]): (address: Address) => boolean {
  const ipv4 = compileIpv4(ranges)
  const ipv6 = compileIpv6(ranges)
  return (address) => (typeof address === 'number' ? ipv4(address) : ipv6(address.words))
}

function compileIpv4(ranges: readonly AddressRange[]): (address: number) => boolean {
  // Start and prefix in one number: plain numbers sort natively, and a range comes before those within it.
  const keys: number[] = []
  for (const { network, prefix } of ranges) if (typeof network === 'number') keys.push(network * 64 + prefix)
  const starts: number[] = []
  const ends: number[] = []
  for (const key of Float64Array.from(keys).sort()) {
    const start = Math.floor(key / 64)
    const end = start + 2 ** (32 - (key % 64)) - 1
    const last = ends.length - 1
    if (last >= 0 && start <= (ends[last] as number) + 1) ends[last] = Math.max(ends[last] as number, end)
    else {
      starts.push(start)
      ends.push(end)
    }
  }
  const from = Uint32Array.from(starts)
  const to = Uint32Array.from(ends)
  const count = from.length
  return (address) => {
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((from[middle] as number) <= address) low = middle + 1
      else high = middle
    }
    return low > 0 && address <= (to[low - 1] as number)
  }
}

type Words = readonly [number, number, number, number]

function compileIpv6(ranges: readonly AddressRange[]): (address: Words) => boolean {
  const sorted: { words: Words; prefix: number }[] = []
  for (const { network, prefix } of ranges) {
    if (typeof network !== 'number') sorted.push({ words: network.words, prefix })
  }
  sorted.sort((a, b) => compareWords(a.words, b.words) || a.prefix - b.prefix)
  const ranked: { from: Words; to: Words }[] = []
  for (const { words, prefix } of sorted) {
    const previous = ranked.at(-1)
    // Two CIDR ranges are disjoint or one holds the other.
    if (previous !== undefined && compareWords(words, previous.to) <= 0) continue
    ranked.push({ from: words, to: lastOf(words, prefix) })
  }
  const from = Uint32Array.from(ranked.flatMap((range) => range.from))
  const to = Uint32Array.from(ranked.flatMap((range) => range.to))
  const count = ranked.length
  return (address) => {
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareAt(from, middle, address) <= 0) low = middle + 1
      else high = middle
    }
    return low > 0 && compareAt(to, low - 1, address) >= 0
  }
}

function compareWords(a: Words, b: Words): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3]
}

function compareAt(words: Uint32Array, index: number, address: Words): number {
  const at = index * 4
  return (
    (words[at] as number) - address[0] ||
    (words[at + 1] as number) - address[1] ||
    (words[at + 2] as number) - address[2] ||
    (words[at + 3] as number) - address[3]
  )
}

/** The bits below the prefix of one 32-bit word. */
export function hostBits(prefix: number): number {
  return prefix <= 0 ? 0xffffffff : prefix >= 32 ? 0 : 0xffffffff >>> prefix
}

function lastOf(words: Words, prefix: number): Words {
  const last = (index: 0 | 1 | 2 | 3): number => (words[index] | hostBits(prefix - index * 32)) >>> 0
  return [last(0), last(1), last(2), last(3)]
}
