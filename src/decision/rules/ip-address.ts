import { compileAddresses } from '../../request/address.js'
import type { Opening, Rule } from '../rule.js'

const opening: Opening = { rule: 'ip-address', reason: 'the address is in ignoreIpAddresses', personal: true }

export function compileIpAddressRule(entries: readonly (string | RegExp)[]): Rule | undefined {
  const matches = compileAddresses('ignoreIpAddresses', entries)
  return matches && ((request) => (matches(request.ip) === undefined ? undefined : opening))
}
