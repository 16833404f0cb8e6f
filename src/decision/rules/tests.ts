import type { Rule } from '../rule.js'

export function compileTestsRule(ignoreTests: boolean, runner: string | undefined): Rule | undefined {
  if (!ignoreTests || runner === undefined) return undefined
  const opening = { rule: 'tests', reason: `${runner} runs, and ignoreTests is set`, personal: false } as const
  return () => opening
}
