import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createMaintenance, type Maintenance } from '../../src/index.js'
import type { MaintenanceOptions } from '../../src/settings/options.js'
import { type AdapterSuiteOptions, adapterSuite, type ServedSite } from '../../src/testing/index.js'
import { launchChromium } from '../browser/chromium.js'
import { createProject, type Project } from './project.js'

const runner = { describe, it, afterAll }
const exempt = {
  'a route that is forced off is open': 'a proxy runs before Next.js has chosen a route: use the setting routes',
  'templates are told': 'Next.js has no template locals: ask maintenance.isActive() where a page is rendered',
  'the client’s address is the framework’s': 'Next.js tells a proxy no address: set trustProxy or getClientIpAddress',
  'WebSockets are refused with a 503': 'next start serves no WebSockets of an app',
} satisfies AdapterSuiteOptions['exempt']

const app = {
  'next.config.mjs': `
    export default process.env.VARIANT === 'base'
      ? { distDir: '.next-base', basePath: '/shop', trailingSlash: true }
      : { distDir: process.env.VARIANT ?? '.next' }`,
  'maintenance.js': `
    import { createMaintenance } from 'maintenance-mode'
    export const maintenance = createMaintenance({
      ...JSON.parse(process.env.SITE_SETTINGS ?? '{}'),
      getAuthenticatedUser(request) {
        const [, id] = /user=(\\w+)/.exec(request.header('cookie')) ?? []
        return id === undefined ? null : { id, isAuthenticated: true, isStaff: id === 'staff', isSuperuser: false }
      },
    })`,
  'app/[[...path]]/route.js': `
    import { answerSite } from 'maintenance-mode/testing'
    const answer = (request) => answerSite(request)
    export { answer as GET, answer as OPTIONS, answer as POST }`,
  'app/closed/route.js': `
    import { forceMaintenanceModeOn } from 'maintenance-mode/next'
    import { maintenance } from '../../maintenance.js'
    export const GET = forceMaintenanceModeOn(() => new Response('Closed'), maintenance)`,
  'app/layout.jsx': 'export default ({ children }) => <html lang="en"><body>{children}</body></html>',
  'app/real/page.jsx': `
    import Link from 'next/link'
    import { Buttons } from './buttons.jsx'
    export default () => <main><h1>Real</h1><Link href="/real/other">Other</Link><Buttons /></main>`,
  'app/real/buttons.jsx': `
    'use client'
    import { useState, useTransition } from 'react'
    import { buy } from './actions.js'
    export function Buttons() {
      const [told, tell] = useState('')
      const [, start] = useTransition()
      return <>
        <button onClick={() => start(async () => tell(await buy()))}>Buy</button>
        <button onClick={async () => tell((await import('./late.js')).late)}>Load</button>
        <output>{told}</output>
      </>
    }`,
  'app/real/late.js': "export const late = 'Loaded late'",
  'app/real/actions.js': "'use server'\nexport async function buy() { return 'Bought' }",
  'app/real/error.jsx': '\'use client\'\nexport default ({ error }) => <p role="alert">{error.message}</p>',
  'app/real/other/page.jsx': "export const dynamic = 'force-dynamic'\nexport default () => <h1>Other</h1>",
  'app/real/prerendered/page.jsx': 'export default () => <h1>Prerendered</h1>',
  'app/real/active/page.jsx': `
    import Link from 'next/link'
    import { maintenance } from '../../../maintenance.js'
    export const dynamic = 'force-dynamic'
    export default async () => <>
      <h1>{(await maintenance.isActive()) ? 'Active' : 'Not active'}</h1>
      <Link href="/real/other">Other</Link>
    </>`,
  'public/file.txt': 'A file',
}

const proxy = (name: 'middleware' | 'proxy', config: string): string => `
  import { NextResponse } from 'next/server'
  import { chain, maintenanceControls, maintenanceMode } from 'maintenance-mode/next'
  import { maintenance } from './maintenance.js'
  function theirs(request) {
    const headers = new Headers(request.headers)
    headers.set('x-theirs', 'told')
    return NextResponse.next({ request: { headers }, headers: { 'x-theirs': 'seen' } })
  }
  export const ${name} = chain(maintenanceMode(maintenance), maintenanceControls(maintenance), theirs)
  export const config = { ${config} }`

