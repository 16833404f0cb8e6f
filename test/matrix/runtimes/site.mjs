// The fixture as one fetch handler, as an app of any runtime has it.
import { createMaintenance } from 'maintenance-mode'
import { maintenanceControls, withMaintenanceMode } from 'maintenance-mode/fetch'
import { answerSite, siteUser } from './adapter-site.js'

/** @param upgrade answers a WebSocket's handshake, in the runtime's own way */
export function createSite(settings, { upgrade, ...options } = {}) {
  const maintenance = createMaintenance({
    ...settings,
    ...options,
    getAuthenticatedUser: (request) => siteUser(request.header('cookie')),
  })
  const controls = maintenanceControls(maintenance)
  return withMaintenanceMode(maintenance, async (request) => {
    if (upgrade && request.headers.get('upgrade') === 'websocket') return upgrade(request)
    return (await controls(request)) ?? answerSite(request)
  })
}
