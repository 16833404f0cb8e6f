import type { AbstractHttpAdapter } from '@nestjs/core'
import type { FastifyInstance, FastifyReply, FastifyRequest as NativeRequest } from 'fastify'
import { isPromise } from '../callback.js'
import { maintenanceControls } from './fastify.js'
import { settleReply, tellLocals } from './fastify-answer.js'
import { FastifyRequest } from './fastify-request.js'
import { isLeftConfig } from './nestjs-routes.js'
import type { NestPlatform, NestSite } from './nestjs-site.js'
import { followNoted, innerGate } from './node-connections.js'

type Done = (error?: unknown) => void
type RequestHook = (request: NativeRequest, reply: FastifyReply, done: Done) => unknown

/** Stands in the app of the Fastify platform: before every hook and every middleware; or, with a guard, after all hooks. */
export function standInFastify(adapter: AbstractHttpAdapter, site: NestSite): NestPlatform {
  const { maintenance, engine, left, place } = site
  const instance = adapter.getInstance<FastifyInstance>()
  /** Let through although the mode is not off. */
  const bypassed = new WeakSet<object>()
  const gate = innerGate(engine, (native: NativeRequest) => new FastifyRequest(native, engine))
  let stands = false

  function maintenanceModeOfNest(native: NativeRequest, reply: FastifyReply, next: () => void): void {
    followNoted(gate, native.raw, reply.raw, native)
    if (engine.open) {
      tellLocals(engine, reply, false)
      next()
    } else if (site.guarded && isLeftConfig(native.routeOptions.config, place === 'guard')) {
      left.add(native)
      next()
    } else {
      settleReply(engine, new FastifyRequest(native, engine), reply, (closed) => {
        if (closed) bypassed.add(native)
        next()
      })
    }
  }

  /** They are made by a hook, which comes later. */
  function tellLaterLocals(native: NativeRequest, reply: FastifyReply, next: () => void): void {
    tellLocals(engine, reply, bypassed.has(native))
    next()
  }

  if (place === 'guard') instance.addHook('preHandler', maintenanceModeOfNest)
  else {
    hookFirst(adapter, maintenanceModeOfNest)
    instance.addHook('preHandler', tellLaterLocals)
  }
  maintenance.start()

  return {
    stand() {
      if (stands || !site.controls) return
      stands = true
      instance.register(maintenanceControls, { maintenance })
    },
    afterRoutes() {},
    judge(native: NativeRequest, reply: FastifyReply, forced) {
      const request = site.atRoute(new FastifyRequest(native, engine), forced)
      return new Promise((resolve) => settleReply(engine, request, reply, () => resolve(true)))
    },
  }
}

/** Nest adds its middleware as a hook before any module is made: only the adapter's own hook comes before that. */
function hookFirst(
  adapter: AbstractHttpAdapter,
  hook: (...of: [NativeRequest, FastifyReply, () => void]) => void,
): void {
  let { onRequestHook: theirs } = adapter as { onRequestHook?: RequestHook }
  adapter.setOnRequestHook((request: NativeRequest, reply: FastifyReply, done: Done) => {
    hook(request, reply, () => {
      if (!theirs) return done()
      let isDone = false
      const once: Done = (error) => {
        if (!isDone) done(error)
        isDone = true
      }
      // Nest 12 takes what such a hook returns as well.
      const result = theirs.call(adapter, request, reply, once)
      if (isPromise(result)) result.then(() => once(), once)
    })
  })
  adapter.setOnRequestHook = (given: unknown) => {
    theirs = given as RequestHook
  }
}
