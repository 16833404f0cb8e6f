import { rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { createMaintenance, type MaintenanceOptions } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { maintenanceControls } from 'maintenance-mode/node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Presence, StateBackend } from '../../src/backends/backend.js'
import { fileBackend } from '../../src/backends/file.js'
import { createStateStore } from '../../src/backends/store.js'
import { openVia } from '../../src/backends/via.js'
import { MaintenanceError, PinnedModeError, StateBackendError, StateConflictError } from '../../src/errors.js'
import { createDocument, serializeDocument } from '../../src/state/document.js'
import { openByHand } from '../../src/state/transitions.js'
import type { Window } from '../../src/state/window.js'
import { type BackendUnderTest, backendSuite } from '../../src/testing/backend-suite.js'
import { listen, stop } from '../admin/site.js'
import { temporaryFolder } from './fixtures/child.js'

const token = 'a secret of some length'

interface Site {
  /** Of the control URLs. */
  url: string
  /** Whether the state backend is out of reach. */
  down: boolean
  close(): Promise<void>
}

/** A site of one instance, which is called `site`, with these settings. */
async function openSite(kept: StateBackend, options: MaintenanceOptions = {}): Promise<Site> {
  const reach = <Result>(ask: () => Promise<Result>): Promise<Result> =>
    site.down ? Promise.reject(new StateBackendError('The engine is down.')) : ask()
  const stateBackend: StateBackend = {
    ...kept,
    read: () => reach(() => kept.read()),
    write: (document, condition) => reach(() => kept.write(document, condition)),
  }
  const maintenance = createMaintenance(
    { stateBackend, adminToken: token, instanceId: 'site', logger: { warn() {}, error() {} }, ...options },
    { environment: {} },
  )
  const controls = maintenanceControls(maintenance)
  const server = createServer((req, res) => controls(req, res, () => res.writeHead(404).end('not found')))
  const site: Site = {
    url: `${await listen(server)}/maintenance-mode`,
    down: false,
    async close() {
      await maintenance.close()
      await stop(server)
    },
  }
  return site
}

function siteSuite(name: string, open: () => { backend: StateBackend } & Pick<BackendUnderTest, 'corrupt' | 'remove'>) {
  backendSuite(
    { describe, it },
    {
      name,
      async create() {
        const { backend, ...hooks } = open()
        const site = await openSite(backend)
        // Who is in the fleet announces itself at the backend; the list is what is had from afar, with the site itself.
        const via = async (): Promise<StateBackend> => {
          const opened = await openVia({ url: site.url, token })
          const list = async () => ((await opened.presence?.list()) ?? []).filter(({ id }) => id !== 'site')
          return { ...opened, presence: { ...(backend.presence as Presence), list } }
        }
        return {
          backend: await via(),
          other: via,
          ...hooks,
          outage: {
            async begin() {
              site.down = true
            },
            async end() {
              site.down = false
            },
          },
          async cleanup() {
            await site.close()
            await backend.close?.()
          },
        }
      },
    },
  )
}

siteSuite('via a site that keeps its state in memory', () => {
  const backend = memoryBackend()
  return {
    backend,
    async corrupt(text) {
      const expected = (await backend.read())?.revision ?? 0
      await backend.write(text, { expected, next: expected + 1 })
    },
  }
})

siteSuite('via a site that keeps its state in a file', () => {
  const path = join(temporaryFolder(), '.maintenance-mode.json')
  return { backend: fileBackend({ path }), corrupt: (text) => writeFile(path, text), remove: () => rm(path) }
})

const open: { close(): unknown }[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  for (const one of open.splice(0)) await one.close()
})

async function siteOf(kept: StateBackend, options?: MaintenanceOptions): Promise<Site> {
  const site = await openSite(kept, options)
  open.push(site)
  return site
}

