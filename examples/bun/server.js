import { createMaintenance } from 'maintenance-mode'
import { withMaintenanceMode } from 'maintenance-mode/fetch'

const maintenance = createMaintenance()
const server = Bun.serve({
  port: process.env.PORT ?? 3000,
  fetch: withMaintenanceMode(maintenance, () => new Response('Hello from Bun')),
})
console.log(`http://localhost:${server.port}  (npx maintenance-mode on)`)
