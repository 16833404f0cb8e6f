import { Writable } from 'node:stream'
import Router, { type RouterMiddleware } from '@koa/router'
import Koa, { type Context, type Middleware, type Next } from 'koa'
import {
  forceMaintenanceModeOff,
  forceMaintenanceModeOn,
  maintenanceControls,
  maintenanceMode,
} from 'maintenance-mode/koa'
import { isMaintenanceRefusal } from 'maintenance-mode/log-filters'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Ask, closeAll, maintain, serve } from './express-site.js'

afterEach(closeAll)

const listening = (app: Koa): Promise<Ask> => serve(app.callback())
const says = (text: string) => (ctx: Context) => {
  ctx.body = text
}
const statusOf = async (ask: Ask, path: string, init?: RequestInit) => (await ask(path, init)).status

describe('the middleware', () => {
  it('is in the way while the mode is on, and tells templates', async () => {
    const { maintenance } = await maintain('off', { ignoreUrls: ['/open'] })
    const app = new Koa()
    app.use(maintenanceMode(maintenance))
    app.use((ctx) => {
      ctx.body = ctx.state
    })
    const ask = await listening(app)
    expect((await ask('/')).body).toBe('{"maintenance_mode":false,"maintenance_mode_bypassed":false}')
    await maintenance.setMode('on')
    expect(await statusOf(ask, '/')).toBe(503)
    expect(JSON.parse((await ask('/open')).body)).toEqual({
      maintenance_mode: true,
      maintenance_mode_bypassed: true,
      maintenance_announcement: expect.objectContaining({ window: 'manual', phase: 'active' }),
    })
  })

  it('takes options as well', async () => {
    expect(() => maintenanceMode({ ignoreUrl: ['/open'] } as never)).toThrow(/ignoreUrls/)
    const app = new Koa()
    app.use(maintenanceMode({ mode: 'on', silence: ['pinned-mode'] }))
    expect(await statusOf(await listening(app), '/')).toBe(503)
  })

  it('hands on what those behind it throw', async () => {
    const { maintenance } = await maintain('on', { ignoreUrls: ['/'] })
    const app = new Koa()
    const failed = vi.fn()
    app.on('error', failed)
    app.use(maintenanceMode(maintenance))
    app.use(() => {
      throw new Error('of the app')
    })
    const ask = await listening(app)
    expect(await statusOf(ask, '/')).toBe(500)
    await maintenance.setMode('off')
    expect(await statusOf(ask, '/')).toBe(500)
    expect(failed).toHaveBeenCalledTimes(2)
  })

  it('lets those in front of it have their say on a refusal', async () => {
    const { maintenance } = await maintain('on')
    const app = new Koa()
    const seen: unknown[] = []
    app.use(async (ctx, next) => {
      ctx.set({ Vary: 'Origin', ETag: '"page"', 'Access-Control-Allow-Origin': '*' })
      await next()
      ctx.set('X-Later', 'yes')
      seen.push(ctx.status, isMaintenanceRefusal(ctx))
    })
    app.use(maintenanceMode(maintenance))
    const { status, headers } = await (await listening(app))('/', { headers: { accept: 'text/html' } })
    expect(status).toBe(503)
    expect(Object.fromEntries(headers)).toMatchObject({ 'access-control-allow-origin': '*', 'x-later': 'yes' })
    expect([headers.get('etag'), headers.get('vary')]).toEqual([null, expect.stringMatching(/^Origin, Accept/)])
    expect(seen).toEqual([503, true])
  })

  it('warns of routes that stand before it, and of being there twice', async () => {
    const { maintenance, said } = await maintain('off')
    const app = new Koa()
    const hook = forceMaintenanceModeOff(says('received'))
    app.use(new Router({ prefix: '/shop' }).get('/tea', says('tea')).post('/hook', hook).routes())
    app.use(maintenanceMode(maintenance))
    const ask = await listening(app)
    expect((await ask('/shop/tea')).body).toBe('tea')
    expect(said).toEqual([])
    await Promise.all([ask('/'), ask('/')])
    expect(said).toEqual([expect.stringMatching(/never closed: GET \/shop\/tea\. .*mounted-after-routes/)])

    const other = await maintain('on', { ignoreUrls: ['/'] })
    const twice = new Koa()
    twice.use(maintenanceMode(other.maintenance)).use(maintenanceMode(other.maintenance))
    await (await listening(twice))('/')
    expect(other.said).toEqual([expect.stringContaining('mounted-twice')])
  })

  it('redirects without a body', async () => {
    const { maintenance } = await maintain('on', { redirectUrl: '/soon' })
    const app = new Koa()
    app.use(maintenanceMode(maintenance))
    const { status, headers, body } = await (await listening(app))('/', { headers: { accept: 'text/html' } })
    expect([status, headers.get('location'), headers.get('content-type'), body]).toEqual([302, '/soon', null, ''])
  })
})

