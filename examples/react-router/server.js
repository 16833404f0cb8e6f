import { createServer } from 'node:http'
import { createRequestHandler } from '@react-router/express'
import express from 'express'
import { createMaintenance } from 'maintenance-mode'
import { attachMaintenanceMode, withMaintenanceMode } from 'maintenance-mode/node'
import * as build from './build/server/index.js'

const maintenance = createMaintenance()
const app = express()
app.use(express.static('build/client'))
app.use(createRequestHandler({ build }))

const server = createServer(withMaintenanceMode(maintenance, app))
attachMaintenanceMode(server, maintenance)
server.listen(process.env.PORT ?? 3000)
