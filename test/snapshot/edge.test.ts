import { createMaintenance, type MaintenanceOptions } from 'maintenance-mode'
import { upstashBackend } from 'maintenance-mode/backends/upstash'
import { withMaintenanceMode } from 'maintenance-mode/fetch'
import { createTestClock } from 'maintenance-mode/testing'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { serializeDocument } from '../../src/state/document.js'
import { documentOf, minute, windowOf } from '../state/windows.js'

// As bundlers for the edge resolve it.
vi.mock('#platform', () => import('../../src/platform/default.js'))

afterEach(() => vi.restoreAllMocks())

const url = 'upstash://:token@shop.upstash.io'
const stored: { document: string | null } = { document: null }
const answer = async (): Promise<Response> => Response.json({ result: stored.document })

function atTheEdge(options: MaintenanceOptions, environment: Record<string, string> = {}) {
  const clock = createTestClock(minute(0))
  const warned: string[] = []
  const logger = { warn: (message: string) => warned.push(message), error: (message: string) => warned.push(message) }
  const maintenance = createMaintenance({ logger, ...options }, { clock, environment })
  onTestFinished(() => maintenance.close())
  return { maintenance, clock, warned, handler: withMaintenanceMode(maintenance, () => new Response('open')) }
}

describe('at the edge', () => {
  it('nothing is asked, waited for or random while modules are loaded, which Workers forbid', () => {
    const forbidden = [
      vi.spyOn(globalThis, 'fetch'),
      vi.spyOn(globalThis, 'setTimeout'),
      vi.spyOn(globalThis, 'setInterval'),
      vi.spyOn(crypto, 'randomUUID'),
      vi.spyOn(crypto, 'getRandomValues'),
    ]
    const maintenance = createMaintenance({ stateBackend: url, logger: { warn() {}, error() {} } }, { environment: {} })
    withMaintenanceMode(maintenance, () => new Response('open'))
    maintenance.subscribe(() => {})
    upstashBackend({ url })
    for (const call of forbidden) expect(call).not.toHaveBeenCalled()
  })

  it.each([
    ['a URL', url],
    ['a backend', upstashBackend({ url, fetch: answer })],
  ])('the state of %s is read by request', async (_what, stateBackend) => {
    const asked = vi.spyOn(globalThis, 'fetch').mockImplementation(answer)
    stored.document = serializeDocument(documentOf(windowOf()))
    const { clock, handler, maintenance } = atTheEdge({ stateBackend })
    const get = async () => (await handler(new Request('http://shop/'))).status
    expect(await get()).toBe(503)
    stored.document = serializeDocument({ ...documentOf(), revision: 2 })
    await clock.advance(10_000)
    expect(await get()).toBe(503)
    await vi.waitFor(() => expect(maintenance.status().mode).toBe('off'))
    expect([await get(), clock.timers]).toEqual([200, 0])
    expect(asked).toHaveBeenCalledTimes(typeof stateBackend === 'string' ? 2 : 0)
  })

  it('a state that is in memory is warned of, and one in a file is no setting', () => {
    expect(atTheEdge({ stateBackend: 'memory:' }).warned).toEqual([
      expect.stringMatching(/instances on this edge runtime share no disk/),
    ])
    expect(atTheEdge({ stateBackend: 'memory:' }, { VERCEL: '1' }).warned).toEqual([
      expect.stringMatching(/instances on Vercel share no disk/),
    ])
    expect(atTheEdge({ stateBackend: 'memory:', silence: ['unshared-state'] }).warned).toEqual([])
    expect(() => atTheEdge({})).toThrow('This runtime has no files: give a state backend in code.')
    expect(() => atTheEdge({ stateBackend: 'file:state.json' })).toThrow('This runtime has no files')
  })

  it('a change is made by an instance that has a name by then', async () => {
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (_url, init) => {
      const [name, , , , document] = JSON.parse(String(init?.body)) as string[]
      if (name === 'EVAL') stored.document = document as string
      return Response.json({ result: name === 'EVAL' ? 1 : stored.document })
    })
    stored.document = null
    const { maintenance } = atTheEdge({ stateBackend: url })
    await maintenance.during('on', async () => {
      expect(JSON.parse(stored.document ?? '')).toMatchObject({
        windows: [{ holder: expect.stringMatching(/^edge:[\da-f]{8}:[\da-f]{8}$/), from: 'code@edge' }],
      })
    })
    expect(JSON.parse(stored.document ?? '')).toMatchObject({ revision: 2, windows: [] })
  })
})
