import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { type Handler, Hono, type MiddlewareHandler } from 'hono'
import { adapterSuite, type SiteRoute, siteRoutes, siteUser } from 'maintenance-mode/testing'
import { afterAll, describe, it } from 'vitest'
import {
  forceMaintenanceModeOff,
  forceMaintenanceModeOn,
  maintenanceControls,
  maintenanceMode,
  withMaintenanceMode,
} from '../../../src/adapters/hono.js'
import { maintenanceOf, maintenanceWithUser, serveNode } from './node-site.js'

const runner = { describe, it, afterAll }

function addRoutes(app: Hono, under: SiteRoute['under']): Hono {
  for (const { method, path, forced, answer } of siteRoutes.filter((one) => one.under === under)) {
    const handler: Handler = (c) => answer(c.req.raw, c.var)
    const force = { off: forceMaintenanceModeOff<Handler>, on: forceMaintenanceModeOn<Handler> }
    app.on(method, path, forced ? force[forced](handler) : handler)
  }
  return app
}

function build(...before: MiddlewareHandler[]): Hono {
  const app = new Hono()
  for (const handler of before) app.use(handler)
  addRoutes(app, '')
  app.route('/nested', addRoutes(new Hono(), '/nested'))
  return app.mount('/mounted', addRoutes(new Hono(), '/mounted').fetch)
}

const signIn: MiddlewareHandler = async (c, next) => {
  c.set('user', siteUser(c.req.header('cookie')))
  await next()
}

adapterSuite(runner, {
  name: 'Hono 4',
  serve(settings) {
    const maintenance = maintenanceOf(settings)
    const app = build(signIn, maintenanceMode(maintenance), maintenanceControls(maintenance))
    return serveNode(maintenance, createAdaptorServer({ fetch: app.fetch }) as Server)
  },
})

adapterSuite(runner, {
  name: 'Hono 4, outermost',
  serve(settings) {
    const maintenance = maintenanceWithUser(settings)
    const app = build(maintenanceControls(maintenance))
    return serveNode(maintenance, createAdaptorServer({ fetch: withMaintenanceMode(maintenance, app) }) as Server)
  },
  exempt: { 'templates are told': 'nothing of Hono has run yet' },
})
