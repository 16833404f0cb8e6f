import { defineHandler, type EventHandler, H3, type H3Event, HTTPResponse, handleCors, serve } from 'h3'
import { isMaintenanceRefusal } from 'maintenance-mode/log-filters'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { forceMaintenanceModeOff, forceMaintenanceModeOn, maintenanceMode } from '../../src/adapters/h3.js'
import { maintain } from './opened.js'

const hello: EventHandler = () => 'hello'

describe('a route of h3', () => {
  it('is forced by its meta, by that of its handler, or by a helper that leaves the handler as it is', async () => {
    const maintenance = maintain()
    const app = new H3().use(maintenanceMode(maintenance))
    app.get('/meta', hello, { meta: { forceMaintenanceMode: 'off' } })
    app.get('/defined', defineHandler({ meta: { forceMaintenanceMode: 'off' }, handler: () => 'hello' }))
    app.get('/helped', forceMaintenanceModeOff(hello))
    app.get(
      '/kept',
      forceMaintenanceModeOff(
        Object.assign((event: H3Event) => event.context.matchedRoute?.meta, { meta: { tag: 1 } }),
      ),
    )
    app.get('/page', hello)
    app.get('/beta', forceMaintenanceModeOn(hello))
    const status = async (path: string) => (await app.request(path)).status
    expect([await status('/page'), await status('/beta')]).toEqual([200, 503])
    await maintenance.setMode('on')
    expect(await Promise.all(['/meta', '/defined', '/helped'].map(status))).toEqual([200, 200, 200])
    expect(await (await app.request('/kept')).json()).toEqual({ tag: 1, forceMaintenanceMode: 'off' })
    expect([await status('/page'), await status('/nothing')]).toEqual([503, 503])
    expect(() => forceMaintenanceModeOn(app as never)).toThrow(TypeError)
  })
})

