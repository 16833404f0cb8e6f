import type { Express as App, NextFunction, Request, RequestHandler, Response } from 'express'
import type { Maintenance } from 'maintenance-mode'
import {
  forceMaintenanceModeOff,
  forceMaintenanceModeOn,
  maintenanceMode,
  withMaintenanceMode,
} from 'maintenance-mode/express'
import ts from 'typescript'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { closeAll, closedSite, maintain, routerOf, say, serve, versions } from './express-site.js'

afterEach(closeAll)

const open = forceMaintenanceModeOff

describe.each(versions)('%s', (version, express) => {
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
      const tree = express.Router()
      before.use('/tree', tree.use('/child', tree))
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
      const { ask, maintenance } = await closedSite(express, (app) => {
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
      const { ask, maintenance } = await closedSite(express, (app) => {
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

  describe('marking', () => {
    it('keeps name, length, this and what is returned', async () => {
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
      await expect(open(receive).call(self, {}, {}, {})).resolves.toEqual([self, result])
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
      const { ask, maintenance } = await closedSite(express, (app) => {
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
      expect(() => open(undefined as never)).toThrow(/forceMaintenanceModeOff takes a handler or a router/)
      expect(() => forceMaintenanceModeOn({} as never, 'receive' as never)).toThrow(/experimentalDecorators/)
      expect(() => open(express())).toThrow(/cannot mark an app.*`routes`/)
      expect(() => forceMaintenanceModeOn(say('x'), { statusCode: 500 } as never)).toThrow(/createMaintenance\(\)/)
    })

    it('lets errors reach the app, thrown, passed on or rejected', async () => {
      const { ask } = await closedSite(express, (app) => {
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
        for (const layer of routerOf(app).stack as { handle: (...args: unknown[]) => unknown }[]) {
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
        express,
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
})
