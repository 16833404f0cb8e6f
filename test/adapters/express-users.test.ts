import { once } from 'node:events'
import { EventEmitter } from 'node:stream'
import type { Request, RequestHandler, Response } from 'express'
import session, { type SessionData, Store } from 'express-session'
import type { MaintenanceOptions, MaintenanceUser } from 'maintenance-mode'
import { maintenanceMode } from 'maintenance-mode/express'
import passport from 'passport'
import { Strategy } from 'passport-local'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { closeAll, type Express, maintain, serve, versions } from './express-site.js'

afterEach(closeAll)

type Name = 'normal' | 'staff' | 'superuser'
const users: Record<Name, object> = {
  normal: { id: 1, name: 'normal' },
  staff: { id: 2, name: 'staff', isStaff: true },
  superuser: { id: 3, name: 'superuser', is_superuser: true },
}
passport.use(new Strategy((name, _password, done) => done(null, users[name as Name] ?? false)))
passport.serializeUser((user, done) => done(null, (user as { name: Name }).name))
passport.deserializeUser((name: Name, done) => done(null, users[name]))

const secret = 'a secret of the tests'
const sessions = (store?: Store) =>
  session({ secret, resave: false, saveUninitialized: false, ...(store && { store }) })

/** A site with sessions and Passport in front of the maintenance; visitors keep their cookies. */
async function site(express: Express, options: MaintenanceOptions) {
  const { maintenance, said, clock } = await maintain('off', options)
  const app = express()
  app.use(sessions(), passport.session() as RequestHandler)
  app.use(maintenanceMode(maintenance))
  app.post(
    '/login',
    express.urlencoded({ extended: false }),
    passport.authenticate('local') as RequestHandler,
    (_req, res) => {
      res.end()
    },
  )
  app.get('/', (req, res) => void res.send((req.user as { name?: string } | undefined)?.name ?? 'anonymous'))
  const ask = await serve(app)

  async function visitor(name?: Name) {
    let cookie = ''
    const visit = async (path: string, init: RequestInit = {}) => {
      const answer = await ask(path, { ...init, headers: { ...init.headers, Cookie: cookie } })
      cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie
      return answer
    }
    if (name) {
      const body = new URLSearchParams({ username: name, password: 'x' })
      expect((await visit('/login', { method: 'POST', body })).status).toBe(200)
    }
    return visit
  }
  return { maintenance, said, clock, visitor }
}

