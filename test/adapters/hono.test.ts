import { type Context, type Handler, Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { isMaintenanceRefusal } from 'maintenance-mode/log-filters'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  forceMaintenanceModeOff,
  forceMaintenanceModeOn,
  maintenanceMode,
  withMaintenanceMode,
} from '../../src/adapters/hono.js'
import { maintain } from './opened.js'

const hello: Handler = (c) => c.text('hello')
const passOn: MiddlewareHandler = (_, next) => next()
const statuses = async (app: Pick<Hono, 'request'>, ...paths: string[]) =>
  Promise.all(paths.map(async (path) => (await app.request(path)).status))

describe('a Hono handler that is forced off', () => {
  it('is reached through the middlewares of its route, in sub-apps with an error handler, and below a base path', async () => {
    const maintenance = maintain()
    await maintenance.setMode('on')
    const strict = new Hono().onError((_, c) => c.text('failed', 500))
    strict.get('/hook', passOn, forceMaintenanceModeOff(hello))
    strict.get('/page', hello)
    const app = new Hono().basePath('/v1')
    app.use(maintenanceMode(maintenance))
    app.use('/api/*', passOn)
    app.get('/hook', passOn, forceMaintenanceModeOff(hello))
    app.all('/all', passOn, forceMaintenanceModeOff(hello))
    app.route('/api', new Hono().route('/strict', strict))
    expect(await statuses(app, '/v1/hook', '/v1/all', '/v1/api/strict/hook')).toEqual([200, 200, 200])
    expect(await statuses(app, '/v1/api/strict/page', '/v1/nothing')).toEqual([503, 503])
    const head = await app.request('/v1/hook', { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect((await app.request('/v1/hook', { method: 'POST' })).status).toBe(503)
  })

  it('opens nothing that another handler answers first', async () => {
    const maintenance = maintain()
    await maintenance.setMode('on')
    const app = new Hono().use(maintenanceMode(maintenance))
    app.get('/shop/:page', hello)
    app.get('/account', async (c, _next) => c.text('account'))
    app.get('*', forceMaintenanceModeOff(hello))
    expect(await statuses(app, '/shop/tea', '/account', '/else')).toEqual([503, 503, 200])
  })

  it('opens nothing behind it when it passes a request on', async () => {
    const maintenance = maintain({ silence: ['memory-backend', 'mounted-twice'] })
    const app = new Hono().use(maintenanceMode(maintenance))
    app.use(
      '/guarded/*',
      forceMaintenanceModeOff<MiddlewareHandler>(async (c, next) => {
        await next()
        c.header('x-guarded', 'yes')
      }),
    )
    app.get('/guarded/page', hello)
    app.get('/guarded/open', forceMaintenanceModeOff(hello))
    const wrapped = withMaintenanceMode(maintenance, app)
    expect((await app.request('/guarded/page')).status).toBe(200)
    await maintenance.setMode('on')
    for (const answer of [app.request, (path: string) => wrapped(new Request(`http://shop${path}`))]) {
      const closed = await answer('/guarded/page')
      expect([closed.status, closed.headers.get('x-guarded')]).toEqual([503, 'yes'])
      expect((await answer('/guarded/open')).status).toBe(200)
    }
  })

  it('is seen from the outermost place where the app itself is given, also if nothing else of ours is in it', async () => {
    const maintenance = maintain()
    await maintenance.setMode('on')
    const app = new Hono()
    app.get('/hook', forceMaintenanceModeOff(hello))
    app.use('/passed', forceMaintenanceModeOff(passOn))
    app.get('/passed', hello)
    app.get('/page', hello)
    const status = async (handler: (request: Request) => Response | Promise<Response>, path: string) =>
      (await handler(new Request(`http://shop${path}`))).status
    const ofApp = withMaintenanceMode(maintenance, app)
    expect([await status(ofApp, '/hook'), await status(ofApp, '/page')]).toEqual([200, 503])
    expect(await status(ofApp, '/passed')).toBe(503)
    expect(await status(withMaintenanceMode(maintenance, app.fetch), '/hook')).toBe(503)
  })
})

describe('a Hono handler that is forced on', () => {
  it('answers as the maintenance mode in front of it does, or as it is told', async () => {
    const branded = { template: '<title>ours</title>' }
    const ours = maintain(branded)
    const theirs = maintain({ template: '<title>theirs</title>' })
    const app = new Hono()
    app.get('/inside', maintenanceMode(ours), forceMaintenanceModeOn(hello))
    app.get('/told', maintenanceMode(ours), forceMaintenanceModeOn(hello, theirs))
    app.get('/around', forceMaintenanceModeOn(hello))
    await ours.ready()
    const init = { headers: { accept: 'text/html' } }
    const bodies = async (fetch: (request: Request) => Response | Promise<Response>) =>
      Promise.all(
        ['/inside', '/told', '/around'].map(async (path) =>
          (await fetch(new Request(`http://shop${path}`, init))).text(),
        ),
      )
    const [inside, told] = await bodies(app.fetch)
    expect([inside, told]).toEqual(['<title>ours</title>', '<title>theirs</title>'])
    const [, , around] = await bodies(withMaintenanceMode(maintain(branded), app))
    expect(around).toBe('<title>ours</title>')
  })

  it('is closed without any maintenance mode in front of it', async () => {
    const app = new Hono().get('/beta', forceMaintenanceModeOn(hello))
    expect(await statuses(app, '/beta')).toEqual([503])
  })

  it('is a handler: anything else is an error', () => {
    expect(() => forceMaintenanceModeOn(new Hono() as never)).toThrow(TypeError)
    expect(() => forceMaintenanceModeOn(hello, {} as never)).toThrow(TypeError)
  })
})

describe('maintenanceMode in Hono', () => {
  it('returns just what next() does while off', () => {
    const maintenance = maintain({ mode: 'off', silence: ['pinned-mode', 'memory-backend'] })
    const passed = Promise.resolve()
    const variables = new Map<string, unknown>()
    const c = {
      get: (key: string) => variables.get(key),
      set: (key: string, value: unknown) => variables.set(key, value),
    }
    expect(maintenanceMode(maintenance)(c as unknown as Context, () => passed)).toBe(passed)
    expect(Object.fromEntries(variables)).toEqual({ maintenance_mode: false, maintenance_mode_bypassed: false })
  })

  it('types the variables that templates find', () => {
    const read = (c: Context) => [c.get('maintenance_mode'), c.var.maintenance_mode_bypassed] as const
    expectTypeOf(read).returns.toEqualTypeOf<readonly [boolean, boolean]>()
  })

  it('keeps what CORS has put on the response, and nothing of how the page was to be cached', async () => {
    const maintenance = maintain()
    await maintenance.setMode('on')
    const app = new Hono()
    app.use(cors({ origin: 'http://shop', credentials: true }))
    app.use((c, next) => {
      c.res.headers.set('cache-control', 'public, max-age=60')
      c.res.headers.set('cdn-cache-control', 'max-age=60')
      c.res.headers.append('vary', 'Cookie')
      return next()
    })
    app.use(maintenanceMode(maintenance))
    app.get('/', hello)
    const { status, headers } = await app.request('/', { headers: { origin: 'http://shop' } })
    expect([status, headers.get('access-control-allow-origin')]).toEqual([503, 'http://shop'])
    expect([headers.get('cache-control'), headers.get('cdn-cache-control')]).toEqual(['no-store', null])
    expect(headers.get('vary')).toContain('Cookie')
    expect(headers.get('vary')).toContain('Accept')
  })

  it('keeps what staff are given from caches, failures too', async () => {
    const maintenance = maintain({ ignoreStaff: true })
    await maintenance.setMode('on')
    const app = new Hono<{ Variables: { user: unknown } }>()
    app.use(async (c, next) => {
      c.set('user', { isStaff: true })
      await next()
    })
    app.use(maintenanceMode(maintenance))
    app.get('/', (c) => c.text('hello', 200, { 'cache-control': 'public', expires: 'Tue, 19 Jan 2038 03:14:07 GMT' }))
    app.get('/missing', (c) => c.text('missing', 404, { 'cache-control': 'public' }))
    app.get('/failing', () => {
      throw new Error('failed')
    })
    app.onError((_, c) => c.text('failed', 500, { 'cache-control': 'public' }))
    for (const [path, expected] of [
      ['/', 200],
      ['/missing', 404],
      ['/failing', 500],
    ] as const) {
      const { status, headers } = await app.request(path)
      expect([status, headers.get('cache-control'), headers.get('expires')]).toEqual([
        expected,
        'private, no-store',
        null,
      ])
    }
  })

  it('finds the client’s address where Bun, Deno and node-server tell it', async () => {
    const maintenance = maintain({ ignoreIpAddresses: ['203.0.113.7'] })
    await maintenance.setMode('on')
    const app = new Hono().use(maintenanceMode(maintenance)).get('/', hello)
    const bare = new Hono().get('/', hello)
    const bun = { requestIP: (request: Request) => (request instanceof Request ? { address: '203.0.113.7' } : null) }
    const incoming = { socket: { remoteAddress: '203.0.113.7' } }
    for (const env of [
      bun,
      { server: bun },
      { remoteAddr: { hostname: '203.0.113.7' } },
      { incoming },
      { server: { incoming } },
    ]) {
      expect((await app.request('/', {}, env)).status).toBe(200)
      expect((await withMaintenanceMode(maintenance, bare)(new Request('http://shop/'), env)).status).toBe(200)
    }
    const other = { requestIP: () => null }
    expect((await app.request('/', { headers: { 'cf-connecting-ip': '203.0.113.7' } }, other)).status).toBe(503)
    expect((await app.request('/')).status).toBe(503)
  })

  it('warns where it is mounted twice, within the app and around it', async () => {
    const messages: string[] = []
    const logger = { warn: (message: string) => void messages.push(message), error: () => {} }
    const maintenance = maintain({ ignoreUrls: ['/'], logger })
    await maintenance.setMode('on')
    const app = new Hono().use(maintenanceMode(maintenance)).get('/', forceMaintenanceModeOff(passOn), hello)
    expect(await statuses(app, '/', '/')).toEqual([200, 200])
    expect(messages).toEqual([])
    expect((await withMaintenanceMode(maintenance, app)(new Request('http://shop/'))).status).toBe(200)
    expect(messages).toEqual([expect.stringContaining('[mounted-twice')])
  })

  it('gives callbacks the context', async () => {
    const maintenance = maintain({
      ignoreRequest: ({ native }) => (native as Context).req.query('key') === 'open',
    })
    await maintenance.setMode('on')
    const app = new Hono().use(maintenanceMode(maintenance)).get('/', hello)
    expect(await statuses(app, '/?key=open', '/')).toEqual([200, 503])
  })

  it('marks what it refuses for log filters', async () => {
    const maintenance = maintain()
    await maintenance.setMode('on')
    const told: boolean[] = []
    const app = new Hono()
    app.use(async (c, next) => {
      await next()
      told.push(isMaintenanceRefusal(c), isMaintenanceRefusal(c.req), isMaintenanceRefusal(c.res))
    })
    app.use(maintenanceMode(maintenance)).get('/', hello)
    await app.request('/')
    expect(told).toEqual([true, true, true])
  })

  it('tells the runtime of a read that outlives the request, where nothing runs between requests', async () => {
    const maintenance = maintain({ maxAge: '1s' }, { environment: { VERCEL: '1' } })
    const app = new Hono().use(maintenanceMode(maintenance)).get('/', hello)
    const given: Promise<unknown>[] = []
    const context = { waitUntil: (work: Promise<unknown>) => given.push(work), passThroughOnException() {}, props: {} }
    await app.request('/', {}, {}, context)
    expect(given).toHaveLength(1)
    await given[0]
  })
})
