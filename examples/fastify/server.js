import Fastify from 'fastify'
import { maintenanceControls, maintenanceMode } from 'maintenance-mode/fastify'

const app = Fastify()
await app.register(maintenanceMode)
app.register(maintenanceControls)
app.get('/', async () => 'Hello from Fastify')

await app.listen({ port: Number(process.env.PORT ?? 3000) })
console.log(`http://localhost:${app.server.address().port}  (npx maintenance-mode on)`)
