import { createMaintenance, type Maintenance, type MaintenanceOptions } from 'maintenance-mode'
import {
  chain,
  forceMaintenanceModeOn,
  maintenanceControls,
  maintenanceMode,
  type NextProxy,
} from 'maintenance-mode/next'
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest'

const opened: Maintenance[] = []
const event = { waitUntil() {} }

afterEach(async () => {
  for (const maintenance of opened.splice(0)) await maintenance.close()
})

const maintain = (options: MaintenanceOptions = {}, environment: Record<string, string> = {}): Maintenance => {
  const silence = ['memory-backend', 'unshared-state'] as const
  const maintenance = createMaintenance({ stateBackend: 'memory:', silence: [...silence], ...options }, { environment })
  opened.push(maintenance)
  return maintenance
}

/** Whoever says so is staff. */
const withStaff: MaintenanceOptions = {
  ignoreStaff: true,
  loginUrls: ['/login'],
  getAuthenticatedUser: (request) =>
    request.header('cookie') === 'staff' ? { isAuthenticated: true, isStaff: true, isSuperuser: false } : null,
}

const visit = (path = '/', headers: HeadersInit = {}): Request => new Request(`http://shop${path}`, { headers })
const staff = { cookie: 'staff' }

/** What `NextResponse.next()` and `NextResponse.rewrite()` of next/server make. */
const goOn = (headers: HeadersInit = {}): Response =>
  new Response(null, { headers: { 'x-middleware-next': '1', ...headers } })
const rewrite = (url: string): Response => new Response(null, { headers: { 'x-middleware-rewrite': url } })

describe('maintenanceMode as a proxy', () => {
  it('returns nothing for what passes, at once while the mode is off', async () => {
    const maintenance = maintain({ ignoreUrls: ['/open'] })
    const proxy = maintenanceMode(maintenance)
    await proxy(visit(), event)
    expect(proxy(visit(), event)).toBeUndefined()
    await maintenance.setMode('on')
    expect(proxy(visit('/open'), event)).toBeUndefined()
    expect((await proxy(visit(), event))?.status).toBe(503)
  })

  it('lets people through with headers that no cache keeps', async () => {
    const maintenance = maintain(withStaff)
    const proxy = maintenanceMode(maintenance)
    await maintenance.setMode('on')
    expect(Object.fromEntries((await proxy(visit('/', staff), event))?.headers ?? [])).toEqual({
      'x-middleware-next': '1',
      'cache-control': 'private, no-store',
      'cdn-cache-control': 'no-store',
    })
  })

  it('opens what the build has made, and nothing that only looks like it', async () => {
    const maintenance = maintain()
    const proxy = maintenanceMode(maintenance)
    await maintenance.setMode('on')
    const closed = async (pathname: string, init: RequestInit = {}) => {
      const nextUrl = new URL(`http://shop${pathname}`)
      const answer = await proxy(Object.assign(new Request(nextUrl, init), { nextUrl }), event)
      return answer?.status === 503
    }
    const asset = '/_next/static/chunks/app.js'
    expect(await closed(asset)).toBe(false)
    expect(await closed(asset, { method: 'HEAD' })).toBe(false)
    expect(await closed('/_next/static/chunks/app/%5Bslug%5D/(shop)/page-1.js')).toBe(false)
    // A route `[...slug]` at the root would answer these.
    expect(await closed(asset, { method: 'POST', headers: { 'next-action': '1' } }), 'an action').toBe(true)
    expect(await closed(asset, { method: 'POST', body: new FormData() }), 'an action of a form').toBe(true)
    expect(await closed(asset, { headers: { 'x-nextjs-data': '1' } }), 'the data of a page').toBe(true)
    for (const path of [
      '/x/_next/static/a.js',
      '/_next/static/../../x',
      '/_next/static/%2e%2e/%2e%2e/x',
      '/_next/static/..%2f..%2Fx',
      '/_next/static/..%5c..%5Cx',
      '/_next/static/%252e%252e%252fx',
      '/_next/image',
    ]) {
      expect(await closed(path), path).toBe(true)
    }
  })

  it('answers a server action with a text that its error carries', async () => {
    const maintenance = maintain()
    const proxy = maintenanceMode(maintenance)
    await maintenance.setMode('on', { reason: 'Moving house' })
    const action = new Request('http://shop/', {
      method: 'POST',
      headers: { 'next-action': 'a1', accept: 'text/x-component' },
    })
    const answer = await proxy(action, event)
    expect([answer?.status, answer?.headers.get('content-type')]).toEqual([503, 'text/plain'])
    expect(await answer?.text()).toBe('Down for maintenance.\nMoving house\n')
    const form = new Request('http://shop/', { method: 'POST', headers: { accept: 'text/html' } })
    expect((await proxy(form, event))?.headers.get('content-type')).toBe('text/html; charset=utf-8')
  })

  it('hands what is still being read to waitUntil, where nothing runs between requests', async () => {
    const proxy = maintenanceMode(maintain({}, { VERCEL: '1' }))
    const waitUntil = vi.fn()
    await proxy(visit(), { waitUntil })
    expect(waitUntil).toHaveBeenCalledWith(expect.any(Promise))
  })
})

