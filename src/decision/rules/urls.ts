import type { RuleName } from '../decision.js'
import type { Opening, Rule } from '../rule.js'
import { compileUrlAnswers } from '../url-patterns.js'

/** Opens what a list of patterns covers. `methods` narrows it, for lists that are not about methods themselves. */
export function compileUrlRule(
  rule: RuleName,
  setting: string,
  patterns: readonly (string | RegExp)[],
  methods?: ReadonlySet<string>,
): Rule | undefined {
  const openingOf = (pattern: string): Opening => ({ rule, reason: `${setting} has ${pattern}`, personal: false })
  const matches = compileUrlAnswers(setting, patterns, openingOf)
  if (!matches || !methods) return matches
  return (request, path) => (methods.has(request.method) ? matches(request, path) : undefined)
}
