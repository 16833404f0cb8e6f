import { createMaintenance, type Maintenance } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { type FetchControls, maintenanceControls, withMaintenanceMode } from 'maintenance-mode/fetch'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bearer, browser, form, json, token } from './site.js'

let maintenance: Maintenance
let controls: FetchControls

beforeEach(() => {
  maintenance = createMaintenance(
    {
      stateBackend: memoryBackend(),
      adminToken: token,
      silence: ['memory-backend', 'state-backend-in-code'],
      getAuthenticatedUser: (request) =>
        request.header('x-user') === 'root' ? { isAuthenticated: true, isStaff: true, isSuperuser: true } : null,
    },
    { environment: {} },
  )
  controls = maintenanceControls(maintenance)
})

afterEach(() => maintenance.close())

const ask = (path: string, init?: RequestInit) => controls(new Request(`https://shop.example:8443${path}`, init))
const on = (headers: Record<string, string>, body: BodyInit | null = null) =>
  ask('/maintenance-mode/on', { method: 'POST', headers, body, duplex: 'half' } as RequestInit)

test('called directly by an anonymous visitor: the state stays off', async () => {
  for (const url of ['/maintenance-mode/on', '/maintenance-mode/off']) {
    expect((await ask(url))?.status).toBe(403)
    expect((await ask(url, { method: 'POST' }))?.status).toBe(403)
  }
  expect(await maintenance.getMode()).toBe('off')
  expect(maintenance.status().revision).toBeUndefined()
})

test('called directly by a superuser: on, then off', async () => {
  const headers = { 'x-user': 'root', 'sec-fetch-site': 'same-origin' }
  expect((await on(headers))?.status).toBe(200)
  expect(await maintenance.getMode()).toBe('on')
  // A user without an id is named by what makes them one.
  expect(maintenance.status().windows).toMatchObject([{ by: 'superuser', from: 'control@unknown' }])
  expect((await ask('/maintenance-mode/off', { method: 'POST', headers }))?.status).toBe(200)
  expect(await maintenance.getMode()).toBe('off')
})

test('an Origin is compared with the address of the request, port included', async () => {
  const headers = { ...browser, 'x-user': 'root' }
  expect((await on({ ...headers, origin: 'https://shop.example' }))?.status).toBe(403)
  const answer = await on({ ...headers, origin: 'https://shop.example:8443' })
  expect(answer?.status).toBe(303)
  expect(answer?.headers.get('location')).toBe('/maintenance-mode?done=closed')
})

describe('the body', () => {
  test('is JSON or a form', async () => {
    await on({ ...json, ...bearer }, '{"reason":"Möbel"}')
    expect(maintenance.status().reason).toBe('Möbel')
    await on({ ...form, ...bearer }, 'reason=M%C3%B6bel+2')
    expect(maintenance.status().reason).toBe('Möbel 2')
  })

  test('may come in parts that end within a character', async () => {
    const bytes = new TextEncoder().encode('{"reason":"Möbel"}')
    const parts = new ReadableStream({
      start(controller) {
        controller.enqueue(bytes.slice(0, 13))
        controller.enqueue(bytes.slice(13))
        controller.close()
      },
    })
    await on({ ...json, ...bearer }, parts)
    expect(maintenance.status().reason).toBe('Möbel')
  })

  test('beyond 16 KB is 413, and not read to its end', async () => {
    let read = 0
    const endless = new ReadableStream({
      pull(controller) {
        read += 1024
        controller.enqueue(new Uint8Array(1024).fill(32))
      },
    })
    expect((await on({ ...json, ...bearer }, endless))?.status).toBe(413)
    expect(read).toBeLessThan(32 * 1024)
    expect(await maintenance.getMode()).toBe('off')
  })

  test('that was read before is an error that says so', async () => {
    const init = { method: 'POST', headers: { ...json, ...bearer }, body: '{"reason":"x"}' }
    const request = new Request('https://shop.example/maintenance-mode/on', init)
    await request.text()
    const answer = await controls(request)
    expect(answer?.status).toBe(400)
    expect(await answer?.text()).toContain('Mount it before')
  })
})

test('other paths are left to the app, and the controls stay open in every mode', async () => {
  expect(await ask('/')).toBeUndefined()
  expect(await ask('/maintenance-modes')).toBeUndefined()
  const app = withMaintenanceMode(maintenance, async (request) => (await controls(request)) ?? new Response('the site'))
  const get = (path: string, init?: RequestInit) => app(new Request(`https://shop.example${path}`, init))
  expect(await (await get('/')).text()).toBe('the site')
  await on(bearer)
  expect((await get('/')).status).toBe(503)
  expect((await get('/maintenance-mode/status')).status).toBe(200)
  const check = await get('/maintenance-mode/check')
  expect(check.status).toBe(503)
  await maintenance.setMode('off')
  expect((await get('/maintenance-mode/check')).status).toBe(204)
})

test('HEAD has the headers of GET and no body', async () => {
  const headers = { ...browser, 'x-user': 'root' }
  const answer = await ask('/maintenance-mode', { method: 'HEAD', headers })
  expect(answer?.status).toBe(200)
  expect(Number(answer?.headers.get('content-length'))).toBeGreaterThan(1000)
  expect(await answer?.text()).toBe('')
})