/** Something else than a site of ours. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  const base = await listen(server)
  open.push({ close: () => stop(server) })
  return base
}

async function failureOf(work: Promise<unknown>): Promise<MaintenanceError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(MaintenanceError)
  expect(JSON.stringify([error, (error as Error).message, String((error as Error).cause)])).not.toContain(token)
  return error as MaintenanceError
}

describe('what the site tells', () => {
  it('is where the state is, who is asking, and what decides there', async () => {
    const { url } = await siteOf(memoryBackend(), { pollInterval: '30s' })
    const { address, key, absentMeansOff, capabilities, site } = await openVia({ url: `${url}/`, token })
    expect({ address, key, absentMeansOff, site }).toEqual({
      address: `${url} → memory:`,
      key: '',
      absentMeansOff: true,
      site: {
        pinned: undefined,
        pollInterval: 30_000,
        drainTimeout: 60_000,
        operator: 'token',
        scopes: [],
        tenants: false,
        assertScope: expect.any(Function),
      },
    })
    expect(capabilities).toEqual({ compareAndSet: true, watch: false, presence: true, writable: true })
  })

  it('is the mode that is pinned, and then it refuses to be switched', async () => {
    const { url } = await siteOf(memoryBackend(), { mode: 'on' })
    const via = await openVia({ url, token })
    expect(via.site.pinned).toBe('on')
    const document = serializeDocument({ ...createDocument(''), revision: 1, windows: [window] })
    const failure = await failureOf(via.write(document, { expected: 0, next: 1 }))
    expect(failure).toBeInstanceOf(PinnedModeError)
    expect(failure.message).toContain('pinned to "on"')
  })

  it('is who serves it', async () => {
    const backend = memoryBackend()
    const { url } = await siteOf(backend)
    const via = await openVia({ url, token })
    await vi.waitFor(async () =>
      expect(await via.presence?.list()).toMatchObject([{ id: 'site', age: expect.any(Number) }]),
    )
    expect(await failureOf(via.presence?.announce({ id: 'x', text: '' }, 1000) as Promise<unknown>)).toMatchObject({
      code: 'ERR_MAINTENANCE_BACKEND',
    })
  })
})

const window: Window = {
  id: 'manual',
  origin: 'manual',
  mode: 'on',
  scope: '*',
  start: '2026-01-01T00:00:00.000Z',
  by: 'ann',
  from: 'cli@web-1',
}

it('many writers through one site lose nothing, and leave no gap', async () => {
  const backend = memoryBackend()
  const { url } = await siteOf(backend)
  const vias = await Promise.all(Array.from({ length: 4 }, () => openVia({ url, token })))
  const stores = vias.map((via) => createStateStore(via))
  const actor = { by: 'ann', from: 'test' }
  const ids = Array.from({ length: 20 }, (_, index) => `window-${index}`)
  await Promise.all(
    ids.map((id, index) =>
      stores[index % 4]?.commit((document) =>
        openByHand(document, { id, mode: 'on', scope: '*' }, actor, 1_770_000_000_000),
      ),
    ),
  )
  const stored = await stores[0]?.read()
  expect(stored?.revision).toBe(20)
  expect(stored?.windows.map(({ id }) => id).sort()).toEqual([...ids].sort())
})

describe('an address is refused before anything is sent', () => {
  const never: typeof fetch = () => Promise.reject(new Error('something was sent'))

  it.each([
    ['shop.example/maintenance-mode', 'such as https://shop.example/maintenance-mode'],
    ['redis://shop.example', 'such as https://shop.example/maintenance-mode'],
    [token, 'such as https://shop.example/maintenance-mode'],
    [`https://ann:${encodeURIComponent(token)}@shop.example/maintenance-mode`, 'on shop.example, must be without user'],
    ['https://shop.example/maintenance-mode?x=1', 'query'],
    ['http://shop.example/maintenance-mode', 'would travel to shop.example in the clear: write https:'],
    ['http://10.0.0.7:3000/maintenance-mode', 'in the clear'],
    ['http://127.0.0.1.evil.example/maintenance-mode', 'in the clear'],
    ['http://localhost.evil.example/maintenance-mode', 'in the clear'],
  ])('%s', async (url, message) => {
    const failure = await failureOf(openVia({ url, token, fetch: never }))
    expect(failure).toMatchObject({ code: 'ERR_MAINTENANCE_SETTING', message: expect.stringContaining(message) })
  })

  it('also with a token that cannot be sent', async () => {
    const failure = await failureOf(
      openVia({ url: 'https://shop.example', token: `${token}\nX-More: yes`, fetch: never }),
    )
    expect(failure.message).toContain('in one line')
  })

  it.each([
    'http://localhost:1',
    'http://app.localhost:1',
    'http://127.8.9.1:1',
    'http://[::1]:1',
    'https://shop.example',
  ])('but not %s', async (url) => {
    const asked: string[] = []
    const ask: typeof fetch = (target) => {
      asked.push(String(target))
      return Promise.reject(new Error('out of order'))
    }
    await failureOf(openVia({ url: `${url}/maintenance-mode/`, token, fetch: ask }))
    expect(asked).toEqual([`${url}/maintenance-mode/state`])
  })
})

describe('what else may answer in its place is told, with what to do', () => {
  const html = { 'content-type': 'text/html' }

  it.each([
    [
      'no such path',
      404,
      {},
      'not found',
      'it answers 404. Are the control URLs (`maintenanceControls`) mounted there',
    ],
    [
      'an app that answers everything',
      200,
      html,
      '<!doctype html>',
      'it answers with something else than a state. Are the',
    ],
    ['another JSON', 200, {}, '{"ok":true}', 'it answers with something else than a state'],
    ['an answer that is cut short', 200, {}, '{"address":"redis:', 'it answers with something else than a state'],
    ['a log-in in front', 401, html, 'who?', 'it answers 401. It is not maintenance-mode that says so'],
    ['a firewall', 403, html, 'no', 'it answers 403. It is not maintenance-mode that says so'],
    ['a proxy whose app is gone', 502, html, 'bad gateway', 'it answers 502. The site, or something in front of it'],
    [
      'a path that is closed',
      503,
      { 'maintenance-mode': 'on' },
      '',
      'it is down for maintenance at that address. Are the',
    ],
    ['a redirect to nowhere', 302, { location: 'http://' }, '', 'it sends us on to an address that cannot be read'],
  ])('%s', async (_name, status, headers, body, message) => {
    const base = await serve((_req, res) => res.writeHead(status, headers).end(body))
    const failure = await failureOf(openVia({ url: `${base}/control`, token }))
    expect(failure).toBeInstanceOf(StateBackendError)
    expect(failure.message).toContain(`The state at ${base}/control cannot be read: ${message}`)
  })

  it.each([
    ['https://www.shop.example/control/state?from=x', 'https://www.shop.example/control, where'],
    ['/other/state', '/other, where'],
    ['/login?next=%2Fcontrol', '/login, where'],
  ])('a redirect to %s, which is not followed', async (location, target) => {
    const asked: unknown[] = []
    const base = await serve((req, res) => {
      asked.push(req.url)
      res.writeHead(307, { location }).end()
    })
    const { message } = await failureOf(openVia({ url: `${base}/control`, token }))
    expect(message).toContain(`it sends us on to ${target.startsWith('/') ? base : ''}${target} a token is not sent.`)
    expect(asked).toEqual(['/control/state'])
  })

  it('nothing, as nobody listens', async () => {
    const server = createServer()
    const base = await listen(server)
    await stop(server)
    const { message } = await failureOf(openVia({ url: base, token }))
    expect(message).toMatch(/ECONNREFUSED.*Nothing answers there/)
  })

  it('nothing, within 10 s', async () => {
    const { timeout } = AbortSignal
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => timeout(milliseconds / 100))
    const base = await serve(() => {})
    expect((await failureOf(openVia({ url: base, token }))).message).toContain('no answer within 10 s')
  })

  it('a token that opens nothing', async () => {
    const { url } = await siteOf(memoryBackend())
    const { message } = await failureOf(openVia({ url, token: 'a wrong one of some length' }))
    expect(message).toContain('it is wrong, or was revoked')
    expect(message).not.toContain('of some length')
  })

  it('a version of the site that knows no such URL', async () => {
    const problem = { type: 'urn:maintenance-mode:not-found', detail: 'Below /control there are /on and /off.' }
    const base = await serve((_req, res) =>
      res.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem)),
    )
    expect((await failureOf(openVia({ url: base, token }))).message).toContain('Below /control there are /on and /off.')
  })
})

it('an error of the site keeps its class and code, and names the site', async () => {
  const backend = memoryBackend()
  const site = await siteOf(backend)
  const via = await openVia({ url: site.url, token })
  await via.write(serializeDocument({ ...createDocument(''), revision: 1 }), { expected: 0, next: 1 })
  const again = await failureOf(
    via.write(serializeDocument({ ...createDocument(''), revision: 1 }), { expected: 0, next: 1 }),
  )
  expect(again).toBeInstanceOf(StateConflictError)
  expect(again.message).toContain(`${site.url} answers: The state in memory has revision 1, not 0`)
  site.down = true
  const down = await failureOf(via.read())
  expect(down).toBeInstanceOf(StateBackendError)
  expect(down.message).toBe(`${site.url} answers: The engine is down.`)
})
