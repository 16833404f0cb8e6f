import { once } from 'node:events'
import { request } from 'node:http'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { maintenanceMode, withMaintenanceMode } from 'maintenance-mode/express'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { closeAll, maintain, routerOf, say, serve, versions } from './express-site.js'

afterEach(closeAll)

const html = { headers: { Accept: 'text/html' } }
const locals = (_req: Request, res: Response) => void res.json({ ...res.locals })

describe.each(versions)('%s', (_version, express) => {
  it('answers instead of the app while the mode is on, and is not there while it is off', async () => {
    const { maintenance } = await maintain('off')
    const handler = vi.fn(say('home'))
    const app = express()
    app.use(maintenanceMode(maintenance))
    app.get('/', handler)
    const ask = await serve(app)
    expect(await ask('/')).toMatchObject({ status: 200, body: 'home' })

    await maintenance.setMode('on', { reason: 'Upgrading the database' })
    const refused = await ask('/', html)
    expect(refused.status).toBe(503)
    expect(refused.body).toContain('Upgrading the database')
    expect(refused.headers.get('retry-after')).toBe('3600')
    expect(handler).toHaveBeenCalledTimes(1)

    await maintenance.setMode('off')
    expect((await ask('/')).body).toBe('home')
  })

  it('takes options as well', async () => {
    const app = express()
    app.use(maintenanceMode({ mode: 'on', ignoreUrls: ['/open'], silence: ['pinned-mode'] }))
    app.get('/open', say('open'))
    const ask = await serve(app)
    expect((await ask('/open')).body).toBe('open')
    expect((await ask('/')).status).toBe(503)
    expect(() => maintenanceMode({ ignoreUrl: ['/open'] } as never)).toThrow(/ignoreUrls/)
  })

  describe('res.locals', () => {
    it('says whether there is maintenance, and that this request was let through', async () => {
      const { maintenance } = await maintain('off', { ignoreUrls: ['/open'] })
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.get(['/', '/open', '/healthz'], locals)
      const ask = await serve(app)
      const open = '{"maintenance_mode":false,"maintenance_mode_bypassed":false}'
      const passed = {
        maintenance_mode: true,
        maintenance_mode_bypassed: true,
        maintenance_announcement: expect.objectContaining({ window: 'manual', phase: 'active' }),
      }
      expect((await ask('/')).body).toBe(open)
      expect((await ask('/open')).body).toBe(open)
      await maintenance.setMode('on')
      expect(JSON.parse((await ask('/open')).body)).toEqual(passed)
      expect(JSON.parse((await ask('/healthz')).body)).toEqual(passed)
    })

    it('says no maintenance where requests are judged although the mode is off', async () => {
      const { maintenance } = await maintain('off', { routes: { '/beta': 'on' } })
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.get('/', locals)
      const ask = await serve(app)
      expect((await ask('/')).body).toBe('{"maintenance_mode":false,"maintenance_mode_bypassed":false}')
      expect((await ask('/beta')).status).toBe(503)
    })
  })

  describe('two maintenance objects', () => {
    it('close their own parts of one app', async () => {
      const [site, shop] = await Promise.all([
        maintain('off', { ignoreUrls: ['/shop/open'] }),
        maintain('on', { ignoreUrls: ['/shop/open'] }),
      ])
      const app = express()
      app.use(maintenanceMode(site.maintenance))
      app.use('/shop', maintenanceMode(shop.maintenance))
      app.use(locals)
      const ask = await serve(app)
      const both = async () => [(await ask('/')).status, (await ask('/shop')).status, (await ask('/shop/open')).status]
      expect(await both()).toEqual([200, 503, 200])
      await shop.maintenance.setMode('off')
      await site.maintenance.setMode('on')
      expect(await both()).toEqual([503, 503, 200])
      // The site's word stands, although the shop is open.
      expect((await ask('/shop/open')).body).toContain('"maintenance_mode":true')
    })
  })

  describe('the path', () => {
    it('is the whole one, wherever the middleware stands', async () => {
      const { maintenance } = await maintain('on', { ignoreUrls: ['/shop/a/open', '/shop/b/**'] })
      const gate = maintenanceMode(maintenance)
      const routes = express.Router().use(say('open'))
      const app = express()
      app.use('/shop/a', gate, routes)
      app.use('/shop', express.Router().use('/b', express.Router().use(gate, routes)))
      app.use('/shop', express().use('/c', express.Router().use(gate, routes)))
      const ask = await serve(app)
      expect((await ask('/shop/a/open')).body).toBe('open')
      expect((await ask('/shop/b/any?x')).body).toBe('open')
      expect((await ask('/shop/a')).status).toBe(503)
      expect((await ask('/shop/c/open')).status).toBe(503)
      expect((await ask('/open')).status).toBe(404)
    })

    it('is the one that was asked for, whatever an earlier middleware makes of it', async () => {
      const { maintenance } = await maintain('on', { ignoreUrls: ['/open'] })
      const app = express()
      app.use((req, _res, next) => {
        req.url = '/open'
        next()
      })
      app.use(maintenanceMode(maintenance))
      app.use(say('open'))
      expect((await (await serve(app))('/closed')).status).toBe(503)
    })

    it('may be nonsense', async () => {
      const { maintenance } = await maintain('on', { ignoreUrls: ['/open/**'] })
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.use(say('open'))
      const ask = await serve(app)
      const long = `/open/../${'x'.repeat(8000)}`
      for (const path of ['/%', '/open/%zz', '/open%00', '//open/x', '/open/..%2fclosed', long]) {
        const { status } = await raw(ask.port, { path })
        expect(status, path.slice(0, 20)).toBe(503)
      }
      expect((await raw(ask.port, { path: 'http://other.example/closed' })).status).toBe(503)
      expect((await raw(ask.port, { path: '*', method: 'OPTIONS' })).status).toBe(503)
    })
  })

  describe("the client's address", () => {
    const forwarded = { headers: { 'X-Forwarded-For': '192.0.2.1' } }

    it("is Express' own verdict", async () => {
      const { maintenance } = await maintain('on', { ignoreIpAddresses: ['192.0.2.1'] })
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.use(say('open'))
      const ask = await serve(app)
      expect((await ask('/', forwarded)).status).toBe(503)
      app.set('trust proxy', 'loopback')
      expect((await ask('/', forwarded)).body).toBe('open')
      expect((await ask('/')).status).toBe(503)
    })

    it('is what trustProxy or getClientIpAddress says, where one is set', async () => {
      const ignoreIpAddresses = ['192.0.2.1']
      for (const [options, status] of [
        [{ trustProxy: ['10.0.0.0/8'] }, 503],
        [{ trustProxy: 1 }, 200],
        [{ getClientIpAddress: () => '192.0.2.9' }, 503],
      ] as const) {
        const { maintenance } = await maintain('on', { ignoreIpAddresses, ...options })
        const app = express()
        app.set('trust proxy', status !== 200)
        app.use(maintenanceMode(maintenance))
        app.use(say('open'))
        expect((await (await serve(app))('/', forwarded)).status, JSON.stringify(options)).toBe(status)
      }
    })
  })

  describe('every method', () => {
    it('is refused alike, HEAD without a body', async () => {
      const { maintenance } = await maintain('on')
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.get('/', say('home'))
      const ask = await serve(app)
      const got = await ask('/', html)
      const head = await ask('/', { method: 'HEAD', ...html })
      expect([head.status, head.body]).toEqual([503, ''])
      expect(head.headers.get('content-length')).toBe(got.headers.get('content-length'))
      for (const method of ['OPTIONS', 'DELETE', 'PATCH']) expect((await ask('/', { method })).status, method).toBe(503)
    })

    it('has its body refused unread, and the connection goes on', async () => {
      const { maintenance } = await maintain('on', { ignoreUrls: ['/open'] })
      const read = vi.fn<RequestHandler>((_req, _res, next) => next())
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.use(read, express.text({ limit: '2mb' }))
      app.post('/open', (req, res) => void res.send(String(req.body.length)))
      const ask = await serve(app)
      const post = { method: 'POST', body: 'x'.repeat(1_000_000), headers: { 'Content-Type': 'text/plain' } }
      const refused = await ask('/', { ...post, headers: { ...post.headers, Accept: 'application/json' } })
      expect(refused.status).toBe(503)
      expect(JSON.parse(refused.body)).toMatchObject({ processed: false })
      expect(read).not.toHaveBeenCalled()
      expect((await ask('/open', post)).body).toBe('1000000')
    })
  })

  describe('headers that the app has set before', () => {
    const page: RequestHandler = (_req, res, next) => {
      res.set({
        ETag: '"page"',
        'Cache-Control': 'public, max-age=600',
        Expires: new Date(0).toUTCString(),
        Vary: 'Origin',
        'Access-Control-Allow-Origin': '*',
      })
      next()
    }

    it('do not make a refusal cacheable; those that are of the site stay', async () => {
      const { maintenance } = await maintain('on')
      const app = express()
      app.use(page, maintenanceMode(maintenance))
      const { headers } = await (await serve(app))('/', html)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('etag')).toBeNull()
      expect(headers.get('expires')).toBeNull()
      expect(headers.get('vary')).toBe('Origin, Accept, Sec-Fetch-Dest')
      expect(headers.get('access-control-allow-origin')).toBe('*')
    })

    it('are as they were for paths that are open to all, and private for who is let through in person', async () => {
      const { maintenance } = await maintain('on', { ignoreUrls: ['/open'], ignoreIpAddresses: ['127.0.0.1'] })
      const app = express()
      app.use(page, maintenanceMode(maintenance), say('page'))
      const ask = await serve(app)
      expect((await ask('/open')).body).toBe('page')
      const personal = (await ask('/')).headers
      expect(personal.get('cache-control')).toBe('private, no-store')
      expect(personal.get('expires')).toBeNull()

      const { maintenance: other } = await maintain('on', { ignoreUrls: ['/open'] })
      const open = express()
      open.use(page, maintenanceMode(other), say('page'))
      const { headers } = await (await serve(open))('/open')
      expect(headers.get('cache-control')).toBe('public, max-age=600')
      expect(headers.get('etag')).toBe('"page"')
    })
  })

  describe("the app's own errors", () => {
    it.each(['off', 'on'] as const)('reach its error handling while the mode is %s', async (mode) => {
      const { maintenance } = await maintain(mode, { ignoreRequest: async () => true })
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.get('/thrown', () => {
        throw new Error('thrown')
      })
      app.get('/passed', async (_req, _res, next) => next(new Error('passed')))
      if (express === versions[0]?.[1]) app.get('/rejected', () => Promise.reject(new Error('rejected')))
      app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => {
        res.status(500).send(error.message)
      })
      const ask = await serve(app)
      expect(await ask('/thrown')).toMatchObject({ status: 500, body: 'thrown' })
      expect(await ask('/passed')).toMatchObject({ status: 500, body: 'passed' })
      if (express === versions[0]?.[1]) expect(await ask('/rejected')).toMatchObject({ status: 500, body: 'rejected' })
      expect((await ask('/nothing')).status).toBe(404)
    })
  })

  it('works around the app as well, where it costs least', async () => {
    const { maintenance } = await maintain('on', { ignoreUrls: ['/open'] })
    const before = vi.fn<RequestHandler>((_req, _res, next) => next())
    const app = express()
    app.use(before, say('open'))
    const ask = await serve(withMaintenanceMode(maintenance, app))
    expect((await ask('/')).status).toBe(503)
    expect(before).not.toHaveBeenCalled()
    expect((await ask('/open')).body).toBe('open')
  })

  it('does not look at the router while no handler is forced', async () => {
    const { maintenance } = await maintain('on', { ignoreUrls: ['/open'] })
    const app = express()
    app.use(maintenanceMode(maintenance), say('open'))
    const router = routerOf(app)
    const { stack } = router
    const read = vi.fn(() => stack)
    Object.defineProperty(router, 'stack', { get: read })
    const ask = await serve(app)
    // Only the first request looks what stands before.
    await ask('/open')
    read.mockClear()
    expect((await ask('/open')).body).toBe('open')
    // By Express, to dispatch.
    expect(read).toHaveBeenCalledTimes(1)
  })
})

/** A request whose target no client would send as it is. */
async function raw(port: number, options: { path: string; method?: string }): Promise<{ status: number | undefined }> {
  const sent = request({ port, host: '127.0.0.1', agent: false, ...options }).end()
  const [response] = await once(sent, 'response')
  response.resume()
  await once(response, 'end')
  return { status: response.statusCode }
}
