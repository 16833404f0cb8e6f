import { createServer } from 'node:http'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyServerOptions } from 'fastify'
import {
  adapterSuite,
  type ServedSite,
  type SiteRoute,
  siteRoutes,
  siteUser,
  toSiteRequest,
} from 'maintenance-mode/testing'
import { afterAll, describe, it } from 'vitest'
import {
  type MaintenanceModeOptions,
  maintenanceControls,
  maintenanceMode,
  withMaintenanceMode,
} from '../../../src/adapters/fastify.js'
import type { Maintenance } from '../../../src/index.js'
import { maintenanceOf, maintenanceWithUser, serveNode } from './node-site.js'

const runner = { describe, it, afterAll }

function addRoutes(app: FastifyInstance, under: SiteRoute['under']): void {
  for (const { method, path: url, forced, answer } of siteRoutes.filter((one) => one.under === under)) {
    const config = forced ? { forceMaintenanceMode: forced } : {}
    app.route({
      method,
      url,
      config,
      handler: async (request, reply: FastifyReply & { locals?: Record<string, unknown> }) => {
        const answered = await answer(toSiteRequest(request.raw), reply.locals)
        return reply.send(request.method === 'HEAD' ? undefined : answered)
      },
    })
  }
}

async function build(
  options: FastifyServerOptions,
  prepare: (app: FastifyInstance) => unknown,
): Promise<FastifyInstance> {
  const app = Fastify(options)
  // The fixture reads bodies itself.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  await prepare(app)
  addRoutes(app, '')
  for (const prefix of ['/nested', '/mounted'] as const) {
    app.register(async (part) => addRoutes(part, prefix), { prefix })
  }
  return app
}

/** As @fastify/passport and @fastify/view do it. */
function addUserAndLocals(app: FastifyInstance, hook: 'onRequest' | 'preValidation'): void {
  app.decorateRequest('user', null)
  app.decorateRequest('isAuthenticated', () => true)
  app.decorateReply('locals', null)
  app.addHook('onRequest', (_request, reply, done) => {
    Object.assign(reply, { locals: {} })
    done()
  })
  app.addHook(hook as 'onRequest', (request, _reply, done) => {
    Object.assign(request, { user: siteUser(request.headers.cookie) })
    done()
  })
}

async function serve(maintenance: Maintenance, app: FastifyInstance): Promise<ServedSite> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const site = await serveNode(maintenance, app.server)
  return {
    url: site.url,
    async close() {
      await site.close()
      await app.close()
    },
  }
}

for (const hook of ['onRequest', 'preHandler'] satisfies MaintenanceModeOptions['hook'][]) {
  adapterSuite(runner, {
    name: hook === 'onRequest' ? 'Fastify 5' : `Fastify 5, in ${hook}`,
    async serve(settings) {
      const maintenance = maintenanceOf(settings)
      const app = await build({}, async (site) => {
        addUserAndLocals(site, hook === 'onRequest' ? 'onRequest' : 'preValidation')
        await site.register(maintenanceMode, { maintenance, hook })
        site.register(maintenanceControls, { maintenance })
      })
      return serve(maintenance, app)
    },
  })
}

adapterSuite(runner, {
  name: 'Fastify 5, outermost',
  async serve(settings) {
    const maintenance = maintenanceWithUser(settings)
    const serverFactory: FastifyServerOptions['serverFactory'] = (handler) =>
      createServer(withMaintenanceMode(maintenance, handler))
    const app = await build({ serverFactory }, (site) => site.register(maintenanceControls, { maintenance }))
    return serve(maintenance, app)
  },
  exempt: {
    'a route that is forced off is open': 'no router has run yet: use the setting routes',
    'a route that is forced on is closed while off': 'no router has run yet: use the setting routes',
    'templates are told': 'nothing of Fastify has run yet',
  },
})
