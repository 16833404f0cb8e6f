import type { Decision } from '../decision/decision.js'

// Shared through the symbol registry: a log filter must know a refusal whichever copy of this package made it.
const refused = Symbol.for('maintenance-mode.refused')

type Marked = { [refused]?: Decision }

/** Notes on request and response that maintenance refused them, for log filters: a status code alone does not tell. */
export function markRefused(request: object, response: object, decision: Decision): void {
  ;(request as Marked)[refused] = decision
  ;(response as Marked)[refused] = decision
}

/** The decision that refused this request or response, if maintenance did. */
export function refusalOf(value: unknown): Decision | undefined {
  return typeof value === 'object' && value !== null ? (value as Marked)[refused] : undefined
}
