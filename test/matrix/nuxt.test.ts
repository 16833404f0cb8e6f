import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMaintenance } from '../../src/index.js'
import type { MaintenanceOptions } from '../../src/settings/options.js'
import { adapterSuite } from '../../src/testing/index.js'
import { countsAnUpload } from './draining.js'
import { exampleIsSwitched } from './example.js'
import { createProject, type Project } from './project.js'
import { sitePaths } from './site-paths.js'

const setUp = { packages: ['nuxt@4.5.2'], node: 24, environment: { NUXT_TELEMETRY_DISABLED: '1' } } as const
const server = ['node', '.output/server/index.mjs'] as const

const app = {
  'nuxt.config.js': `
    export default defineNuxtConfig({
      modules: ['maintenance-mode/nuxt'],
      maintenanceMode: { ignoreAdminSite: true, adminSiteUrls: ['/office/**'] },
      nitro: { experimental: { websocket: true } },
      routeRules: {
        '/open': { forceMaintenanceMode: 'off' },
        '/nested/open': { forceMaintenanceMode: 'off' },
        '/closed': { forceMaintenanceMode: 'on' },
        '/pages/open': { forceMaintenanceMode: 'off' },
        '/pages/prerendered': { prerender: true },
      },
    })`,
  'maintenance-mode.config.js': `
    export default { ...JSON.parse(process.env.SITE_SETTINGS ?? '{}'), ignoreRequest: (request) => request.header('x-open') === 'yes' }`,
  'site.js': `
    import { answerSite } from 'maintenance-mode/testing'
    import { defineEventHandler, toWebRequest } from 'h3'
    export default defineEventHandler((event) => answerSite(toWebRequest(event), event.context))`,
  'server/routes/socket.js': 'export default defineWebSocketHandler({})',
  'server/routes/api/stock.js': 'export default defineEventHandler(() => ({ stock: 7 }))',
  'server/plugins/sign-in.js': `
    import { siteUser } from 'maintenance-mode/testing'
    export default defineNitroPlugin(({ hooks }) => {
      hooks.hook('request', (event) => {
        event.context.user = siteUser(event.node.req.headers.cookie)
      })
    })`,
  'public/assets/app.css': 'body { margin: 0 }',
  'app/pages/pages/open.vue': `
    <script setup>
    const { data } = await useFetch('/api/stock')
    </script>
    <template><h1>Stock {{ data?.stock }}</h1></template>`,
  'app/pages/pages/prerendered.vue': `
    <script setup>
    const { data } = await useFetch('/api/stock')
    </script>
    <template><h1>Prerendered {{ data?.stock }}</h1></template>`,
}

describe('Nuxt 4', () => {
  let project: Project

  beforeAll(async () => {
    project = await createProject(setUp)
    for (const [path, text] of Object.entries(app)) project.file(path, text)
    for (const path of sitePaths.keys()) {
      const up = '../'.repeat(path === '/' ? 2 : path.split('/').length)
      project.file(`server/routes${path === '/' ? '/index' : path}.js`, `export { default } from '${up}site.js'`)
    }
    await project.run('nuxt', 'build')
  })
  afterAll(() => project.remove())

  const serve = (settings: MaintenanceOptions) => project.serve(settings, ...server)
  adapterSuite({ describe, it, afterAll }, { name: 'Nuxt 4', runtime: 'Node 24', serve })

  it('counts what is under way when it is closed', () => countsAnUpload(project, serve))

  it('closes pages, payloads and what was prerendered, and lets a page that is open ask its own API', async () => {
    const stateBackend = `file:${project.folder}/pages.json`
    const operator = createMaintenance({ stateBackend }, { environment: {} })
    await operator.setMode('off')
    const site = await serve({ stateBackend })
    const told = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(site.url + path, { headers: { accept: 'text/html', ...headers } })
      const text = await answer.text()
      return [answer.status, /<h1>(.*?)<\/h1>/.exec(text)?.[1]]
    }
    try {
      expect(await told('/pages/open')).toEqual([200, 'Stock 7'])
      expect(await told('/pages/prerendered')).toEqual([200, 'Prerendered 7'])
      expect((await told('/pages/prerendered/_payload.json'))[0]).toBe(200)
      await operator.setMode('on')
      await expect.poll(async () => (await told('/api/stock'))[0]).toBe(503)
      expect(await told('/pages/open')).toEqual([200, 'Stock 7'])
      for (const path of ['/pages/prerendered', '/pages/prerendered/_payload.json', '/pages/none']) {
        expect((await told(path))[0], path).toBe(503)
      }
      // Open by an option of nuxt.config, so that it is Nuxt that answers, with a page that it asks itself for.
      expect((await told('/office/none'))[0]).toBe(404)
      expect((await told('/__nuxt_error?statusCode=404'))[0]).toBe(503)
      expect(await told('/pages/prerendered', { 'x-open': 'yes' })).toEqual([200, 'Prerendered 7'])
    } finally {
      await site.close()
      await operator.close()
    }
  })

  it('says where functions belong that cannot be written into the server', async () => {
    project.file(
      'nuxt.config.js',
      `export default defineNuxtConfig({
        modules: ['maintenance-mode/nuxt'],
        maintenanceMode: { getContext: () => ({}) },
      })`,
    )
    await expect(project.run('nuxt', 'prepare')).rejects.toThrow(
      '`maintenanceMode.getContext` in nuxt.config is no plain data, and cannot be written into the server: give it in maintenance-mode.config.ts',
    )
  })
})

describe('the example nuxt', () => {
  let project: Project

  beforeAll(async () => {
    project = await createProject({ ...setUp, from: 'examples/nuxt' })
  })
  afterAll(() => project.remove())

  it('closes and reopens by the command line', () => exampleIsSwitched(project))
})
