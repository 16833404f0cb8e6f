import type { RequestPath } from '../request/path.js'
import type { AdaptedRequest } from '../request/request.js'
import type { Closure } from '../state/closure.js'
import type { RuleName } from './decision.js'

/** One rule's word: let this request through, and why. */
export interface Opening {
  readonly rule: RuleName
  /** One sentence for people. */
  readonly reason: string
  /** Whether another visitor might have got another answer. */
  readonly personal: boolean
}

/** One reason to let a request through, compiled from the settings. `undefined`: no opinion, ask the next one. */
export type Rule = (
  request: AdaptedRequest,
  path: RequestPath,
  closure: Closure,
) => Opening | undefined | Promise<Opening | undefined>
