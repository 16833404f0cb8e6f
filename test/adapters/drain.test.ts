import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  Agent,
  createServer,
  get,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { createServer as createHttpsServer, get as getHttps } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { H3, toNodeHandler } from 'h3'
import { Hono } from 'hono'
import Koa from 'koa'
import type { Maintenance } from 'maintenance-mode'
import { maintenanceMode as expressMode, forceMaintenanceModeOff } from 'maintenance-mode/express'
import { maintenanceMode as fastifyMode } from 'maintenance-mode/fastify'
import { maintenanceMode as h3Mode } from 'maintenance-mode/h3'
import { withMaintenanceMode as aroundHono, maintenanceMode as honoMode } from 'maintenance-mode/hono'
import { maintenanceMode as koaMode } from 'maintenance-mode/koa'
import { attachMaintenanceMode, maintenanceMode as nodeMode, withMaintenanceMode } from 'maintenance-mode/node'
import { describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { engineOf } from '../../src/engine.js'
import { createTestClock } from '../../src/testing/index.js'
import { temporaryFolder } from '../backends/fixtures/child.js'
import { atEnd, listen, maintain } from './opened.js'

/** Requests that are answered when a test says so. */
function barrier() {
  const waiting = new Map<string, () => void>()
  const arrived = (path: string): Promise<void> => vi.waitFor(() => expect([...waiting.keys()]).toContain(path), 10_000)
  return {
    wait: (path: string) => new Promise<void>((resolve) => void waiting.set(path, resolve)),
    arrived: (...paths: string[]) => Promise.all(paths.map(arrived)),
    answer(...paths: string[]) {
      for (const path of paths) waiting.get(path)?.()
    },
  }
}

type Wait = (path: string) => Promise<void>
type App = (maintenance: Maintenance, wait: Wait) => RequestListener | Server | Promise<RequestListener>

const userOf = (name: unknown) => (name === 'staff' ? { id: 1, isStaff: true } : null)
const pathOf = (req: IncomingMessage): string => (req as { originalUrl?: string }).originalUrl ?? (req.url as string)
const respond = async (wait: Wait, req: IncomingMessage, res: ServerResponse): Promise<void> => {
  await wait(pathOf(req))
  res.end('done')
}

const signIn = (req: IncomingMessage, _res: unknown, next: () => void): void => {
  Object.assign(req, { user: userOf(req.headers['x-user']), session: {} })
  next()
}

const apps: Record<string, App> = {
  'node:http, as a middleware': (maintenance, wait) => {
    const mode = nodeMode(maintenance)
    return (req, res) => signIn(req, res, () => mode(req, res, () => void respond(wait, req, res)))
  },
  Express: (maintenance, wait) => {
    const app = express().use(signIn, expressMode(maintenance))
    const nested = express.Router().use((req, res) => respond(wait, req, res))
    return app.use('/nested', nested).use((req, res) => respond(wait, req, res))
  },
  Fastify: async (maintenance, wait) => {
    const app = fastify()
    app.decorateRequest('user')
    app.addHook('onRequest', async (request) => {
      Object.assign(request, { user: userOf(request.headers['x-user']) })
    })
    await app.register(fastifyMode, { maintenance })
    app.get('/*', async (request) => {
      await wait(request.url)
      return 'done'
    })
    await app.ready()
    return app.routing as RequestListener
  },
  Koa: (maintenance, wait) =>
    new Koa()
      .use((ctx, next) => {
        ctx.state.user = userOf(ctx.get('x-user'))
        return next()
      })
      .use(koaMode(maintenance))
      .use(async (ctx) => {
        await wait(ctx.url)
        ctx.body = 'done'
      })
      .callback(),
  Hono: (maintenance, wait) => {
    const app = new Hono<{ Variables: { user: unknown } }>()
    app.use((c, next) => {
      c.set('user', userOf(c.req.header('x-user')))
      return next()
    })
    app.use(honoMode(maintenance)).get('*', async (c) => {
      await wait(c.req.path)
      return c.text('done')
    })
    return createAdaptorServer({ fetch: app.fetch }) as Server
  },
  h3: (maintenance, wait) => {
    const app = new H3()
    app.use((event) => {
      event.context.user = userOf(event.req.headers.get('x-user'))
    })
    app.use(h3Mode(maintenance)).get('/**', async (event) => {
      await wait(new URL(event.req.url).pathname)
      return 'done'
    })
    return toNodeHandler(app) as RequestListener
  },
}

/** Everything that has no user to look for. */
const outermost: Record<string, App> = {
  'node:http, outermost': (maintenance, wait) =>
    withMaintenanceMode(maintenance, (req, res) => void respond(wait, req, res)),
  'Hono, outermost': (maintenance, wait) => {
    const app = new Hono().get('*', async (c) => {
      await wait(c.req.path)
      return c.text('done')
    })
    return createAdaptorServer({ fetch: aroundHono(maintenance, app) }) as Server
  },
  'a server that it is attached to': (maintenance, wait) => {
    const server = createServer((req, res) => void respond(wait, req, res))
    attachMaintenanceMode(server, maintenance)
    return server
  },
}

function visitor(site: string) {
  const agent = new Agent({ keepAlive: true })
  atEnd(() => agent.destroy())
  return (path: string, headers: Record<string, string> = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const request = get(`${site}${path}`, { agent, headers }, (res) => {
        res.resume().on('end', () => resolve(res.statusCode as number))
      })
      request.on('error', reject)
    })
}

