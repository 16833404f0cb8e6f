import express, { type Express } from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import {
  forceMaintenanceModeOff,
  maintenanceControls,
  maintenanceMode,
  withMaintenanceMode,
} from '../../src/adapters/express.js'
import { withMaintenanceMode as withFetch } from '../../src/adapters/fetch.js'
import { createMaintenance, type Maintenance } from '../../src/index.js'
import type { MaintenanceOptions } from '../../src/settings/options.js'
import { serve } from './express-site.js'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A maintenance object, and the names of its warnings. */
async function maintained(options: MaintenanceOptions = {}): Promise<{ maintenance: Maintenance; warned: string[] }> {
  const warned: string[] = []
  const logger = {
    warn: (message: string) => warned.push(/\[([\w-]+), see/.exec(message)?.[1] ?? message),
    error: console.error,
  }
  const settings: MaintenanceOptions = {
    stateBackend: 'memory:',
    logger,
    ...options,
    silence: ['memory-backend', ...(options.silence ?? [])],
  }
  const maintenance = createMaintenance(settings, { environment: {} })
  await maintenance.setMode('on')
  closing.push(() => maintenance.close())
  return { maintenance, warned }
}

async function visited(
  app: Express | Parameters<typeof serve>[0],
  path = '/',
  headers: Record<string, string> = {},
): Promise<void> {
  const ask = await serve(app)
  for (let i = 0; i < 2; i++) await ask(path, { headers })
}

const page = { ignoreUrls: ['/'] } satisfies MaintenanceOptions

describe('mounted-twice', () => {
  it('is said once of two middlewares, and of one inside the outermost', async () => {
    for (const around of [false, true]) {
      const { maintenance, warned } = await maintained(page)
      const app = express().use(maintenanceMode(maintenance))
      if (!around) app.use(maintenanceMode(maintenance))
      app.get('/', (_req, res) => void res.send('Hello'))
      await visited(around ? withMaintenanceMode(maintenance, app) : app)
      expect(warned).toEqual(['mounted-twice'])
    }
  })

  it('is said of fetch handlers as well', async () => {
    const { maintenance, warned } = await maintained(page)
    const handle = withFetch(
      maintenance,
      withFetch(maintenance, () => new Response('Hello')),
    )
    await handle(new Request('http://localhost/'))
    expect(warned).toEqual(['mounted-twice'])
  })

  it('is not said of the controls beside it, of another maintenance object, or of a forced handler that passes on', async () => {
    const { maintenance, warned } = await maintained(page)
    const other = await maintained(page)
    const app = express().use(
      maintenanceMode(maintenance),
      maintenanceMode(other.maintenance),
      maintenanceControls(maintenance),
    )
    app.get(
      '/',
      forceMaintenanceModeOff((_req: unknown, _res: unknown, next: () => void) => next()),
    )
    app.get('/', (_req, res) => void res.send('Hello'))
    await visited(app)
    expect([warned, other.warned]).toEqual([[], []])
  })

  it('can be silenced by its name', async () => {
    const { maintenance, warned } = await maintained({ ...page, silence: ['mounted-twice'] })
    await visited(
      express()
        .use(maintenanceMode(maintenance), maintenanceMode(maintenance))
        .get('/', (_req, res) => void res.send('Hello')),
    )
    expect(warned).toEqual([])
  })
})

describe('mounted-after-routes', () => {
  it('names the routes that stand before, while the mode is off too', async () => {
    const { maintenance, warned } = await maintained()
    await maintenance.setMode('off')
    const router = express.Router().get('/deep', (_req, res) => void res.send('Deep'))
    const app = express()
      .get('/early', (_req, res) => void res.send('Early'))
      .use('/nested', router)
      .use(maintenanceMode(maintenance))
      .get('/', (_req, res) => void res.send('Hello'))
    await visited(app)
    expect(warned).toEqual(['mounted-after-routes'])
  })

  it('is not said of routes behind it, of other middleware, or of a route that is forced off', async () => {
    const { maintenance, warned } = await maintained()
    const app = express()
      .use(express.json())
      .get(
        '/webhook',
        forceMaintenanceModeOff((_req: unknown, res: { send(text: string): void }) => res.send('Open')),
      )
      .use(maintenanceMode(maintenance))
      .get('/', (_req, res) => void res.send('Hello'))
    await visited(app)
    expect(warned).toEqual([])
  })
})

describe('untrusted-proxy', () => {
  const options = { ignoreIpAddresses: ['203.0.113.7'] }
  const forwarded = { 'x-forwarded-for': '203.0.113.7' }
  const hello = (maintenance: Maintenance) => withMaintenanceMode(maintenance, (_req, res) => void res.end('Hello'))

  it('is said where a proxy near by names a client, and rules about addresses cannot see it', async () => {
    const { maintenance, warned } = await maintained(options)
    await visited(hello(maintenance), '/', forwarded)
    expect(warned).toEqual(['untrusted-proxy'])
  })

  it.each<[string, MaintenanceOptions, Record<string, string>]>([
    ['where no rule is about addresses', {}, forwarded],
    ['where the proxy is trusted', { ...options, trustProxy: ['loopback'] }, { 'x-forwarded-for': '203.0.113.8' }],
    ['where no header names a client', options, {}],
  ])('is not said %s', async (_, given, headers) => {
    const { maintenance, warned } = await maintained(given)
    await visited(hello(maintenance), '/', headers)
    expect(warned).toEqual([])
  })
})

describe('unknown-user', () => {
  const signedIn = { cookie: 'session=1' }

  it('is said where staff get through, and nobody has looked who is asking', async () => {
    const { maintenance, warned } = await maintained({ ignoreStaff: true, loginUrls: ['/login'] })
    await visited(express().use(maintenanceMode(maintenance)), '/', signedIn)
    expect(warned).toEqual(['unknown-user'])
  })

  it.each([
    ['after a session has looked', { ignoreStaff: true }, true, signedIn],
    ['where getAuthenticatedUser is given', { ignoreStaff: true, getAuthenticatedUser: () => null }, false, signedIn],
    ['where no rule is about users', {}, false, signedIn],
    ['of a visitor who could not be known', { ignoreStaff: true }, false, {}],
  ])('is not said %s', async (_, given, session, headers) => {
    const { maintenance, warned } = await maintained({ ...given, loginUrls: ['/login'] })
    const app = express()
    if (session) app.use((req, _res, next) => next(void Object.assign(req, { session: {} })))
    await visited(app.use(maintenanceMode(maintenance)), '/', headers as Record<string, string>)
    expect(warned).toEqual([])
  })
})