describe('who is asking', () => {
  it('is known by ctx.state.user, and by nobody where nobody has looked', async () => {
    const { maintenance } = await maintain('on', { ignoreStaff: true, ignoreAnonymousUser: true })
    const app = new Koa()
    app.use((ctx, next) => {
      if (ctx.get('cookie') === 'staff') ctx.state.user = { isStaff: true }
      if (ctx.get('cookie') === 'customer') ctx.state.user = {}
      if (ctx.get('cookie') === 'nobody') ctx.session = {}
      return next()
    })
    app.use(maintenanceMode(maintenance))
    app.use(says('home'))
    const ask = await listening(app)
    const as = (cookie: string) => statusOf(ask, '/', { headers: { cookie } })
    expect(await Promise.all(['staff', 'customer', 'nobody', 'unknown'].map(as))).toEqual([200, 503, 200, 503])
    const { headers } = await ask('/', { headers: { cookie: 'staff' } })
    expect(headers.get('cache-control')).toBe('private, no-store')
  })

  it('is logged out by koa-passport, or with the session, and told so', async () => {
    const { maintenance } = await maintain('on', { logoutAuthenticatedUser: true })
    const app = new Koa()
    const logout = vi.fn(async () => {})
    app.use(async (ctx, next) => {
      Object.assign(ctx, { session: {} }, ctx.path === '/passport' && { logout })
      ctx.state.user = { id: 1 }
      await next()
      // As koa-session does it, on the way out.
      if (ctx.session === null) ctx.set('Set-Cookie', 'session=; Max-Age=0')
    })
    app.use(maintenanceMode(maintenance))
    const ask = await listening(app)
    expect((await ask('/session')).headers.get('set-cookie')).toBe('session=; Max-Age=0')
    expect(await statusOf(ask, '/passport')).toBe(503)
    expect(logout).toHaveBeenCalledTimes(1)
  })

  it('has the address that Koa tells', async () => {
    const { maintenance } = await maintain('on', { ignoreIpAddresses: ['192.0.2.1'] })
    const forwarded = { headers: { 'X-Forwarded-For': '192.0.2.1' } }
    const app = new Koa()
    app.use(maintenanceMode(maintenance))
    app.use(says('home'))
    const ask = await listening(app)
    expect(await statusOf(ask, '/', forwarded)).toBe(503)
    app.proxy = true
    expect(await statusOf(ask, '/', forwarded)).toBe(200)
  })
})