const start = (project: Project, settings: MaintenanceOptions, variant = '.next'): Promise<ServedSite> =>
  project.serve(settings, 'env', `VARIANT=${variant}`, 'next', 'start', '-H', '127.0.0.1')

const build = (project: Project, variant = '.next'): Promise<string> =>
  project.run('env', `VARIANT=${variant}`, 'next', 'build')

/** Switches the state of a served site, and waits until it decides by it. */
function operatorOf(project: Project, name: string) {
  const stateBackend = `file:${join(project.folder, name)}`
  const operator: Maintenance = createMaintenance({ stateBackend }, { environment: {} })
  return {
    stateBackend,
    async set(mode: 'off' | 'on', url: string): Promise<void> {
      await operator.setMode(mode)
      await expect.poll(async () => (await fetch(url)).status, { timeout: 10_000 }).toBe(mode === 'on' ? 503 : 200)
    },
    close: () => operator.close(),
  }
}

const versions = [
  { version: '16', name: 'proxy', config: '' },
  { version: '15.5', name: 'middleware', config: "runtime: 'nodejs'" },
] as const

for (const { version, name, config } of versions) {
  describe(`Next.js ${version}`, () => buildAndTest(version, name, config))
}

function buildAndTest(version: string, name: 'middleware' | 'proxy', config: string): void {
  let project: Project
  let browser: Browser

  beforeAll(async () => {
    project = await createProject({ packages: [`next@${version}`, 'react@19', 'react-dom@19'] })
    for (const [path, text] of Object.entries(app)) project.file(path, text)
    project.file(`${name}.js`, proxy(name, config))
    await build(project)
    browser = await launchChromium()
  }, 500_000)

  afterAll(async () => {
    await browser?.close()
    project?.remove()
  })

  adapterSuite(runner, {
    name: `Next.js ${version}, ${name}`,
    exempt,
    serve: (settings) => start(project, settings),
  })

  describe('an app', () => {
    let operator: ReturnType<typeof operatorOf>
    let site: ServedSite
    const set = (mode: 'off' | 'on'): Promise<void> => operator.set(mode, `${site.url}/nested/page`)

    beforeAll(async () => {
      operator = operatorOf(project, 'own.json')
      const { stateBackend } = operator
      site = await start(project, { stateBackend, ignoreStaff: true, ignoreUrls: ['/real/active'] })
    })

    afterAll(async () => {
      await site?.close()
      await operator?.close()
    })

    it('keeps what staff see from caches, whatever answers, and leaves the rest as it is', async () => {
      const kept = async (path: string, headers: HeadersInit = {}) => {
        const response = await fetch(site.url + path, { headers })
        return [
          path,
          response.status,
          ...['cache-control', 'cdn-cache-control'].map((one) => response.headers.get(one)),
        ]
      }
      const paths = ['/', '/file.txt', '/real', '/real/prerendered', '/real/other']
      await set('off')
      expect(await kept('/')).toEqual(['/', 200, 'public, max-age=60', null])
      expect((await kept('/real/prerendered'))[2]).toContain('s-maxage')
      await set('on')
      for (const path of paths) {
        expect(await kept(path, { cookie: 'user=staff' })).toEqual([path, 200, 'private, no-store', 'no-store'])
        expect(await kept(path)).toEqual([path, 503, 'no-store', null])
      }
    })

    it('runs its own proxy for who is let through, and for nobody else', async () => {
      const seen = async (headers: HeadersInit = {}) =>
        (await fetch(`${site.url}/real/prerendered`, { headers })).headers.get('x-theirs')
      await set('off')
      expect(await seen()).toBe('seen')
      await set('on')
      expect(await seen()).toBeNull()
      expect(await seen({ cookie: 'user=staff' })).toBe('seen')
    })

    it('can ask in a page', async () => {
      const told = async () => /<h1>(.*?)<\/h1>/.exec(await (await fetch(`${site.url}/real/active`)).text())?.[1]
      await set('off')
      await expect.poll(told).toBe('Not active')
      await set('on')
      await expect.poll(told).toBe('Active')
    })

    it('refuses what the router asks for, and opens what the build has made', async () => {
      const html = await (await fetch(`${site.url}/real/active`)).text()
      const [chunk = ''] = /\/_next\/static\/[^"]+\.js/.exec(html) ?? []
      await set('on')
      expect((await fetch(site.url + chunk)).status).toBe(200)
      for (const headers of [{ rsc: '1' }, { rsc: '1', 'next-router-prefetch': '1' }]) {
        expect((await fetch(`${site.url}/real?_rsc=1`, { headers })).status).toBe(503)
      }
    })

    it('is not entered below the path of what the build has made, where a catch-all answers what is no file', async () => {
      await set('on')
      const status = async (path: string, init: RequestInit = {}) => (await fetch(site.url + path, init)).status
      const body = 'x'
      expect(await status('/_next/static/nested/upload', { method: 'POST', body })).toBe(503)
      expect(await status('/_next/static/x', { method: 'POST', body, headers: { 'next-action': 'x' } })).toBe(503)
      expect(await statusOf(site.url, '/_next/static/..%2f..%2freal')).toBe(503)
    })

    it('cannot be entered by another spelling of a path', async () => {
      await set('on')
      const above = ['/../../real', '/%2e%2e/%2e%2e/real', '/..%2f..%2freal', '/..\\..\\real']
      const spellings = [
        ...above.map((path) => `/_next/static${path}`),
        ...['/../prerendered', '/..%2fprerendered'].map((path) => `/real/active${path}`),
        ...['//real', '/%72eal', '/x/../real', '/real.rsc', '/real?/_next/static/', '/_next/data/x/real.json'],
      ]
      for (const spelling of spellings) {
        expect([503, 404, 400, 308], spelling).toContain(await statusOf(site.url, spelling))
      }
    })

    describe('in a browser', () => {
      let page: Page

      const open = async (path: string): Promise<void> => {
        page = await browser.newPage()
        // Until the page answers to clicks, and has fetched what its links lead to.
        await page.goto(site.url + path, { waitUntil: 'networkidle' })
      }
      const heading = () => page.textContent('h1')

      it('a link leads to the maintenance page, and to its own when the site is open again', async () => {
        await set('off')
        await open('/real')
        await set('on')
        await page.click('a')
        await expect.poll(heading).toBe('We will be back soon')
        expect(page.url()).toBe(`${site.url}/real/other`)
        await set('off')
        await page.reload()
        expect(await heading()).toBe('Other')
        await page.close()
      })

      it('what could not be prefetched is fetched when it is asked for', async () => {
        await set('on')
        page = await browser.newPage()
        const prefetched = page.waitForResponse((one) => one.url().includes('/real/other'))
        await page.goto(`${site.url}/real/active`)
        expect((await prefetched).status()).toBe(503)
        await set('off')
        await page.click('a')
        await expect.poll(heading).toBe('Other')
        await page.close()
      })

      it('a failed server action tells the error boundary why', async () => {
        await set('off')
        await open('/real')
        await page.click('text=Buy')
        await expect.poll(() => page.textContent('output')).toBe('Bought')
        await set('on')
        await page.click('text=Buy')
        await expect.poll(() => page.textContent('[role=alert]').catch(() => '')).toContain('Down for maintenance.')
        await page.close()
      })

      it('a tab that is open loads what it has not loaded yet', async () => {
        await set('off')
        await open('/real')
        await set('on')
        await page.click('text=Load')
        await expect.poll(() => page.textContent('output')).toBe('Loaded late')
        await page.close()
      })
    })
  })

  if (version === '15.5') describe('on the edge runtime', () => testEdge(() => project))

  if (version !== '16') return

  it('counts a basePath to the path, and no trailing slash', async () => {
    await build(project, 'base')
    const operator = operatorOf(project, 'base.json')
    const { stateBackend } = operator
    const site = await start(project, { stateBackend, ignoreUrls: ['/shop/real', '/other'] }, 'base')
    try {
      await operator.set('on', `${site.url}/shop/real/prerendered/`)
      const html = await (await fetch(`${site.url}/shop/real/`)).text()
      expect(html).toContain('<h1>Real</h1>')
      const [chunk = ''] = /\/shop\/_next\/static\/[^"]+\.js/.exec(html) ?? []
      expect((await fetch(site.url + chunk)).status).toBe(200)
      expect((await fetch(`${site.url}/shop/other/`)).status).toBe(503)
    } finally {
      await site.close()
      await operator.close()
    }
  })

  it('is developed on while it is closed, and not built anew by a switch', async () => {
    const operator = operatorOf(project, '.maintenance-mode.json')
    const site = await project.serve({}, 'next', 'dev', '-H', '127.0.0.1')
    const said: string[] = []
    const socket = new WebSocket(`${site.url.replace('http', 'ws')}/_next/hmr?id=1`, { origin: site.url })
    try {
      socket.on('message', (message) => said.push(String(message)))
      await once(socket, 'open')
      expect((await fetch(`${site.url}/real/prerendered`)).status).toBe(200)
      await operator.set('on', `${site.url}/real/prerendered`)
      await operator.set('off', `${site.url}/real/prerendered`)
      const built = (): number =>
        said.filter((one) => /"(building|serverComponentChanges|middlewareChanges|reloadPage)"/.test(one)).length
      const before = built()
      for (const mode of ['on', 'off', 'on'] as const) await operator.set(mode, `${site.url}/real/prerendered`)
      expect(built()).toBe(before)
      project.file('app/real/prerendered/page.jsx', 'export default () => <h1>Changed</h1>')
      await expect.poll(built, { timeout: 20_000 }).toBeGreaterThan(before)
    } finally {
      socket.terminate()
      await site.close()
      await operator.close()
    }
  })
}

function testEdge(project: () => Project): void {
  beforeAll(async () => {
    project().file('middleware.js', proxy('middleware', ''))
    await build(project(), 'edge')
  }, 500_000)

  adapterSuite(runner, {
    name: 'Next.js 15.5, middleware on the edge runtime',
    state: 'http',
    exempt: {
      ...exempt,
      'control URLs switch': 'a state at a URL is read, not written',
      'a GET waits while the mode is hold and is answered once it ends; a POST is refused at once':
        'the edge runtime has no timers between requests: hold acts as on',
    },
    serve: (settings) => start(project(), settings, 'edge'),
  })

  it('needs a state backend, and says so', async () => {
    const server = spawn(join(project().folder, 'node_modules/.bin/next'), ['start', '-H', '127.0.0.1', '-p', '0'], {
      cwd: project().folder,
      env: { PATH: process.env.PATH, VARIANT: 'edge' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    try {
      let said = ''
      for (const stream of [server.stdout, server.stderr]) stream.on('data', (part) => (said += part))
      await expect.poll(() => said, { timeout: 20_000 }).toMatch(/http:\/\/127\.0\.0\.1:\d+/)
      const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? []
      expect((await fetch(url)).status).toBe(500)
      await expect.poll(() => said).toContain('This runtime has no files: give a state backend in code.')
    } finally {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
  })
}

describe('the example', () => {
  let project: Project

  beforeAll(async () => {
    project = await createProject({ packages: [], from: 'examples/next' })
  })

  afterAll(() => project?.remove())

  it('is closed and opened by the command', async () => {
    const site = await project.serve({}, 'npm', 'start')
    const status = async (path = '/', method = 'GET') => (await fetch(site.url + path, { method })).status
    try {
      expect(await status()).toBe(200)
      await project.run('maintenance-mode', 'on')
      await expect.poll(status).toBe(503)
      expect(await status('/webhooks/payment', 'POST')).toBe(204)
      await project.run('maintenance-mode', 'off')
      await expect.poll(status).toBe(200)
    } finally {
      await site.close()
    }
  })
})

/** The status of a path as it stands: fetch would tidy it up. */
async function statusOf(url: string, path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url)
  const [response] = await once(get({ hostname, port, path }), 'response')
  response.resume()
  return response.statusCode
}
