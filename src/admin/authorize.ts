import type { Engine } from '../engine.js'
import type { Maintenance } from '../maintenance.js'
import type { AdaptedRequest, MaintenanceUser } from '../request/request.js'
import { hasExpired, hashSecret } from '../state/token.js'
import { ControlFailure } from './failure.js'
import { compileTokenLookUp, isSameDigest } from './stored-tokens.js'

/** Somebody who may use the control URLs. */
export interface Operator {
  /** For the history: the user's id, `token` for `adminToken`, or `token:ci` for a stored token. */
  by: string
  /** Whether it was a bearer token: no browser sends one by itself, so no other site can have made the request. */
  bearer: boolean
}

/** What the state takes. An id beyond that must not keep its owner from reopening. */
const longestName = 200

/**
 * Who may: superusers, and who sends `adminToken` or a stored token.
 *
 * @throws ControlFailure that says what to do, for all others
 */
export function compileAuthorize(
  maintenance: Maintenance,
  engine: Engine,
): (request: AdaptedRequest) => Promise<Operator> {
  const { settings, lookUpUser, clock } = engine
  const { adminToken } = settings
  const findToken = compileTokenLookUp(maintenance, engine)

  const readBearer = async (secret: string): Promise<Operator | undefined> => {
    if (adminToken !== undefined && (await isSame(secret, adminToken))) return { by: 'token', bearer: true }
    const token = await findToken(secret)
    if (!token) return undefined
    if (!hasExpired(token, clock.now())) return { by: `token:${token.name}`, bearer: true }
    throw wrongToken(`The token "${token.name}" has expired (${token.expires}).`)
  }

  return async (request) => {
    const secret = /^Bearer +(.+)$/i.exec(request.header('authorization') ?? '')?.[1]?.trim()
    const operator = secret === undefined ? undefined : await readBearer(secret)
    if (operator) return operator
    // A bearer may as well be the app's own, of a user.
    const user = await lookUpUser(request)
    if (user?.isAuthenticated === true && user.isSuperuser === true) {
      return {
        by:
          String(user.id ?? '')
            .trim()
            .slice(0, longestName) || 'superuser',
        bearer: false,
      }
    }
    if (secret === undefined) throw new ControlFailure('forbidden', `${whoIs(user)} ${ways}`)
    throw wrongToken('The bearer token that was sent opens nothing here: it is wrong, or was revoked.')
  }
}

const ways =
  'Sign in as a superuser and open this page again, or send the setting adminToken, or what `npx maintenance-mode token create` has made, as `Authorization: Bearer …`. ' +
  'On the server itself, `npx maintenance-mode status`, `on` and `off` do the same.'

function wrongToken(what: string): ControlFailure {
  return new ControlFailure('wrong-token', `${what} ${another}`, {
    headers: { 'WWW-Authenticate': 'Bearer realm="maintenance-mode", error="invalid_token"' },
  })
}

const another = '`npx maintenance-mode token create`, where the state can be reached, makes another.'

function whoIs(user: MaintenanceUser | null | undefined): string {
  if (user === undefined) {
    return 'Who you are is not known here: mount maintenanceControls after the session, or set getAuthenticatedUser.'
  }
  if (user?.isAuthenticated !== true) return 'You are not signed in.'
  return `You are signed in${user.id === undefined ? '' : ` as ${user.id}`}, but not as a superuser.`
}

/** Compares digests: how long it takes tells nothing of the secret. */
async function isSame(given: string, secret: string): Promise<boolean> {
  const [a, b] = await Promise.all([hashSecret(given), hashSecret(secret)])
  return isSameDigest(a, b)
}
