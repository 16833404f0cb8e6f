import { createServer } from 'node:http'
import express from 'express'
import { createMaintenance } from 'maintenance-mode'
import { attachMaintenanceMode, withMaintenanceMode } from 'maintenance-mode/node'
import { handler } from './dist/server/entry.mjs'

const maintenance = createMaintenance()
const app = express()
app.use(express.static('dist/client'))
app.use(handler)

const server = createServer(withMaintenanceMode(maintenance, app))
attachMaintenanceMode(server, maintenance)
server.listen(process.env.PORT ?? 3000)
