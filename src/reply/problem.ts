import type { Decision } from '../decision/decision.js'
import { wordsOf } from './text.js'

/** The problem type of every refusal: what a client compares, whatever the words beside it. */
export const problemType = 'urn:maintenance-mode:refused'

/** Why a request was refused, for machines: problem details of RFC 9457. Instants are absolute, so it can be reused. */
export function renderProblem(
  decision: Pick<Decision, 'mode' | 'reopening' | 'window' | 'until'>,
  status: number,
  reason: string | undefined,
  context: Readonly<Record<string, unknown>> = {},
): string {
  const { title, told } = wordsOf(decision)
  return JSON.stringify({
    ...context,
    type: problemType,
    title,
    status,
    detail: [told, reason].filter((text) => text !== undefined).join(' ') || 'The site is down for maintenance.',
    mode: decision.mode,
    reopening: decision.reopening || undefined,
    window: decision.window,
    until: decision.until?.toISOString(),
    // The request was not begun, so it can be sent again.
    processed: false,
  })
}
