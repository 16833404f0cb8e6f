import type { MaintenanceOptions } from 'maintenance-mode'
import { afterEach, describe, expect, test } from 'vitest'
import { openSite, type Site } from './site.js'

let site: Site

afterEach(() => site.close())

const check = (headers: Record<string, string> = {}, query = '') =>
  site.get(`/maintenance-mode/check${query}`, { headers })

describe('the mode alone', () => {
  test('is 204 while open, and 503 with the time to come back while closed', async () => {
    site = await openSite()
    const open = await check()
    expect(open.status).toBe(204)
    expect(open.headers.get('content-length')).toBeNull()
    expect(open.headers.get('maintenance-mode')).toBeNull()
    await site.maintenance.setMode('on', { expectedEnd: new Date(site.clock.now() + 600_000) })
    for (const method of ['GET', 'HEAD']) {
      const closed = await site.get('/maintenance-mode/check', { method })
      expect(closed.status).toBe(503)
      expect(Number(closed.headers.get('retry-after'))).toBeGreaterThanOrEqual(600)
      expect(Number(closed.headers.get('retry-after'))).toBeLessThanOrEqual(661)
      expect(closed.headers.get('maintenance-mode')).toBe('on')
      expect(closed.headers.get('cache-control')).toBe('no-store')
      expect(await closed.text()).toBe('')
    }
  })

  test('with ?deny=403 is 204 or 403', async () => {
    site = await openSite()
    expect((await check({}, '?deny=403')).status).toBe(204)
    await site.maintenance.setMode('on')
    const closed = await check({}, '?deny=403')
    expect(closed.status).toBe(403)
    expect(closed.headers.get('retry-after')).toBe('3600')
    expect(closed.headers.get('maintenance-mode')).toBe('on')
  })

  test('another ?deny is an error while the site is open too, so that it is found at once', async () => {
    site = await openSite()
    expect((await check({}, '?deny=418')).status).toBe(400)
  })

  test('asks for no user', async () => {
    let looked = 0
    site = await openSite({
      ignoreSuperuser: true,
      getAuthenticatedUser() {
        looked++
        return null
      },
    })
    await site.maintenance.setMode('on')
    expect((await check()).status).toBe(503)
    expect(looked).toBe(0)
  })
})

describe('the request that a trusted proxy names', () => {
  const closed = async (options: MaintenanceOptions): Promise<void> => {
    site = await openSite({ trustProxy: ['127.0.0.1'], ...options })
    await site.maintenance.setMode('on')
  }
  const named = (method: string, uri: string, headers: Record<string, string> = {}) =>
    check({ 'x-original-method': method, 'x-original-uri': uri, ...headers })

  test('is judged by path, query left out, and method', async () => {
    await closed({ ignoreUrls: ['POST /webhooks/**'] })
    expect((await named('POST', '/webhooks/pay?x=1')).status).toBe(204)
    expect((await named('post', '/webhooks/pay')).status).toBe(204)
    expect((await named('GET', '/webhooks/pay')).status).toBe(503)
    expect((await named('GET', '/healthz')).status).toBe(204)
    expect((await named('POST', '/healthz')).status).toBe(503)
    expect((await named('GET', '/maintenance-mode/on')).status).toBe(204)
    expect((await named('GET', '/')).status).toBe(503)
    expect((await named('GET', '/webhooks/..%2fadmin')).status).toBe(503)
  })

  test('is judged by the host, the user and the address of who sent it', async () => {
    await closed({ ignoreUrls: ['api.example.com/**'], ignoreStaff: true, ignoreIpAddresses: ['203.0.113.7'] })
    expect((await named('GET', '/', { 'x-user': 'staff' })).status).toBe(204)
    expect((await named('GET', '/', { 'x-user': 'ann' })).status).toBe(503)
    expect((await named('GET', '/', { 'x-forwarded-for': '203.0.113.7' })).status).toBe(204)
    expect((await named('GET', '/', { 'x-forwarded-for': '203.0.113.8' })).status).toBe(503)
  })

  test('may be closed while the mode is off', async () => {
    site = await openSite({ trustProxy: 1, routes: { '/beta': 'on' } })
    expect((await named('GET', '/beta')).status).toBe(503)
    expect((await named('GET', '/')).status).toBe(204)
  })

  test('needs both its method and its URI: else the mode decides', async () => {
    await closed({ ignoreUrls: ['/open'] })
    expect((await check({ 'x-original-uri': '/open' })).status).toBe(503)
    expect((await check({ 'x-original-method': 'GET' })).status).toBe(503)
    expect((await named('GET', '/open')).status).toBe(204)
  })

  test('named twice opens nothing', async () => {
    await closed({ ignoreUrls: ['/open/**'] })
    expect((await named('GET', '/open/x, /closed')).status).toBe(503)
  })
})

test.each<[string, MaintenanceOptions]>([
  ['no proxy is trusted', {}],
  ['another proxy is', { trustProxy: ['10.0.0.1'] }],
])('what a client names counts for nothing where %s', async (_name, options) => {
  site = await openSite({ ignoreUrls: ['/open'], routes: { '/beta': 'on' }, ...options })
  const headers = { 'x-original-method': 'GET', 'x-original-uri': '/beta' }
  expect((await check(headers)).status).toBe(204)
  await site.maintenance.setMode('on')
  expect((await check({ ...headers, 'x-original-uri': '/open' })).status).toBe(503)
})
