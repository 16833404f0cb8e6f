import { compileAddresses } from '../request/address.js'
import type { AdaptedRequest } from '../request/request.js'
import type { Settings } from '../settings/options.js'
import type { Reporter } from './warnings.js'

/**
 * Looks at requests that were refused for a mistake of the set-up which only they show; `undefined` where the settings
 * leave room for none.
 */
export function createRequestWarnings(
  settings: Settings,
  reporter: Reporter,
): ((request: AdaptedRequest) => void) | undefined {
  const looks = [lookForProxy(settings, reporter), lookForUser(settings, reporter)].filter((look) => look !== undefined)
  return looks.length === 0 ? undefined : (request) => looks.forEach((look) => void look(request))
}

type Look = (request: AdaptedRequest) => void

/** Rules about addresses judge the proxy itself where it is not trusted. */
function lookForProxy(
  { ignoreIpAddresses, trustProxy, getClientIpAddress }: Settings,
  reporter: Reporter,
): Look | undefined {
  if (ignoreIpAddresses.length === 0 || trustProxy !== false || getClientIpAddress) return undefined
  // Anybody can send the header; but from the same network it is a proxy that does.
  const isNear = compileAddresses('trustProxy', ['loopback', 'linklocal', 'uniquelocal'])
  return (request) => {
    const { ip, peerAddress } = request
    if (ip !== peerAddress || isNear?.(peerAddress) === undefined) return
    const header = ['x-forwarded-for', 'forwarded'].find((name) => request.header(name) !== undefined)
    if (header === undefined) return
    reporter.warn(
      'untrusted-proxy',
      `Requests come from ${peerAddress} with the header ${header}, and ignoreIpAddresses is compared with that address, as no proxy is trusted. If it is your proxy, set trustProxy to its address, or to how many there are.`,
    )
  }
}

/** Rules about users find nobody where no session has looked yet who is asking. */
function lookForUser(settings: Settings, reporter: Reporter): Look | undefined {
  const { ignoreAuthenticatedUser, ignoreStaff, ignoreSuperuser, getAuthenticatedUser } = settings
  const [rule] = Object.entries({ ignoreAuthenticatedUser, ignoreStaff, ignoreSuperuser }).find(([, set]) => set) ?? []
  if (rule === undefined || getAuthenticatedUser) return undefined
  return (request) => {
    // Only what a cookie or a log-in could have told.
    if (!request.header('cookie') && !request.header('authorization')) return
    if (request.user() !== undefined) return
    reporter.warn(
      'unknown-user',
      `${rule} is set, but nothing has found out who is asking before maintenance mode is asked: nobody gets through as a user. Mount it after the session and the log-in, or set getAuthenticatedUser.`,
    )
  }
}
