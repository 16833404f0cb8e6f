import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ServedSite, siteUser } from 'maintenance-mode/testing'
import { WebSocketServer } from 'ws'
import { attachMaintenanceMode } from '../../../src/adapters/node.js'
import { createMaintenance, type Maintenance, type MaintenanceRequest } from '../../../src/index.js'
import type { MaintenanceOptions } from '../../../src/settings/options.js'

/** The maintenance object of a fixture whose framework has no user of its own. */
export function maintenanceWithUser(settings: MaintenanceOptions): Maintenance {
  return maintenanceOf({
    ...settings,
    getAuthenticatedUser: (request: MaintenanceRequest) => siteUser(request.header('cookie')),
  })
}

export function maintenanceOf(settings: MaintenanceOptions): Maintenance {
  return createMaintenance(settings, { environment: {} })
}

/** Serves an app of node:http, or a server that a framework has made, with WebSockets beside it. */
export async function serveNode(maintenance: Maintenance, app: RequestListener | Server): Promise<ServedSite> {
  const server = typeof app === 'function' ? createServer(app) : app
  attachMaintenanceMode(server, maintenance)
  const sockets = new WebSocketServer({ server })
  if (!server.listening) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      await maintenance.close()
    },
  }
}
