import { type EventHandler, H3, type Middleware, toNodeHandler } from 'h3'
import { adapterSuite, type SiteRoute, siteRoutes, siteUser } from 'maintenance-mode/testing'
import { afterAll, describe, it } from 'vitest'
import { maintenanceControls, maintenanceMode } from '../../../src/adapters/h3.js'
import { maintenanceOf, serveNode } from './node-site.js'

function addRoutes(app: H3, under: SiteRoute['under']): H3 {
  for (const { method, path, forced, answer } of siteRoutes.filter((one) => one.under === under)) {
    const handler: EventHandler = (event) => answer(event.req, { ...event.context })
    app.on(method, path, handler, forced && { meta: { forceMaintenanceMode: forced } })
  }
  return app
}

const signIn: Middleware = ({ context, req }) => {
  context.user = siteUser(req.headers.get('cookie'))
}

adapterSuite(
  { describe, it, afterAll },
  {
    name: 'h3 2',
    serve(settings) {
      const maintenance = maintenanceOf(settings)
      const app = new H3()
      app.use(signIn)
      app.use(maintenanceMode(maintenance))
      app.use(maintenanceControls(maintenance))
      addRoutes(app, '')
      app.mount('/nested', addRoutes(new H3(), '/nested'))
      app.mount('/mounted', addRoutes(new H3(), '/mounted').fetch)
      return serveNode(maintenance, toNodeHandler(app))
    },
  },
)
