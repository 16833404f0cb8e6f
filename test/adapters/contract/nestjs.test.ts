import { adapterSuite } from 'maintenance-mode/testing'
import { afterAll, describe, it } from 'vitest'
import { createSite } from './fixtures/nestjs-site.mjs'
import { serveNode } from './node-site.js'

const suites = [
  ['Nest 12 on Express', 'express', 'middleware'],
  ['Nest 12 on Express, outermost', 'express', 'outermost'],
  ['Nest 12 on Express, in a guard', 'express', 'guard'],
  ['Nest 12 on Fastify', 'fastify', 'middleware'],
  ['Nest 12 on Fastify, in a guard', 'fastify', 'guard'],
] as const

for (const [name, platform, place] of suites) {
  adapterSuite(
    { describe, it, afterAll },
    {
      name,
      async serve(settings) {
        const { app, maintenance } = await createSite(platform, place, settings)
        await app.listen(0, '127.0.0.1')
        const { url, close } = await serveNode(maintenance, app.getHttpServer())
        return {
          url,
          async close() {
            await close()
            await app.close()
          },
        }
      },
    },
  )
}
