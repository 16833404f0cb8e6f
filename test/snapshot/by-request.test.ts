import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMaintenance, type MaintenanceOptions } from 'maintenance-mode'
import { withMaintenanceMode } from 'maintenance-mode/fetch'
import { withMaintenanceMode as withNode } from 'maintenance-mode/node'
import { createTestClock } from 'maintenance-mode/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Clock } from '../../src/clock.js'
import type { StateDocument } from '../../src/state/window.js'
import { at, documentOf, minute, windowOf } from '../state/windows.js'
import { type ScriptedBackend, scriptedBackend } from './scripted-backend.js'

const second = 1000
const on = documentOf(windowOf())
const off: StateDocument = { ...on, revision: 2, windows: [] }

function shared(document?: StateDocument): ScriptedBackend {
  const backend = scriptedBackend(document)
  backend.absentMeansOff = false
  return backend
}

/** An app as a function on Vercel, where nothing runs between two requests. */
function deployed(backend: ScriptedBackend, options: MaintenanceOptions = {}) {
  const clock = createTestClock(minute(0))
  /** As many times as work that was begun has been stopped. */
  let stops = 0
  const stoppable: Clock = {
    now: clock.now,
    setTimer(run, delay) {
      const before = stops
      return clock.setTimer(() => before === stops && run(), delay)
    },
  }
  const said: string[] = []
  const warned: string[] = []
  const maintenance = createMaintenance(
    {
      stateBackend: backend,
      localCopyPath: false,
      logger: { warn: (message) => warned.push(message), error: (message) => said.push(message) },
      ...options,
    },
    { clock: stoppable, environment: { VERCEL: '1' } },
  )
  onTestFinished(() => maintenance.close())
  const handler = withMaintenanceMode(maintenance, (_request: Request, _context?: unknown) => new Response('open'))
  return {
    maintenance,
    clock,
    said,
    warned,
    /** The status of one request; what it has left unfinished goes on to `waitUntil`. */
    async get(waitUntil?: (work: Promise<unknown>) => void): Promise<number> {
      return (await handler(new Request('http://shop/'), { waitUntil })).status
    },
    handler,
    /** What requests have begun and not finished is stopped with them, timers and all. */
    stop: () => void stops++,
  }
}

