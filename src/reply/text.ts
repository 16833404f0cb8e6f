import type { Decision } from '../decision/decision.js'

/** The refusal for a client that wants neither HTML nor JSON. */
export function renderText({ until }: Pick<Decision, 'until'>, reason: string | undefined): string {
  const lines = ['Down for maintenance.', reason, until && `Expected back: ${until.toISOString()}`]
  return `${lines.filter((line) => line !== undefined).join('\n')}\n`
}
