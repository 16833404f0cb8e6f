import Router from '@koa/router'
import Koa, { type Middleware } from 'koa'
import { adapterSuite, type SiteRoute, siteRoutes, siteUser, toSiteRequest } from 'maintenance-mode/testing'
import { afterAll, describe, it } from 'vitest'
import {
  forceMaintenanceModeOff,
  forceMaintenanceModeOn,
  maintenanceControls,
  maintenanceMode,
  withMaintenanceMode,
} from '../../../src/adapters/koa.js'
import { maintenanceOf, maintenanceWithUser, serveNode } from './node-site.js'

const runner = { describe, it, afterAll }

function routerOf(under: SiteRoute['under']): Router {
  const router = new Router()
  for (const route of siteRoutes.filter((one) => one.under === under)) {
    const handler: Middleware = async (ctx) => {
      ctx.body = await route.answer(toSiteRequest(ctx.req), ctx.state)
    }
    const force = { off: forceMaintenanceModeOff<Middleware>, on: forceMaintenanceModeOn<Middleware> }
    router[route.method.toLowerCase() as 'get' | 'post' | 'options'](
      route.path,
      route.forced ? force[route.forced](handler) : handler,
    )
  }
  return router
}

function build(...before: Middleware[]): Koa {
  const app = new Koa()
  for (const middleware of before) app.use(middleware)
  const router = routerOf('')
  router.use('/nested', routerOf('/nested').routes())
  app.use(router.routes())
  app.use(routerOf('/mounted').prefix('/mounted').routes())
  return app
}

/** As koa-passport does it. */
const signIn: Middleware = (ctx, next) => {
  ctx.state.user = siteUser(ctx.get('cookie')) ?? undefined
  ctx.isAuthenticated = () => ctx.state.user !== undefined
  return next()
}

adapterSuite(runner, {
  name: 'Koa 3',
  serve(settings) {
    const maintenance = maintenanceOf(settings)
    const app = build(signIn, maintenanceMode(maintenance), maintenanceControls(maintenance))
    return serveNode(maintenance, app.callback())
  },
})

adapterSuite(runner, {
  name: 'Koa 3, outermost',
  serve(settings) {
    const maintenance = maintenanceWithUser(settings)
    const app = build(maintenanceControls(maintenance))
    return serveNode(maintenance, withMaintenanceMode(maintenance, app.callback()))
  },
  exempt: {
    'a route that is forced off is open': 'no router has run yet: use the setting routes',
    'templates are told': 'nothing of Koa has run yet',
  },
})