describe('maintenanceMode in h3', () => {
  it('returns just what next() does while off', () => {
    const maintenance = maintain({ mode: 'off', silence: ['pinned-mode', 'memory-backend'] })
    const passed = Promise.resolve('page')
    const event = { context: {} }
    expect(maintenanceMode(maintenance)(event as H3Event, () => passed)).toBe(passed)
    expect(event.context).toEqual({ maintenance_mode: false, maintenance_mode_bypassed: false })
  })

  it('types what handlers find in the context', () => {
    const read = ({ context }: H3Event) => context.maintenance_mode
    expectTypeOf(read).returns.toEqualTypeOf<boolean | undefined>()
  })

  it('keeps what CORS has staged, and lets nothing that was staged for the page onto a redirect', async () => {
    const maintenance = maintain({ redirectUrl: 'http://status/' })
    await maintenance.setMode('on')
    const app = new H3()
    app.use((event) => {
      handleCors(event, { origin: ['http://shop'] })
      event.res.headers.set('cache-control', 'public, max-age=60')
      event.res.headers.set('cdn-cache-control', 'max-age=60')
    })
    app.use(maintenanceMode(maintenance)).get('/', hello)
    const moved = await app.request('/', { headers: { accept: 'text/html' } })
    expect([moved.status, moved.headers.get('location')]).toEqual([302, 'http://status/'])
    expect([moved.headers.get('cache-control'), moved.headers.get('cdn-cache-control')]).toEqual(['no-store', null])
    const closed = await app.request('/', { headers: { accept: 'application/json', origin: 'http://shop' } })
    expect([closed.status, closed.headers.get('access-control-allow-origin')]).toEqual([503, 'http://shop'])
    expect(closed.headers.get('cache-control')).toBe('no-store')
  })

  it('keeps what staff are given from caches, whatever a handler returns or throws', async () => {
    const maintenance = maintain({ ignoreStaff: true })
    await maintenance.setMode('on')
    const app = new H3({ silent: true })
    app.use(({ context }) => {
      context.user = { isStaff: true }
    })
    app.use(maintenanceMode(maintenance))
    app.get('/text', ({ res }) => {
      res.headers.set('cache-control', 'public')
      res.headers.set('expires', 'Tue, 19 Jan 2038 03:14:07 GMT')
      return 'hello'
    })
    const headers = { 'cache-control': 'public', 'cdn-cache-control': 'public' }
    app.get('/response', () => new Response('hello', { headers }))
    app.get('/made', () => new HTTPResponse('hello', { headers }))
    app.get('/missing', () => new Response('missing', { status: 404, headers }))
    app.get('/failing', () => {
      throw new Error('failed')
    })
    const expected = { '/text': 200, '/response': 200, '/made': 200, '/missing': 404, '/failing': 500, '/nothing': 404 }
    for (const [path, status] of Object.entries(expected)) {
      const answer = await app.request(path)
      expect([answer.status, answer.headers.get('cache-control')], path).toEqual([status, 'private, no-store'])
      expect([answer.headers.get('expires'), answer.headers.get('cdn-cache-control')], path).toEqual([null, null])
    }
  })

  it('takes the client’s address as the server judges it', async () => {
    const maintenance = maintain({ ignoreIpAddresses: ['203.0.113.7'], silence: ['memory-backend', 'untrusted-proxy'] })
    await maintenance.setMode('on')
    const app = new H3().use(maintenanceMode(maintenance)).get('/', hello)
    const statusBehind = async (trustProxy: 'loopback' | false) => {
      const server = serve(app, { port: 0, hostname: '127.0.0.1', silent: true, trustProxy })
      await server.ready()
      const { status } = await fetch(server.url as string, { headers: { 'x-forwarded-for': '203.0.113.7' } })
      await server.close(true)
      return status
    }
    expect([await statusBehind('loopback'), await statusBehind(false)]).toEqual([200, 503])
  })

  it('gives callbacks the event, and marks what it refuses for log filters', async () => {
    const maintenance = maintain({ ignoreRequest: ({ native }) => (native as H3Event).url.searchParams.has('open') })
    await maintenance.setMode('on')
    const told: boolean[] = []
    const app = new H3().use(async (event, next) => {
      const answer = await next()
      told.push(isMaintenanceRefusal(event), isMaintenanceRefusal(event.req), isMaintenanceRefusal(answer))
      return answer
    })
    app.use(maintenanceMode(maintenance)).get('/', hello)
    expect([(await app.request('/?open')).status, (await app.request('/')).status]).toEqual([200, 503])
    expect(told).toEqual([false, false, false, true, true, true])
  })

  it('refuses on Node with a Response that those around it can read, change and hand on', async () => {
    const maintenance = maintain()
    await maintenance.setMode('on')
    const seen: unknown[] = []
    const app = new H3().use(async (event, next) => {
      const answer = (await next()) as Response
      const { pathname } = event.url
      if (pathname === '/read')
        seen.push(answer instanceof Response, answer.status, answer.ok, await answer.clone().text())
      if (pathname === '/changed') answer.headers.set('x-seen', 'yes')
      return pathname === '/copied' ? new Response(answer.body, answer) : answer
    })
    app.use(maintenanceMode(maintenance))
    const server = serve(app, { port: 0, hostname: '127.0.0.1', silent: true })
    await server.ready()
    const ask = async (path: string, method = 'GET') => {
      const answer = await fetch(new URL(path, server.url), { method, headers: { accept: 'text/html' } })
      const { date, connection, 'keep-alive': _, ...headers } = Object.fromEntries(answer.headers)
      return { status: answer.status, headers, text: await answer.text() }
    }
    const plain = await ask('/plain')
    expect(plain.headers).toMatchObject({
      'maintenance-mode': 'on',
      'content-length': String(Buffer.byteLength(plain.text)),
    })
    expect(await ask('/read')).toEqual(plain)
    expect(seen).toEqual([true, 503, false, plain.text])
    expect(await ask('/copied')).toEqual(plain)
    expect(await ask('/changed')).toEqual({ ...plain, headers: { ...plain.headers, 'x-seen': 'yes' } })
    expect(await ask('/plain', 'HEAD')).toEqual({ ...plain, text: '' })
    await server.close(true)
  })

  it('tells the runtime of a read that outlives the request, where nothing runs between requests', async () => {
    const maintenance = maintain({ maxAge: '1s' }, { environment: { VERCEL: '1' } })
    const app = new H3().use(maintenanceMode(maintenance)).get('/', hello)
    const given: Promise<unknown>[] = []
    const request = Object.assign(new Request('http://shop/'), {
      waitUntil: (work: Promise<unknown>) => given.push(work),
    })
    await app.fetch(request as never)
    expect(given).toHaveLength(1)
    await given[0]
  })
})
