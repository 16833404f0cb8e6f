import { MaintenanceError, messageOf, StateBackendError } from '../errors.js'

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing answers there: is it running, and are host and port right?',
  ENOTFOUND: 'The host has no address: is its name right?',
  EAI_AGAIN: 'The host has no address just now: is the name server reachable?',
  ETIMEDOUT: 'It does not answer: is it reachable from here?',
  EHOSTUNREACH: 'There is no way to that host from here.',
  ECONNRESET: 'It ended the connection.',
  SELF_SIGNED_CERT_IN_CHAIN: 'Its certificate is not trusted here: pass a client that has the right `ca`.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'Its certificate is not trusted here: pass a client that has the right `ca`.',
  CERT_HAS_EXPIRED: 'Its certificate has expired.',
}

/**
 * What an engine threw, as an error for people: what, where, and what to do.
 *
 * @param doing What was not done: `read`, `written`, `watched`.
 * @param hint What to do, for errors that only the backend knows.
 */
export function backendFailure(address: string, doing: string, error: unknown, hint?: string): MaintenanceError {
  if (error instanceof MaintenanceError) return error
  const cause = firstOf(error)
  const advice = hint ?? hints[String((cause as { code?: unknown } | null)?.code)]
  const said =
    messageOf(cause).trim().replace(/\.$/, '') || String((cause as { code?: unknown }).code ?? 'no reason given')
  const message = `The state at ${address} cannot be ${doing}: ${said}.${advice === undefined ? '' : ` ${advice}`}`
  return new StateBackendError(message, { cause: error })
}

/** Node tries several addresses of a host, and gives the errors of all. */
function firstOf(error: unknown): unknown {
  const errors = error instanceof AggregateError ? error.errors : []
  return errors[0] ?? error
}
