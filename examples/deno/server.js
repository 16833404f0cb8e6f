import process from 'node:process'
import { createMaintenance } from 'maintenance-mode'
import { withMaintenanceMode } from 'maintenance-mode/fetch'

const maintenance = createMaintenance()
const handler = withMaintenanceMode(maintenance, () => new Response('Hello from Deno'))
Deno.serve({
  port: Number(process.env.PORT ?? 3000),
  handler,
  onListen: ({ port }) => console.log(`http://localhost:${port}  (npx maintenance-mode on)`),
})
