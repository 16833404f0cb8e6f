import { type Address, isIpv4 } from './address-text.js'

/** Every address whose first `prefix` bits are those of `network`. */
export interface AddressRange {
  readonly network: Address
  readonly prefix: number
}

/** Four times 32 bits, the highest first. */
type Words = readonly [number, number, number, number]

interface Span {
  readonly from: Words
  readonly to: Words
  readonly prefix: number
}

/** Whether an address, as four times 32 bits, is in one of the ranges. A hundred thousand cost little more than ten. */
export function compileRanges(ranges: readonly AddressRange[]): (address: Uint32Array) => boolean {
  const ipv4: Span[] = []
  const ipv6: Span[] = []
  for (const { network, prefix } of ranges) {
    if (typeof network === 'number') ipv4.push(spanOf([0, 0, 0xffff, network], prefix + 96))
    else ipv6.push(spanOf(network.words, prefix))
  }
  const withinIpv4 = compileSpans(ipv4)
  const withinIpv6 = compileSpans(ipv6)
  return (address) => (isIpv4(address) ? withinIpv4(address) : withinIpv6(address))
}

function spanOf(from: Words, prefix: number): Span {
  const last = (index: 0 | 1 | 2 | 3): number => (from[index] | hostBits(prefix - index * 32)) >>> 0
  return { from, to: [last(0), last(1), last(2), last(3)], prefix }
}

/** The bits below the prefix of one 32-bit word. */
export function hostBits(prefix: number): number {
  return prefix <= 0 ? 0xffffffff : prefix >= 32 ? 0 : 0xffffffff >>> prefix
}

/**
 * A binary search among the few spans that begin as the address does: one through all of them would wait for memory at every
 * step, since no cache holds 100,000. For the same reason only those words are stored that tell spans apart.
 */
function compileSpans(unsorted: Span[]): (address: Uint32Array) => boolean {
  const spans = sortSpans(unsorted)
  if (spans.length === 0) return () => false
  const first = Uint32Array.from((spans[0] as Span).from)
  const last = Uint32Array.from((spans.at(-1) as Span).to)
  // Below the longest prefix come zeros in every `from`, and ones in every `to`.
  const end = spans.reduce((words, { prefix }) => Math.max(words, Math.ceil(prefix / 32)), 1)
  const differing = first.findIndex((word, index) => word !== last[index])
  const start = differing === -1 ? end - 1 : Math.min(differing, end - 1)
  const size = 2 * (end - start)
  const bounds = new Uint32Array(spans.length * size)
  const bits = Math.min(16, 32 - Math.clz32(spans.length))
  const beginning = compileBeginning(first, last, start, bits)
  /** How many spans begin lower. */
  const lower = new Uint32Array(2 ** bits + 1)
  for (const [index, { from, to }] of spans.entries()) {
    bounds.set(from.slice(start, end), index * size)
    bounds.set(to.slice(start, end), index * size + size / 2)
    const next = beginning(Uint32Array.from(from)) + 1
    lower[next] = (lower[next] as number) + 1
  }
  for (let i = 1; i < lower.length; i++) lower[i] = (lower[i] as number) + (lower[i - 1] as number)
  const compare = (at: number, address: Uint32Array): number => compareAt(bounds, at, address, start, end)
  return (address) => {
    if (compareAt(first, 0, address, 0, 4) > 0 || compareAt(last, 0, address, 0, 4) < 0) return false
    const begins = beginning(address)
    let low = lower[begins] as number
    let high = lower[begins + 1] as number
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(middle * size, address) <= 0) low = middle + 1
      else high = middle
    }
    return low > 0 && compare(low * size - size / 2, address) >= 0
  }
}

/** In order, and without those that lie in another: two CIDR ranges are disjoint or one holds the other. */
function sortSpans(spans: Span[]): Span[] {
  spans.sort((a, b) => compareWords(a.from, b.from) || compareWords(b.to, a.to))
  let last: Span | undefined
  return spans.filter((span) => {
    if (last !== undefined && compareWords(span.to, last.to) <= 0) return false
    last = span
    return true
  })
}

/** As a number, the first bits of a word that differ between addresses from `first` to `last`, and those that follow. */
function compileBeginning(
  first: Uint32Array,
  last: Uint32Array,
  word: number,
  bits: number,
): (address: Uint32Array) => number {
  const shared = Math.clz32((first[word] as number) ^ (last[word] as number)) & 31
  // Past the last word come bits of its own that all share, which change no order.
  const next = Math.min(word + 1, 3)
  return (address) => {
    const high = (address[word] as number) << shared
    const low = ((address[next] as number) >>> 1) >>> (31 - shared)
    return (high | low) >>> (32 - bits)
  }
}

function compareWords(a: Words, b: Words): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3]
}

/** Compares what stands at a place with the words of an address from `start` to `end`. */
function compareAt(bounds: Uint32Array, at: number, address: Uint32Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const bound = bounds[at + i - start] as number
    const word = address[i] as number
    if (bound !== word) return bound < word ? -1 : 1
  }
  return 0
}