const inFlight = (maintenance: Maintenance) => engineOf(maintenance).drain.report()
const paths = (maintenance: Maintenance) => inFlight(maintenance)?.oldest.map(({ path }) => path)
const countIs = (maintenance: Maintenance, count: number): Promise<void> =>
  vi.waitFor(() => expect(inFlight(maintenance)?.count).toBe(count), 10_000)

describe.each(Object.entries({ ...apps, ...outermost }))('drain: %s', (name, app) => {
  it('counts what had been let in and would not be now, until it is answered', async () => {
    const maintenance = maintain({ ignoreUrls: ['/open/**'], ignoreStaff: name in apps, loginUrls: ['/login'] })
    const { wait, arrived, answer } = barrier()
    const ask = visitor(await listen(await app(maintenance, wait)))
    // A connection that is kept, and idle when the site is closed.
    const first = ask('/first')
    await arrived('/first')
    answer('/first')
    await first
    const visits = [ask('/a'), ask('/b'), ask('/open/c'), ask('/healthz')]
    if (name in apps) visits.push(ask('/staff', { 'x-user': 'staff' }))
    const all = ['/a', '/b', '/open/c', '/healthz', ...(name in apps ? ['/staff'] : [])]
    await arrived(...all)
    expect(inFlight(maintenance)).toEqual({ count: all.length, draining: undefined, oldest: [] })

    await maintenance.setMode('on')
    expect(paths(maintenance)?.sort()).toEqual(['/a', '/b'])
    const waited = maintenance.setMode('on', { wait: { timeout: '30s' } })
    answer('/open/c', '/healthz', '/staff', '/b')
    await countIs(maintenance, 1)
    const early = await Promise.race([waited, maintenance.setMode('on', { wait: { timeout: '2s' } }).catch(String)])
    expect(early).toMatch(/still has 1 request in flight: GET \/a \(\d+m?s\)\. The change stands\./)
    answer('/a')
    expect((await waited).fleet).toMatchObject({ result: 'confirmed', instances: [{ inFlight: { count: 0 } }] })
    expect(await Promise.all(visits)).toEqual(all.map(() => 200))
    await maintenance.setMode('off')
    expect(inFlight(maintenance)).toEqual({ count: 0, draining: undefined, oldest: [] })
  })
})

