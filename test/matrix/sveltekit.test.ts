import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { adapterSuite, type ServedSite } from 'maintenance-mode/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countsAnUpload } from './draining.js'
import { exampleIsSwitched } from './example.js'
import { createProject, type Project } from './project.js'
import { sitePaths } from './site-paths.js'
import { visitorOf } from './visitor.js'

const runner = { describe, it, afterAll }
let project: Project

beforeAll(async () => {
  project = await createProject({ from: 'examples/sveltekit', packages: ['ws@8', 'typescript@5', '@types/node@22'] })
})

afterAll(() => project?.remove())

describe('the example', () => {
  it('is closed and reopened by the command line', () => exampleIsSwitched(project))

  it('fits the types of SvelteKit', async () => {
    project.file('src/page.ts', typed)
    project.file('tsconfig.json', '{ "extends": "./.svelte-kit/tsconfig.json" }')
    await project.run('svelte-kit', 'sync')
    await project.run('tsc', '--noEmit')
  })
})

describe('a site', () => {
  beforeAll(async () => {
    rmSync(join(project.folder, 'src/routes/+page.svelte'))
    for (const [path, text] of Object.entries(fixture)) project.file(path, text)
    for (const [path, methods] of sitePaths) {
      const handlers = methods.map((method) => `export const ${method} = answer`)
      project.file(
        `src/routes${path}/+server.js`,
        `import { answerSite } from 'maintenance-mode/testing'
        const answer = ({ request, locals }) => answerSite(request, locals)
        ${handlers.join('\n')}`,
      )
    }
    // What is prerendered is so whatever the state says.
    await project.run('maintenance-mode', 'on')
    await project.run('vite', 'build')
  })

  adapterSuite(runner, {
    name: 'SvelteKit 2',
    serve: (settings) => serve(settings),
    exempt: {
      'a route that is forced off is open': 'hooks see no options of a route: use the setting routes',
      'a route that is forced on is closed while off': 'hooks see no options of a route: use the setting routes',
      'a static file is refused': 'files are served before any hook: wrap the handler in a server of your own',
      'WebSockets are refused with a 503': 'hooks see no upgrades: use attachMaintenanceMode in a server of your own',
    },
  })

  adapterSuite(runner, {
    name: 'SvelteKit 2, custom server',
    serve: (settings) => serve(settings, 'OUTERMOST=yes'),
    exempt: {
      'a route that is forced off is open': 'no router has run yet: use the setting routes',
      'a route that is forced on is closed while off': 'no router has run yet: use the setting routes',
    },
  })

  it('counts what is under way when it is closed', () => countsAnUpload(project, serve))

  describe.each(['', 'OUTERMOST=yes'])('that is closed %s', (place) => {
    const visitor = visitorOf(
      () => project,
      () => serve({ ignoreUrls: ['/pages/open', '/pages/asking'] }, place),
    )

    it('shows the maintenance page to who follows a link, and then what the link leads to', async () => {
      const page = await visitor.visit('/pages', 'html.hydrated')
      await page.click('text=Stock')
      await page.waitForSelector('text=New shelves')
      expect(new URL(page.url()).pathname).toBe('/pages/stock')
      await visitor.switchTo('off')
      await page.reload()
      expect(await page.textContent('h1')).toBe('Stock')
    })

    it('shows the maintenance page to who sends an enhanced form', async () => {
      const page = await visitor.visit('/pages', 'html.hydrated')
      const answer = page.waitForResponse((response) => response.request().method() === 'POST')
      await page.click('text=Order')
      expect((await answer).status()).toBe(503)
      await page.waitForSelector('text=New shelves')
    })

    it('says why in the error that is shown where the page is not left', async () => {
      const page = await visitor.visit('/kept', 'html.hydrated')
      await page.click('text=Order')
      await page.waitForSelector('text=503: New shelves')
    })

    it('goes by the path of the page that data is for', async () => {
      await visitor.switchTo('on')
      const status = async (path: string, headers = {}) => (await fetch(visitor.url + path, { headers })).status
      expect(await status('/pages/open/__data.json')).toBe(200)
      expect(await status('/pages/stock/__data.json')).toBe(503)
      expect(await status('/pages/__data.json?x=/pages/open')).toBe(503)
    })

    it('does not believe what page a remote function says it is called from', async () => {
      await visitor.switchTo('on')
      const called = `${visitor.url}/_app/remote/abc/run`
      const headers = { 'x-sveltekit-pathname': '/pages/open' }
      expect((await fetch(called, { headers })).status).toBe(503)
    })

    it('lets a page that is open ask the rest of the app', async () => {
      await visitor.switchTo('on')
      const response = await fetch(`${visitor.url}/pages/asking`)
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('tea')])
    })
  })
})

