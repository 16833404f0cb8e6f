import type { Decision } from './decision/decision.js'
import type { Engine } from './engine.js'
import { NotWritableError } from './errors.js'
import { retryAfterSeconds } from './reply/retry-after.js'
import { wordsOf } from './reply/text.js'
import { type PlainRequest, toAdaptedRequest } from './request/plain-request.js'
import { closureOf, type Snapshot } from './snapshot/snapshot.js'

type Told = Pick<Decision, 'mode' | 'until' | 'reopening' | 'publicReason'>

/**
 * Refuses a write by code: in a scope, unless its mode is `off`; on behalf of a request, unless that would be let through
 * if it were one that writes.
 *
 * @throws NotWritableError
 */
export async function refuseWrite(
  target: string | Request | PlainRequest,
  engine: Pick<Engine, 'decide' | 'clientAddress' | 'settings' | 'clock'>,
  snapshot: Snapshot,
): Promise<void> {
  const told = typeof target === 'string' ? closed(target, snapshot) : await refused(target, engine)
  if (!told) return
  const { mode, until, publicReason } = told
  const { settings, clock } = engine
  const words = wordsOf(told)
  const message = [
    `${words.title}: nothing was written.`,
    publicReason,
    until && `${words.until}: ${until.toISOString()}`,
  ].filter((text) => text !== undefined)
  const statusCode = mode === 'read-only' ? settings.readOnlyStatusCode : settings.statusCode
  const retryAfter = retryAfterSeconds(told, clock, settings.retryAfter)
  throw new NotWritableError(message.join(' '), { mode, until, statusCode }, retryAfter)
}

function closed(scope: string, snapshot: Snapshot): Told | undefined {
  const closure = closureOf(snapshot, scope)
  return closure && { ...closure, publicReason: closure.reason, reopening: closure.ramps !== undefined }
}

async function refused(
  given: Request | PlainRequest,
  { decide, clientAddress }: Pick<Engine, 'decide' | 'clientAddress'>,
): Promise<Told | undefined> {
  const request = toAdaptedRequest(given, clientAddress)
  const decision = await decide(request)
  if (decision.action !== 'allow') return decision
  if (decision.rule !== 'read-only') return undefined
  // It is let through as it only reads: judged once more, as what it is about to be.
  const writing = await decide(Object.defineProperty(request, 'writes', { value: true }))
  return writing.action === 'allow' ? undefined : writing
}