describe('a handler that is forced off', () => {
  const opened = async (...routers: Router[]) => {
    const { maintenance } = await maintain('on')
    const app = new Koa()
    app.use(maintenanceMode(maintenance))
    for (const router of routers) app.use(router.routes()).use(router.allowedMethods())
    return listening(app)
  }
  const open = forceMaintenanceModeOff(says('open'))

  it('is open wherever its router stands, and nothing else is', async () => {
    const inner = new Router().get('/open', open).get('/closed', says('closed'))
    const middle = new Router({ prefix: '/shop' }).use('/:id', inner.routes()).post('/open', open)
    const router = new Router().use((_ctx, next) => next()).use('/a', middle.routes(), middle.allowedMethods())
    const ask = await opened(new Router().get('/other', says('other')), router)
    expect((await ask('/a/shop/1/open')).body).toBe('open')
    expect(await statusOf(ask, '/a/shop/1/open', { method: 'HEAD' })).toBe(200)
    expect((await ask('/a/shop/open', { method: 'POST' })).body).toBe('open')
    for (const path of ['/a/shop/open', '/a/shop/1/closed', '/shop/1/open', '/a/shop/1/open/x', '/other']) {
      expect(await statusOf(ask, path), path).toBe(503)
    }
    expect(await statusOf(ask, '/a/shop/1/open', { method: 'DELETE' })).toBe(503)
  })

  it('is open to the preflight of its method', async () => {
    const ask = await opened(new Router().post('/open', open).get('/open', says('closed')))
    const preflight = (method: string) =>
      statusOf(ask, '/open', { method: 'OPTIONS', headers: { 'access-control-request-method': method } })
    expect([await preflight('POST'), await preflight('GET')]).toEqual([200, 503])
  })

  it('decides where it is the first to answer', async () => {
    const ask = await opened(
      new Router({ host: 'shop.example' }).get('/host', open),
      new Router().get('/first', says('closed')).get('/first', open),
      new Router().get('/second', open).get('/second', says('closed')),
    )
    expect((await ask('/second')).body).toBe('open')
    expect([await statusOf(ask, '/first'), await statusOf(ask, '/host')]).toEqual([503, 503])
  })

  it('follows the choice of an exclusive router', async () => {
    const ask = await opened(
      new Router({ exclusive: 'specificity', prefix: '/a' }).get('/:any', says('closed')).get('/open', open),
      new Router({ exclusive: true, prefix: '/b' }).get('/open', open).get('/:any', says('closed')),
    )
    expect((await ask('/a/open')).body).toBe('open')
    expect([await statusOf(ask, '/a/closed'), await statusOf(ask, '/b/open')]).toEqual([503, 503])
  })

  it('opens nothing behind it', async () => {
    const { maintenance, said } = await maintain('on')
    const passesOn = vi.fn((_ctx: Context, next: Next) => next())
    const behind = vi.fn(says('behind'))
    const router = new Router()
      .get('/on', forceMaintenanceModeOff(passesOn) as RouterMiddleware, behind)
      .get('/after', forceMaintenanceModeOff(passesOn) as RouterMiddleware)
      .get('/after', behind)
    const app = new Koa()
    app.use(maintenanceMode(maintenance)).use(router.routes()).use(behind)
    const ask = await listening(app)
    expect([await statusOf(ask, '/on'), await statusOf(ask, '/after')]).toEqual([503, 503])
    expect([passesOn.mock.calls.length, behind.mock.calls.length, said]).toEqual([2, 0, []])
    await maintenance.setMode('off')
    expect([(await ask('/on')).body, (await ask('/after')).body]).toEqual(['behind', 'behind'])
  })

  it('is judged by every maintenance object of the app', async () => {
    const [site, shop] = await Promise.all([maintain('on'), maintain('on')])
    const passesOn = forceMaintenanceModeOff((_ctx: Context, next: Next) => next())
    const app = new Koa()
    app.use(maintenanceMode(site.maintenance)).use(maintenanceMode(shop.maintenance))
    app.use(
      new Router()
        .get('/open', open)
        .get('/on', passesOn as RouterMiddleware, says('behind'))
        .routes(),
    )
    const ask = await listening(app)
    expect([await statusOf(ask, '/open'), await statusOf(ask, '/on')]).toEqual([200, 503])
    await shop.maintenance.setMode('off')
    expect([await statusOf(ask, '/open'), await statusOf(ask, '/on')]).toEqual([200, 503])
    await site.maintenance.setMode('off')
    expect(await statusOf(ask, '/on')).toBe(200)
  })

  it('is found from a router’s own middleware, and from one that is called by another', async () => {
    const { maintenance } = await maintain('on')
    const gate = maintenanceMode(maintenance)
    const within = new Router().get('/within', says('early'))
    within
      .use(gate as RouterMiddleware)
      .get('/within/open', open)
      .get('/within/closed', says('closed'))
    const app = new Koa()
    app.use(within.routes())
    app.use((ctx, next) => gate(ctx, next))
    app.use(new Router().get('/open', open).get('/closed', says('closed')).routes())
    const ask = await listening(app)
    const paths = ['/within', '/within/open', '/within/closed', '/open', '/closed']
    expect(await Promise.all(paths.map((path) => statusOf(ask, path)))).toEqual([200, 200, 503, 200, 503])
  })

  it('does not lend its path to a mounted app', async () => {
    const { maintenance } = await maintain('on')
    const gate = maintenanceMode(maintenance)
    const app = new Koa()
    // As koa-mount does it.
    app.use(async (ctx, next) => {
      if (!ctx.path.startsWith('/shop')) return next()
      ctx.path = ctx.path.slice('/shop'.length)
      await gate(ctx, async () => says('shop')(ctx))
    })
    app.use(new Router().get('/open', open).routes())
    const ask = await listening(app)
    expect(await statusOf(ask, '/shop/open')).toBe(503)
    expect((await ask('/open')).body).toBe('open')
  })

  it('keeps its name, length and this, and may be a method', async () => {
    class Hooks {
      greeting = 'open'
      async receive(ctx: Context): Promise<void> {
        ctx.body = this.greeting
      }
    }
    const receive = forceMaintenanceModeOff(Hooks.prototype.receive, { kind: 'method' })
    expect([receive.name, receive.length]).toEqual(['receive', 1])
    const ask = await opened(new Router().get('/hook', receive.bind(new Hooks())))
    expect((await ask('/hook')).body).toBe('open')
  })
})

