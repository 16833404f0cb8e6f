import { createServer, type RequestListener, type Server } from 'node:http'
import { createRequire } from 'node:module'
import express5 from 'express'
import session from 'express-session'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { maintenanceControls, withMaintenanceMode } from 'maintenance-mode/express'
import passport from 'passport'
import { afterEach, describe, expect, test } from 'vitest'
import { bearer, form, json, listen, stop, token } from './site.js'

// It has no types of its own under this name.
const express4 = createRequire(import.meta.url)('express4') as typeof express5

let maintenance: Maintenance
let server: Server
let base: string

async function serve(
  build: (controls: ReturnType<typeof maintenanceControls>) => RequestListener,
  options: MaintenanceOptions = {},
): Promise<void> {
  const silence = ['memory-backend', 'state-backend-in-code', 'no-login-url']
  maintenance = createMaintenance(
    { stateBackend: memoryBackend(), adminToken: token, silence, ...options },
    { environment: {} },
  )
  server = createServer(withMaintenanceMode(maintenance, build(maintenanceControls(maintenance))))
  base = await listen(server)
}

afterEach(async () => {
  await maintenance.close()
  await stop(server)
})

const post = (path: string, headers: Record<string, string>, body = '') =>
  fetch(`${base}/maintenance-mode${path}`, { method: 'POST', redirect: 'manual', headers, body })

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('%s', (_name, express) => {
  test('after session and Passport, the superuser who is signed in switches, and nobody else', async () => {
    const auth = new passport.Passport()
    auth.serializeUser((user, done) => done(null, (user as { id: string }).id))
    auth.deserializeUser((id: string, done) => done(null, { id, isSuperuser: id === 'root' }))
    await serve(
      (controls) => {
        const app = express()
        app.use(session({ secret: 'test', resave: false, saveUninitialized: false }), auth.session(), controls)
        app.get('/login/:id', (req, res) => req.login({ id: req.params.id }, () => res.end()))
        return app
      },
      { loginUrls: ['/login/**'] },
    )
    const signIn = async (id: string): Promise<Record<string, string>> => {
      const [cookie = ''] = (await fetch(`${base}/login/${id}`)).headers.getSetCookie()
      return { cookie: cookie.split(';')[0] as string, 'sec-fetch-site': 'same-origin' }
    }
    expect((await post('/on', { 'sec-fetch-site': 'same-origin' })).status).toBe(403)
    expect((await post('/on', await signIn('ann'))).status).toBe(403)
    expect(await maintenance.getMode()).toBe('off')
    expect((await post('/on', await signIn('root'))).status).toBe(200)
    expect(maintenance.status().windows).toMatchObject([{ by: 'root' }])
    expect((await post('/off', await signIn('root'))).status).toBe(200)
    expect(await maintenance.getMode()).toBe('off')
  })

  test.each([
    ['none', []],
    ['one for JSON', [express.json()]],
    ['one for forms', [express.urlencoded({ extended: true })]],
    ['both', [express.json(), express.urlencoded({ extended: true })]],
    ['one for text', [express.text({ type: '*/*' })]],
    ['one for bytes', [express.raw({ type: '*/*' })]],
  ])('reads a body with these body parsers before it: %s', async (_parsers, parsers) => {
    await serve((controls) => express().use([...parsers, controls]))
    expect((await post('/on', { ...json, ...bearer }, '{"reason":"as JSON"}')).status).toBe(200)
    expect(maintenance.status().reason).toBe('as JSON')
    expect((await post('/on', { ...form, ...bearer }, 'reason=as+a+form')).status).toBe(200)
    expect(maintenance.status().reason).toBe('as a form')
    expect((await post('/on', { ...form, ...bearer }, 'reasn=x')).status).toBe(400)
    expect((await post('/off', bearer)).status).toBe(200)
    expect(await maintenance.getMode()).toBe('off')
  })

  test('a body that something else has read and dropped is an error, not an empty one', async () => {
    await serve((controls) => {
      const app = express()
      app.use((req, _res, next) => void req.resume().on('end', next))
      return app.use(controls)
    })
    const answer = await post('/on', { ...json, ...bearer }, '{"for":"30m"}')
    expect(answer.status).toBe(400)
    expect((await answer.json()).detail).toContain('Mount it before')
    expect(await maintenance.getMode()).toBe('off')
  })

  test('in a router with a prefix, controlUrl is the full path', async () => {
    await serve((controls) => express().use('/shop', controls), { controlUrl: '/shop/maintenance-mode' })
    const answer = await fetch(`${base}/shop/maintenance-mode/on`, { method: 'POST', headers: bearer })
    expect(answer.status).toBe(200)
    expect((await fetch(`${base}/shop/maintenance-mode/check`)).status).toBe(503)
  })

  test('names the address that the app trusts its proxy for', async () => {
    await serve((controls) => express().set('trust proxy', 'loopback').use(controls))
    await post('/on', { ...bearer, 'x-forwarded-for': '203.0.113.7' })
    expect(maintenance.status().windows).toMatchObject([{ from: 'control@203.0.113.7' }])
  })
})
