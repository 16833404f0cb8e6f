import { afterAll, beforeAll, describe, it } from 'vitest'
import type { MaintenanceOptions } from '../../src/settings/options.js'
import { type AdapterSuiteOptions, adapterSuite } from '../../src/testing/index.js'
import { countsAnUpload } from './draining.js'
import { exampleIsSwitched } from './example.js'
import { createProject, type Project } from './project.js'

// Newer than what the registry calls the latest.
const nitro = 'nitro@3.0.260903-beta'

const app = {
  'nitro.config.js': `
    import { defineConfig } from 'nitro'
    const forced = (mode) => ({ handler: './site.js', meta: { forceMaintenanceMode: mode } })
    export default defineConfig({
      serverDir: './server',
      features: { websocket: true },
      routes: { '/open': forced('off'), '/nested/open': forced('off'), '/closed': forced('on') },
    })`,
  'site.js': `
    import { defineHandler } from 'nitro'
    import { answerSite } from 'maintenance-mode/testing'
    export default defineHandler(({ req, context }) => answerSite(req, { ...context }))`,
  'server/routes/[...].js': `export { default } from '../../site.js'`,
  'server/routes/socket.js': `
    import { defineWebSocketHandler } from 'nitro'
    export default defineWebSocketHandler({})`,
  'public/assets/app.css': 'body { margin: 0 }',
  'maintenance.js': `
    import { createMaintenance } from 'maintenance-mode'
    export const maintenance = createMaintenance(JSON.parse(process.env.SITE_SETTINGS), { environment: {} })
    export const inFront = process.env.PLACE === 'front'`,
  'server/middleware/1.sign-in.js': `
    import { siteUser } from 'maintenance-mode/testing'
    export default ({ req, context }) => {
      context.user = siteUser(req.headers.get('cookie'))
    }`,
  'server/middleware/2.maintenance.js': `
    import { maintenanceMode } from 'maintenance-mode/h3'
    import { inFront, maintenance } from '../../maintenance.js'
    export default inFront ? () => {} : maintenanceMode(maintenance)`,
  'server/middleware/3.controls.js': `
    import { maintenanceControls } from 'maintenance-mode/h3'
    import { maintenance } from '../../maintenance.js'
    export default maintenanceControls(maintenance)`,
  'server/plugins/maintenance.js': `
    import { definePlugin } from 'nitro'
    import { maintenanceMode } from 'maintenance-mode/h3'
    import { siteUser } from 'maintenance-mode/testing'
    import { inFront, maintenance } from '../../maintenance.js'
    export default definePlugin(({ h3, hooks }) => {
      if (!inFront) return
      hooks.hook('request', ({ req, context }) => {
        context.user = siteUser(req.headers.get('cookie'))
      })
      h3['~middleware'].unshift(maintenanceMode(maintenance))
    })`,
}

describe('Nitro 3', () => {
  let project: Project

  beforeAll(async () => {
    project = await createProject({ packages: [nitro] })
    for (const [path, text] of Object.entries(app)) project.file(path, text)
    await project.run('nitro', 'build')
  })
  afterAll(() => project.remove())

  const serve = (place: string) => (settings: MaintenanceOptions) =>
    project.serve(settings, 'env', `PLACE=${place}`, 'node', '.output/server/index.mjs')
  const runner = { describe, it, afterAll }
  const exempt = {
    'a static file is refused':
      'Nitro serves public assets, and prerendered pages, before any middleware: add it by a plugin',
  } satisfies AdapterSuiteOptions['exempt']
  adapterSuite(runner, { name: 'Nitro 3', serve: serve('middleware'), exempt })
  adapterSuite(runner, { name: 'Nitro 3, by a plugin', serve: serve('front') })

  it.each(['middleware', 'front'])('counts what is under way when it is closed: %s', (place) =>
    countsAnUpload(project, serve(place)),
  )
})

describe('the example nitro', () => {
  let project: Project

  beforeAll(async () => {
    project = await createProject({ packages: [nitro], from: 'examples/nitro' })
  })
  afterAll(() => project.remove())

  it('closes and reopens by the command line', () => exampleIsSwitched(project))
})
