import type { Decision } from '../decision/decision.js'
import type { MaintenanceErrorCode } from '../errors.js'

// Shared through the symbol registry: a log filter must know a refusal whichever copy of this package made it.
const refused = Symbol.for('maintenance-mode.refused')

/** What `assertWritable` throws: a refusal too, from within the app. */
const notWritable: MaintenanceErrorCode = 'ERR_MAINTENANCE_NOT_WRITABLE'

type Marked = { [refused]?: Decision }

/** Notes on request and response that maintenance refused them, for log filters: a status code alone does not tell. */
export function markRefused(request: object, response: object, decision: Decision): void {
  ;(request as Marked)[refused] = decision
  ;(response as Marked)[refused] = decision
}

/** Whether maintenance refused this request or response, be it Node's own or one that wraps it as `raw`. */
export function isRefused(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { [refused]: decision, raw, code } = value as Marked & { raw?: Marked | null; code?: unknown }
  return decision !== undefined || raw?.[refused] !== undefined || code === notWritable
}

const furthestCause = 8

/**
 * Whether a value belongs to a request that maintenance refused: the request, its response, an object that holds one
 * of them (`{ req, res }`), or an error that holds one or was caused by one.
 *
 * It goes by the decision, not by the status: a 503 of the app's own is none, a redirect made by `redirectUrl` is one.
 *
 * @example if (res.statusCode >= 500 && !isMaintenanceRefusal(res)) alarm(req.url)
 */
export function isMaintenanceRefusal(value: unknown): boolean {
  try {
    return holdsRefused(value, furthestCause)
  } catch {
    // A getter that throws is no reason to lose a record.
    return false
  }
}

function holdsRefused(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || depth === 0) return false
  if (isRefused(value) || holdsRefused((value as { cause?: unknown }).cause, depth - 1)) return true
  return Object.values(value).some(
    (part) => isRefused(part) || (part instanceof Error && holdsRefused(part, depth - 1)),
  )
}
