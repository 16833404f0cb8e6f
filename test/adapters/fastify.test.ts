import { once } from 'node:events'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { maintenanceControls, maintenanceMode } from 'maintenance-mode/fastify'
import { isMaintenanceRefusal } from 'maintenance-mode/log-filters'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Ask, closeAll, maintain, serve } from './express-site.js'

afterEach(closeAll)

async function listening(app: FastifyInstance): Promise<Ask> {
  await app.ready()
  return serve((req, res) => app.routing(req, res))
}

const says = (text: string) => async () => text
const staff = { id: 1, isStaff: true }

describe('the plugin', () => {
  it('closes what is declared before and after it, and all plugins below', async () => {
    const { maintenance } = await maintain('off')
    const app = Fastify()
    app.get('/before', says('before'))
    await app.register(async (part) => void part.get('/early', says('early')))
    app.register(maintenanceMode, { maintenance })
    app.get('/after', says('after'))
    app.register(async (part) => part.register(async (nested) => nested.get('/b', says('b')), { prefix: '/a' }))
    const ask = await listening(app)
    const all = async () => {
      const paths = ['/before', '/early', '/after', '/a/b', '/nothing']
      return Promise.all(paths.map(async (path) => (await ask(path)).status))
    }
    expect(await all()).toEqual([200, 200, 200, 200, 404])
    await maintenance.setMode('on')
    expect(await all()).toEqual([503, 503, 503, 503, 503])
    await maintenance.setMode('off')
    expect(await all()).toEqual([200, 200, 200, 200, 404])
  })

  it('closes a part where it is registered in that part', async () => {
    const { maintenance } = await maintain('on')
    const app = Fastify()
    app.get('/', says('home'))
    app.register(
      async (shop) => {
        await shop.register(maintenanceMode, { maintenance })
        shop.get('/tea', says('tea'))
      },
      { prefix: '/shop' },
    )
    const ask = await listening(app)
    expect((await ask('/')).body).toBe('home')
    expect((await ask('/shop/tea')).status).toBe(503)
  })

  it('takes options as well, and says what is wrong with them', async () => {
    const app = Fastify()
    await app.register(maintenanceMode, { mode: 'on', ignoreUrls: ['/open'], silence: ['pinned-mode'] })
    app.get('/open', says('open'))
    const ask = await listening(app)
    expect((await ask('/open')).body).toBe('open')
    expect((await ask('/')).status).toBe(503)
    await app.close()

    const { maintenance } = await maintain('off')
    const registering = (options: object) => Fastify().register(maintenanceMode, options).ready()
    await expect(registering({ ignoreUrl: ['/open'] })).rejects.toThrow(/ignoreUrls/)
    await expect(registering({ maintenance, ignoreUrls: ['/open'] })).rejects.toThrow(/createMaintenance/)
    await expect(registering({ maintenance, hook: 'onSend' })).rejects.toThrow(/onRequest, preParsing/)
  })

  it('is not let into another major version of Fastify', async () => {
    const app = Fastify()
    Object.defineProperty(app, 'version', { value: '4.29.1' })
    await expect(app.register(maintenanceMode).ready()).rejects.toThrow(
      /maintenanceMode - expected '5.x' fastify version, '4.29.1' is installed/,
    )
  })

  it('answers over HTTP/2', async () => {
    const { maintenance } = await maintain('on')
    const app = Fastify({ http2: true })
    await app.register(maintenanceMode, { maintenance })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const session = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
    const [headers] = await once(session.request({ ':path': '/', accept: 'text/html' }).resume(), 'response')
    expect(headers).toMatchObject({ ':status': 503, 'maintenance-mode': 'on', 'retry-after': '3600' })
    session.close()
    await app.close()
  })
})

describe.each(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)('in %s', (hook) => {
  it('judges by what the hooks before it have found out', async () => {
    const { maintenance } = await maintain('on', { ignoreStaff: true })
    const app = Fastify()
    const handler = vi.fn(says('home'))
    app.decorateRequest('user', null)
    app.addHook(hook as 'onRequest', async (request) => {
      if (request.headers.cookie) Object.assign(request, { user: staff })
    })
    await app.register(maintenanceMode, { maintenance, hook })
    app.post('/', handler)
    const ask = await listening(app)
    const write = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }
    expect((await ask('/', write)).status).toBe(503)
    expect(handler).not.toHaveBeenCalled()
    const passed = await ask('/', { ...write, headers: { ...write.headers, cookie: 'staff' } })
    expect([passed.body, passed.headers.get('cache-control')]).toEqual(['home', 'private, no-store'])
  })
})

