import type { Clock } from '../clock.js'
import type { Decision } from '../decision/decision.js'

/** A window that has run over its expected end: nobody knows, so ask again soon. Seconds. */
const overrun = 60

/** While the site reopens, somebody's turn comes at any time. Seconds. */
const turn = 10

/** Requests are held for short work. Seconds. */
const brief = 5

/**
 * The seconds of a Retry-After header (RFC 9110, 10.2.3); 0 for none.
 *
 * A known end is never undercut, and up to a tenth is added by chance: all who were refused would else come back in
 * the same second. While the site reopens it is 10 to 30 seconds, with less to go no more than 20 beyond it.
 */
export function retryAfterSeconds(
  { mode, until, reopening }: Pick<Decision, 'mode' | 'until' | 'reopening'>,
  clock: Pick<Clock, 'now'>,
  fallback: number,
): number {
  if (until === undefined) {
    const seconds = Math.ceil(fallback / 1000)
    return mode === 'hold' && seconds > brief ? brief + Math.floor(Math.random() * (brief + 1)) : seconds
  }
  const left = Math.ceil((until.getTime() - clock.now()) / 1000)
  if (reopening) return Math.max(1, Math.min(turn, left)) + Math.floor(Math.random() * (2 * turn + 1))
  if (left > 0) return left + Math.floor(Math.random() * (Math.floor(left / 10) + 1))
  return fallback === 0 ? overrun : Math.min(overrun, Math.ceil(fallback / 1000))
}
