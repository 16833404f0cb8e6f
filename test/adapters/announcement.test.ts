import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve as serveHono } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { H3, serve as serveH3 } from 'h3'
import { Hono } from 'hono'
import Koa from 'koa'
import { createMaintenance, type Maintenance } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import * as forExpress from 'maintenance-mode/express'
import * as forFastify from 'maintenance-mode/fastify'
import * as forH3 from 'maintenance-mode/h3'
import * as forHono from 'maintenance-mode/hono'
import * as forKoa from 'maintenance-mode/koa'
import { createTestClock } from 'maintenance-mode/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { serializeDocument } from '../../src/state/document.js'
import { at, documentOf, minute, windowOf } from '../state/windows.js'

type Serve = (maintenance: Maintenance) => Promise<string>

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** Apps that say what their templates find. */
const apps: Record<string, Serve> = {
  Express: (maintenance) => {
    const app = express()
    app.use(forExpress.maintenanceMode(maintenance))
    app.get('/', (_req, res) => void res.json(res.locals.maintenance_announcement ?? null))
    return listen(createServer(app))
  },
  Fastify: async (maintenance) => {
    const app = Fastify()
    app.decorateReply('locals', null as object | null)
    app.addHook('onRequest', async (_request, reply) => {
      Object.assign(reply, { locals: {} })
    })
    await app.register(forFastify.maintenanceMode, { maintenance })
    app.get('/', async (_request, reply) => {
      const { locals } = reply as unknown as { locals: Record<string, unknown> }
      return JSON.stringify(locals.maintenance_announcement ?? null)
    })
    onTestFinished(() => app.close())
    return app.listen({ port: 0, host: '127.0.0.1' })
  },
  Koa: (maintenance) => {
    const app = new Koa()
    app.use(forKoa.maintenanceMode(maintenance))
    app.use((ctx) => {
      ctx.body = JSON.stringify(ctx.state.maintenance_announcement ?? null)
    })
    return listen(createServer(app.callback()))
  },
  Hono: async (maintenance) => {
    const app = new Hono()
    app.use(forHono.maintenanceMode(maintenance))
    app.get('/', (c) => c.json(c.get('maintenance_announcement') ?? null))
    const server = await new Promise<Server>((resolve) => {
      const made = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(made as Server))
    })
    onTestFinished(() => void server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  },
  h3: async (maintenance) => {
    const app = new H3()
    app.use(forH3.maintenanceMode(maintenance))
    app.get('/', (event) => JSON.stringify(event.context.maintenance_announcement ?? null))
    const server = serveH3(app, { port: 0, hostname: '127.0.0.1', silent: true })
    onTestFinished(() => server.close(true))
    await server.ready()
    return server.url as string
  },
}

const plan = windowOf({ id: 'plan-1', origin: 'planned', start: at(60), end: at(90), announceFrom: at(10) })

describe.each(Object.entries(apps))('templates of %s', (_name, serve) => {
  it('find what is announced from that moment on, and nothing before', async () => {
    const clock = createTestClock(minute(0))
    const stateBackend = memoryBackend()
    await stateBackend.write(serializeDocument(documentOf(plan)), { expected: 0, next: 1 })
    const silence = ['memory-backend', 'state-backend-in-code']
    const maintenance = createMaintenance({ stateBackend, silence }, { clock, environment: {} })
    onTestFinished(() => maintenance.close())
    const url = await serve(maintenance)
    await maintenance.ready()
    const told = async (): Promise<unknown> => (await fetch(url)).json()
    expect(await told()).toBe(null)
    await clock.set(minute(10))
    expect(await told()).toMatchObject({ phase: 'announced', window: 'plan-1', start: at(60), end: at(90) })
  })
})
