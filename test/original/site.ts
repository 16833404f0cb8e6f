import express, { type Request, type RequestHandler, type Response } from 'express'
import session from 'express-session'
import { createMaintenance, type Maintenance, type MaintenanceOptions, SettingError } from 'maintenance-mode'
import {
  forceMaintenanceModeOff,
  forceMaintenanceModeOn,
  maintenanceControls,
  maintenanceMode,
} from 'maintenance-mode/express'
import { createTestClock, type TestClock } from 'maintenance-mode/testing'
import passport from 'passport'
import { afterEach, expect } from 'vitest'
import { type Ask, closeAll, say, serve } from '../adapters/express-site.js'
import { project } from '../cli/fixtures/cli.js'

const opened: Maintenance[] = []
afterEach(async () => {
  await closeAll()
  for (const maintenance of opened.splice(0)) await maintenance.close()
})

export type Environment = Record<string, string>

/** A maintenance object with a clock that stands still, and what it says to the operator. Closed after the test. */
export function open(
  options: MaintenanceOptions = {},
  environment: Environment = {},
): { maintenance: Maintenance; clock: TestClock; said: string[] } {
  const clock = createTestClock()
  const said: string[] = []
  const log = (message: string) => void said.push(message)
  const silence = ['memory-backend', 'state-backend-in-code', 'pinned-mode', 'no-login-url', 'mounted-after-routes']
  const maintenance = createMaintenance(
    { stateBackend: 'memory:', silence, logger: { warn: log, error: log }, ...options },
    { clock, environment },
  )
  opened.push(maintenance)
  return { maintenance, clock, said }
}

/** A maintenance object on this state file, as one more process would have it. */
export function openFile(path: string): Maintenance {
  return open({ stateBackend: undefined, stateFilePath: path }).maintenance
}

export type Name = 'normal' | 'staff' | 'superuser'
const users: Readonly<Record<string, Express.User>> = {
  normal: { name: 'normal' },
  staff: { name: 'staff', isStaff: true },
  superuser: { name: 'superuser', isSuperuser: true },
}
const nameOf = (user: unknown): string => (user as { name: Name }).name

const auth = new passport.Passport()
auth.serializeUser((user, done) => done(null, nameOf(user)))
auth.deserializeUser((name: Name, done) => done(null, users[name]))

class View {
  show(_req: Request, res: Response): void {
    res.send('view')
  }
}
class OpenView extends View {}
OpenView.prototype.show = forceMaintenanceModeOff(View.prototype.show)
class ClosedView extends View {}
ClosedView.prototype.show = forceMaintenanceModeOn(View.prototype.show)

export interface Site {
  maintenance: Maintenance
  said: string[]
  /** A browser that keeps its cookies, of somebody who is signed in if named. */
  visitor(name?: Name): Promise<Ask>
}

export interface Parts {
  environment?: Environment
  /** Sessions, and who is signed in. */
  sessions?: boolean
  middleware?: boolean
  controls?: boolean
}

/** The site of the original's tests, on Express: users who sign in, a few pages, views that are forced, the control URLs. */
export async function openSite(options: MaintenanceOptions = {}, parts: Parts = {}): Promise<Site> {
  const { environment, sessions = true, middleware = true, controls = middleware } = parts
  const { maintenance, said } = open(options, environment)
  const app = express()
  if (sessions) {
    app.use(session({ secret: 'of the tests', resave: false, saveUninitialized: false }))
    app.use(auth.session() as RequestHandler)
    app.post('/sign-in/:name', (req, res, next) => {
      req.login(users[req.params.name] as Express.User, (error) => (error ? next(error) : res.end()))
    })
  }
  if (middleware) app.use(maintenanceMode(maintenance))
  if (controls) app.use(maintenanceControls(maintenance))
  app.get(
    '/off/function',
    forceMaintenanceModeOff(async (_req: Request, res: Response) => void res.send('view')),
  )
  app.get('/off/class', new OpenView().show)
  app.get('/on/function', forceMaintenanceModeOn(say('view')))
  app.get('/on/class', new ClosedView().show)
  app.get('/template', (_req, res) => void res.json(res.locals))
  app.get(['/', '/redirect', '/admin', '/api/orders'], ({ user }, res) => {
    res.send(user ? nameOf(user) : 'anonymous')
  })
  const ask = await serve(app)

  async function visitor(name?: Name): Promise<Ask> {
    let cookie = ''
    const visit: Ask = async (path, init = {}) => {
      const answer = await ask(path, { ...init, headers: { accept: 'text/html', cookie, ...init.headers } })
      cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie
      return answer
    }
    if (name) expect((await visit(`/sign-in/${name}`, { method: 'POST' })).status).toBe(200)
    return visit
  }
  return { maintenance, said, visitor }
}

/** What a visitor of a closed site gets: `200` or `503`. */
export async function statusFor(
  name: Name | undefined,
  options: MaintenanceOptions,
  path = '/',
  parts: Parts = {},
): Promise<number> {
  const { visitor } = await openSite({ mode: true, ...options }, parts)
  return (await (await visitor(name))(path)).status
}

/** A module of the operator's, whose exports are named in the environment as `path#name`. */
export function moduleWith(source: string): string {
  return `${project({ 'callbacks.cjs': source })}/callbacks.cjs`
}

/** The settings are refused at the start, by an error that names this one. */
export function expectRefused(setting: string, options: object, environment?: Environment): void {
  const start = () => open(options as MaintenanceOptions, environment)
  expect(start).toThrow(expect.objectContaining({ name: SettingError.name, setting }))
}
