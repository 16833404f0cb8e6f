// The same small app in each framework, as a listener of node:http: with an empty middleware or hook, or with ours in its
// place, and one route in the framework's own shortest way.
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { H3 } from 'h3'
import { toNodeHandler } from 'h3/node'
import { Hono } from 'hono'
import Koa from 'koa'
import * as expressAdapter from 'maintenance-mode/express'
import * as fastifyAdapter from 'maintenance-mode/fastify'
import * as h3Adapter from 'maintenance-mode/h3'
import * as honoAdapter from 'maintenance-mode/hono'
import * as koaAdapter from 'maintenance-mode/koa'

export const frameworkApps = {
  express(status, maintenance) {
    const app = express()
    app.use(maintenance ? expressAdapter.maintenanceMode(maintenance) : (_req, _res, next) => next())
    return app.get('/', (_req, res) => void res.status(status).send('Hello'))
  },

  async fastify(status, maintenance) {
    let listener
    const app = fastify({
      serverFactory(handler) {
        listener = handler
        return createServer(handler)
      },
    })
    if (maintenance) await app.register(fastifyAdapter.maintenanceMode, { maintenance })
    else app.addHook('onRequest', (_request, _reply, done) => done())
    app.get('/', (_request, reply) => reply.code(status).send('Hello'))
    await app.ready()
    return listener
  },

  koa(status, maintenance) {
    const app = new Koa()
    app.use(maintenance ? koaAdapter.maintenanceMode(maintenance) : (_ctx, next) => next())
    app.use((ctx) => {
      ctx.status = status
      ctx.body = 'Hello'
    })
    return app.callback()
  },

  hono(status, maintenance) {
    const app = new Hono()
    app.use(maintenance ? honoAdapter.maintenanceMode(maintenance) : (_c, next) => next())
    app.get('/', (c) => c.text('Hello', status))
    return getRequestListener(app.fetch)
  },

  h3(status, maintenance) {
    const app = new H3()
    app.use(maintenance ? h3Adapter.maintenanceMode(maintenance) : (_event, next) => next())
    app.get('/', (event) => {
      event.res.status = status
      return 'Hello'
    })
    return toNodeHandler(app)
  },
}
