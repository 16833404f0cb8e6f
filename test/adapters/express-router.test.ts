import type { Express as App, Request, RequestHandler, Response } from 'express'
import { forceMaintenanceModeOff, maintenanceMode } from 'maintenance-mode/express'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { closeAll, closedSite, type Express, maintain, routerOf, say, serve, versions } from './express-site.js'

afterEach(closeAll)

const open = forceMaintenanceModeOff

describe.each(versions)('%s', (_version, express) => {
  describe('where maintenanceMode stands', () => {
    it('judges by the routes behind it, whatever stands before it', async () => {
      const { maintenance } = await maintain('on')
      const app = express()
      const pass: RequestHandler = (_req, _res, next) => next()
      app.all(/.*/, pass)
      app.use('/hooks', open(express.Router().use(pass)))
      app.use(maintenanceMode(maintenance))
      app.get('/hooks/one', open(say('one')))
      app.get('/hooks/two', say('two'))
      const ask = await serve(app)
      expect((await ask('/hooks/one')).body).toBe('one')
      expect((await ask('/hooks/two')).status).toBe(503)
    })

    it('may be in a router, in a mounted app, and in a router of one', async () => {
      const { maintenance } = await maintain('on')
      const gate = maintenanceMode(maintenance)
      const routes = (router: ReturnType<Express['Router']>) => {
        router.get('/hook', open(say('hook')))
        router.get('/page', say('page'))
      }
      const app = express()
      app.use('/gated', gate)
      const router = express.Router()
      router.use(gate)
      routes(router)
      app.use('/router', router)
      const shop = express()
      shop.use(gate)
      shop.get('/hook', open(say('hook')))
      shop.get('/page', say('page'))
      app.use('/shop/:id', shop)
      const nested = express()
      nested.use('/a', express.Router().use('/b', router))
      app.use('/a', nested)
      // Mounted without the app's knowledge.
      app.use('/plain', express.Router().use('/shop', shop))
      app.get('/gated/hook', open(say('hook')))
      app.use(say('outside'))
      const ask = await serve(app)
      for (const base of ['/gated', '/router', '/shop/7', '/a/a/b', '/plain/shop']) {
        expect(await ask(`${base}/hook`), base).toMatchObject({ status: 200, body: 'hook' })
        expect((await ask(`${base}/page`)).status, base).toBe(503)
      }
      expect((await ask('/page')).body).toBe('outside')
    })

    it('may be at a prefix whose end strict routing tells apart', async () => {
      const { maintenance } = await maintain('on')
      const app = express()
      app.set('strict routing', true)
      app.use('/shop', maintenanceMode(maintenance))
      app.get('/shop/', open(say('with a slash')))
      app.get('/shop', say('without'))
      const ask = await serve(app)
      expect((await ask('/shop/')).body).toBe('with a slash')
      expect((await ask('/shop')).status).toBe(503)
      expect((await ask('/shop?x=1')).status).toBe(503)
    })

    it('may be called by a middleware that makes exceptions', async () => {
      const { maintenance, said } = await maintain('on')
      const gate = maintenanceMode(maintenance)
      const app = express()
      app.use((req, res, next) => (req.path === '/except' ? next() : gate(req, res, next)))
      app.get('/except', say('except'))
      app.get('/hook', open(say('hook')))
      app.get('/page', say('page'))
      const ask = await serve(app)
      expect((await ask('/except')).body).toBe('except')
      expect((await ask('/hook')).body).toBe('hook')
      expect((await ask('/page')).status).toBe(503)
      expect(said).toEqual([])
    })

    it('may be among the handlers of a route', async () => {
      const { maintenance } = await maintain('on')
      const gate = maintenanceMode(maintenance)
      const app = express()
      app.all(/.*/, gate)
      app.get('/hook', gate, open(say('hook')))
      app.get('/page', gate, say('page'))
      const ask = await serve(app)
      expect((await ask('/hook')).body).toBe('hook')
      expect((await ask('/page')).status).toBe(503)
    })
  })

  describe('what cannot be seen', () => {
    it('is closed: mounted apps and routers made for a request, until the setting routes names it', async () => {
      const routes = (app: App) => {
        app.use('/shop', express().get('/hook', open(say('hook'))))
        app.use('/made', (req, res, next) => express.Router().get('/hook', open(say('hook')))(req, res, next))
      }
      const unseen = await closedSite(express, routes)
      const named = await closedSite(express, routes, { routes: { '/shop/hook': 'off', '/made/hook': 'off' } })
      for (const path of ['/shop/hook', '/made/hook']) {
        expect((await unseen.ask(path)).status).toBe(503)
        expect((await named.ask(path)).body).toBe('hook')
      }
    })

    it('is warned of once, where the router or the place in it is not known', async () => {
      const strange = await closedSite(express, (app) => {
        routerOf(app).stack.push({ match: () => false })
        app.get('/hook', open(say('hook')))
      })
      const { maintenance, said } = await maintain('on')
      const gate = maintenanceMode(maintenance)
      const app = express()
      app.use('/below', (req, res, next) => gate(req, res, next))
      app.get('/below/hook', open(say('hook')))
      for (const [ask, path, warnings] of [
        [strange.ask, '/hook', strange.said],
        [await serve(app), '/below/hook', said],
      ] as const) {
        expect((await ask(path)).status).toBe(503)
        expect((await ask(path)).status).toBe(503)
        expect(warnings).toHaveLength(1)
        expect(warnings[0]).toMatch(/unknown-router/)
        expect(warnings[0]).toMatch(/setting `routes`/)
      }
    })
  })

  describe('the walk of the router', () => {
    it('leaves no trace in the dispatch: parameters are right, with slow parameter handlers and many requests at once', async () => {
      const { ask } = await closedSite(express, (app) => {
        let waiting: (() => void)[] = []
        const router = express.Router({ mergeParams: true })
        router.param('id', (_req, _res, next) => {
          // All wait for each other, so that every walk happens while every dispatch is under way.
          waiting.push(next)
          if (waiting.length < 20) return
          for (const go of waiting) setImmediate(go)
          waiting = []
        })
        router.get(
          '/items/:id/:name',
          open((req: Request, res: Response) => void res.json([req.params, req.baseUrl, req.url, req.originalUrl])),
        )
        app.use('/:tenant', router)
      })
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_, n) => (await ask(`/t${n}/items/${n}/n%20${n}?q=${n}`)).body),
      )
      for (const [n, body] of answers.entries()) {
        expect(JSON.parse(body)).toEqual([
          { tenant: `t${n}`, id: `${n}`, name: `n ${n}` },
          `/t${n}`,
          `/items/${n}/n%20${n}?q=${n}`,
          `/t${n}/items/${n}/n%20${n}?q=${n}`,
        ])
      }
    })

    it('writes nothing on the router', async () => {
      const { maintenance } = await maintain('on')
      const gate = maintenanceMode(maintenance)
      const seen: unknown[] = []
      const app = express()
      app.use((req, res, next) => {
        const before = statesOf(routerOf(app).stack)
        gate(req, res, () => {
          seen.push([before, statesOf(routerOf(app).stack)])
          next()
        })
      })
      app.use('/:tenant', express.Router().get('/items/:id', open(say('item'))))
      const ask = await serve(app)
      for (const path of ['/t/items/1', '/u/items/2']) expect((await ask(path)).body).toBe('item')
      expect(seen).toHaveLength(2)
      for (const [before, after] of seen as [unknown, unknown][]) expect(after).toEqual(before)
    })

    it('is made only while the mode is not off', async () => {
      const { maintenance } = await maintain('off')
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.get('/hook', open(say('hook')))
      const router = routerOf(app)
      const { stack } = router
      const read = vi.fn(() => stack)
      Object.defineProperty(router, 'stack', { get: read })
      const ask = await serve(app)
      // Only the first request looks what stands before.
      await ask('/hook')
      read.mockClear()
      await ask('/hook')
      // By Express, to dispatch.
      expect(read).toHaveBeenCalledTimes(1)
      await maintenance.setMode('on')
      expect((await ask('/hook')).body).toBe('hook')
      expect(read).toHaveBeenCalledTimes(3)
    })
  })
})

/** All that a router and the routers in it remember. */
function statesOf(stack: unknown[]): unknown[] {
  return (stack as { handle: { stack?: unknown[] } }[]).map((layer) => [
    { ...layer },
    layer.handle.stack && statesOf(layer.handle.stack),
  ])
}
