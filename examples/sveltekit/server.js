import { createServer } from 'node:http'
import { createMaintenance } from 'maintenance-mode'
import { attachMaintenanceMode, withMaintenanceMode } from 'maintenance-mode/node'
import { handler } from './build/handler.js'

const maintenance = createMaintenance({
  // `handle` answers these, in a way that SvelteKit's client understands.
  ignoreUrls: ['/**/__data.json', '/_app/immutable/**'],
  ignoreRequest: (request) => request.method === 'POST' && request.header('x-sveltekit-action') === 'true',
})
const server = createServer(withMaintenanceMode(maintenance, handler))
attachMaintenanceMode(server, maintenance)
server.listen(process.env.PORT ?? 3000)
