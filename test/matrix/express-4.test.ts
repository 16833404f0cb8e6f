import { adapterSuite } from 'maintenance-mode/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { createProject, type Project } from './project.js'

const site = `
  import { createServer } from 'node:http'
  import express from 'express'
  import { createMaintenance } from 'maintenance-mode'
  import {
    attachMaintenanceMode, forceMaintenanceModeOff, forceMaintenanceModeOn, maintenanceControls, maintenanceMode,
  } from 'maintenance-mode/express'
  import { sendSiteResponse, siteRoutes, siteUser, toSiteRequest } from 'maintenance-mode/testing'
  import { WebSocketServer } from 'ws'

  const maintenance = createMaintenance(JSON.parse(process.env.SITE_SETTINGS))
  const force = { off: forceMaintenanceModeOff, on: forceMaintenanceModeOn }

  function withRoutes(app, under) {
    for (const route of siteRoutes.filter((one) => one.under === under)) {
      const handler = (req, res) => sendSiteResponse(res, route.answer(toSiteRequest(req), res.locals))
      app[route.method.toLowerCase()](route.path, route.forced ? force[route.forced](handler) : handler)
    }
    return app
  }

  const app = express()
  app.use((req, _res, next) => {
    req.user = siteUser(req.headers.cookie) ?? undefined
    next()
  })
  app.use(maintenanceMode(maintenance), maintenanceControls(maintenance))
  withRoutes(app, '')
  app.use('/nested', withRoutes(express.Router(), '/nested'))
  app.use('/mounted', withRoutes(express(), '/mounted'))

  const server = createServer(app)
  attachMaintenanceMode(server, maintenance)
  new WebSocketServer({ server })
  server.listen(process.env.PORT, process.env.HOST)`

describe('the oldest Express 4 that is supported, which express-generator asks for', () => {
  let project: Project

  beforeAll(async () => {
    project = await createProject({ packages: ['express@4.16', 'ws@8'] })
    project.file('site.js', site)
  })

  afterAll(() => project?.remove())

  adapterSuite(
    { describe, it, afterAll },
    { name: 'Express 4.16', serve: (settings) => project.serve(settings, 'node', 'site.js') },
  )
})