describe('a route that is forced', () => {
  const build = async (mode: 'off' | 'on', awaited: boolean) => {
    const { maintenance } = await maintain(mode, { ignoreStaff: true })
    const app = Fastify()
    app.decorateRequest('user', { getter: () => staff })
    const registered = app.register(maintenanceMode, { maintenance, hook: 'preHandler' })
    if (awaited) await registered
    app.get('/open', { config: { forceMaintenanceMode: 'off' } }, says('open'))
    app.get('/closed', { config: { forceMaintenanceMode: 'on' }, onRequest: async () => {} }, says('not reached'))
    app.register(
      async (part) => {
        part.route({ method: ['GET', 'POST'], url: '/', config: { forceMaintenanceMode: 'on' }, handler: says('beta') })
        part.get('/:id', says('one'))
      },
      { prefix: '/beta' },
    )
    return { maintenance, ask: await listening(app) }
  }

  it.each([
    ['after the plugin has loaded', true],
    ['before it has', false],
  ])('is known when it is declared %s', async (_when, awaited) => {
    const { maintenance, ask } = await build('off', awaited)
    const statuses = async () => {
      const asked: [string, string][] = [
        ['GET', '/open'],
        ['HEAD', '/open'],
        ['GET', '/closed'],
        ['HEAD', '/closed'],
        ['GET', '/beta'],
        ['GET', '/beta/'],
        ['POST', '/beta'],
        ['GET', '/beta/1'],
      ]
      return Promise.all(asked.map(async ([method, path]) => (await ask(path, { method })).status))
    }
    expect(await statuses()).toEqual([200, 200, 503, 503, 503, 503, 503, 200])
    await maintenance.setMode('on')
    expect(await statuses()).toEqual([200, 200, 503, 503, 503, 503, 503, 200])
  })

  it('opens itself only', async () => {
    const { maintenance } = await maintain('on')
    const app = Fastify()
    await app.register(maintenanceMode, { maintenance })
    app.get('/open', { config: { forceMaintenanceMode: 'off' } }, says('open'))
    app.post('/open', says('written'))
    const ask = await listening(app)
    expect((await ask('/open')).body).toBe('open')
    for (const method of ['POST', 'PUT', 'OPTIONS']) expect((await ask('/open', { method })).status, method).toBe(503)
    expect((await ask('/open/')).status).toBe(503)
  })
})

describe('a refusal', () => {
  it('goes through the hooks of the app, and keeps what they have said', async () => {
    const { maintenance } = await maintain('on')
    const app = Fastify()
    const seen: unknown[] = []
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers({ 'access-control-allow-origin': '*', vary: 'Origin', etag: '"page"' })
    })
    app.addHook('onSend', async (_request, reply) => void reply.header('x-sent', 'yes'))
    app.addHook('onResponse', async (request, reply) =>
      seen.push([reply.statusCode, isMaintenanceRefusal(request), isMaintenanceRefusal(reply)]),
    )
    await app.register(maintenanceMode, { maintenance })
    const ask = await listening(app)
    const { status, headers } = await ask('/', { headers: { accept: 'text/html' } })
    expect(status).toBe(503)
    expect(Object.fromEntries(headers)).toMatchObject({ 'access-control-allow-origin': '*', 'x-sent': 'yes' })
    expect([headers.get('etag'), headers.get('vary')]).toEqual([null, expect.stringMatching(/^Origin, Accept/)])
    await vi.waitUntil(() => seen.length > 0)
    expect(seen).toEqual([[503, true, true]])
  })

  it('is sent as it is, whatever the route makes of its own answers', async () => {
    const { maintenance } = await maintain('on')
    const app = Fastify()
    app.addHook('onRequest', async (_request, reply) => void reply.serializer(() => 'serialized'))
    await app.register(maintenanceMode, { maintenance })
    app.get('/', { schema: { response: { '5xx': { type: 'object', properties: {} } } } }, says('home'))
    const ask = await listening(app)
    const { body } = await ask('/', { headers: { accept: 'application/json' } })
    expect(JSON.parse(body)).toMatchObject({ status: 503, mode: 'on' })
  })

  it('may have no body', async () => {
    const { maintenance } = await maintain('on', { redirectUrl: '/soon' })
    const app = Fastify()
    await app.register(maintenanceMode, { maintenance })
    const ask = await listening(app)
    const { status, headers, body } = await ask('/', { headers: { accept: 'text/html' } })
    expect([status, headers.get('location'), headers.get('content-type'), body]).toEqual([302, '/soon', null, ''])
  })
})

