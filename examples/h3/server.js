import { H3, serve } from 'h3'
import { createMaintenance } from 'maintenance-mode'
import { maintenanceControls, maintenanceMode } from 'maintenance-mode/h3'

const maintenance = createMaintenance()
const app = new H3()
app.use(maintenanceMode(maintenance))
app.use(maintenanceControls(maintenance))
app.get('/', () => 'Hello from h3')

const server = serve(app, { port: process.env.PORT ?? 3000, silent: true })
await server.ready()
const { port } = server.node.server.address()
console.log(`http://localhost:${port}  (npx maintenance-mode on)`)
