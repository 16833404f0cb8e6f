import { type CallbackRunner, isPromise } from '../../callback.js'
import type { AdaptedRequest, MaintenanceUser } from '../../request/request.js'
import type { Settings } from '../../settings/options.js'
import type { Opening, Rule } from '../rule.js'

type UserSettings = Pick<
  Settings,
  | 'getAuthenticatedUser'
  | 'ignoreAnonymousUser'
  | 'ignoreAuthenticatedUser'
  | 'ignoreStaff'
  | 'ignoreSuperuser'
  | 'logoutAuthenticatedUser'
  | 'logoutStaffUser'
  | 'logoutSuperuser'
>

const opening = (rule: Opening['rule'], reason: string): Opening => ({ rule, reason, personal: true })
const anonymous = opening('anonymous-user', 'nobody is signed in, and ignoreAnonymousUser is set')
const authenticated = opening('authenticated-user', 'the user is signed in, and ignoreAuthenticatedUser is set')
const staff = opening('staff', 'the user is staff, and ignoreStaff is set')
const superuser = opening('superuser', 'the user is a superuser, and ignoreSuperuser is set')

/**
 * The rules about users, the last to be asked: a look-up often needs a database, which may be what is being worked on.
 * None is made unless one of these settings asks for it.
 */
export function compileUserRule(settings: UserSettings, run: CallbackRunner): Rule | undefined {
  const logoutStaff = settings.logoutStaffUser ?? settings.logoutAuthenticatedUser
  const logoutSuperuser = settings.logoutSuperuser ?? settings.logoutAuthenticatedUser
  const logsOut = settings.logoutAuthenticatedUser || logoutStaff || logoutSuperuser
  const { ignoreAnonymousUser, ignoreAuthenticatedUser, ignoreStaff, ignoreSuperuser } = settings
  if (!(ignoreAnonymousUser || ignoreAuthenticatedUser || ignoreStaff || ignoreSuperuser || logsOut)) return undefined

  const openingOf = (user: MaintenanceUser | null): Opening | undefined => {
    if (user?.isAuthenticated !== true) return ignoreAnonymousUser ? anonymous : undefined
    if (ignoreAuthenticatedUser) return authenticated
    if (ignoreStaff && user.isStaff === true) return staff
    return ignoreSuperuser && user.isSuperuser === true ? superuser : undefined
  }

  const isLoggedOut = (user: MaintenanceUser | null): boolean => {
    if (user?.isAuthenticated !== true) return false
    if (user.isSuperuser === true) return logoutSuperuser
    return user.isStaff === true ? logoutStaff : settings.logoutAuthenticatedUser
  }

  const judge = (request: AdaptedRequest, user: MaintenanceUser | null | undefined): ReturnType<Rule> => {
    if (user === undefined) return undefined
    const found = openingOf(user)
    if (found || !isLoggedOut(user)) return found
    const ended = run('logging out', async () => {
      await request.logOut()
      return true
    })
    // Who could not be logged out is still signed in, and no anonymous visitor.
    const again = (done: boolean | undefined): Opening | undefined => (done === true ? openingOf(null) : undefined)
    return isPromise(ended) ? ended.then(again) : again(ended)
  }

  const lookUp = compileUserLookUp(settings.getAuthenticatedUser, run)
  return (request) => {
    const user = lookUp(request)
    return isPromise(user) ? user.then((found) => judge(request, found)) : judge(request, user)
  }
}

type Found = MaintenanceUser | null | undefined

/** Who is asking: the operator's own look-up first, the framework's where it says nothing. Bounded; failures are no opinion. */
export function compileUserLookUp(
  getAuthenticatedUser: Settings['getAuthenticatedUser'],
  run: CallbackRunner,
): (request: AdaptedRequest) => Found | Promise<Found> {
  const fromFramework = (request: AdaptedRequest): Found | Promise<Found> =>
    run<Found>("the framework's user", () => request.user())
  if (!getAuthenticatedUser) return fromFramework
  return (request) => {
    let failed = true
    const user = run<Found>('getAuthenticatedUser', async () => {
      const answer = await getAuthenticatedUser(request)
      failed = false
      return answer
    })
    // A look-up that failed must not let somebody in as whoever the framework believes.
    const next = (answer: Found): Found | Promise<Found> =>
      answer === undefined && !failed ? fromFramework(request) : answer
    return isPromise(user) ? user.then(next) : next(user)
  }
}
