import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createMaintenance } from 'maintenance-mode'
import { maintenanceControls, maintenanceMode } from 'maintenance-mode/hono'

const maintenance = createMaintenance()
const app = new Hono()
app.use(maintenanceMode(maintenance))
app.use(maintenanceControls(maintenance))
app.get('/', (c) => c.text('Hello from Hono'))

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`http://localhost:${port}  (npx maintenance-mode on)`)
})
