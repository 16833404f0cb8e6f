import { SettingError } from '../errors.js'
import { type AddressRange, hostBits } from './address-ranges.js'
import { type Address, formatAddress, parseAddress, parseForwardedAddress } from './address-text.js'

/** What proxies usually have, by the names that Express knows. */
const namedRanges: ReadonlyMap<string, readonly string[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1']],
  ['linklocal', ['169.254.0.0/16', 'fe80::/10']],
  ['uniquelocal', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
])

/** Reads `10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`; for `trustProxy` also `loopback`, `linklocal` and `uniquelocal`. */
export function readRanges(setting: string, entry: string): AddressRange[] {
  const text = entry.trim()
  const refuse = (why: string): never => {
    throw new SettingError(setting, `\`${setting}\`: ${JSON.stringify(entry)} ${why}.`)
  }
  const named = namedRanges.get(text.toLowerCase())
  if (named) {
    if (setting !== 'trustProxy') refuse(`is a name for proxies only: write ${named.join(', ')}`)
    return named.map((range) => readRange(range, refuse))
  }
  const range = readRange(text, refuse)
  if (setting === 'trustProxy' && range.prefix === 0) {
    refuse('trusts everybody, so that any client could claim any address: write the addresses of your proxies')
  }
  return [range]
}

function readRange(text: string, refuse: (why: string) => never): AddressRange {
  const [written = '', length, ...more] = text.split('/')
  const network = parseAddress(written)
  if (network === undefined || written.includes('%') || more.length > 0) return refuse(whyNoAddress(text, written))
  const bits = typeof network === 'number' ? 32 : 128
  if (length === undefined) return { network, prefix: bits }
  // `::ffff:10.0.0.0/104` counts the 96 bits before the IPv4 address.
  const mapped = bits === 32 && written.includes(':')
  const prefix = /^(?:0|[1-9]\d{0,2})$/.test(length) ? Number(length) - (mapped ? 96 : 0) : -1
  if (prefix < 0 || prefix > bits) {
    const [lowest, highest] = mapped ? [96, 128] : [0, bits]
    return refuse(
      `has no prefix length from ${lowest} to ${highest} after its slash: write it as in ${bits === 32 ? '10.0.0.0/8' : '2001:db8::/32'}`,
    )
  }
  if (hasHostBits(network, prefix)) {
    const first = formatAddress(firstOf(network, prefix))
    refuse(`is not where that range begins: write ${mapped ? '::ffff:' : ''}${first}/${length}, or ${written} alone`)
  }
  return { network, prefix }
}

function hasHostBits(network: Address, prefix: number): boolean {
  if (typeof network === 'number') return (network & hostBits(prefix)) !== 0
  return network.words.some((word, index) => (word & hostBits(prefix - index * 32)) !== 0)
}

function firstOf(network: Address, prefix: number): Address {
  if (typeof network === 'number') return (network & ~hostBits(prefix)) >>> 0
  const kept = (index: 0 | 1 | 2 | 3): number => (network.words[index] & ~hostBits(prefix - index * 32)) >>> 0
  return { words: [kept(0), kept(1), kept(2), kept(3)] }
}

function whyNoAddress(text: string, written: string): string {
  if (text === '') return 'is empty: write an address such as 10.0.0.1, or leave it out'
  if (written.includes('%')) return `has a zone: write ${written.slice(0, written.indexOf('%'))}`
  if (text.split('/').length > 2) return 'has more than one slash: write one range an entry'
  if (/^localhost$/i.test(text)) return 'is a name: write 127.0.0.1 and ::1'
  if (written.includes('*')) return 'has a wildcard: write a range such as 10.0.0.0/24'
  if (/[\d\s]-[\d\s]/.test(text)) return 'is a span of addresses: write it as CIDR ranges, such as 10.0.0.0/24'
  if (/[,;\s]/.test(text)) return 'holds more than one: write a list with an entry for each'
  const bare = parseForwardedAddress(written)
  if (bare !== undefined) return `has brackets or a port: write ${formatAddress(bare)}`
  if (/^(?:0x[\da-f]+|\d+)(?:\.(?:0x[\da-f]+|\d+)){0,3}$/i.test(written)) {
    return 'is a spelling that programs read differently: write four decimal numbers without leading zeros, as in 10.0.0.1'
  }
  return 'is no address: write one such as 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32'
}