function serve(settings: Parameters<Project['serve']>[0], environment = ''): Promise<ServedSite> {
  const origin = 'ORIGIN=http://127.0.0.1:$PORT'
  return project.serve(settings, 'sh', '-c', `${origin} BODY_SIZE_LIMIT=2M ${environment} exec node server.js`)
}

const typed = `
  import type { Handle } from '@sveltejs/kit'
  import { maintenanceControls, maintenanceMode } from 'maintenance-mode/sveltekit'
  export const handles: Handle[] = [maintenanceMode(), maintenanceControls()]
  export const told = (locals: App.Locals): boolean => locals.maintenance_mode && locals.maintenance_mode_bypassed
  export const why = (error: App.Error): string | undefined => error.maintenance_mode ? error.message : undefined
`

const form = `<form method="post" action="/pages?/order" use:enhance><button>Order</button></form>`

const fixture: Record<string, string> = {
  'static/assets/app.css': 'body { margin: 0 }',
  'src/hooks.server.js': `
    import { sequence } from '@sveltejs/kit/hooks'
    import { createMaintenance } from 'maintenance-mode'
    import { maintenanceControls, maintenanceMode } from 'maintenance-mode/sveltekit'
    import { siteUser } from 'maintenance-mode/testing'

    const maintenance = createMaintenance(JSON.parse(process.env.SITE_SETTINGS ?? '{}'))
    const signIn = ({ event, resolve }) => {
      event.locals.user = siteUser(event.request.headers.get('cookie'))
      return resolve(event)
    }
    export const handle = sequence(signIn, maintenanceMode(maintenance), maintenanceControls(maintenance))`,
  'server.js': `
    import { createServer } from 'node:http'
    import { createMaintenance } from 'maintenance-mode'
    import { attachMaintenanceMode, maintenanceControls, withMaintenanceMode } from 'maintenance-mode/node'
    import { siteUser } from 'maintenance-mode/testing'
    import { WebSocketServer } from 'ws'
    import { handler } from './build/handler.js'

    if (process.env.OUTERMOST) {
      const settings = JSON.parse(process.env.SITE_SETTINGS)
      const maintenance = createMaintenance({
        ...settings,
        ignoreUrls: [...settings.ignoreUrls, '/**/__data.json', '/_app/immutable/**'],
        ignoreRequest: (request) => request.method === 'POST' && request.header('x-sveltekit-action') === 'true',
        getAuthenticatedUser: (request) => siteUser(request.header('cookie')),
      })
      const controls = maintenanceControls(maintenance)
      const app = (req, res) => controls(req, res, () => handler(req, res))
      const server = createServer(withMaintenanceMode(maintenance, app))
      attachMaintenanceMode(server, maintenance)
      new WebSocketServer({ server })
      server.listen(process.env.PORT, process.env.HOST)
    } else await import('./build/index.js')`,
  'src/routes/about/+page.js': 'export const prerender = true',
  'src/routes/about/+page.svelte': '<h1>About</h1>',
  'src/routes/+layout.svelte': `
    <script>
      let { children } = $props()
      $effect(() => document.documentElement.classList.add('hydrated'))
    </script>
    {@render children()}`,
  'src/routes/pages/+page.server.js': 'export const actions = { order: () => ({ ordered: true }) }',
  'src/routes/pages/+page.svelte': `
    <script>import { enhance } from '$app/forms'</script>
    <a href="/pages/stock" data-sveltekit-preload-data="off">Stock</a>
    ${form}`,
  'src/routes/pages/stock/+page.server.js': 'export const load = () => ({})',
  'src/routes/pages/stock/+page.svelte': '<h1>Stock</h1>',
  'src/routes/pages/open/+page.server.js': 'export const load = () => ({})',
  'src/routes/pages/open/+page.svelte': '<h1>Open</h1>',
  'src/routes/pages/asking/+page.server.js': `
    export const load = async ({ fetch }) => (await fetch('/api/items')).json()`,
  'src/routes/pages/asking/+page.svelte': '<script>let { data } = $props()</script>{data.items}',
  'src/routes/kept/+error.svelte': `
    <script>import { page } from '$app/state'</script>
    {page.status}: {page.error.message}`,
  'src/routes/kept/+page.svelte': `<script>import { enhance } from '$app/forms'</script>${form}`,
}
