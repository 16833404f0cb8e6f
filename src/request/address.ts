import { SettingError } from '../errors.js'
import { type AddressRange, compileRanges } from './address-ranges.js'
import { readRanges } from './address-setting.js'
import { formatAddress, readAddress, toAddress } from './address-text.js'

export { formatAddress, parseAddress, parseForwardedAddress } from './address-text.js'

/**
 * What covers an address: the regular expression as it was written, or, for an address or a range, the setting's name, since
 * ranges are merged. `undefined` when nothing does, and for what is no address.
 */
export type AddressMatcher = (address: string | undefined) => string | undefined

/**
 * Reads and sorts addresses, CIDR ranges and regular expressions once; `undefined` when there are none. For `trustProxy` the
 * names `loopback`, `linklocal` and `uniquelocal` are known too.
 */
export function compileAddresses(setting: string, entries: readonly (string | RegExp)[]): AddressMatcher | undefined {
  if (entries.length === 0) return undefined
  const ranges: AddressRange[] = []
  const expressions: { source: string; whole: RegExp }[] = []
  for (const entry of entries) {
    if (typeof entry === 'string' && !entry.trim().startsWith('^')) ranges.push(...readRanges(setting, entry))
    else expressions.push({ source: String(entry), whole: readExpression(setting, entry) })
  }
  const within = compileRanges(ranges)
  // Used within one call, never across two.
  const words = new Uint32Array(4)
  return (text) => {
    if (text === undefined || !readAddress(text, words)) return undefined
    if (within(words)) return setting
    if (expressions.length === 0) return undefined
    const canonical = formatAddress(toAddress(words))
    for (const { source, whole } of expressions) if (whole.test(canonical) || whole.test(text)) return source
    return undefined
  }
}

/** Matches the whole text: `^10.0.0.1` from its start alone would let 10.0.0.199 in. */
function readExpression(setting: string, entry: string | RegExp): RegExp {
  const refuse = (why: string, cause?: unknown): never => {
    throw new SettingError(setting, `\`${setting}\`: ${JSON.stringify(String(entry))} ${why}.`, { cause })
  }
  if (setting === 'trustProxy') refuse('is a regular expression: name proxies by address or range, as in 10.0.0.0/8')
  if (typeof entry !== 'string' && Object.prototype.toString.call(entry) !== '[object RegExp]') {
    refuse('is neither a string nor a RegExp')
  }
  try {
    const { source, flags } = typeof entry === 'string' ? new RegExp(entry.trim()) : entry
    return new RegExp(`^(?:${source})$`, flags.replace(/[gym]/g, ''))
  } catch (error) {
    return refuse(`is no regular expression: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}
