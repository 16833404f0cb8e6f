import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { createSchema, createYoga } from 'graphql-yoga'
import Koa from 'koa'
import { type MaintenanceOptions, NotWritableError } from 'maintenance-mode'
import { maintenanceMode as yogaMode } from 'maintenance-mode/graphql-yoga'
import { isMaintenanceRefusal } from 'maintenance-mode/log-filters'
import { withMaintenanceMode } from 'maintenance-mode/node'
import { attachMaintenanceMode as attachToSocketIo } from 'maintenance-mode/socket-io'
import { createTestClock } from 'maintenance-mode/testing'
import { attachMaintenanceMode as attachToWs } from 'maintenance-mode/ws'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { atEnd, listen, maintain } from './adapters/opened.js'
import { staffByHeader } from './adapters/operations.js'

const quiet = { silence: ['no-login-url'] } as const

/** What `assertWritable` has to say. */
async function refusal(asserted: Promise<void>): Promise<NotWritableError> {
  const error = await asserted.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof NotWritableError) return error
  throw new Error(`it was not refused: ${String(error)}`)
}

describe('a server in mode read-only', () => {
  it('is read as ever, and not written to', async () => {
    const written: string[] = []
    const maintenance = maintain({ writableUrls: ['POST /login'], writingUrls: ['/cart/add'] })
    const url = await listen(
      withMaintenanceMode(maintenance, (req, res) => {
        written.push(`${req.method} ${req.url}`)
        res.end('the app')
      }),
    )
    await maintenance.setMode('read-only')
    const status = async (path: string, init: RequestInit = {}) => (await fetch(url + path, init)).status
    const override = { 'x-http-method-override': 'DELETE' }
    expect(await status('/')).toBe(200)
    expect(await status('/', { method: 'HEAD' })).toBe(200)
    expect(await status('/', { method: 'OPTIONS' })).toBe(200)
    expect(await status('/login', { method: 'POST' })).toBe(200)
    expect(await status('/cart/add')).toBe(503)
    expect(await status('/orders', { method: 'POST', body: 'tea' })).toBe(503)
    expect(await status('/orders/1', { method: 'DELETE' })).toBe(503)
    expect(await status('/orders/1', { headers: override })).toBe(503)
    expect(written).toEqual(['GET /', 'HEAD /', 'OPTIONS /', 'POST /login'])
    expect(await raw(url, 'TRACE')).toContain('200 OK')
    expect(await raw(url, 'PROPPATCH')).toContain('503 Service Unavailable')
    await maintenance.setMode('off')
    expect(await status('/orders', { method: 'POST', body: 'tea' })).toBe(200)
  })

  async function raw(url: string, method: string): Promise<string> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.end(`${method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    return (await socket.setEncoding('latin1').toArray()).join('')
  }
})

describe('a GraphQL endpoint behind an HTTP adapter', () => {
  async function endpoint(options: MaintenanceOptions) {
    const ran: string[] = []
    const maintenance = maintain(options)
    const yoga = createYoga({
      schema: createSchema({
        typeDefs: 'type Query { tea: String } type Mutation { order: Int }',
        resolvers: { Query: { tea: () => 'green' }, Mutation: { order: () => ran.push('order') } },
      }),
      logging: false,
      plugins: [yogaMode(maintenance)],
    })
    const url = await listen(withMaintenanceMode(maintenance, yoga))
    await maintenance.setMode('read-only')
    const post = (query: string, headers = {}) =>
      fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
        body: JSON.stringify({ query }),
      })
    return { post, ran }
  }

  it('cannot be judged by its requests: every POST is a write', async () => {
    const { post } = await endpoint({})
    const response = await post('{ tea }')
    expect([response.status, response.headers.get('content-type')]).toEqual([
      503,
      'application/problem+json; charset=utf-8',
    ])
  })

  it('in writableUrls is judged by the plugin alone, operation by operation', async () => {
    const { post, ran } = await endpoint({ writableUrls: ['/graphql'], ...staffByHeader, ...quiet })
    expect(await (await post('{ tea }')).json()).toEqual({ data: { tea: 'green' } })
    const response = await post('mutation { order }')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE', mode: 'read-only', processed: false } }],
    })
    expect(ran).toEqual([])
    const staff = await post('mutation { order }', { authorization: 'staff' })
    expect([await staff.json(), staff.headers.get('cache-control')]).toEqual([
      { data: { order: 1 } },
      'private, no-store',
    ])
  })
})

describe('open connections in mode read-only', () => {
  const says = async (socket: WebSocket, text: string): Promise<string> => {
    socket.send(text)
    const [data] = await once(socket, 'message')
    return String(data)
  }

  it('of ws stay, and new ones are let in, but for those that are named as writing; mode on closes all', async () => {
    const maintenance = maintain({ writingUrls: ['/chat'] })
    const server = createServer()
    const wss = new WebSocketServer({ server })
    wss.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)))
    attachToWs(wss, maintenance)
    const url = (await listen(server)).replace('http', 'ws')
    const open = async (path: string) => {
      const socket = new WebSocket(url + path)
      atEnd(() => socket.terminate())
      await once(socket, 'open')
      return socket
    }
    const [news, chat] = [await open('/news'), await open('/chat')]
    const chatClosed = once(chat, 'close')
    await maintenance.setMode('read-only')
    expect((await chatClosed)[0]).toBe(1012)
    expect(await says(news, 'a')).toBe('echo a')
    expect(await says(await open('/news'), 'b')).toBe('echo b')
    const [, refused] = await once(new WebSocket(`${url}/chat`), 'unexpected-response')
    expect([refused.statusCode, refused.headers['maintenance-mode']]).toEqual([503, 'read-only'])
    const newsClosed = once(news, 'close')
    await maintenance.setMode('on')
    expect((await newsClosed)[0]).toBe(1012)
  })

  it.each(['polling', 'websocket'])('of Socket.IO by %s work', async (transport) => {
    const maintenance = maintain()
    const server = createServer()
    const sockets = new Server(server)
    sockets.on('connection', (socket) => socket.on('say', (text, answer) => answer(`echo ${text}`)))
    attachToSocketIo(sockets, maintenance)
    atEnd(() => sockets.engine.close())
    const url = await listen(server)
    const connected = async () => {
      const socket = io(url, { forceNew: true, reconnection: false, transports: [transport] })
      atEnd(() => socket.disconnect())
      await new Promise((resolve, reject) => socket.once('connect', () => resolve(0)).once('connect_error', reject))
      return socket
    }
    const before = await connected()
    await maintenance.setMode('read-only')
    expect(await before.timeout(5000).emitWithAck('say', 'a')).toBe('echo a')
    const after = await connected()
    expect(await after.timeout(5000).emitWithAck('say', 'b')).toBe('echo b')
    const closed = new Promise((resolve) => before.once('disconnect', resolve))
    await maintenance.setMode('on')
    await closed
    await expect(connected()).rejects.toThrow()
  })
})

describe('assertWritable', () => {
  it('lets code go on while the mode is off, and stops it in every other, before anything is done', async () => {
    const maintenance = maintain()
    await maintenance.assertWritable()
    for (const mode of ['read-only', 'on', 'hold'] as const) {
      await maintenance.setMode(mode, { reason: 'Moving' })
      expect((await refusal(maintenance.assertWritable())).mode).toBe(mode)
    }
    await maintenance.setMode('off')
    await maintenance.assertWritable()
  })

  it('says what holds, until when, and what a refusal would be', async () => {
    const clock = createTestClock()
    const maintenance = maintain({ readOnlyStatusCode: 403, statusCode: 599, retryAfter: '10m' }, { clock })
    const until = new Date(clock.now() + 3_600_000)
    await maintenance.setMode('read-only', { reason: 'Moving.', end: until })
    const error = await refusal(maintenance.assertWritable())
    expect(error).toMatchObject({
      name: 'NotWritableError',
      code: 'ERR_MAINTENANCE_NOT_WRITABLE',
      message: `Read-only for maintenance: nothing was written. Moving. Paused until: ${until.toISOString()}`,
      mode: 'read-only',
      until,
      status: 403,
      statusCode: 403,
      expose: true,
      headers: { 'Cache-Control': 'no-store', 'Maintenance-Mode': 'read-only' },
    })
    expect(Number(error.headers['Retry-After'])).toBeGreaterThanOrEqual(3600)
    await maintenance.setMode('on', { end: null })
    expect(await refusal(maintenance.assertWritable())).toMatchObject({
      until: undefined,
      statusCode: 599,
      headers: { 'Retry-After': '600' },
    })
    expect(isMaintenanceRefusal(new Error('the job failed', { cause: error }))).toBe(true)
  })

  it('judges one part of the site, by its exact name', async () => {
    const maintenance = maintain({
      scopes: { billing: { urls: ['/billing/**'] } },
      tenants: { of: () => undefined, has: (name) => name === 'acme' },
    })
    await maintenance.setMode('read-only', { scope: 'billing' })
    await maintenance.assertWritable()
    await maintenance.assertWritable('acme')
    expect((await refusal(maintenance.assertWritable('billing'))).mode).toBe('read-only')
    await expect(maintenance.assertWritable('bill')).rejects.toThrow('There is no scope "bill"')
    await maintenance.setMode('on')
    expect((await refusal(maintenance.assertWritable('acme'))).mode).toBe('on')
  })

  it('for a request: those who are let through may write, in every mode, and nobody who only reads', async () => {
    const maintenance = maintain({
      ignoreStaff: true,
      ignoreIpAddresses: ['10.0.0.1'],
      writableUrls: ['/login', 'GET /callback'],
      scopes: { billing: { urls: ['/billing/**'] } },
      ...quiet,
    })
    const staff = { isAuthenticated: true, isStaff: true, isSuperuser: false }
    const request = (path: string, init?: RequestInit) => new Request(`http://shop.example${path}`, init)
    for (const mode of ['read-only', 'on'] as const) {
      await maintenance.setMode(mode)
      for (const method of ['GET', 'POST']) {
        expect((await refusal(maintenance.assertWritable(request('/orders', { method })))).mode).toBe(mode)
        expect((await refusal(maintenance.assertWritable({ url: '/orders', method, user: null }))).mode).toBe(mode)
        await maintenance.assertWritable({ url: '/orders', method, user: staff })
        await maintenance.assertWritable({ url: '/orders', method, ip: '10.0.0.1' })
      }
    }
    await maintenance.setMode('read-only')
    await maintenance.assertWritable(request('/login', { method: 'POST' }))
    await maintenance.assertWritable(request('/callback'))
    await maintenance.setMode('off')
    await maintenance.assertWritable(request('/orders', { method: 'POST' }))
    await maintenance.setMode('read-only', { scope: 'billing' })
    await maintenance.assertWritable(request('/orders', { method: 'POST' }))
    await refusal(maintenance.assertWritable(request('/billing/1')))
  })

  it('while the site reopens: those who are in may write, code of nobody may not', async () => {
    const clock = createTestClock()
    const maintenance = maintain({}, { clock })
    await maintenance.setMode('read-only')
    await maintenance.setMode('off', { ramp: '10m' })
    await clock.advance(300_000)
    expect(await maintenance.getMode()).toBe('read-only')
    expect(Number((await refusal(maintenance.assertWritable())).headers['Retry-After'])).toBeLessThanOrEqual(30)
    const asked = Array.from({ length: 200 }, (_, n) => maintenance.assertWritable({ url: '/', ip: `10.0.0.${n}` }))
    const admitted = (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled').length
    expect(admitted).toBeGreaterThan(60)
    expect(admitted).toBeLessThan(140)
    await clock.advance(300_000)
    await maintenance.assertWritable()
  })

  it('waits for the first reading of the state, and goes by the fallback where there is none', async () => {
    const down = {
      read: () => Promise.reject(new Error('down')),
      write: () => Promise.reject(new Error('down')),
      capabilities: { compareAndSet: true, watch: false, presence: false, writable: true },
      address: 'broken:',
      key: '',
    }
    const maintenance = maintain({
      stateBackend: down as never,
      stateBackendFallbackValue: 'read-only',
      localCopyPath: false,
      logger: { warn: () => {}, error: () => {} },
    })
    expect((await refusal(maintenance.assertWritable())).mode).toBe('read-only')
    expect((await refusal(maintain({ mode: 'read-only', silence: ['pinned-mode'] }).assertWritable())).mode).toBe(
      'read-only',
    )
  })

  it('in Express, Fastify and Koa makes the answer that a refusal is', async () => {
    const maintenance = maintain({ readOnlyStatusCode: 503, ...quiet })
    await maintenance.setMode('read-only', { reason: 'Moving' })
    const app = express().set('env', 'test')
    app.get('/', () => maintenance.assertWritable())
    const fast = fastify()
    fast.get('/', () => maintenance.assertWritable())
    atEnd(() => fast.close())
    const koa = new Koa({ env: 'test' })
    koa.silent = true
    koa.use(() => maintenance.assertWritable())
    for (const url of [
      await listen(app),
      await fast.listen({ port: 0, host: '127.0.0.1' }),
      await listen(koa.callback()),
    ]) {
      const response = await fetch(url)
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3600'])
      expect(response.headers.get('maintenance-mode')).toBe('read-only')
      expect(await response.text()).toContain('Read-only for maintenance: nothing was written. Moving')
    }
  })
})