describe('a handler that is forced on', () => {
  it('is closed in every mode and for everybody', async () => {
    const { maintenance } = await maintain('off', {
      ignoreAnonymousUser: true,
      statusCode: 418,
      silence: ['status-code'],
    })
    const handler = vi.fn()
    const app = new Koa()
    app.use((ctx, next) => {
      ctx.session = {}
      return next()
    })
    app.use(maintenanceMode(maintenance))
    app.use(new Router().get('/closed', forceMaintenanceModeOn(handler)).get('/', says('home')).routes())
    const ask = await listening(app)
    expect([await statusOf(ask, '/closed'), await statusOf(ask, '/')]).toEqual([418, 200])
    await maintenance.setMode('on')
    expect([await statusOf(ask, '/closed'), await statusOf(ask, '/')]).toEqual([418, 200])
    expect(handler).not.toHaveBeenCalled()
  })

  it('answers with the maintenance object that it is given', async () => {
    const { maintenance } = await maintain('off', { statusCode: 418, silence: ['status-code'] })
    const app = new Koa()
    app.use(forceMaintenanceModeOn(says('not reached'), maintenance))
    expect(await statusOf(await listening(app), '/')).toBe(418)
    expect(() => forceMaintenanceModeOn(says(''), {} as never)).toThrow(TypeError)
  })
})

it.each([forceMaintenanceModeOff, forceMaintenanceModeOn])('%o takes handlers only', (force) => {
  expect(() => force(new Router().routes() as never)).toThrow(/whole router/)
  expect(() => force(new Koa() as never)).toThrow(/handler/)
  expect(() => force(undefined as never)).toThrow(/handler/)
})

describe('the control URLs', () => {
  const parse: Middleware = async (ctx, next) => {
    let text = ''
    await new Promise((resolve) => {
      const write = (part: Buffer, _encoding: string, done: () => void) => {
        text += part
        done()
      }
      ctx.req.pipe(new Writable({ write }).on('finish', resolve))
    })
    Object.assign(ctx.request, { body: JSON.parse(text || '{}') })
    return next()
  }

  it.each([
    ['by themselves', []],
    ['after a body parser', [parse]],
  ])('read the body %s', async (_how, before) => {
    const { maintenance } = await maintain('off')
    const app = new Koa()
    for (const middleware of before) app.use(middleware)
    app.use((ctx, next) => {
      if (ctx.get('cookie')) ctx.state.user = { id: 'susan', isSuperuser: true }
      return next()
    })
    app.use(maintenanceMode(maintenance)).use(maintenanceControls(maintenance)).use(says('home'))
    const ask = await listening(app)
    const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }
    const on = { method: 'POST', body: '{"reason":"Tea"}' }
    expect(await statusOf(ask, '/maintenance-mode/on', { ...on, headers })).toBe(403)
    expect(await statusOf(ask, '/maintenance-mode/on', { ...on, headers: { ...headers, cookie: 'susan' } })).toBe(200)
    expect(maintenance.status().reason).toBe('Tea')
    expect(await statusOf(ask, '/')).toBe(503)
    await maintenance.setMode('off')
    expect((await ask('/')).body).toBe('home')
  })
})