describe('drain, over node:http', () => {
  const apart = (options: Parameters<typeof maintain>[0] = {}, handler?: RequestListener) => {
    const clock = createTestClock()
    const maintenance = maintain(options, { clock })
    const { wait, arrived, answer } = barrier()
    const listener = withMaintenanceMode(maintenance, handler ?? ((req, res) => void respond(wait, req, res)))
    return { clock, maintenance, listener, arrived, answer }
  }

  it('counts pipelined requests down to the last, also behind one that does not count', async () => {
    const { maintenance, listener, arrived, answer } = apart()
    const { port, hostname } = new URL(await listen(listener))
    const socket = connect(Number(port), hostname).resume()
    atEnd(() => socket.destroy())
    for (const path of ['/healthz', '/1', '/2']) socket.write(`GET ${path} HTTP/1.1\r\nHost: site\r\n\r\n`)
    await arrived('/healthz', '/1', '/2')
    expect(inFlight(maintenance)?.count).toBe(3)
    await maintenance.setMode('on')
    expect(paths(maintenance)).toEqual(['/1', '/2'])
    answer('/healthz')
    answer('/1')
    await vi.waitFor(() => expect(paths(maintenance)).toEqual(['/2']), 10_000)
    answer('/2')
    await countIs(maintenance, 0)
  })

  it('counts the streams of an HTTP/2 connection, each by itself', async () => {
    const { maintenance, listener, arrived, answer } = apart()
    const server = createHttp2Server(listener as never)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
    atEnd(() => {
      client.destroy()
      server.close()
    })
    for (const path of ['/1', '/2', '/healthz']) client.request({ ':path': path }).resume()
    await arrived('/1', '/2', '/healthz')
    expect(inFlight(maintenance)?.count).toBe(3)
    await maintenance.setMode('on')
    expect(paths(maintenance)).toEqual(['/1', '/2'])
    answer('/1')
    await countIs(maintenance, 1)
    answer('/2')
    await countIs(maintenance, 0)
    answer('/healthz')
    await maintenance.setMode('off')
    await countIs(maintenance, 0)
  })

  it('counts requests over TLS', async () => {
    const { maintenance, listener, arrived, answer } = apart()
    const folder = temporaryFolder()
    const [keyFile, certFile] = ['key.pem', 'cert.pem'].map((file) => join(folder, file)) as [string, string]
    const line = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost'
    execFileSync('openssl', [...line.split(' '), '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' })
    const secure = createHttpsServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, listener)
    const { port } = new URL(await listen(secure as unknown as Server))
    getHttps({ port, path: '/1', rejectUnauthorized: false, agent: false }, (res) => void res.resume())
    await arrived('/1')
    await maintenance.setMode('on')
    expect(paths(maintenance)).toEqual(['/1'])
    answer('/1')
    await countIs(maintenance, 0)
  })

  it('does not count whose client has gone, nor what was refused, nor who is held', async () => {
    const { clock, maintenance, listener, arrived } = apart()
    const site = await listen(listener)
    const client = new AbortController()
    void fetch(`${site}/gone`, { signal: client.signal }).catch(() => {})
    await arrived('/gone')
    await maintenance.setMode('hold')
    expect(paths(maintenance)).toEqual(['/gone'])
    client.abort()
    await countIs(maintenance, 0)
    const held = fetch(`${site}/held`)
    await vi.waitFor(() => expect(maintenance.status().held).toBe(1), 10_000)
    await maintenance.setMode('hold', { reason: 'changed' })
    expect(inFlight(maintenance)?.count).toBe(0)
    await maintenance.setMode('on')
    expect(inFlight(maintenance)?.count).toBe(0)
    await clock.advance(1)
    expect((await held).status).toBe(503)
    expect(inFlight(maintenance)?.count).toBe(0)
  })

  it('counts by the scope that is closed, and judges anew when that changes', async () => {
    const { maintenance, listener, arrived } = apart({ scopes: { billing: { urls: ['/billing/**'] } } })
    const site = await listen(listener)
    for (const path of ['/billing/1', '/shop']) void fetch(site + path).catch(() => {})
    void fetch(`${site}/post`, { method: 'POST' }).catch(() => {})
    await arrived('/billing/1', '/shop', '/post')
    await maintenance.setMode('on', { scope: 'billing' })
    expect(paths(maintenance)).toEqual(['/billing/1'])
    await maintenance.setMode('read-only')
    expect(paths(maintenance)?.sort()).toEqual(['/billing/1', '/post'])
    await maintenance.setMode('on')
    expect(paths(maintenance)?.sort()).toEqual(['/billing/1', '/post', '/shop'])
    await maintenance.setMode('read-only')
    expect(paths(maintenance)?.sort()).toEqual(['/billing/1', '/post'])
  })

  it('counts who was let in while the site was reopening, when `on` closes it again', async () => {
    const { clock, maintenance, listener, arrived } = apart()
    const site = await listen(listener)
    await maintenance.setMode('on')
    await maintenance.setMode('off', { ramp: '10m' })
    await clock.advance(10 * 60_000 - 1)
    void fetch(`${site}/let-in`).catch(() => {})
    await arrived('/let-in')
    expect(inFlight(maintenance)?.count).toBe(0)
    await maintenance.setMode('on')
    expect(paths(maintenance)).toEqual(['/let-in'])
  })

  it('knows no query, and how old requests are at least', async () => {
    const { clock, maintenance, listener, arrived } = apart()
    const ask = visitor(await listen(listener))
    void ask('/report?key=secret').catch(() => {})
    await arrived('/report?key=secret')
    await clock.advance(12_000)
    await maintenance.setMode('on')
    await clock.advance(1000)
    expect(inFlight(maintenance)).toEqual({
      count: 1,
      draining: 1000,
      oldest: [{ method: 'GET', path: '/report', age: 13_000 }],
    })
  })

  it('does not count WebSockets', async () => {
    const { maintenance, listener } = apart()
    const server = createServer(listener)
    attachMaintenanceMode(server, maintenance)
    const sockets = new WebSocketServer({ server })
    atEnd(() => sockets.close())
    const site = await listen(server)
    const client = new WebSocket(site.replace('http', 'ws'))
    await once(client, 'open')
    await maintenance.setMode('on')
    expect(inFlight(maintenance)?.count).toBe(0)
    client.close()
  })

  it('does not count what Express answers before it, nor what is forced off', async () => {
    const maintenance = maintain()
    const { wait, arrived } = barrier()
    const app = express()
    app.get('/before', (req, res) => respond(wait, req, res))
    app.use(expressMode(maintenance))
    const router = express.Router()
    router.get(
      '/webhook',
      forceMaintenanceModeOff((req: IncomingMessage, res: ServerResponse) => respond(wait, req, res)),
    )
    router.get('/page', (req, res) => respond(wait, req, res))
    app.use('/api', router).get('/', (_req, res) => void res.end())
    const ask = visitor(await listen(app))
    // Three connections that are followed.
    await Promise.all(['/', '/', '/'].map((path) => ask(path)))
    for (const path of ['/before', '/api/webhook', '/api/page']) ask(path).catch(() => {})
    await arrived('/before', '/api/webhook', '/api/page')
    await maintenance.setMode('on')
    expect(paths(maintenance)).toEqual(['/api/page'])
  })

  it('is over when the site is open again', async () => {
    const { maintenance, listener, arrived } = apart()
    const site = await listen(listener)
    void fetch(`${site}/1`).catch(() => {})
    await arrived('/1')
    await maintenance.setMode('on')
    await maintenance.setMode('off')
    expect(inFlight(maintenance)).toEqual({ count: 1, draining: undefined, oldest: [] })
  })

  describe('endless streams of visitors', () => {
    const streams = async (options: Parameters<typeof maintain>[0]) => {
      const ended: string[] = []
      const writing: NodeJS.Timeout[] = []
      atEnd(() => writing.forEach(clearInterval))
      const { clock, maintenance, listener } = apart({ ignoreUrls: ['/staff/**'], ...options }, (req, res) => {
        res.on('finish', () => ended.push(req.url as string))
        if (req.url === '/download') res.writeHead(200, { 'Content-Type': 'text/csv' }).write('a,b\n')
        else if (req.url === '/later') res.setHeader('Content-Type', 'text/event-stream')
        else {
          res.setHeader('Cache-Control', 'no-store')
          res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' }).write(': hello\n\n')
          // Goes on, whatever becomes of the answer.
          writing.push(setInterval(() => res.write(': tick\n\n'), 1))
        }
      })
      const site = await listen(listener)
      const client = new AbortController()
      atEnd(() => client.abort())
      const paths = ['/events', '/staff/events', '/download', '/later']
      for (const path of paths) void fetch(site + path, { signal: client.signal }).catch(() => {})
      await countIs(maintenance, paths.length)
      await maintenance.setMode('on')
      expect(inFlight(maintenance)?.count).toBe(3)
      return { clock, maintenance, ended }
    }

    it('are ended after `drainTimeout`, where that is set; no other answer is, and no late write is an error', async () => {
      const { clock, maintenance, ended } = await streams({ drainStreams: 'end', drainTimeout: '10s' })
      await clock.advance(9999)
      expect([ended, inFlight(maintenance)?.count]).toEqual([[], 3])
      await clock.advance(1)
      await countIs(maintenance, 2)
      expect([ended, paths(maintenance)?.sort()]).toEqual([['/events'], ['/download', '/later']])
    })

    it('are left alone where nothing is set', async () => {
      const { clock, maintenance, ended } = await streams({ drainTimeout: '10s' })
      await clock.advance(60_000)
      expect([ended, inFlight(maintenance)?.count]).toEqual([[], 3])
    })
  })
})
