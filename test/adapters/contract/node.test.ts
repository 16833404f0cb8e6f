import { adapterSuite, answerSite, sendSiteResponse, toSiteRequest } from 'maintenance-mode/testing'
import { afterAll, describe, it } from 'vitest'
import { maintenanceControls, maintenanceMode, withMaintenanceMode } from '../../../src/adapters/node.js'
import { maintenanceWithUser, serveNode } from './node-site.js'

const exempt = {
  'a route that is forced off is open': 'node:http has no routes: use the setting routes',
  'a route that is forced on is closed while off': 'node:http has no routes: use the setting routes',
  'templates are told': 'node:http has no templates',
}

adapterSuite(
  { describe, it, afterAll },
  {
    name: 'node:http',
    exempt,
    serve(settings) {
      const maintenance = maintenanceWithUser(settings)
      const controls = maintenanceControls(maintenance)
      const app = withMaintenanceMode(maintenance, (req, res) =>
        controls(req, res, () => sendSiteResponse(res, answerSite(toSiteRequest(req)))),
      )
      return serveNode(maintenance, app)
    },
  },
)

adapterSuite(
  { describe, it, afterAll },
  {
    name: 'node:http, as a middleware',
    exempt,
    serve(settings) {
      const maintenance = maintenanceWithUser(settings)
      const [gate, controls] = [maintenanceMode(maintenance), maintenanceControls(maintenance)]
      return serveNode(maintenance, (req, res) =>
        gate(req, res, () => controls(req, res, () => sendSiteResponse(res, answerSite(toSiteRequest(req))))),
      )
    },
  },
)
