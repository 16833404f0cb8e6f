import express from 'express'
import { maintenanceControls, maintenanceMode } from 'maintenance-mode/express'

const app = express()
app.use(maintenanceMode())
app.use(maintenanceControls())
app.get('/', (_req, res) => res.send('Hello from Express'))

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}  (npx maintenance-mode on)`)
})
