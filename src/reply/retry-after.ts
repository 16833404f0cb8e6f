import type { Clock } from '../clock.js'

/** A window that has run over its expected end: nobody knows, so ask again soon. Seconds. */
const overrun = 60

/**
 * The seconds of a Retry-After header (RFC 9110, 10.2.3); 0 for none.
 *
 * A known end is never undercut, and up to a tenth is added by chance: all who were refused would else come back in
 * the same second.
 */
export function retryAfterSeconds(until: Date | undefined, clock: Pick<Clock, 'now'>, fallback: number): number {
  if (until === undefined) return Math.ceil(fallback / 1000)
  const left = Math.ceil((until.getTime() - clock.now()) / 1000)
  if (left > 0) return left + Math.floor(Math.random() * (Math.floor(left / 10) + 1))
  return fallback === 0 ? overrun : Math.min(overrun, Math.ceil(fallback / 1000))
}
