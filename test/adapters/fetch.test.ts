import { createMaintenance, type Maintenance, type MaintenanceOptions } from 'maintenance-mode'
import { withMaintenanceMode } from 'maintenance-mode/fetch'
import { isMaintenanceRefusal } from 'maintenance-mode/log-filters'
import { afterEach, describe, expect, it } from 'vitest'

const opened: Maintenance[] = []

afterEach(async () => {
  for (const maintenance of opened.splice(0)) await maintenance.close()
})

const maintain = (options: MaintenanceOptions = {}): Maintenance => {
  const maintenance = createMaintenance(
    { stateBackend: 'memory:', silence: ['memory-backend'], ...options },
    { environment: {} },
  )
  opened.push(maintenance)
  return maintenance
}

const hello = (request: Request): Response =>
  new Response(`hello ${new URL(request.url).pathname}`, { headers: { 'Cache-Control': 'public' } })

describe('withMaintenanceMode around a fetch handler', () => {
  it('passes everything on while the mode is off, the arguments of the runtime too', async () => {
    const handler = withMaintenanceMode(maintain(), (request: Request, env: { name: string }) => {
      return new Response(`${env.name} ${new URL(request.url).pathname}`)
    })
    const first = await handler(new Request('http://shop/tea'), { name: 'shop' })
    const second = await handler(new Request('http://shop/tea'), { name: 'shop' })
    expect([await first.text(), await second.text()]).toEqual(['shop /tea', 'shop /tea'])
  })

  it('refuses while it is on: page, problem details, and nothing for HEAD', async () => {
    const maintenance = maintain()
    const handler = withMaintenanceMode(maintenance, hello)
    await maintenance.setMode('on', { reason: 'Moving house' })
    const page = await handler(new Request('http://shop/', { headers: { accept: 'text/html' } }))
    expect([page.status, page.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8'])
    const problem = await handler(new Request('http://shop/x', { headers: { accept: 'application/json' } }))
    expect(await problem.json()).toMatchObject({ status: 503, detail: 'Moving house', mode: 'on', processed: false })
    const head = await handler(new Request('http://shop/', { method: 'HEAD' }))
    expect([head.status, head.body, Number(head.headers.get('content-length'))]).toEqual([
      503,
      null,
      expect.any(Number),
    ])
  })

  it('marks its refusals for log filters', async () => {
    const maintenance = maintain({ ignoreUrls: ['/open'] })
    const handler = withMaintenanceMode(maintenance, hello)
    await maintenance.setMode('on')
    expect(isMaintenanceRefusal(await handler(new Request('http://shop/')))).toBe(true)
    expect(isMaintenanceRefusal(await handler(new Request('http://shop/open')))).toBe(false)
  })

  it('knows host, method and path of the request, and a user who is told by the operator', async () => {
    const maintenance = maintain({
      ignoreUrls: ['POST api.shop/orders'],
      ignoreStaff: true,
      getAuthenticatedUser: async (request) =>
        request.header('authorization') === 'staff'
          ? { isAuthenticated: true, isStaff: true, isSuperuser: false }
          : null,
      silence: ['memory-backend', 'no-login-url'],
    })
    const handler = withMaintenanceMode(maintenance, hello)
    await maintenance.setMode('on')
    const status = async (url: string, init?: RequestInit) => (await handler(new Request(url, init))).status
    expect(await status('http://api.shop/orders', { method: 'POST' })).toBe(200)
    expect(await status('http://www.shop/orders', { method: 'POST' })).toBe(503)
    expect(await status('http://api.shop/orders')).toBe(503)
    const staff = await handler(new Request('http://shop/', { headers: { authorization: 'staff' } }))
    expect([staff.status, staff.headers.get('cache-control')]).toEqual([200, 'private, no-store'])
  })

  it('believes no header about the client unless the proxies are named', async () => {
    const request = () => new Request('http://shop/', { headers: { 'x-forwarded-for': '203.0.113.7' } })
    const trusting = maintain({ ignoreIpAddresses: ['203.0.113.7'], trustProxy: 1 })
    const wary = maintain({ ignoreIpAddresses: ['203.0.113.7'] })
    await Promise.all([trusting.setMode('on'), wary.setMode('on')])
    expect((await withMaintenanceMode(trusting, hello)(request())).status).toBe(200)
    expect((await withMaintenanceMode(wary, hello)(request())).status).toBe(503)
  })

  it('lets an error of the handler through as it is', async () => {
    const handler = withMaintenanceMode(maintain(), () => {
      throw new Error('the app failed')
    })
    await expect(async () => handler(new Request('http://shop/'))).rejects.toThrow('the app failed')
  })
})