describe('where nothing runs between requests', () => {
  it('nothing is read before the first request, and no timer is left after any', async () => {
    const backend = shared(on)
    const { maintenance, clock, get } = deployed(backend)
    maintenance.status()
    await clock.advance(60 * second)
    expect([backend.reads, backend.watchTries, clock.timers]).toEqual([0, 0, 0])
    expect(await get()).toBe(503)
    await clock.advance(0)
    expect([backend.reads, backend.watchTries, clock.timers]).toEqual([1, 0, 0])
    await clock.advance(60 * second)
    expect(await get()).toBe(503)
    await clock.advance(0)
    expect([backend.reads, clock.timers]).toEqual([2, 0])
  })

  it('a request decides by what is known, and has it read for later ones when it is 10 s old', async () => {
    const backend = shared(on)
    const { clock, get } = deployed(backend)
    expect(await get()).toBe(503)
    backend.store(off)
    await clock.advance(10 * second - 1)
    expect(await get()).toBe(503)
    expect(backend.reads).toBe(1)
    await clock.advance(1)
    const answer = backend.hold()
    expect([await get(), await get()]).toEqual([503, 503])
    expect(backend.reads).toBe(2)
    answer()
    await clock.advance(0)
    expect([await get(), await get()]).toEqual([200, 200])
    expect(backend.reads).toBe(2)
  })

  it('after as long as `maxAge` says', async () => {
    const backend = shared(on)
    const { clock, get } = deployed(backend, { maxAge: '1m' })
    await get()
    await clock.advance(59 * second)
    await get()
    expect(backend.reads).toBe(1)
    await clock.advance(second)
    await get()
    expect(backend.reads).toBe(2)
  })

  it('the read is what the runtime is asked to wait for', async () => {
    const backend = shared(on)
    const { clock, get } = deployed(backend)
    await get()
    await clock.advance(10 * second)
    const answer = backend.hold()
    const work: Promise<unknown>[] = []
    expect(await get((one) => work.push(one))).toBe(503)
    expect(work).toHaveLength(1)
    let done = false
    void work[0]?.then(() => {
      done = true
    })
    await clock.advance(0)
    expect(done).toBe(false)
    backend.failure = new Error('down')
    answer()
    await clock.advance(0)
    expect(done).toBe(true)
    await get((one) => work.push(one))
    expect(work).toHaveLength(1)
  })

  it('windows begin and end by the clock alone', async () => {
    const planned = windowOf({ start: at(5), end: at(10) })
    const backend = shared(documentOf(planned, windowOf({ id: 'later', start: at(60 * 24 * 40) })))
    const { clock, get, maintenance } = deployed(backend)
    expect(await get()).toBe(200)
    backend.hold()
    await clock.set(minute(5) - 1)
    expect(await get()).toBe(200)
    await clock.set(minute(5))
    expect(await get()).toBe(503)
    expect(maintenance.status()).toMatchObject({ mode: 'on', until: new Date(minute(10)) })
    await clock.set(minute(10) - 1)
    expect(await get()).toBe(503)
    await clock.set(minute(10))
    expect([await get(), await maintenance.getMode()]).toEqual([200, 'off'])
    await clock.set(minute(60 * 24 * 40))
    expect(maintenance.status().mode).toBe('on')
  })

  it('a change through this instance counts at once, and needs no read', async () => {
    const backend = shared()
    const { get, maintenance, clock } = deployed(backend)
    expect(await get()).toBe(200)
    await clock.advance(60 * second)
    await maintenance.setMode('on')
    const { reads } = backend
    expect(await get()).toBe(503)
    expect(backend.reads).toBe(reads)
  })

  it('code that asks for the mode has it read as requests do, and who is told of changes does not', async () => {
    const backend = shared(on)
    const { maintenance, clock } = deployed(backend)
    const told: string[] = []
    maintenance.subscribe(({ mode }) => told.push(mode))
    expect(await maintenance.getMode()).toBe('on')
    backend.store(off)
    await clock.advance(60 * second)
    expect((await maintenance.decide({ url: '/' })).action).toBe('block')
    await clock.advance(0)
    expect([await maintenance.getMode(), backend.reads, told]).toEqual(['off', 2, ['on', 'off']])
  })

  it('a clock that is set back does not stop the reading', async () => {
    const backend = shared(on)
    const { clock, get } = deployed(backend)
    await get()
    backend.store(off)
    await clock.set(minute(-60))
    await get()
    await clock.advance(0)
    expect(await get()).toBe(200)
  })

  it('the same holds for servers of Node, which are started when they are mounted', async () => {
    const backend = shared(on)
    const { maintenance, clock } = deployed(backend)
    const server = createServer(withNode(maintenance, (_request, response) => response.end('open')))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const get = async () => (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).status
    expect(await get()).toBe(503)
    backend.store(off)
    await clock.advance(10 * second)
    expect(await get()).toBe(503)
    expect(await get()).toBe(200)
    await clock.advance(0)
    expect([backend.reads, backend.watchTries, clock.timers]).toEqual([2, 0, 0])
  })
})

describe('while the backend fails', () => {
  it('the last known state stands, and it is asked at most every 5 s', async () => {
    const backend = shared(on)
    const { clock, get, maintenance, said } = deployed(backend)
    await get()
    backend.failure = new Error('down')
    await clock.advance(10 * second)
    await get()
    await clock.advance(0)
    expect(maintenance.status()).toMatchObject({ snapshot: 'stale', mode: 'on' })
    const { reads } = backend
    for (let passed = 0; passed < 20 * second; passed += 500) {
      expect(await get()).toBe(503)
      await clock.advance(500)
    }
    expect(backend.reads - reads).toBe(3)
    expect(said).toEqual([expect.stringContaining('down The last known state stands.')])
    backend.failure = undefined
    backend.store(off)
    await get()
    await clock.advance(0)
    expect([await get(), maintenance.status().snapshot]).toEqual([200, 'ready'])
  })

  it('only before the first answer a request waits, `firstReadTimeout` at most', async () => {
    const backend = shared(on)
    const { clock, get, said } = deployed(backend, { stateBackendFallbackValue: true })
    const answer = backend.hold()
    const statuses: number[] = []
    const note = (status: number): unknown => statuses.push(status)
    void get().then(note)
    await clock.advance(600)
    void get().then(note)
    await clock.advance(399)
    expect(statuses).toEqual([])
    await clock.advance(1)
    expect(statuses).toEqual([503])
    expect(await get()).toBe(503)
    await clock.advance(600)
    expect(statuses).toEqual([503, 503])
    expect(said).toEqual([expect.stringContaining('No answer from script: within 1000 ms.')])
    backend.store(off)
    answer()
    await clock.advance(0)
    await clock.advance(10 * second)
    await get()
    await clock.advance(0)
    expect(await get()).toBe(200)
  })
})

