import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { connect } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { H3, toNodeHandler } from 'h3'
import { Hono } from 'hono'
import Koa from 'koa'
import type { Maintenance } from 'maintenance-mode'
import { maintenanceMode as expressMode } from 'maintenance-mode/express'
import { maintenanceMode as fastifyMode } from 'maintenance-mode/fastify'
import { maintenanceMode as h3Mode } from 'maintenance-mode/h3'
import { maintenanceMode as honoMode } from 'maintenance-mode/hono'
import { maintenanceMode as koaMode } from 'maintenance-mode/koa'
import { withMaintenanceMode } from 'maintenance-mode/node'
import { describe, expect, it, vi } from 'vitest'
import { atEnd, listen, maintain } from './opened.js'

type App = (maintenance: Maintenance, hello: () => string) => RequestListener | Server | Promise<RequestListener>

const apps: Record<string, App> = {
  'node:http': (maintenance, hello) => withMaintenanceMode(maintenance, (_req, res) => void res.end(hello())),
  Express: (maintenance, hello) => {
    const app = express().use(express.json(), expressMode(maintenance))
    return app.use((_req, res) => void res.send(hello()))
  },
  // Behind what reads every request to its end, which closes it.
  'Express, once the request is read': (maintenance, hello) => {
    const app = express().use((req, _res, next) => void req.on('close', next).resume(), expressMode(maintenance))
    return app.use((_req, res) => void res.send(hello()))
  },
  Fastify: async (maintenance, hello) => {
    const app = fastify()
    await app.register(fastifyMode, { maintenance })
    app.get('/', () => hello())
    await app.ready()
    return app.routing as RequestListener
  },
  Koa: (maintenance, hello) => {
    const app = new Koa().use(koaMode(maintenance)).use((ctx) => {
      ctx.body = hello()
    })
    return app.callback()
  },
  Hono: (maintenance, hello) => {
    const app = new Hono().use(honoMode(maintenance)).get('/', (c) => c.text(hello()))
    return createAdaptorServer({ fetch: app.fetch }) as Server
  },
  h3: (maintenance, hello) => toNodeHandler(new H3().use(h3Mode(maintenance)).get('/', hello)) as RequestListener,
}

async function holding(app: App): Promise<{ maintenance: Maintenance; site: string; greeted: () => number }> {
  const maintenance = maintain({ holdLimit: 1 })
  await maintenance.setMode('hold')
  let greeted = 0
  const hello = (): string => {
    greeted++
    return 'hello'
  }
  return { maintenance, site: await listen(await app(maintenance, hello)), greeted: () => greeted }
}

const heldAre = (maintenance: Maintenance, count: number): Promise<void> =>
  vi.waitFor(() => expect(maintenance.status().held).toBe(count), { timeout: 5000 })

describe.each(Object.entries(apps))('while the mode is hold, %s', (_, app) => {
  it('gives the place of a client that goes away to the next one, and the app does not hear of it', async () => {
    const { maintenance, site, greeted } = await holding(app)
    const client = new AbortController()
    const gone = fetch(site, { signal: client.signal }).catch(() => 'gone')
    await heldAre(maintenance, 1)
    expect((await fetch(site)).status).toBe(503)
    client.abort()
    expect(await gone).toBe('gone')
    await heldAre(maintenance, 0)
    const answer = fetch(site)
    await heldAre(maintenance, 1)
    await maintenance.setMode('off')
    const { status, headers } = await answer
    expect([status, headers.get('maintenance-mode'), greeted()]).toEqual([200, null, 1])
  })
})

describe('what waits on one connection', () => {
  it('is a place for each request that is pipelined, without a word of leaks, and all are free when it closes', async () => {
    const maintenance = maintain()
    await maintenance.setMode('hold')
    const site = await listen(createServer(withMaintenanceMode(maintenance, (req, res) => void res.end(req.url))))
    const warned = vi.fn()
    process.on('warning', warned)
    atEnd(() => process.off('warning', warned))
    const socket = connect(Number(new URL(site).port), '127.0.0.1')
    for (let index = 0; index < 30; index++) socket.write(`GET /${index} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await heldAre(maintenance, 30)
    socket.destroy()
    await heldAre(maintenance, 0)
    expect(warned).not.toHaveBeenCalled()
  })

  it('is answered in order when it is pipelined', async () => {
    const maintenance = maintain()
    await maintenance.setMode('hold')
    const site = await listen(createServer(withMaintenanceMode(maintenance, (req, res) => void res.end(`${req.url};`))))
    const socket = connect(Number(new URL(site).port), '127.0.0.1')
    let text = ''
    socket.on('data', (part) => {
      text += String(part)
    })
    for (const path of ['/1', '/2', '/3']) socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await heldAre(maintenance, 3)
    await maintenance.setMode('off')
    await vi.waitFor(() => expect(text.match(/\/\d;/g)).toEqual(['/1;', '/2;', '/3;']))
    socket.destroy()
  })

  it('over HTTP/2 is a place for each stream, free when that is cancelled', async () => {
    const maintenance = maintain({ holdLimit: 3 })
    await maintenance.setMode('hold')
    const listener = withMaintenanceMode(maintenance, (_req, res) => void res.end('hello'))
    const server = createHttp2Server(listener as never).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
    atEnd(() => {
      client.destroy()
      server.close()
    })
    const send = () => client.request({ ':path': '/' }).resume()
    const statusOf = async (stream: ReturnType<typeof send>): Promise<unknown> =>
      (await once(stream, 'response'))[0][':status']
    const streams = [send(), send(), send()] as const
    await heldAre(maintenance, 3)
    expect(await statusOf(send())).toBe(503)
    streams[0].close()
    await heldAre(maintenance, 2)
    const kept = Promise.all([statusOf(streams[1]), statusOf(streams[2])])
    const next = send()
    const added = statusOf(next)
    await heldAre(maintenance, 3)
    await maintenance.setMode('off')
    expect([...(await kept), await added]).toEqual([200, 200, 200])
  })
})

it('the limits that Node has for receiving a request, and for idle connections, do not end a wait', async () => {
  const maintenance = maintain()
  await maintenance.setMode('hold')
  const limits = { requestTimeout: 1000, headersTimeout: 1000, keepAliveTimeout: 1000, connectionsCheckingInterval: 50 }
  const server = createServer(
    limits,
    withMaintenanceMode(maintenance, (_req, res) => void res.end('hello')),
  )
  const answer = fetch(await listen(server))
  await heldAre(maintenance, 1)
  // Node's limits know no other clock.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await maintenance.setMode('off')
  expect((await answer).status).toBe(200)
})

it('a server that is closed does not hang for those that wait, if the maintenance object is closed first', async () => {
  const maintenance = maintain({ holdTimeout: '1h' })
  await maintenance.setMode('hold')
  const server = createServer(withMaintenanceMode(maintenance, (_req, res) => void res.end('hello')))
  const site = await listen(server)
  const answers = Array.from({ length: 20 }, () => fetch(site))
  await heldAre(maintenance, 20)
  await maintenance.close()
  const ended = new Promise((resolve) => server.close(resolve))
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(answers.map(() => 503))
  await ended
})
