import { adapterSuite } from 'maintenance-mode/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exampleIsSwitched } from './example.js'
import { createProject, type Project } from './project.js'
import { sitePaths } from './site-paths.js'
import { visitorOf } from './visitor.js'

const runner = { describe, it, afterAll }
let project: Project

beforeAll(async () => {
  const packages = ['ws@8', 'typescript@5', '@types/node@22']
  project = await createProject({ from: 'examples/astro', packages, node: 24 })
})

afterAll(() => project?.remove())

describe('the example', () => {
  it('is closed and reopened by the command line', () => exampleIsSwitched(project))

  it('fits the types of Astro', async () => {
    project.file('typed.ts', typed)
    project.file('tsconfig.json', '{ "extends": "astro/tsconfigs/strict", "files": ["typed.ts", ".astro/types.d.ts"] }')
    await project.run('astro', 'sync')
    await project.run('tsc', '--noEmit')
  })
})

describe('a site', () => {
  beforeAll(async () => {
    for (const [path, text] of Object.entries(fixture)) project.file(path, text)
    for (const [path, methods] of sitePaths) {
      const handlers = methods.map((method) => `export const ${method} = answer`)
      project.file(
        `src/pages${path === '/' ? '/index' : path}.js`,
        `import { answerSite } from 'maintenance-mode/testing'
        const answer = ({ request, locals }) => answerSite(request, locals)
        ${handlers.join('\n')}`,
      )
    }
    // What is prerendered is so whatever the state says.
    await project.run('maintenance-mode', 'on')
    await project.run('env', 'MODE=standalone', 'astro', 'build', '--outDir', 'standalone')
    await project.run('env', 'MODE=middleware', 'astro', 'build')
  })

  adapterSuite(runner, {
    name: 'Astro 6',
    runtime: 'Node 24',
    serve: (settings) => project.serve(settings, 'node', 'standalone/server/entry.mjs'),
    exempt: {
      'a route that is forced off is open': 'middleware sees no options of a route: use the setting routes',
      'a route that is forced on is closed while off': 'middleware sees no options of a route: use the setting routes',
      'a static file is refused': 'files are served before any middleware: wrap the handler in a server of your own',
      'WebSockets are refused with a 503':
        'middleware sees no upgrades: use attachMaintenanceMode in a server of your own',
    },
  })

  adapterSuite(runner, {
    name: 'Astro 6, custom server',
    runtime: 'Node 24',
    serve: (settings) => project.serve(settings, 'env', 'OUTERMOST=yes', 'node', 'server.js'),
    exempt: {
      'a route that is forced off is open': 'no router has run yet: use the setting routes',
      'a route that is forced on is closed while off': 'no router has run yet: use the setting routes',
      'templates are told': 'nothing of Astro has run yet',
    },
  })

  describe('that is closed', () => {
    const visitor = visitorOf(
      () => project,
      () => project.serve({}, 'node', 'standalone/server/entry.mjs'),
    )

    it('shows the maintenance page to who follows a link of the client router, and then what it leads to', async () => {
      const page = await visitor.visit('/pages', 'html.ready')
      await page.click('text=Stock')
      await page.waitForSelector('text=New shelves')
      expect(new URL(page.url()).pathname).toBe('/stock')
      await visitor.switchTo('off')
      await page.reload()
      expect(await page.textContent('h1')).toBe('Stock')
    })

    it('still serves what has been prerendered', async () => {
      await visitor.switchTo('on')
      const response = await fetch(`${visitor.url}/about/`)
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('About')])
    })
  })
})

const typed = `
  import type { MiddlewareHandler } from 'astro'
  import { maintenanceControls, maintenanceMode } from 'maintenance-mode/astro'
  export const handlers: MiddlewareHandler[] = [maintenanceMode(), maintenanceControls()]
  export const told = (locals: App.Locals): boolean => locals.maintenance_mode && locals.maintenance_mode_bypassed
`

const page = (head: string, body: string): string => `
  <html lang="en"><head><title>Shop</title>${head}</head><body>${body}</body></html>`

const router = `
  <ClientRouter />
  <script>document.documentElement.classList.add('ready')</script>`

const fixture: Record<string, string> = {
  'public/assets/app.css': 'body { margin: 0 }',
  'astro.config.mjs': `
    import node from '@astrojs/node'
    import { defineConfig } from 'astro/config'
    export default defineConfig({
      output: 'server',
      adapter: node({ mode: process.env.MODE ?? 'standalone' }),
      // The client of the suite sends bodies without an origin.
      security: { checkOrigin: false },
    })`,
  'src/middleware.js': `
    import { sequence } from 'astro:middleware'
    import { createMaintenance } from 'maintenance-mode'
    import { maintenanceControls, maintenanceMode } from 'maintenance-mode/astro'
    import { siteUser } from 'maintenance-mode/testing'

    const maintenance = createMaintenance(JSON.parse(process.env.SITE_SETTINGS ?? '{}'))
    const signIn = ({ isPrerendered, request, locals }, next) => {
      if (!isPrerendered) locals.user = siteUser(request.headers.get('cookie'))
      return next()
    }
    export const onRequest = process.env.OUTERMOST
      ? (context, next) => next()
      : sequence(signIn, maintenanceMode(maintenance), maintenanceControls(maintenance))`,
  'src/pages/404.astro': page('', '<h1>Not here</h1>'),
  'src/pages/about.astro': `---
export const prerender = true
---
${page('', '<h1>About</h1>')}`,
  'src/pages/pages.astro': `---
import { ClientRouter } from 'astro:transitions'
---
${page(router, '<a href="/stock">Stock</a>')}`,
  'src/pages/stock.astro': `---
import { ClientRouter } from 'astro:transitions'
---
${page(router, '<h1>Stock</h1>')}`,
  'server.js': `
    import { createServer } from 'node:http'
    import express from 'express'
    import { createMaintenance } from 'maintenance-mode'
    import { attachMaintenanceMode, maintenanceControls, withMaintenanceMode } from 'maintenance-mode/node'
    import { siteUser } from 'maintenance-mode/testing'
    import { WebSocketServer } from 'ws'
    import { handler } from './dist/server/entry.mjs'

    const maintenance = createMaintenance({
      ...JSON.parse(process.env.SITE_SETTINGS),
      getAuthenticatedUser: (request) => siteUser(request.header('cookie')),
    })
    const app = express()
    app.use(maintenanceControls(maintenance))
    app.use(express.static('dist/client'))
    app.use(handler)
    const server = createServer(withMaintenanceMode(maintenance, app))
    attachMaintenanceMode(server, maintenance)
    new WebSocketServer({ server })
    server.listen(process.env.PORT, process.env.HOST)`,
}
