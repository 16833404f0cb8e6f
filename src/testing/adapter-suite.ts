import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { type AdapterCase, adapterCases, adminToken, type CaseContext, type CaseMode } from './adapter-cases.js'
import { type Ask, client } from './adapter-client.js'
import { eventually } from './assertions.js'
import type { SuiteRunner } from './backend-suite.js'

export interface AdapterSuiteRunner extends SuiteRunner {
  /** Called once, when all tests of the suite have run: `after` of node:test, `afterAll` elsewhere. */
  afterAll(run: () => Promise<void>): unknown
}

/** A fixture that listens. */
export interface ServedSite {
  /** `http://127.0.0.1:3000`, without a slash at its end. */
  readonly url: string
  close(): Promise<void>
}

export interface AdapterSuiteOptions {
  /** The framework and its version, as the support table has it: `Fastify 5`. */
  readonly name: string
  /** What runs the fixture, where it is not this process. Default: `Node` and its major version. */
  readonly runtime?: string
  /**
   * Builds the fixture of `siteRoutes` as an app of the framework, with maintenance mode as its users would add it, and
   * serves it at a free port of 127.0.0.1. The settings are plain data, so that they can go to another process.
   */
  serve(settings: MaintenanceOptions): Promise<ServedSite>
  /** How the fixture reads the state. Default: `file`; `http` where there are no files. */
  readonly state?: 'file' | 'http'
  /** The cases that the framework cannot meet, and why. Each is tried all the same, and has to fail. */
  readonly exempt?: Readonly<Record<string, string>>
}

const loopback = ['127.0.0.1', '::1']

/**
 * The contract of an adapter, as tests: one fixture and one list of expectations, over real sockets.
 *
 * @example
 * ```ts
 * import { after, describe, it } from 'node:test'
 *
 * adapterSuite({ describe, it, afterAll: after }, {
 *   name: 'my framework 1',
 *   serve: async (settings) => listen(buildSite(createMaintenance(settings))),
 * })
 * ```
 */
export function adapterSuite(runner: AdapterSuiteRunner, options: AdapterSuiteOptions): void {
  const { name, exempt = {}, runtime = `Node ${process.versions.node.split('.')[0]}` } = options
  const unknown = Object.keys(exempt).find((title) => !(title in adapterCases))
  if (unknown !== undefined) throw new TypeError(`The adapter contract has no case "${unknown}".`)
  runner.describe(`adapter contract: ${name} (${runtime})`, () => {
    const sites = new Map<string, Promise<Site>>()
    const siteFor = (settings: AdapterCase['settings']): Promise<Site> => {
      const key = settings ?? ''
      const site = sites.get(key) ?? openSite(options, settings)
      sites.set(key, site)
      return site
    }
    for (const [title, tested] of Object.entries(adapterCases)) {
      const reason = exempt[title]
      const run = async (): Promise<void> => {
        const { context } = await siteFor(tested.settings)
        await context.switch(tested.mode)
        await tested.run(context)
      }
      if (reason === undefined) runner.it(title, run)
      else runner.it(`${title} [exempt: ${reason}]`, () => fails(run()))
    }
    runner.afterAll(async () => {
      const opened = await Promise.allSettled(sites.values())
      for (const site of opened) if (site.status === 'fulfilled') await site.value.close()
    })
  })
}

async function fails(tried: Promise<void>): Promise<void> {
  const failure = await tried.then(
    () => undefined,
    (error: Error) => error,
  )
  if (!failure) throw new Error('It holds: take the exemption out.')
}

interface Site {
  context: CaseContext
  close(): Promise<void>
}

async function openSite({ serve, state }: AdapterSuiteOptions, special: AdapterCase['settings']): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'maintenance-mode-adapter-'))
  const file = join(folder, 'state.json')
  const operator = createMaintenance({ stateBackend: `file:${file}` }, { environment: {} })
  await operator.setMode('off')
  const shared = state === 'http' ? await serveFile(file) : undefined
  const settings: MaintenanceOptions = {
    stateBackend: shared?.url ?? `file:${file}`,
    adminToken,
    ignoreUrls: ['/mounted/open'],
    ignoreIpAddresses: special === 'loopback-ignored' ? loopback : ['203.0.113.7'],
    ignoreStaff: true,
    loginUrls: ['/login'],
    maxAge: '100ms',
    pollInterval: '1s',
    routes: { '/routed/open': 'off', ...(special === 'loopback-ignored' && { '/routed/closed': 'on' }) },
  }
  const served = await serve(settings)
  const ask = client(served.url)
  const until = (mode: CaseMode): Promise<void> =>
    eventually(async () => (await operator.refresh()).mode === mode && (await decidesBy(mode, ask)))
  return {
    context: {
      url: served.url,
      ask,
      until,
      async switch(mode, options) {
        await operator.setMode(mode, options)
        await until(mode)
      },
    },
    async close() {
      await served.close()
      await operator.close()
      await shared?.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** What the fixture decides by: the page that is refused, or kept from caches for who gets through, is the app's own while off. */
async function decidesBy(mode: CaseMode, ask: Ask): Promise<boolean> {
  // Only what writes does not wait.
  if (mode === 'hold') return (await ask('/api/items', { method: 'POST' })).headers.get('maintenance-mode') === mode
  const { status, headers } = await ask('/')
  return (status === 200 && headers.get('cache-control') !== 'private, no-store') === (mode === 'off')
}

/** The state for a runtime that has no files. */
async function serveFile(path: string): Promise<ServedSite> {
  const server = createServer((_, res) => {
    const gone = (): unknown => res.writeHead(404).end()
    readFile(path).then((text) => res.setHeader('content-type', 'application/json').end(text), gone)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}/state.json`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
