import type { Express as App, NextFunction, Request, RequestHandler, Response } from 'express'
import { createMaintenance, type Maintenance } from 'maintenance-mode'
import {
  forceMaintenanceModeOff,
  forceMaintenanceModeOn,
  maintenanceMode,
  withMaintenanceMode,
} from 'maintenance-mode/express'
import ts from 'typescript'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { closeAll, type Express, maintain, serve, versions } from './express-site.js'

afterEach(closeAll)

const say = (text: string) => (_req: Request, res: Response) => void res.send(text)
const open = forceMaintenanceModeOff

describe.each(versions)('%s', (version, express) => {
  /** An app in maintenance, with the middleware in front of the routes. */
  async function closedSite(routes: (app: App, express: Express) => void, options = {}) {
    const { maintenance, said } = await maintain('on', options)
    const app = express()
    app.use(maintenanceMode(maintenance))
    routes(app, express)
    return { ask: await serve(app), app, maintenance, said }
  }

  describe('a handler that is forced off', () => {
    it('stays open while everything beside it is closed', async () => {
      const { ask } = await closedSite((app) => {
        app.get('/webhook', open(say('received')))
        app.get('/page', say('page'))
      })
      expect(await ask('/webhook')).toMatchObject({ status: 200, body: 'received' })
      expect((await ask('/page')).status).toBe(503)
      expect((await ask('/webhook/more')).status).toBe(503)
      expect((await ask('/nothing')).status).toBe(503)
    })

    it('is open for its own method alone, and for HEAD where it takes GET', async () => {
      const { ask } = await closedSite((app) => {
        app.post('/webhook', open(say('received')))
        app.put('/webhook', say('written'))
        app.get('/feed', open(say('feed')))
        app.all('/any', open(say('any')))
      })
      expect((await ask('/webhook', { method: 'POST', body: '{}' })).body).toBe('received')
      expect((await ask('/webhook', { method: 'PUT', body: '{}' })).status).toBe(503)
      expect((await ask('/webhook')).status).toBe(503)
      expect((await ask('/webhook', { method: 'HEAD' })).status).toBe(503)
      expect((await ask('/feed', { method: 'HEAD' })).status).toBe(200)
      expect((await ask('/any', { method: 'DELETE' })).body).toBe('any')
    })

    it('is open for a browser that asks first (CORS preflight)', async () => {
      const { ask } = await closedSite((app) => {
        app.post('/webhook', open(say('received')))
        app.put('/webhook', say('written'))
        app.post('/own', open(say('received')))
        app.options('/own', say('own answer'))
      })
      const preflight = (path: string, method: string) =>
        ask(path, {
          method: 'OPTIONS',
          headers: { 'Access-Control-Request-Method': method, Origin: 'http://x.example' },
        })
      expect((await preflight('/webhook', 'POST')).status).toBe(200)
      expect((await preflight('/webhook', 'PUT')).status).toBe(503)
      expect((await preflight('/own', 'POST')).status).toBe(503)
      expect((await ask('/webhook', { method: 'OPTIONS' })).status).toBe(503)
    })

    it('counts wherever it stands among the handlers of a route', async () => {
      const pass: RequestHandler = (_req, _res, next) => next()
      const { ask } = await closedSite((app) => {
        app.get('/first', open(pass), say('first'))
        app.get('/last', pass, open(say('last')))
        app.get('/list', [pass, [open(pass)]], say('list'))
        app
          .route('/chain')
          .all(pass)
          .get(open(say('chain')))
          .post(say('post'))
      })
      for (const name of ['first', 'last', 'list', 'chain']) expect((await ask(`/${name}`)).body).toBe(name)
      expect((await ask('/chain', { method: 'POST', body: '' })).status).toBe(503)
    })

    it('is found in routers within routers, under fixed, parameter and RegExp prefixes', async () => {
      const { ask } = await closedSite((app) => {
        const inner = express.Router({ mergeParams: true })
        inner.get(
          '/hook',
          open((req: Request, res: Response) => void res.json(req.params)),
        )
        inner.get('/page', say('page'))
        const outer = express.Router()
        outer.use('/v:version', inner)
        app.use('/api', outer)
        app.use(/^\/x\d+/, inner)
        app.use(['/one', '/two'], inner)
        app.use('/', express.Router().use(express.Router().get('/deep', open(say('deep')))))
      })
      expect((await ask('/api/v2/hook')).body).toBe('{"version":"2"}')
      expect((await ask('/API/v2/hook?x=1')).status).toBe(200)
      expect((await ask('/x12/hook')).status).toBe(200)
      expect((await ask('/two/hook')).status).toBe(200)
      expect((await ask('/deep')).body).toBe('deep')
      for (const path of ['/api/v2/page', '/x12/page', '/two/page', '/api/hook', '/xy/hook', '/three/hook', '/hook']) {
        expect((await ask(path)).status).toBe(503)
      }
    })

    it('is found under RegExp, parameter and wildcard paths, in the spelling that the app asks for', async () => {
      const { ask } = await closedSite((app) => {
        app.get(/^\/hooks\/(\d+)$/, open(say('by number')))
        app.get(
          '/users/:id/hook',
          open((req: Request, res: Response) => void res.send(req.params.id)),
        )
        app.get(version === 'Express 4' ? '/files/*' : '/files/*path', open(say('file')))
        app.use(express.Router({ strict: true, caseSensitive: true }).get('/Strict', open(say('strict'))))
      })
      expect((await ask('/hooks/7')).body).toBe('by number')
      expect((await ask('/users/a%20b/hook')).body).toBe('a b')
      expect((await ask('/files/a/b')).body).toBe('file')
      expect((await ask('/Strict')).body).toBe('strict')
      for (const path of ['/hooks/x', '/users/hook', '/Strict/', '/strict']) expect((await ask(path)).status).toBe(503)
    })

    it('leaves it to Express to refuse a path that cannot be decoded', async () => {
      const { ask } = await closedSite((app) => {
        app.get('/users/:id', open(say('user')))
      })
      expect([400, 503]).toContain((await ask('/users/%zz')).status)
    })

    it('decides only where it is the first route to match', async () => {
      const { ask } = await closedSite((app) => {
        app.get('/pages/:name', say('page'))
        app.get('/pages/hook', open(say('never reached')))
        app.get('/hooks/:name', open(say('hook')))
        app.get('/hooks/page', say('never reached'))
      })
      expect((await ask('/pages/hook')).status).toBe(503)
      expect((await ask('/hooks/page')).body).toBe('hook')
    })

    it('does not open what comes after it: a request that it passes on is judged again', async () => {
      const secret = vi.fn(say('secret'))
      const pass: RequestHandler = (_req, _res, next) => next()
      const { ask } = await closedSite((app) => {
        app.get('/a/:name', open(pass))
        app.get('/b/:name', open(((_req, _res, next) => next('route')) satisfies RequestHandler))
        app.use('/c', open(express.Router().get('/hook', say('hook'))))
        app.use('/d', open(pass))
        app.use('/d', open(express.Router().get('/hook', say('hook'))))
        app.get(['/a/x', '/b/x', '/c/x', '/d/x'], secret)
      })
      for (const path of ['/a/x', '/b/x', '/c/x', '/d/x']) expect((await ask(path)).status).toBe(503)
      expect(secret).not.toHaveBeenCalled()
      expect((await ask('/c/hook')).body).toBe('hook')
      expect((await ask('/d/hook')).body).toBe('hook')
    })
  })

  describe('a router that is forced off', () => {
    it('is open as a whole, its middleware included', async () => {
      const { ask } = await closedSite((app) => {
        const hooks = express.Router()
        hooks.get('/one', say('one'))
        hooks.use('/two', say('two'))
        hooks.use(express.Router().post('/three', say('three')))
        hooks.use(say('rest'))
        app.use('/hooks', open(hooks))
        app.get('/one', say('page'))
      })
      expect((await ask('/hooks/one')).body).toBe('one')
      expect((await ask('/hooks/two/x')).body).toBe('two')
      expect((await ask('/hooks/three', { method: 'POST', body: '' })).body).toBe('three')
      expect((await ask('/hooks/any/thing')).body).toBe('rest')
      expect((await ask('/one')).status).toBe(503)
      expect((await ask('/hooksy')).status).toBe(503)
    })

    it('opens nothing else of a site that it has no prefix of its own in', async () => {
      const session = vi.fn<RequestHandler>((_req, _res, next) => next())
      const { ask } = await closedSite((app) => {
        const hooks = express.Router()
        hooks.use(((_req, _res, next) => next()) satisfies RequestHandler)
        hooks.get('/hook', say('hook'))
        app.use(session)
        app.use(open(hooks))
        app.get('/', say('home'))
      })
      expect((await ask('/')).status).toBe(503)
      // What the app does before is spared, as for any refusal: it may need the database.
      expect(session).not.toHaveBeenCalled()
      expect((await ask('/hook')).body).toBe('hook')
    })

    it('still is a router', async () => {
      const { ask } = await closedSite((app) => {
        const hooks = open(express.Router())
        hooks.get('/late', say('late'))
        app.use('/hooks', hooks)
      })
      expect((await ask('/hooks/late')).body).toBe('late')
    })
  })

  describe('a middleware that is forced off', () => {
    it('answers what it answers, and leaves the rest closed', async () => {
      const { ask } = await closedSite((app) => {
        app.use('/assets', open(express.static(import.meta.dirname)))
        app.get('/assets/:name', say('a page'))
      })
      expect((await ask('/assets/express-site.ts')).status).toBe(200)
      expect((await ask('/assets/missing')).status).toBe(503)
    })

    it('is an error handler where it has four parameters, and opens nothing', async () => {
      const { ask, maintenance } = await closedSite((app) => {
        app.get('/fails', () => {
          throw new Error('on purpose')
        })
        app.use(
          open(
            (error: Error, _req: Request, res: Response, _next: NextFunction) =>
              void res.status(500).send(error.message),
          ),
        )
      })
      expect((await ask('/fails')).status).toBe(503)
      await maintenance.setMode('off')
      expect(await ask('/fails')).toMatchObject({ status: 500, body: 'on purpose' })
    })
  })

  describe('a handler that is forced on', () => {
    const handler = vi.fn(say('not reached'))
    const closed = forceMaintenanceModeOn(handler)

    it('is closed while the site is open, for everybody, and does not run', async () => {
      const { maintenance } = await maintain('off', { ignoreUrls: ['/**'], ignoreIpAddresses: ['127.0.0.1'] })
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.get('/beta', closed)
      app.get('/', say('home'))
      const ask = await serve(app)
      for (const mode of ['off', 'on'] as const) {
        await maintenance.setMode(mode)
        const answer = await ask('/beta', { headers: { Accept: 'application/json' } })
        expect(answer.status).toBe(503)
        expect(answer.headers.get('maintenance-mode')).toBe('on')
        expect(answer.headers.get('retry-after')).toBe('3600')
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
        expect((await ask('/')).body).toBe('home')
      }
      expect(handler).not.toHaveBeenCalled()
    })

    it('is closed even where the setting routes opens its path', async () => {
      const { maintenance } = await maintain('on', { routes: { '/beta': 'off' } })
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.get('/beta', closed)
      expect((await (await serve(app))('/beta')).status).toBe(503)
    })

    it('answers with the settings of the maintenanceMode in front of it', async () => {
      const [site, shop] = await Promise.all([
        maintain('off', { statusCode: 599 }),
        maintain('off', { statusCode: 598 }),
      ])
      const app = express()
      app.use(maintenanceMode(site.maintenance))
      app.get('/beta', closed)
      const router = express.Router()
      router.use(maintenanceMode(shop.maintenance))
      router.get('/beta', closed)
      app.use('/shop', router)
      app.use('/mounted', express().get('/beta', closed))
      const ask = await serve(app)
      expect((await ask('/beta')).status).toBe(599)
      expect((await ask('/shop/beta')).status).toBe(598)
      expect((await ask('/mounted/beta')).status).toBe(599)
    })

    it('answers with those of the maintenanceMode behind it, around the app, or given to it', async () => {
      const [behind, around, given] = await Promise.all(
        [597, 596, 595].map(async (statusCode) => (await maintain('off', { statusCode })).maintenance),
      )
      const before = express()
      before.get('/beta', closed)
      before.use('/below', express.Router().use(maintenanceMode(behind as Maintenance)))
      expect((await (await serve(before))('/beta')).status).toBe(597)

      const inside = express()
      inside.use('/x', express().get('/beta', closed))
      const ask = await serve(withMaintenanceMode(around as Maintenance, inside))
      expect((await ask('/x/beta')).status).toBe(596)

      const own = express()
      own.get('/beta', forceMaintenanceModeOn(handler, given))
      expect((await (await serve(own))('/beta')).status).toBe(595)
    })

    it('answers by itself in an app without any', async () => {
      const app = express()
      app.get('/beta', closed)
      const answer = await (await serve(app))('/beta')
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('3600')
    })

    it('closes a whole router, and answers for an error handler', async () => {
      const { ask, maintenance } = await closedSite((app) => {
        app.use('/beta', forceMaintenanceModeOn(express.Router().get('/page', open(say('page')))))
        app.get('/fails', () => {
          throw new Error('on purpose')
        })
        app.use(
          forceMaintenanceModeOn((_e: Error, _req: Request, res: Response, _next: NextFunction) => void res.send()),
        )
      })
      await maintenance.setMode('off')
      expect((await ask('/beta/page')).status).toBe(503)
      expect((await ask('/fails')).status).toBe(503)
    })

    it('wins over being forced off, whichever is around the other', async () => {
      const { ask, maintenance } = await closedSite((app) => {
        app.get('/off-on', open(closed))
        app.get('/on-off', forceMaintenanceModeOn(open(handler)))
        app.get('/both', open(((_req, _res, next) => next()) satisfies RequestHandler), closed)
        app.use('/router', open(express.Router().get('/beta', closed)))
      })
      for (const mode of ['on', 'off'] as const) {
        await maintenance.setMode(mode)
        for (const path of ['/off-on', '/on-off', '/both', '/router/beta']) expect((await ask(path)).status).toBe(503)
      }
      expect(handler).not.toHaveBeenCalled()
    })
  })

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
      const routes = (router: ReturnType<Express['Router']> | App) => {
        router.get('/hook', open(say('hook')))
        router.get('/page', say('page'))
      }
      const app = express()
      app.use('/gated', gate)
      routes(app.route('/unused') && (app as App))
      const router = express.Router()
      router.use(gate)
      routes(router)
      app.use('/router', router)
      const shop = express()
      shop.use(gate)
      routes(shop)
      app.use('/shop/:id', shop)
      const nested = express()
      nested.use('/a', express.Router().use('/b', router))
      app.use('/a', nested)
      // Mounted without the app's knowledge.
      app.use('/plain', express.Router().use('/shop', shop))
      app.get('/gated/hook', open(say('hook')))
      const ask = await serve(app)
      for (const base of ['/gated', '/router', '/shop/7', '/a/a/b', '/plain/shop']) {
        expect(await ask(`${base}/hook`), base).toMatchObject({ status: 200, body: 'hook' })
        expect((await ask(`${base}/page`)).status, base).toBe(503)
      }
      expect((await ask('/page')).body).toBe('page')
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
      const unseen = await closedSite(routes)
      const named = await closedSite(routes, { routes: { '/shop/hook': 'off', '/made/hook': 'off' } })
      for (const path of ['/shop/hook', '/made/hook']) {
        expect((await unseen.ask(path)).status).toBe(503)
        expect((await named.ask(path)).body).toBe('hook')
      }
    })

    it('is warned of once, where the router or the place in it is not known', async () => {
      const strange = await closedSite((app) => {
        const router = (app as unknown as { _router?: { stack: unknown[] } })._router ?? app.router
        router.stack.push({ match: () => false } as never)
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

  describe('marking', () => {
    it('keeps name, length, this and what is returned', () => {
      const result = Promise.resolve()
      async function receive(this: unknown, _req: unknown, _res: unknown, _next: unknown) {
        return [this, result]
      }
      const onError = (_error: unknown, _req: unknown, _res: unknown, _next: unknown) => 'answered'
      const self = {}
      for (const marked of [open(receive), forceMaintenanceModeOn(receive)]) {
        expect(marked.name).toBe('receive')
        expect(marked.length).toBe(3)
      }
      expect(open(onError).length).toBe(4)
      expect(forceMaintenanceModeOn(onError).length).toBe(4)
      expect(open(onError)(1, 2, 3, 4)).toBe('answered')
      expect(open(receive).call(self, {}, {}, {})).resolves.toEqual([self, result])
    })

    it('works on methods, as a decorator, also once they are bound', async () => {
      const source = `
        class Hooks {
          count = 1
          @open receive(req, res) { res.send('received ' + this.count) }
          @closed beta(req, res) { res.send('not reached') }
          page(req, res) { res.send('page') }
        }
        return new Hooks()`
      const { outputText } = ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2022 } })
      const hooks = new Function('open', 'closed', outputText)(open, forceMaintenanceModeOn)
      const { ask, maintenance } = await closedSite((app) => {
        app.post('/hook', hooks.receive.bind(hooks))
        app.get('/beta', hooks.beta)
        app.get('/page', hooks.page)
      })
      expect((await ask('/hook', { method: 'POST', body: '' })).body).toBe('received 1')
      expect((await ask('/page')).status).toBe(503)
      await maintenance.setMode('off')
      expect((await ask('/beta')).status).toBe(503)
    })

    it('says what is wrong with what is no handler', () => {
      const { maintenance: _, ...rest } = {
        maintenance: createMaintenance(
          { stateBackend: 'memory:', logger: { warn() {}, error() {} } },
          { environment: {} },
        ),
      }
      expect(rest).toEqual({})
      expect(() => open(undefined as never)).toThrow(/forceMaintenanceModeOff takes a handler or a router/)
      expect(() => forceMaintenanceModeOn({} as never, 'receive' as never)).toThrow(/experimentalDecorators/)
      expect(() => open(express())).toThrow(/cannot mark an app.*`routes`/)
      expect(() => forceMaintenanceModeOn(say('x'), { statusCode: 500 } as never)).toThrow(/createMaintenance\(\)/)
    })

    it('lets errors reach the app, thrown, passed on or rejected', async () => {
      const { ask } = await closedSite((app) => {
        app.get(
          '/thrown',
          open(() => {
            throw new Error('thrown')
          }),
        )
        app.get(
          '/passed',
          open(async (_req: Request, _res: Response, next: NextFunction) => next(new Error('passed'))),
        )
        if (version === 'Express 5')
          app.get(
            '/rejected',
            open(async () => Promise.reject(new Error('rejected'))),
          )
        app.use('/router', open(express.Router().get('/passed', (_req, _res, next) => next(new Error('in a router')))))
        app.use(
          (error: Error, _req: Request, res: Response, _next: NextFunction) => void res.status(500).send(error.message),
        )
      })
      expect(await ask('/thrown')).toMatchObject({ status: 500, body: 'thrown' })
      expect(await ask('/passed')).toMatchObject({ status: 500, body: 'passed' })
      expect(await ask('/router/passed')).toMatchObject({ status: 500, body: 'in a router' })
      if (version === 'Express 5') expect(await ask('/rejected')).toMatchObject({ status: 500, body: 'rejected' })
    })

    it('is seen through a tracer that puts a function of its own in the place of each handler', async () => {
      // What OpenTelemetry's instrumentation of Express does to a layer, and so what Sentry has long done.
      const trace = (app: App) => {
        const router = (app as unknown as { _router?: { stack: unknown[] } })._router ?? app.router
        for (const layer of router.stack as { handle: (...args: unknown[]) => unknown }[]) {
          const original = layer.handle
          const patched = function (this: unknown, ...args: unknown[]) {
            return original.apply(this, args)
          }
          for (const key in original) {
            Object.defineProperty(patched, key, { get: () => original[key as keyof typeof original] })
          }
          layer.handle = patched
        }
      }
      const { ask, maintenance } = await closedSite(
        (app) => {
          app.get('/hook', open(say('hook')))
          app.use('/hooks', open(express.Router().get('/one', say('one'))))
          app.use('/nested', express.Router().get('/hook', open(say('nested'))))
          app.get('/hooks/page', say('page'))
          app.get('/beta', forceMaintenanceModeOn(say('not reached')))
          trace(app)
        },
        { statusCode: 599 },
      )
      expect((await ask('/hook')).body).toBe('hook')
      expect((await ask('/hooks/one')).body).toBe('one')
      expect((await ask('/nested/hook')).body).toBe('nested')
      expect((await ask('/hooks/page')).status).toBe(599)
      await maintenance.setMode('off')
      expect((await ask('/beta')).status).toBe(599)
    })
  })

  describe('the walk of the router', () => {
    it('leaves no trace in the dispatch: parameters are right, with slow parameter handlers and many requests at once', async () => {
      const { ask } = await closedSite((app) => {
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
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.use('/:tenant', express.Router().get('/items/:id', open(say('item'))))
      const freeze = (router: { stack: Frozen[] }) => {
        for (const layer of Object.freeze(router.stack)) {
          if (layer.handle.stack) freeze(layer.handle as { stack: Frozen[] })
          if (layer.route) freeze(layer.route)
          Object.freeze(layer)
        }
      }
      interface Frozen {
        handle: { stack?: Frozen[] }
        route?: { stack: Frozen[] }
      }
      freeze(((app as unknown as { _router?: unknown })._router ?? app.router) as { stack: Frozen[] })
      expect((await (await serve(app))('/t/items/1')).body).toBe('item')
    })

    it('is made only while the mode is not off', async () => {
      const { maintenance } = await maintain('off')
      const app = express()
      app.use(maintenanceMode(maintenance))
      app.get('/hook', open(say('hook')))
      const router = ((app as unknown as { _router?: unknown })._router ?? app.router) as { stack: unknown[] }
      const { stack } = router
      let reads = 0
      Object.defineProperty(router, 'stack', { get: () => (reads++, stack) })
      const ask = await serve(app)
      await ask('/hook')
      // Express reads it once, to dispatch.
      expect(reads).toBe(1)
      await maintenance.setMode('on')
      expect((await ask('/hook')).body).toBe('hook')
      expect(reads).toBe(3)
    })
  })
})
