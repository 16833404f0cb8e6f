import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { adapterSuite, siteRoutes } from 'maintenance-mode/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exampleIsSwitched } from './example.js'
import { createProject, type Project } from './project.js'
import { sitePaths } from './site-paths.js'
import { visitorOf } from './visitor.js'

const runner = { describe, it, afterAll }
let project: Project

beforeAll(async () => {
  project = await createProject({ from: 'examples/react-router', packages: ['ws@8', 'typescript@5'] })
})

afterAll(() => project?.remove())

describe('the example', () => {
  it('is closed and reopened by the command line', () => exampleIsSwitched(project))

  it('fits the types of React Router', async () => {
    project.file('typed.ts', typed)
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext', '--moduleResolution', 'bundler']
    await project.run('tsc', ...options, '--target', 'es2022', '--lib', 'es2022,esnext.disposable,dom', 'typed.ts')
  })
})

describe('a site', () => {
  beforeAll(async () => {
    for (const [path, text] of Object.entries(fixture)) project.file(path, text)
    const root = readFileSync(join(project.folder, 'app/root.jsx'), 'utf8')
    project.file('app/root.jsx', root.replace(/^(export const middleware =|import { maintenance).*/gm, ''))
    // What is prerendered is so whatever the state says.
    await project.run('maintenance-mode', 'on')
    await project.run('react-router', 'build')
  })

  adapterSuite(runner, {
    name: 'React Router 7',
    serve: (settings) => project.serve(settings, 'node', 'server.js'),
    exempt: {
      'the client’s address is the framework’s': 'a Request does not tell it: use getClientIpAddress or trustProxy',
      'a static file is refused': 'files are served before any middleware: wrap the app in a server of your own',
      'WebSockets are refused with a 503':
        'middleware sees no upgrades: use attachMaintenanceMode in a server of your own',
    },
  })

  adapterSuite(runner, {
    name: 'React Router 7, custom server',
    serve: (settings) => project.serve(settings, 'env', 'OUTERMOST=yes', 'node', 'server.js'),
    exempt: {
      'a route that is forced off is open': 'no router has run yet: use the setting routes',
      'templates are told': 'nothing of React Router has run yet',
    },
  })

  describe.each(['', 'OUTERMOST=yes'])('that is closed %s', (place) => {
    const visitor = visitorOf(
      () => project,
      () => project.serve({ ignoreUrls: ['/whoami'] }, 'sh', '-c', `${place} exec node server.js`),
    )

    it('shows the maintenance page to who follows a link, and then what the link leads to', async () => {
      const page = await visitor.visit('/pages', 'html.hydrated')
      await page.click('text=Stock')
      await page.waitForSelector('text=New shelves')
      // Where the code of the next page cannot be had either, React Router itself reloads the one that was left.
      expect(new URL(page.url()).pathname).toBe(place === '' ? '/pages/stock' : '/pages')
      await visitor.switchTo('off')
      await page.reload()
      await page.waitForSelector('text=Stock')
    })

    it('shows the maintenance page to who sends a form', async () => {
      const page = await visitor.visit('/pages', 'html.hydrated')
      const answer = page.waitForResponse((response) => response.request().method() === 'POST')
      await page.click('text=Order')
      expect((await answer).status()).toBe(503)
      await page.waitForSelector('text=New shelves')
    })

    if (place !== '') return
    it('goes by the path of the page that data is for', async () => {
      await visitor.switchTo('on')
      const status = async (path: string) => (await fetch(visitor.url + path)).status
      expect(await status('/whoami.data')).toBe(200)
      expect(await status('/pages/stock.data?_routes=routes%2Fwhoami')).toBe(503)
      expect(await status('/pages/stock.data')).toBe(503)
    })
  })
})

const typed = `
  import type { LoaderFunctionArgs, MiddlewareFunction } from 'react-router'
  import {
    forceMaintenanceModeOn, maintenanceContext, maintenanceControls, maintenanceMode,
  } from 'maintenance-mode/react-router'
  declare module 'react-router' {
    interface Future { v8_middleware: true }
  }
  export const middleware: MiddlewareFunction<Response>[] = [
    maintenanceMode(), maintenanceControls(), forceMaintenanceModeOn(),
  ]
  export const loader = ({ context }: LoaderFunctionArgs): boolean => context.get(maintenanceContext).maintenance_mode
`

const declared = (open: boolean): string =>
  [...sitePaths.keys()]
    .filter((path) => siteRoutes.some((one) => one.under + one.path === path && (one.forced === 'off') === open))
    .map((path) => {
      const file = path === '/closed' ? 'routes/closed.js' : 'routes/answer.js'
      return path === '/' ? `index('${file}', { id: 'home' })` : `route('${path}', '${file}', { id: '${path}' })`
    })
    .join(',\n')

const fixture: Record<string, string> = {
  'public/assets/app.css': 'body { margin: 0 }',
  'react-router.config.js': `export default { future: { v8_middleware: true }, prerender: ['/about'] }`,
  'app/routes.js': `
    import { index, layout, route } from '@react-router/dev/routes'
    export default [
      ${declared(true)},
      layout('maintained.jsx', [
        ${declared(false)},
        route('about', 'routes/about.jsx'),
        route('pages', 'routes/pages.jsx'),
        route('pages/stock', 'routes/stock.jsx'),
        route('*', 'routes/not-found.jsx'),
      ]),
    ]`,
  'app/maintenance.server.js': `
    import { createMaintenance } from 'maintenance-mode'
    import { createContext } from 'react-router'
    export const userContext = createContext(null)
    export const maintenance = createMaintenance({
      ...JSON.parse(process.env.SITE_SETTINGS ?? '{}'),
      getAuthenticatedUser: ({ native }) => native.context.get(userContext),
    })`,
  'app/maintained.jsx': `
    import { maintenanceControls, maintenanceMode } from 'maintenance-mode/react-router'
    import { siteUser } from 'maintenance-mode/testing'
    import { Outlet } from 'react-router'
    import { maintenance, userContext } from './maintenance.server.js'
    const signIn = ({ request, context }) => context.set(userContext, siteUser(request.headers.get('cookie')))
    export const middleware = process.env.OUTERMOST
      ? []
      : [signIn, maintenanceMode(maintenance), maintenanceControls(maintenance)]
    export default Outlet`,
  'app/routes/answer.js': `
    import { maintenanceContext } from 'maintenance-mode/react-router'
    import { answerSite } from 'maintenance-mode/testing'
    export const loader = ({ request, context }) => answerSite(request, context.get(maintenanceContext))
    export const action = ({ request }) => answerSite(request)`,
  'app/routes/closed.js': `
    import { forceMaintenanceModeOn } from 'maintenance-mode/react-router'
    import { maintenance } from '../maintenance.server.js'
    export const middleware = [forceMaintenanceModeOn(maintenance)]
    export const loader = () => new Response('Closed')`,
  'app/routes/about.jsx': 'export default () => <h1>About</h1>',
  'app/routes/pages.jsx': `
    import { useEffect } from 'react'
    import { Form, Link } from 'react-router'
    export const action = () => ({ ordered: true })
    export default function Pages() {
      useEffect(() => document.documentElement.classList.add('hydrated'), [])
      return <><Link to="/pages/stock">Stock</Link><Form method="post"><button>Order</button></Form></>
    }`,
  'app/routes/stock.jsx': `
    export const loader = () => ({})
    export default () => <h1>Stock</h1>`,
  'server.js': `
    import { createServer } from 'node:http'
    import { createRequestHandler } from '@react-router/express'
    import express from 'express'
    import { createMaintenance } from 'maintenance-mode'
    import { attachMaintenanceMode, maintenanceControls, withMaintenanceMode } from 'maintenance-mode/node'
    import { siteUser } from 'maintenance-mode/testing'
    import { WebSocketServer } from 'ws'
    import * as build from './build/server/index.js'

    const app = express()
    const maintenance = createMaintenance({
      ...JSON.parse(process.env.SITE_SETTINGS),
      getAuthenticatedUser: (request) => siteUser(request.header('cookie')),
    })
    if (process.env.OUTERMOST) app.use(maintenanceControls(maintenance))
    app.use(express.static('build/client'))
    app.use(createRequestHandler({ build }))
    const server = createServer(process.env.OUTERMOST ? withMaintenanceMode(maintenance, app) : app)
    if (process.env.OUTERMOST) attachMaintenanceMode(server, maintenance)
    new WebSocketServer({ server })
    server.listen(process.env.PORT, process.env.HOST)`,
}