describe.each(versions)('%s', (_version, express) => {
  /** Whether each may pass while the mode is on, and who they are once it is off again. */
  async function visits(options: MaintenanceOptions, ...names: (Name | undefined)[]) {
    const { maintenance, visitor } = await site(express, options)
    const seen: [boolean, string][] = []
    for (const name of names) {
      await maintenance.setMode('off')
      const visit = await visitor(name)
      await maintenance.setMode('on')
      const { status, body } = await visit('/')
      if (status === 200) expect(body).not.toBe('')
      await maintenance.setMode('off')
      seen.push([status === 200, (await visit('/')).body])
    }
    return seen
  }

  describe('who is let through', () => {
    it('nobody, without a rule', async () => {
      expect(await visits({}, undefined, 'normal', 'staff', 'superuser')).toEqual([
        [false, 'anonymous'],
        [false, 'normal'],
        [false, 'staff'],
        [false, 'superuser'],
      ])
    })

    it('anonymous visitors, with ignoreAnonymousUser', async () => {
      expect(await visits({ ignoreAnonymousUser: true }, undefined, 'normal')).toEqual([
        [true, 'anonymous'],
        [false, 'normal'],
      ])
    })

    it('whoever is signed in, with ignoreAuthenticatedUser', async () => {
      expect(await visits({ ignoreAuthenticatedUser: true }, undefined, 'normal', 'staff')).toEqual([
        [false, 'anonymous'],
        [true, 'normal'],
        [true, 'staff'],
      ])
    })

    it('staff, with ignoreStaff', async () => {
      expect(await visits({ ignoreStaff: true }, 'normal', 'staff', 'superuser')).toEqual([
        [false, 'normal'],
        [true, 'staff'],
        [false, 'superuser'],
      ])
    })

    it('superusers, with ignoreSuperuser', async () => {
      expect(await visits({ ignoreSuperuser: true }, 'normal', 'staff', 'superuser')).toEqual([
        [false, 'normal'],
        [false, 'staff'],
        [true, 'superuser'],
      ])
    })
  })

  describe('who is logged out', () => {
    it('users who are not let through, with logoutAuthenticatedUser; then they are judged as anonymous', async () => {
      const logoutAuthenticatedUser = true
      expect(await visits({ logoutAuthenticatedUser }, 'normal')).toEqual([[false, 'anonymous']])
      expect(await visits({ logoutAuthenticatedUser, ignoreAnonymousUser: true }, 'normal')).toEqual([
        [true, 'anonymous'],
      ])
      expect(await visits({ logoutAuthenticatedUser: false }, 'normal')).toEqual([[false, 'normal']])
    })

    it.each([
      ['staff', 'logoutStaffUser'],
      ['superuser', 'logoutSuperuser'],
    ] as const)('%s as all others, unless %s says otherwise', async (name, setting) => {
      expect(await visits({ logoutAuthenticatedUser: true }, name)).toEqual([[false, 'anonymous']])
      expect(await visits({ logoutAuthenticatedUser: true, [setting]: false }, name, 'normal')).toEqual([
        [false, name],
        [false, 'anonymous'],
      ])
      expect(await visits({ logoutAuthenticatedUser: false, [setting]: true }, name, 'normal')).toEqual([
        [false, 'anonymous'],
        [false, 'normal'],
      ])
    })

    it('not who is let through, by whatever rule', async () => {
      const logoutAuthenticatedUser = true
      for (const rule of [{ ignoreStaff: true }, { ignoreUrls: ['/'] }, { ignoreIpAddresses: ['127.0.0.1'] }]) {
        expect(await visits({ logoutAuthenticatedUser, ...rule }, 'staff')).toEqual([[true, 'staff']])
      }
    })

    it('is who they were for the app, where they go on as anonymous', async () => {
      const { maintenance, visitor } = await site(express, { logoutAuthenticatedUser: true, ignoreAnonymousUser: true })
      const visit = await visitor('normal')
      await maintenance.setMode('on')
      expect((await visit('/')).body).toBe('anonymous')
    })

    it('by the session, where there is no Passport', async () => {
      const store = new session.MemoryStore()
      const { maintenance } = await maintain('off', {
        logoutAuthenticatedUser: true,
        getAuthenticatedUser: ({ native }) => {
          const signedIn = 'user' in ((native as Request).session ?? {})
          return signedIn ? { isAuthenticated: true, isStaff: false, isSuperuser: false } : null
        },
      })
      const app = express()
      app.use(sessions(store), maintenanceMode(maintenance))
      app.use((req, res) => {
        Object.assign(req.session, { user: 7 })
        res.end()
      })
      const ask = await serve(app)
      const Cookie = String((await ask('/')).headers.get('set-cookie')).split(';')[0] as string
      const stored = () => new Promise<number>((resolve) => store.length?.((_error, length = -1) => resolve(length)))
      expect(await stored()).toBe(1)
      await maintenance.setMode('on')
      expect((await ask('/', { headers: { Cookie } })).status).toBe(503)
      expect(await stored()).toBe(0)
    })

    it('in vain, where the session cannot be ended: nobody gets through, nothing breaks', async () => {
      const { maintenance, said } = await maintain('on', { logoutAuthenticatedUser: true, ignoreAnonymousUser: true })
      const app = express()
      app.use((req, _res, next) => {
        Object.assign(req, {
          user: users.normal,
          logout: (done: (error: Error) => void) => done(new Error('the session store is down')),
        })
        next()
      })
      app.use(maintenanceMode(maintenance), (_req, res) => void res.send('open'))
      const ask = await serve(app)
      expect((await ask('/')).status).toBe(503)
      expect(said.join()).toContain('the session store is down')
    })
  })

  describe('getAuthenticatedUser', () => {
    const staff: MaintenanceUser = { isAuthenticated: true, isStaff: true, isSuperuser: false }

    it('says who is asking, whoever is signed in', async () => {
      expect(await visits({ ignoreStaff: true, getAuthenticatedUser: () => staff }, undefined, 'normal')).toEqual([
        [true, 'anonymous'],
        [true, 'normal'],
      ])
      expect(await visits({ ignoreStaff: true, getAuthenticatedUser: async () => null }, 'staff')).toEqual([
        [false, 'staff'],
      ])
    })

    it('leaves it to Passport with undefined', async () => {
      expect(await visits({ ignoreStaff: true, getAuthenticatedUser: () => undefined }, 'normal', 'staff')).toEqual([
        [false, 'normal'],
        [true, 'staff'],
      ])
    })

    it.each(['normal', 'staff'] as const)('lets nobody through where it throws (%s)', async (name) => {
      const getAuthenticatedUser = () => {
        throw new Error('the database is down')
      }
      expect(await visits({ ignoreStaff: true, getAuthenticatedUser }, name)).toEqual([[false, name]])
    })

    it('is waited for no longer than a second', async () => {
      const asked = new EventEmitter()
      const { maintenance, visitor, clock, said } = await site(express, {
        ignoreAnonymousUser: true,
        getAuthenticatedUser: () => {
          asked.emit('asked')
          return new Promise(() => {})
        },
      })
      const visit = await visitor()
      await maintenance.setMode('on')
      const isAsked = once(asked, 'asked')
      const answer = visit('/')
      await isAsked
      await clock.advance(1000)
      expect((await answer).status).toBe(503)
      expect(said.join()).toContain('getAuthenticatedUser gave no answer')
    })

    it('has to be a function', async () => {
      await expect(maintain('on', { getAuthenticatedUser: 'staff' as never })).rejects.toThrow(/getAuthenticatedUser/)
    })
  })

  describe('no user is looked up', () => {
    /** A store of sessions whose database is down. */
    class DownStore extends Store {
      override get = vi.fn((_id: string, done: (error: unknown, found?: SessionData | null) => void) =>
        done(new Error('the database is down')),
      )
      override set = vi.fn()
      override destroy = vi.fn()
    }

    async function withUser(options: MaintenanceOptions, get: () => unknown) {
      const { maintenance, said } = await maintain('on', options)
      const app = express()
      const user = vi.fn(get)
      app.use((req, _res, next) => {
        Object.defineProperty(req, 'user', { get: user })
        next()
      })
      app.use(maintenanceMode(maintenance), (_req: Request, res: Response) => void res.send('open'))
      return { ask: await serve(app), user, said, maintenance }
    }

    const fail = () => {
      throw new Error('the database is down')
    }

    it('unless a rule asks for it', async () => {
      for (const options of [{}, { ignoreUrls: ['/open'] }, { ignoreIpAddresses: ['127.0.0.1'] }]) {
        const { ask, user } = await withUser(options, fail)
        await ask('/')
        await ask('/open')
        expect(user).not.toHaveBeenCalled()
      }
    })

    it('where a cheaper rule has let the request through, or the mode is off', async () => {
      const { ask, user, maintenance } = await withUser({ ignoreStaff: true, ignoreUrls: ['/open'] }, fail)
      expect((await ask('/open')).body).toBe('open')
      await maintenance.setMode('off')
      expect((await ask('/')).body).toBe('open')
      expect(user).not.toHaveBeenCalled()
    })

    it('with success where that throws: it is reported, nobody gets through, nothing breaks', async () => {
      const { ask, user, said } = await withUser({ ignoreAnonymousUser: true, ignoreStaff: true }, fail)
      expect((await ask('/')).status).toBe(503)
      expect((await ask('/')).status).toBe(503)
      expect(user).toHaveBeenCalledTimes(2)
      expect(said).toHaveLength(1)
      expect(said[0]).toContain('the database is down')
    })

    it('before the session: user rules have no opinion there, and the database is left alone', async () => {
      const store = new DownStore()
      const { maintenance } = await maintain('on', {
        ignoreAnonymousUser: true,
        ignoreAuthenticatedUser: true,
        logoutAuthenticatedUser: true,
      })
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.use(sessions(store), passport.session() as RequestHandler, (_req, res) => void res.send('open'))
      const ask = await serve(app)
      // Signed by the secret above, so that it would be looked up.
      const signed = await signedCookie(express)
      expect((await ask('/', { headers: { Cookie: signed } })).status).toBe(503)
      expect(store.get).not.toHaveBeenCalled()
      await maintenance.setMode('off')
      expect((await ask('/', { headers: { Cookie: signed } })).status).toBe(500)
      expect(store.get).toHaveBeenCalledOnce()
    })
  })

  it('a response that depends on the user is private', async () => {
    const { maintenance, visitor } = await site(express, { ignoreStaff: true })
    const visit = await visitor('staff')
    expect((await visit('/')).headers.get('cache-control')).toBeNull()
    await maintenance.setMode('on')
    expect((await visit('/')).headers.get('cache-control')).toBe('private, no-store')
  })
})

/** A cookie of a session, as a browser would send it. */
async function signedCookie(express: Express): Promise<string> {
  const app = express()
  app.use(sessions(), (req, res) => {
    Object.assign(req.session, { some: 'thing' })
    res.end()
  })
  return String((await (await serve(app))('/')).headers.get('set-cookie')).split(';')[0] as string
}
