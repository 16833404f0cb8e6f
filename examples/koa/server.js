import Koa from 'koa'
import { maintenanceControls, maintenanceMode } from 'maintenance-mode/koa'

const app = new Koa()
app.use(maintenanceMode())
app.use(maintenanceControls())
app.use((ctx) => {
  ctx.body = 'Hello from Koa'
})

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}  (npx maintenance-mode on)`)
})