describe('where what a request has begun is stopped with it', () => {
  it('this is noticed, and then the request that has the state read waits for it', async () => {
    const backend = shared(on)
    const { clock, get, stop, said, maintenance } = deployed(backend)
    await get()
    await clock.advance(10 * second)
    const late = backend.hold()
    expect(await get()).toBe(503)
    stop()
    backend.store(off)
    const answer = backend.hold()
    await clock.advance(14 * second)
    expect(await get()).toBe(503)
    expect(backend.reads).toBe(2)
    await clock.advance(second)

    const statuses: number[] = []
    void get().then((status) => statuses.push(status))
    await clock.advance(0)
    expect([statuses, backend.reads]).toEqual([[], 3])
    expect(maintenance.status().snapshot).toBe('stale')
    expect(said).toEqual([expect.stringMatching(/No answer from script:: the read was stopped with the request/)])
    late()
    await clock.advance(0)
    const work: unknown[] = []
    expect(await get((one) => work.push(one))).toBe(503)
    expect([statuses, work.length]).toEqual([[], 1])
    answer()
    await clock.advance(0)
    expect(statuses).toEqual([200])
    await clock.advance(10 * second)
    backend.store({ ...on, revision: 3 })
    expect(await get()).toBe(503)
    expect(clock.timers).toBe(0)
  })

  it('it waits for `firstReadTimeout` at most, one request every 5 s', async () => {
    const backend = shared(on)
    const { clock, get, stop } = deployed(backend)
    await get()
    await clock.advance(10 * second)
    backend.hold()
    await get()
    stop()
    await clock.advance(15 * second)
    for (let round = 0; round < 3; round++) {
      let status: number | undefined
      const waiting = get().then((one) => {
        status = one
      })
      await clock.advance(second - 1)
      expect([status, await get()]).toEqual([undefined, 503])
      await clock.advance(1)
      await waiting
      expect(status).toBe(503)
      stop()
      await clock.advance(3.9 * second)
      expect(await get()).toBe(503)
      await clock.advance(0.1 * second)
    }
    expect(backend.reads).toBe(2 + 3)
  })

  it('the first answer is waited for by each request itself', async () => {
    const backend = shared(on)
    const { clock, get, stop } = deployed(backend)
    backend.hold()
    void get()
    await clock.advance(500)
    stop()
    const second = get()
    await clock.advance(1000)
    expect(await second).toBe(200)
  })

  it.each([undefined, new Error('connection reset')])(
    'a machine that sleeps between requests, and wakes with an answer that is too late, counts as well (%s)',
    async (failure) => {
      const backend = shared(on)
      const { clock, get, stop, maintenance } = deployed(backend)
      maintenance.subscribe(() => {})
      await get()
      await clock.advance(10 * second)
      backend.failure = failure
      const answer = backend.hold()
      await get()
      stop()
      await clock.advance(300 * second)
      answer()
      await clock.advance(0)
      backend.failure = undefined
      backend.store(off)
      expect(await get()).toBe(200)
    },
  )
})

describe('a state that instances do not share', () => {
  const warnings = (stateBackend: string, environment: Record<string, string>, options: MaintenanceOptions = {}) => {
    const warned: string[] = []
    const logger = { warn: (message: string) => warned.push(message), error() {} }
    createMaintenance({ stateBackend, logger, ...options }, { environment })
    return warned
  }

  it.each([
    ['Vercel', { VERCEL: '1' }],
    ['AWS Lambda', { AWS_LAMBDA_FUNCTION_NAME: 'shop' }],
    ['Netlify', { NETLIFY: 'true' }],
    ['Azure Functions', { FUNCTIONS_WORKER_RUNTIME: 'node' }],
    ['Cloud Run', { K_SERVICE: 'shop' }],
    ['Heroku', { DYNO: 'web.1' }],
  ])('is warned of on %s', (name, environment) => {
    for (const url of ['file:state.json', 'memory:']) {
      expect(warnings(url, environment)).toEqual([
        expect.stringMatching(`The state is kept at ${url.slice(0, 5)}.*, but instances on ${name} share no disk`),
      ])
    }
    expect(warnings('redis://10.0.0.1', environment)).toEqual([])
  })

  it('is not warned of elsewhere, where the mode is pinned, or where that was silenced', () => {
    expect(warnings('file:state.json', {})).toEqual([])
    expect(warnings('file:state.json', { VERCEL: '' })).toEqual([])
    expect(warnings('file:state.json', { DYNO: 'web.1' }, { silence: ['unshared-state'] })).toEqual([])
    expect(warnings('file:state.json', { DYNO: 'web.1' }, { mode: 'on', silence: ['pinned-mode'] })).toEqual([])
  })

  it('on Heroku is watched as on every server', async () => {
    const clock = createTestClock(minute(0))
    const backend = shared(on)
    const maintenance = createMaintenance(
      { stateBackend: backend, localCopyPath: false, logger: { warn() {}, error() {} } },
      { clock, environment: { DYNO: 'web.1' } },
    )
    onTestFinished(() => maintenance.close())
    maintenance.start()
    await maintenance.ready()
    expect([backend.watchTries, clock.timers > 0]).toEqual([1, true])
  })
})
