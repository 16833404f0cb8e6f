import type { Engine } from '../engine.js'
import type { AdaptedRequest, MaintenanceUser } from '../request/request.js'
import { ControlFailure } from './failure.js'

/** Somebody who may use the control URLs. */
export interface Operator {
  /** For the history: the user's id, or `token`. */
  by: string
  /** Whether it was a bearer token: no browser sends one by itself, so no other site can have made the request. */
  bearer: boolean
}

const encoder = new TextEncoder()

/** What the state takes. An id beyond that must not keep its owner from reopening. */
const longestName = 200

/**
 * Who may: superusers, or who sends `adminToken`.
 *
 * @throws ControlFailure that says what to do, for all others
 */
export function compileAuthorize({ settings, lookUpUser }: Engine): (request: AdaptedRequest) => Promise<Operator> {
  const { adminToken } = settings
  return async (request) => {
    const token = /^Bearer +(.+)$/i.exec(request.header('authorization') ?? '')?.[1]?.trim()
    if (token !== undefined && adminToken !== undefined && (await isSame(token, adminToken))) {
      return { by: 'token', bearer: true }
    }
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
    if (token === undefined) throw new ControlFailure('forbidden', `${whoIs(user)} ${ways}`)
    throw new ControlFailure('wrong-token', `The bearer token that was sent opens nothing here. ${ways}`, {
      headers: { 'WWW-Authenticate': 'Bearer realm="maintenance-mode", error="invalid_token"' },
    })
  }
}

const ways =
  'Sign in as a superuser and open this page again, or send the setting adminToken as `Authorization: Bearer …`. ' +
  'On the server itself, `npx maintenance-mode status`, `on` and `off` do the same.'

function whoIs(user: MaintenanceUser | null | undefined): string {
  if (user === undefined) {
    return 'Who you are is not known here: mount maintenanceControls after the session, or set getAuthenticatedUser.'
  }
  if (user?.isAuthenticated !== true) return 'You are not signed in.'
  return `You are signed in${user.id === undefined ? '' : ` as ${user.id}`}, but not as a superuser.`
}

/** Compares digests: how long it takes tells nothing of the secret. */
async function isSame(given: string, secret: string): Promise<boolean> {
  const [a, b] = await Promise.all([digest(given), digest(secret)])
  let difference = 0
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] as number)
  return difference === 0
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
}
