import type { RuleName } from '../decision.js'
import type { Opening, Rule } from '../rule.js'
import { compileUrlPatterns } from '../url-patterns.js'

/** Opens what a list of patterns covers. `methods` narrows it, for lists that are not about methods themselves. */
export function compileUrlRule(
  rule: RuleName,
  setting: string,
  patterns: readonly (string | RegExp)[],
  methods?: ReadonlySet<string>,
): Rule | undefined {
  const matches = compileUrlPatterns(setting, patterns)
  if (!matches) return undefined
  return (request, path): Opening | undefined => {
    if (methods && !methods.has(request.method)) return undefined
    const pattern = matches(request, path)
    return pattern === undefined ? undefined : { rule, reason: `${setting} has ${pattern}`, personal: false }
  }
}
