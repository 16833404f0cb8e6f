import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { forceMaintenanceModeOff, maintenanceMode } from 'maintenance-mode/express'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { closeAll, closedSite, maintain, say, serve, versions } from './express-site.js'

afterEach(closeAll)

const open = forceMaintenanceModeOff

describe.each(versions)('%s', (version, express) => {
  describe('a handler that is forced off', () => {
    it('stays open while everything beside it is closed', async () => {
      const { ask } = await closedSite(express, (app) => {
        app.get('/webhook', open(say('received')))
        app.get('/page', say('page'))
      })
      expect(await ask('/webhook')).toMatchObject({ status: 200, body: 'received' })
      expect((await ask('/page')).status).toBe(503)
      expect((await ask('/webhook/more')).status).toBe(503)
      expect((await ask('/nothing')).status).toBe(503)
    })

    it('is open for its own method alone, and for HEAD where it takes GET', async () => {
      const { ask } = await closedSite(express, (app) => {
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
      const { ask } = await closedSite(express, (app) => {
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
      const { ask } = await closedSite(express, (app) => {
        app.get('/first', open(pass), say('first'))
        app.get('/last', pass, open(say('last')))
        app.get('/list', [pass, open(pass)], say('list'))
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
      const { ask } = await closedSite(express, (app) => {
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
      const { ask } = await closedSite(express, (app) => {
        app.get(/^\/hooks\/(\d+)$/, open(say('by number')))
        app.get(
          '/users/:id/hook',
          open((req, res) => void res.send(req.params.id)),
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
      const { ask, said } = await closedSite(express, (app) => {
        app.get('/users/:id', open(say('user')))
      })
      expect([400, 503]).toContain((await ask('/users/%zz')).status)
      expect(said).toEqual([])
    })

    it('decides only where it is the first route to match', async () => {
      const { ask } = await closedSite(express, (app) => {
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
      const { ask } = await closedSite(express, (app) => {
        app.get('/a/:name', open(pass))
        app.get('/b/:name', open(((_req, _res, next) => next('route')) satisfies RequestHandler))
        app.use('/c', open(express.Router().get('/hook', say('hook'))))
        app.use('/d', open(pass))
        app.use('/d', open(express.Router().get('/hook', say('hook'))))
        app.use('/e', open(express.Router().get('/x', open(pass)).get('/hook', pass)))
        app.get(['/a/x', '/b/x', '/c/x', '/d/x', '/e/x'], secret)
        app.get('/e/hook', open(say('hook')))
      })
      for (const path of ['/a/x', '/b/x', '/c/x', '/d/x', '/e/x']) expect((await ask(path)).status).toBe(503)
      expect(secret).not.toHaveBeenCalled()
      for (const path of ['/c/hook', '/d/hook', '/e/hook']) expect((await ask(path)).body).toBe('hook')
    })
  })

  it('may send the request to another path, which is judged by itself', async () => {
    const to = (url: string): RequestHandler => {
      return (req, _res, next) => {
        req.url = url
        next()
      }
    }
    const { ask } = await closedSite(express, (app) => {
      app.get('/old', open(to('/hook')))
      app.get('/older', open(to('/page')))
      app.get('/hook', open(say('hook')))
      app.get('/page', say('page'))
    })
    expect((await ask('/old')).body).toBe('hook')
    expect((await ask('/older')).status).toBe(503)
  })

  it('is judged again by every maintenance object that it has let the request past', async () => {
    const lenient = { ignoreUrls: ['/d/x'] }
    const pass: RequestHandler = (_req, _res, next) => next()
    for (const [first, second] of [
      [lenient, {}],
      [{}, lenient],
    ]) {
      const gates = await Promise.all([maintain('on', first), maintain('on', second)])
      const app = express()
      for (const { maintenance } of gates) app.use(maintenanceMode(maintenance))
      app.use('/d', open(pass))
      app.get('/d/x', say('secret'))
      expect((await (await serve(app))('/d/x')).status).toBe(503)
    }
  })

  describe('a router that is forced off', () => {
    it('is open as a whole, its middleware included', async () => {
      const { ask } = await closedSite(express, (app) => {
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
      const { ask } = await closedSite(express, (app) => {
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
      const { ask } = await closedSite(express, (app) => {
        const hooks = open(express.Router())
        hooks.get('/late', say('late'))
        app.use('/hooks', hooks)
      })
      expect((await ask('/hooks/late')).body).toBe('late')
    })
  })

  describe('a middleware that is forced off', () => {
    it('answers what it answers, and leaves the rest closed', async () => {
      const { ask } = await closedSite(express, (app) => {
        app.use('/assets', open(express.static(import.meta.dirname)))
        app.get('/assets/:name', say('a page'))
        // Express does not call it for what it matches further on.
        app.use(/assets/, open(say('never reached')))
        app.get('/other/assets', say('a page'))
      })
      expect((await ask('/other/assets')).status).toBe(503)
      expect((await ask('/assets/express-site.ts')).status).toBe(200)
      expect((await ask('/assets/missing')).status).toBe(503)
    })

    it('is an error handler where it has four parameters, and opens nothing', async () => {
      const { ask, maintenance } = await closedSite(express, (app) => {
        app.get('/fails', () => {
          throw new Error('on purpose')
        })
        app.use(
          open(
            (error: Error, _req: Request, res: Response, _next: NextFunction) =>
              void res.status(500).send(error.message),
          ),
        )
        app.get('/after', say('after'))
      })
      expect((await ask('/fails')).status).toBe(503)
      expect((await ask('/after')).status).toBe(503)
      await maintenance.setMode('off')
      expect(await ask('/fails')).toMatchObject({ status: 500, body: 'on purpose' })
    })
  })
})