describe('who is asking', () => {
  it('has the address that Fastify tells', async () => {
    const { maintenance } = await maintain('on', { ignoreIpAddresses: ['192.0.2.1'] })
    const forwarded = { headers: { 'X-Forwarded-For': '192.0.2.1' } }
    const statuses: number[] = []
    for (const trustProxy of [false, 'loopback']) {
      const app = Fastify({ trustProxy })
      await app.register(maintenanceMode, { maintenance })
      app.get('/', says('home'))
      statuses.push((await (await listening(app))('/', forwarded)).status)
    }
    expect(statuses).toEqual([503, 200])
  })

  it('is logged out by the decorator', async () => {
    const { maintenance } = await maintain('on', { logoutAuthenticatedUser: true })
    const app = Fastify()
    const logout = vi.fn(async () => {})
    app.decorateRequest('user', { getter: () => ({ id: 1 }) })
    app.decorateRequest('logout', logout)
    await app.register(maintenanceMode, { maintenance })
    expect((await (await listening(app))('/')).status).toBe(503)
    expect(logout).toHaveBeenCalledTimes(1)
  })

  it('may be anybody where the app has no templates and no users', async () => {
    const { maintenance } = await maintain('on', { ignoreUrls: ['/'], ignoreStaff: true })
    const app = Fastify()
    await app.register(maintenanceMode, { maintenance })
    app.get('/', async (_request, reply) => ({ locals: 'locals' in reply }))
    const ask = await listening(app)
    expect((await ask('/')).body).toBe('{"locals":false}')
    expect((await ask('/other')).status).toBe(503)
  })
})

describe('the control URLs', () => {
  const build = async () => {
    const { maintenance } = await maintain('on')
    const app = Fastify()
    app.decorateRequest('user', null)
    app.addHook('preHandler', async (request) => {
      if (request.headers.cookie) Object.assign(request, { user: { id: 'susan', isSuperuser: true } })
    })
    await app.register(maintenanceMode, { maintenance })
    app.register(maintenanceControls, { maintenance })
    app.post('/', { config: { forceMaintenanceMode: 'off' } }, async ({ body }) => body)
    return { maintenance, ask: await listening(app) }
  }
  const headers = { cookie: 'susan', 'sec-fetch-site': 'same-origin' }

  it.each([
    ['application/json', '{"reason":"Tea"}'],
    ['application/x-www-form-urlencoded', 'reason=Tea'],
  ])('read %s themselves, and know a user of a later hook', async (type, body) => {
    const { maintenance, ask } = await build()
    const on = { method: 'POST', body, headers: { ...headers, 'content-type': type } }
    expect((await ask('/maintenance-mode/on', { ...on, headers: { 'content-type': type } })).status).toBe(403)
    expect((await ask('/maintenance-mode/on', on)).status).toBe(200)
    expect(maintenance.status().reason).toBe('Tea')
    expect((await ask('/maintenance-mode/off', { method: 'POST', headers })).status).toBe(200)
    expect(await maintenance.isActive()).toBe(false)
  })

  it('leave all other routes and bodies to the app', async () => {
    const { ask } = await build()
    const json = { 'content-type': 'application/json' }
    expect((await ask('/', { method: 'POST', body: '{"a":1}', headers: json })).body).toBe('{"a":1}')
    expect((await ask('/maintenance-mode', { headers: { ...headers, accept: 'text/html' } })).body).toContain('<form')
    expect((await ask('/maintenance-mode/nothing', { headers })).status).toBe(404)
    expect((await ask('/maintenance-modes')).status).toBe(503)
  })

  it('stand below no prefix', async () => {
    const { maintenance } = await maintain('off')
    const app = Fastify()
    await expect(app.register(maintenanceControls, { maintenance, prefix: '/admin' }).ready()).rejects.toThrow(
      /without a prefix.*\/maintenance-mode/,
    )
  })
})
