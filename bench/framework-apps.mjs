// The same small app in each framework, as a listener of node:http: one route in the framework's own shortest way, behind an
// empty middleware or hook; or, in its place, ours, or one that sends a given answer by hand.
import 'reflect-metadata'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Controller, Get, HttpCode, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express from 'express'
import fastify from 'fastify'
import { H3, HTTPResponse } from 'h3'
import { toNodeHandler } from 'h3/node'
import { Hono } from 'hono'
import Koa from 'koa'
import * as expressAdapter from 'maintenance-mode/express'
import * as fastifyAdapter from 'maintenance-mode/fastify'
import * as h3Adapter from 'maintenance-mode/h3'
import * as honoAdapter from 'maintenance-mode/hono'
import * as koaAdapter from 'maintenance-mode/koa'
import { MaintenanceModeModule } from 'maintenance-mode/nestjs'

/** By name: `(status, middle?)`, where what is in the middle is `{ maintenance }` or `{ answer: { headers, body } }`. */
export const frameworkApps = {
  express(status, { maintenance, answer } = {}) {
    const app = express()
    app.use(maintenance ? expressAdapter.maintenanceMode(maintenance) : expressLike(answer))
    return app.get('/', (_req, res) => void res.status(status).send('Hello'))
  },

  async fastify(status, { maintenance, answer } = {}) {
    let listener
    const app = fastify({
      serverFactory(handler) {
        listener = handler
        return createServer(handler)
      },
    })
    if (maintenance) await app.register(fastifyAdapter.maintenanceMode, { maintenance })
    else app.addHook('onRequest', fastifyHook(answer))
    app.get('/', (_request, reply) => reply.code(status).send('Hello'))
    await app.ready()
    return listener
  },

  koa(status, { maintenance, answer } = {}) {
    const app = new Koa()
    const byHand = (ctx) => {
      ctx.status = 503
      ctx.set(answer.headers)
      ctx.body = answer.body
    }
    const own = answer ? byHand : (_ctx, next) => next()
    app.use(maintenance ? koaAdapter.maintenanceMode(maintenance) : own)
    app.use((ctx) => {
      ctx.status = status
      ctx.body = 'Hello'
    })
    return app.callback()
  },

  /** @param around the maintenance mode to put around the app */
  hono(status, { maintenance, answer, around } = {}) {
    const app = new Hono()
    const own = answer ? (c) => c.body(answer.body, 503, answer.headers) : (_c, next) => next()
    app.use(maintenance ? honoAdapter.maintenanceMode(maintenance) : own)
    app.get('/', (c) => c.text('Hello', status))
    return getRequestListener(around ? honoAdapter.withMaintenanceMode(around, app) : app.fetch)
  },

  h3(status, { maintenance, answer } = {}) {
    const app = new H3()
    const byHand = () => new HTTPResponse(answer.body, { status: 503, headers: answer.headers })
    app.use(maintenance ? h3Adapter.maintenanceMode(maintenance) : answer ? byHand : (_event, next) => next())
    app.get('/', (event) => {
      event.res.status = status
      return 'Hello'
    })
    return toNodeHandler(app)
  },

  async 'nestjs express'(status, middle) {
    const app = await nestApp(new ExpressAdapter(), status, middle)
    if (!middle?.maintenance) app.use(expressLike(middle?.answer))
    await app.init()
    return app.getHttpAdapter().getInstance()
  },

  async 'nestjs fastify'(status, middle) {
    const app = await nestApp(new FastifyAdapter(), status, middle)
    const instance = app.getHttpAdapter().getInstance()
    if (!middle?.maintenance) instance.addHook('onRequest', fastifyHook(middle?.answer))
    await app.init()
    await instance.ready()
    return instance.routing
  },
}

function expressLike(answer) {
  if (!answer) return (_req, _res, next) => next()
  return (_req, res) => void res.writeHead(503, answer.headers).end(answer.body)
}

function fastifyHook(answer) {
  if (!answer) return (_request, _reply, done) => done()
  return (_request, reply) => void reply.code(503).headers(answer.headers).send(answer.body)
}

function nestApp(adapter, status, middle) {
  class Root {
    hello() {
      return 'Hello'
    }
  }
  Get()(Root.prototype, 'hello', Object.getOwnPropertyDescriptor(Root.prototype, 'hello'))
  HttpCode(status)(Root.prototype, 'hello', Object.getOwnPropertyDescriptor(Root.prototype, 'hello'))
  Controller()(Root)
  class App {}
  // Without the control URLs, which the others have not mounted either: one middleware against one.
  const imports = middle?.maintenance ? [MaintenanceModeModule.forRoot(middle.maintenance, { controls: false })] : []
  Module({ imports, controllers: [Root] })(App)
  return NestFactory.create(App, adapter, { logger: false })
}
