import type { Decision } from '../decision/decision.js'
import type { Engine } from '../engine.js'
import type { Maintenance } from '../maintenance.js'
import type { Reply } from '../reply/reply.js'
import { retryAfterSeconds } from '../reply/retry-after.js'
import { compileTrustedPeer } from '../request/client-address.js'
import type { AdaptedRequest } from '../request/request.js'
import { ControlFailure } from './failure.js'
import { emptyReply } from './replies.js'

type Verdict = Pick<Decision, 'mode' | 'until' | 'reopening'> & { open: boolean }

/**
 * 204 or 503 for a proxy that asks before it lets a request through. It is told the mode, or what is decided about the
 * request that it names.
 */
export function compileCheck(maintenance: Maintenance, engine: Engine): (request: AdaptedRequest) => Promise<Reply> {
  const { settings, clock } = engine
  const isTrusted = compileTrustedPeer(settings.trustProxy)

  const judge = async (request: AdaptedRequest): Promise<Verdict> => {
    // Anybody can write these headers, so only a proxy's count: who asks for another path would get another answer.
    const named = isTrusted(request.peerAddress) ? namedRequest(request) : undefined
    if (named) {
      const decision = await engine.decide(named)
      return { ...decision, open: decision.action === 'allow' }
    }
    const { mode, until } = maintenance.status()
    return { mode, until, reopening: false, open: mode === 'off' }
  }

  return async (request) => {
    const denied = readDeny(request.url)
    const verdict = await judge(request)
    if (verdict.open) return emptyReply(204)
    const seconds = retryAfterSeconds(verdict, clock, settings.retryAfter)
    const retryAfter: Record<string, string> = seconds > 0 ? { 'Retry-After': String(seconds) } : {}
    return emptyReply(denied, { 'Maintenance-Mode': verdict.mode, ...retryAfter })
  }
}

/** The status of a refusal: nginx's `auth_request` knows 2xx, 401 and 403 only, and makes a 500 of anything else. */
function readDeny(url: string): number {
  const deny = new URLSearchParams(url.split('?')[1]).get('deny') ?? '503'
  if (deny === '403' || deny === '503') return Number(deny)
  throw new ControlFailure('bad-request', `\`deny\` is ${JSON.stringify(deny)}: write 403 or 503.`)
}

/** The request that a proxy names, come from whom the check came from; `undefined` where it names none. */
function namedRequest(check: AdaptedRequest): AdaptedRequest | undefined {
  const method = check.header('x-original-method')?.toUpperCase()
  const url = check.header('x-original-uri')
  if (!method || !url) return undefined
  return {
    method,
    url,
    native: check.native,
    peerAddress: check.peerAddress,
    get host() {
      return check.host
    },
    get ip() {
      return check.ip
    },
    header: (name) => check.header(name),
    user: () => check.user(),
    logOut: () => check.logOut(),
    forced: () => undefined,
  }
}
