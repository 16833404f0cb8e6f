import { describe, expect, it } from 'vitest'
import type { MaintenanceOptions, MaintenanceUser } from '../../src/index.js'
import { deciding } from './deciding.js'

const user = (part: Partial<MaintenanceUser> = {}): MaintenanceUser => ({
  isAuthenticated: true,
  isStaff: false,
  isSuperuser: false,
  ...part,
})
const normal = user()
const staff = user({ isStaff: true })
const superuser = user({ isSuperuser: true })
const both = user({ isStaff: true, isSuperuser: true })

type Who = MaintenanceUser | null | undefined

async function judge(options: MaintenanceOptions, who: Who): Promise<string> {
  const it = deciding(options)
  const rule = await it.rule({ user: who })
  return it.loggedOut > 0 ? `${rule}, logged out` : rule
}

describe('whose requests are let through', () => {
  it.each<[keyof MaintenanceOptions, string[]]>([
    ['ignoreAnonymousUser', ['anonymous-user', 'closed', 'closed', 'closed', 'closed']],
    ['ignoreAuthenticatedUser', ['closed', ...Array(4).fill('authenticated-user')]],
    ['ignoreStaff', ['closed', 'closed', 'staff', 'closed', 'staff']],
    ['ignoreSuperuser', ['closed', 'closed', 'closed', 'superuser', 'superuser']],
  ])('%s', async (setting, rules) => {
    const whose = [null, normal, staff, superuser, both]
    expect(await Promise.all(whose.map((who) => judge({ [setting]: true }, who)))).toEqual(rules)
  })

  it('is said of nobody where nothing is known of users', async () => {
    const all = { ignoreAnonymousUser: true, ignoreAuthenticatedUser: true, ignoreStaff: true, ignoreSuperuser: true }
    expect(await judge(all, undefined)).toBe('closed')
  })

  it('is said of nobody by what is merely truthy', async () => {
    const odd = { isAuthenticated: 'yes', isStaff: 1, isSuperuser: {} } as unknown as MaintenanceUser
    expect(await judge({ ignoreAuthenticatedUser: true, ignoreStaff: true, ignoreSuperuser: true }, odd)).toBe('closed')
    expect(await judge({ ignoreStaff: true }, user({ isAuthenticated: false, isStaff: true }))).toBe('closed')
  })
})

describe('logging out', () => {
  const out = 'closed, logged out'
  it.each<[string, MaintenanceOptions, string[]]>([
    ['all', { logoutAuthenticatedUser: true }, ['closed', out, out, out]],
    ['all but staff', { logoutAuthenticatedUser: true, logoutStaffUser: false }, ['closed', out, 'closed', out]],
    ['all but superusers', { logoutAuthenticatedUser: true, logoutSuperuser: false }, ['closed', out, out, 'closed']],
    ['staff alone', { logoutStaffUser: true }, ['closed', 'closed', out, 'closed']],
    ['superusers alone', { logoutSuperuser: true }, ['closed', 'closed', 'closed', out]],
  ])('%s', async (_whom, options, expected) => {
    const whose = [null, normal, staff, superuser]
    expect(await Promise.all(whose.map((who) => judge(options, who)))).toEqual(expected)
  })

  it('takes a superuser who is staff for a superuser', async () => {
    expect(await judge({ logoutAuthenticatedUser: true, logoutSuperuser: false }, both)).toBe('closed')
  })

  it('happens to nobody who is let through, by whatever rule', async () => {
    const logout = { logoutAuthenticatedUser: true }
    expect(await judge({ ...logout, ignoreStaff: true }, staff)).toBe('staff')
    expect(await judge({ ...logout, ignoreUrls: ['/'] }, staff)).toBe('url')
    expect(await judge({ ...logout, ignoreSuperuser: true }, staff)).toBe(out)
  })

  it('leaves an anonymous visitor, who is judged again', async () => {
    expect(await judge({ logoutAuthenticatedUser: true, ignoreAnonymousUser: true }, normal)).toBe(
      'anonymous-user, logged out',
    )
  })
})

describe('getAuthenticatedUser', () => {
  type LookUp = NonNullable<MaintenanceOptions['getAuthenticatedUser']>
  const ask = (getAuthenticatedUser: unknown, framework: Who = null) =>
    deciding({
      ignoreStaff: true,
      ignoreAnonymousUser: true,
      getAuthenticatedUser: getAuthenticatedUser as LookUp,
    }).rule({
      user: framework,
    })

  it.each<[string, unknown, Who, string]>([
    ['a user goes before the framework’s', () => staff, null, 'staff'],
    ['a user later as well', async () => staff, null, 'staff'],
    ['null is an anonymous one, whoever the framework knows', () => null, staff, 'anonymous-user'],
    ['undefined asks the framework', () => undefined, staff, 'staff'],
    ['undefined later as well', async () => undefined, staff, 'staff'],
  ])('%s', async (_what, lookUp, framework, rule) => {
    expect(await ask(lookUp, framework)).toBe(rule)
  })

  it.each([
    ['throws', () => JSON.parse('{')],
    ['rejects', async () => Promise.reject(new Error('no database'))],
  ])('that %s lets nobody in, not even whom the framework knows, and is reported once', async (_how, lookUp) => {
    const it = deciding({ ignoreStaff: true, getAuthenticatedUser: lookUp as LookUp })
    expect([await it.rule({ user: staff }), await it.rule({ user: staff })]).toEqual(['closed', 'closed'])
    expect(it.said).toHaveLength(1)
  })

  it('that never answers is waited for one second, and lets nobody in', async () => {
    const it = deciding({ ignoreStaff: true, getAuthenticatedUser: () => new Promise(() => {}) })
    const answer = it.rule({ user: staff })
    await it.clock.advance(1000)
    expect(await answer).toBe('closed')
  })

  it('is asked only if a rule wants to know, last of all, and not while the mode is off', async () => {
    let asked = 0
    const getAuthenticatedUser = () => {
      asked++
      return null
    }
    await deciding({ getAuthenticatedUser }).rule()
    const wanted = deciding({ getAuthenticatedUser, ignoreStaff: true, ignoreUrls: ['/open'] })
    await wanted.rule({ url: '/open' })
    await wanted.rule({ url: '/' }, 'off')
    expect(asked).toBe(0)
    await wanted.rule({ url: '/' })
    expect(asked).toBe(1)
  })
})
