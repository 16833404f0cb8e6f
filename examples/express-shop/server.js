// A small shop on Express 5: pages, a JSON API, signing in, and maintenance mode in front of it all.
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { Liquid } from 'liquidjs'
import { createMaintenance } from 'maintenance-mode'
import {
  attachMaintenanceMode,
  forceMaintenanceModeOff,
  forceMaintenanceModeOn,
  maintenanceControls,
  maintenanceMode,
} from 'maintenance-mode/express'
import config from '../../maintenance-mode.config.js'
import { api } from './api.js'
import { products } from './products.js'
import { signIn, staffOnly, users } from './sign-in.js'

const maintenance = createMaintenance(config)
const app = express()

const views = fileURLToPath(new URL('views', import.meta.url))
app.engine('liquid', new Liquid({ root: views, extname: '.liquid', outputEscape: 'escape' }).express())
app.set('views', views)
app.set('view engine', 'liquid')

// After the session, so that staff are known; before everything that is to be closed.
app.use(signIn.session)
app.use(maintenanceMode(maintenance))
app.use(maintenanceControls(maintenance))
app.use(signIn.routes)

app.get('/', (req, res) => res.render('home', { products, user: req.user }))
app.get('/admin', staffOnly, (req, res) => res.render('admin', { user: req.user }))
app.use('/api', api)
app.get('/healthz', (_req, res) => res.json({ ok: true }))
app.post(
  '/webhook',
  forceMaintenanceModeOff((_req, res) => res.json({ received: true })),
)
app.get(
  '/beta',
  forceMaintenanceModeOn((_req, res) => res.send('not reached')),
)

const port = Number(process.env.PORT ?? 3000)
const host = process.env.HOST ?? '127.0.0.1'
const server = createServer(app)
attachMaintenanceMode(server, maintenance)

server.on('error', (error) => {
  console.error(error.code === 'EADDRINUSE' ? `Port ${port} is taken: set PORT to another one.` : error.message)
  process.exit(1)
})
server.listen(port, host, () => {
  const site = `http://${host === '127.0.0.1' ? 'localhost' : host}:${server.address().port}`
  console.log(`
The shop is open.

  page              ${site}/
  JSON              ${site}/api/products    POST ${site}/api/orders
  health            ${site}/healthz
  always open       POST ${site}/webhook
  always closed     ${site}/beta
  admin             ${site}/admin
  sign in           ${site}/sign-in         ${users.map(({ name }) => name).join(', ')} (the password is the name)
  control           ${site}/maintenance-mode

The state is in ${maintenance.status().stateBackend}

Close and reopen it from a second terminal, in ${process.cwd()}:

  npx maintenance-mode on --reason "Upgrading the database" --for 30m
  npx maintenance-mode status
  npx maintenance-mode off
`)
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(() => process.exit(0))
    server.closeAllConnections()
    void maintenance.close()
  })
}
