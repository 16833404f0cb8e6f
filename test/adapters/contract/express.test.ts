import { createRequire } from 'node:module'
import express, { type RequestHandler } from 'express'
import {
  adapterSuite,
  type SiteRoute,
  sendSiteResponse,
  siteRoutes,
  siteUser,
  toSiteRequest,
} from 'maintenance-mode/testing'
import { afterAll, describe, it } from 'vitest'
import {
  forceMaintenanceModeOff,
  forceMaintenanceModeOn,
  maintenanceControls,
  maintenanceMode,
  withMaintenanceMode,
} from '../../../src/adapters/express.js'
import { maintenanceOf, maintenanceWithUser, serveNode } from './node-site.js'

const express4 = createRequire(import.meta.url)('express4') as typeof express
const runner = { describe, it, afterAll }

function addRoutes(app: express.Router, under: SiteRoute['under']): void {
  for (const route of siteRoutes.filter((one) => one.under === under)) {
    const handler: RequestHandler = (req, res) => sendSiteResponse(res, route.answer(toSiteRequest(req), res.locals))
    const force = { off: forceMaintenanceModeOff<RequestHandler>, on: forceMaintenanceModeOn<RequestHandler> }
    const forced = route.forced ? force[route.forced](handler) : handler
    app[route.method.toLowerCase() as 'get' | 'post' | 'options'](route.path, forced)
  }
}

function build(make: typeof express, ...before: RequestHandler[]): express.Express {
  const app = make()
  for (const handler of before) app.use(handler)
  addRoutes(app, '')
  const router = make.Router()
  addRoutes(router, '/nested')
  app.use('/nested', router)
  const mounted = make()
  addRoutes(mounted, '/mounted')
  return app.use('/mounted', mounted)
}

const signIn: RequestHandler = (req, _res, next) => {
  Object.assign(req, {
    user: siteUser(req.headers.cookie) ?? undefined,
    isAuthenticated: () => req.headers.cookie !== undefined,
  })
  next()
}

for (const [version, make] of [
  ['5', express],
  ['4', express4],
] as const) {
  adapterSuite(runner, {
    name: `Express ${version}`,
    serve(settings) {
      const maintenance = maintenanceOf(settings)
      const app = build(make, signIn, maintenanceMode(maintenance), maintenanceControls(maintenance))
      return serveNode(maintenance, app)
    },
  })
}

adapterSuite(runner, {
  name: 'Express 5, outermost',
  serve(settings) {
    const maintenance = maintenanceWithUser(settings)
    const app = build(express, maintenanceControls(maintenance))
    return serveNode(maintenance, withMaintenanceMode(maintenance, app))
  },
  exempt: {
    'a route that is forced off is open': 'no router has run yet: use the setting routes',
    'templates are told': 'nothing of Express has run yet',
  },
})
