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
  const openings = new Map<string, Opening>()
  const openingOf = (pattern: string): Opening => {
    const known = openings.get(pattern)
    if (known) return known
    const opening: Opening = { rule, reason: `${setting} has ${pattern}`, personal: false }
    openings.set(pattern, opening)
    return opening
  }
  return (request, path) => {
    if (methods && !methods.has(request.method)) return undefined
    const pattern = matches(request, path)
    return pattern === undefined ? undefined : openingOf(pattern)
  }
}