describe('chain', () => {
  it('asks in turn until one answers', async () => {
    const maintenance = maintain({ adminToken: 'a-token-of-some-length' })
    const theirs = vi.fn(() => Response.redirect('http://shop/new'))
    const proxy = chain(maintenanceMode(maintenance), maintenanceControls(maintenance), theirs)
    expect((await proxy(visit('/old'), event))?.headers.get('location')).toBe('http://shop/new')
    await maintenance.setMode('on')
    expect((await proxy(visit('/old'), event))?.status).toBe(503)
    expect((await proxy(visit('/maintenance-mode/status'), event))?.status).toBe(200)
    expect(theirs).toHaveBeenCalledTimes(1)
  })

  it('goes on to the app where nobody answers', async () => {
    const proxy = chain(
      () => undefined,
      () => goOn({ 'x-first': '1' }),
      async () => undefined,
    )
    expect((await proxy(visit(), event))?.headers.get('x-first')).toBe('1')
    expect(await chain(() => null)(visit(), event)).toBeUndefined()
    expect(await chain()(visit(), event)).toBeUndefined()
  })

  it('keeps what staff see from caches, whatever their proxy answers', async () => {
    const maintenance = maintain(withStaff)
    await maintenance.setMode('on')
    const open = { 'cache-control': 'public' }
    const answers = [
      goOn(open),
      rewrite('http://shop/b'),
      Response.redirect('http://shop/b'),
      new Response('', { headers: open }),
    ]
    for (const answer of answers) {
      const told = await chain(maintenanceMode(maintenance), () => answer)(visit('/', staff), event)
      expect(told?.status).toBe(answer.status)
      expect(told?.headers.get('cache-control')).toBe('private, no-store')
      for (const mark of ['x-middleware-next', 'x-middleware-rewrite']) {
        expect(told?.headers.get(mark)).toBe(answer.headers.get(mark))
      }
    }
  })

  it('takes what an earlier one sets for the app on to it, and not out to the client', async () => {
    const overrides = { 'x-middleware-override-headers': 'cookie', 'x-middleware-request-cookie': 'secret' }
    const first = () => goOn({ ...overrides, 'set-cookie': 'first=1' })
    const onward = await chain(first, () => goOn({ 'set-cookie': 'second=2' }))(visit(), event)
    expect(onward?.headers.get('x-middleware-request-cookie')).toBe('secret')
    expect(onward?.headers.getSetCookie()).toEqual(['second=2', 'first=1'])
    const answered = await chain(first, () => new Response('No', { status: 401 }))(visit(), event)
    expect([...(answered?.headers.keys() ?? [])].filter((name) => name.startsWith('x-middleware'))).toEqual([])
  })

  it('takes a proxy that is written for the requests of Next', () => {
    class NextRequest extends Request {
      readonly nextUrl = new URL('http://shop')
    }
    const theirs = async (request: NextRequest) => (request.nextUrl.pathname === '/' ? goOn() : undefined)
    const proxy = chain(maintenanceMode(maintain()), maintenanceControls(maintain()), theirs)
    expectTypeOf(proxy).toEqualTypeOf<NextProxy<NextRequest>>()
  })
})

it('a handler that is forced on is closed while the mode is off', async () => {
  const handler = vi.fn()
  const GET = forceMaintenanceModeOn(handler, maintain())
  expect((await GET(visit('/beta'))).status).toBe(503)
  expect(handler).not.toHaveBeenCalled()
})
