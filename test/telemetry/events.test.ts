import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { MaintenanceEvent } from 'maintenance-mode'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { engineOf } from '../../src/engine.js'
import { platform as edge } from '../../src/platform/default.js'
import type { AdaptedRequest } from '../../src/request/request.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { createEvents } from '../../src/telemetry/events.js'
import { maintain } from '../adapters/opened.js'
import { scriptedBackend } from '../snapshot/scripted-backend.js'
import { serve, told } from './measured.js'

const second = 1000

function outcomes(events: readonly MaintenanceEvent<'decision'>[]): [string, string, number | undefined][] {
  return events.map(({ decision: { action, rule }, held }) => [action, rule, held])
}

/** Requests until so many of them wait. */
async function holding(site: Awaited<ReturnType<typeof serve>>, count: number): Promise<Promise<number>[]> {
  const answers = Array.from({ length: count }, () => site.visit())
  await vi.waitFor(() => expect(site.maintenance.status().held).toBe(count), 10_000)
  return answers
}

describe('the mode', () => {
  it('is told when it changes, with what people are told of it, and for parts that are not as the site is', async () => {
    const { maintenance, clock } = await serve({ scopes: { billing: { urls: ['/billing/**'] } } })
    const events = told('mode')
    const start = new Date(clock.now())
    const until = new Date(clock.now() + 60 * second)
    await maintenance.setMode('on', { reason: 'Moving', expectedEnd: until })
    await maintenance.setMode('read-only', { scope: 'billing' })
    // Its own window keeps that part closed while the site reopens.
    await maintenance.setMode('off', { ramp: '1m' })
    await clock.advance(61 * second)
    const changes = events.map((event) => [event.scope, event.previous, event.mode, event.window, event.reopening])
    expect(changes).toEqual([
      ['*', 'off', 'on', 'manual', false],
      ['billing', 'on', 'on', 'manual', false],
      ['*', 'on', 'on', 'manual', true],
      ['*', 'on', 'off', undefined, false],
      ['billing', 'on', 'read-only', 'manual', false],
    ])
    expect(events[0]).toMatchObject({ reason: 'Moving', since: start, until, maintenance })
  })

  it('is told of the clock’s changes, too', async () => {
    const { maintenance, clock } = await serve()
    const events = told('mode')
    await maintenance.setMode('on', { start: new Date(clock.now() + second), end: new Date(clock.now() + 2 * second) })
    expect(events).toEqual([])
    await clock.advance(2 * second)
    expect(events.map(({ mode }) => mode)).toEqual(['on', 'off'])
  })
})

describe('a decision', () => {
  it('is told with its request, whose it is, and not at all while the mode is off', async () => {
    const { maintenance, visit } = await serve({ ignoreUrls: ['/open'] })
    const events = told('decision')
    const judge = vi.spyOn(engineOf(maintenance), 'judge')
    for (const path of ['/', '/open']) expect(await visit(path)).toBe(200)
    expect([judge.mock.calls.length, events]).toEqual([0, []])
    await maintenance.setMode('on')
    expect([await visit('/'), await visit('/open'), await visit('/healthz')]).toEqual([503, 200, 200])
    expect(outcomes(events)).toEqual([
      ['block', 'closed', undefined],
      ['allow', 'url', undefined],
      ['allow', 'health', undefined],
    ])
    expect(events[1]).toMatchObject({ maintenance, request: { method: 'GET', url: '/open', ip: '127.0.0.1' } })
  })

  it('is not told of requests for a part that is open while another is closed', async () => {
    const { maintenance, visit } = await serve({ scopes: { billing: { urls: ['/billing/**'] } } })
    const events = told('decision')
    await maintenance.setMode('on', { scope: 'billing' })
    expect([await visit('/'), await visit('/billing/a')]).toEqual([200, 503])
    expect(outcomes(events)).toEqual([['block', 'closed', undefined]])
  })

  it('about a request that waits is told twice: that it waits, and what became of it', async () => {
    const site = await serve()
    const events = told('decision')
    await site.maintenance.setMode('hold')
    const [answer] = await holding(site, 1)
    expect(outcomes(events)).toEqual([['hold', 'closed', undefined]])
    await site.clock.advance(7 * second)
    await site.maintenance.setMode('off')
    await site.clock.advance(1)
    expect(await answer).toBe(200)
    expect(outcomes(events)[1]).toEqual(['allow', 'mode-off', 7001])
  })

  it('tells by its rule which requests could not wait, or not for longer', async () => {
    const site = await serve({ holdLimit: 1, holdTimeout: '10s' })
    await site.maintenance.setMode('hold')
    const [answer] = await holding(site, 1)
    const events = told('decision')
    expect(await site.visit()).toBe(503)
    await site.clock.advance(10 * second)
    expect(await answer).toBe(503)
    expect(outcomes(events)).toEqual([
      ['hold', 'closed', undefined],
      ['block', 'hold-limit', 0],
      ['block', 'hold-timeout', 10 * second],
    ])
  })

  it('is told of a request that cannot be judged, and is refused', async () => {
    const { maintenance } = await serve({ logger: { warn() {}, error() {} } })
    await maintenance.setMode('on')
    const events = told('decision')
    const broken = new Proxy({} as AdaptedRequest, {
      get: () => {
        throw new Error('broken request')
      },
    })
    expect(await engineOf(maintenance).refuse(broken)).toMatchObject({ reply: { status: 503 } })
    expect(outcomes(events).at(-1)).toEqual(['block', 'failed', undefined])
  })

  it('tells no more of a request whose client is gone', async () => {
    const site = await serve()
    await site.maintenance.setMode('hold')
    const events = told('decision')
    const gone = new AbortController()
    const answer = site.visit('/', { signal: gone.signal }).catch(({ name }: Error) => name)
    await vi.waitFor(() => expect(site.maintenance.status().held).toBe(1))
    gone.abort()
    expect(await answer).toBe('AbortError')
    await vi.waitFor(() => expect(site.maintenance.status().held).toBe(0))
    expect(outcomes(events)).toEqual([['hold', 'closed', undefined]])
  })
})

describe('the snapshot', () => {
  it('is told of when the state can be read, cannot any longer, and can again', async () => {
    const backend = scriptedBackend()
    const events = told('snapshot')
    const { maintenance } = await serve({ stateBackend: backend, logger: { warn() {}, error() {} } })
    backend.failure = new Error('The disk is full')
    await maintenance.refresh()
    backend.failure = undefined
    await maintenance.refresh()
    expect(events).toMatchObject([
      { snapshot: 'ready', previous: 'pending', error: undefined },
      { snapshot: 'stale', previous: 'ready', error: expect.stringContaining('The disk is full') },
      { snapshot: 'ready', previous: 'stale', error: undefined },
    ])
  })

  it('is told of when the state cannot be read at the start', async () => {
    const backend = scriptedBackend()
    backend.failure = new Error('no route')
    const events = told('snapshot')
    await serve({ stateBackend: backend, logger: { warn() {}, error() {} } })
    expect(events).toMatchObject([{ snapshot: 'failed', previous: 'pending' }])
  })
})

describe('a revision', () => {
  it('is told by each instance, with how long ago the change was made', async () => {
    const backend = scriptedBackend()
    const [writer, reader] = [await serve({ stateBackend: backend }), await serve({ stateBackend: backend })]
    const events = told('revision')
    await writer.maintenance.setMode('on')
    await reader.clock.advance(3 * second)
    await reader.maintenance.refresh()
    const revision = { document: expect.any(String), revision: 1 }
    expect(events).toEqual([
      { ...revision, delay: 0, maintenance: writer.maintenance },
      { ...revision, delay: 3 * second, maintenance: reader.maintenance },
    ])
  })
})

it('a revision that nobody made, by the clock alone, has no delay', async () => {
  const backend = scriptedBackend()
  const { maintenance } = await serve({ stateBackend: backend })
  await maintenance.setMode('on')
  const events = told('revision')
  const document = JSON.parse(backend.stored as string)
  const ended = { ...document.history[0], action: 'end', by: 'clock', from: 'clock' }
  backend.stored = JSON.stringify({ ...document, revision: 2, windows: [], history: [...document.history, ended] })
  await maintenance.refresh()
  expect(events).toMatchObject([{ revision: 2, delay: undefined }])
})

describe('the history', () => {
  it('is told line by line from the start on: who did what, when, why, from where', async () => {
    const backend = scriptedBackend()
    const before = await serve({ stateBackend: backend })
    await before.maintenance.setMode('on', { by: 'ann' })
    const events = told('history')
    const { maintenance, clock } = await serve({ stateBackend: backend })
    expect(events).toEqual([])
    await clock.advance(second)
    await maintenance.setMode('on', { by: 'bob', from: 'cli@web-1', reason: 'Still moving', note: 'Slow disk' })
    expect(events).toMatchObject([
      {
        maintenance,
        entry: { action: 'update', by: 'bob', from: 'cli@web-1', reason: 'Still moving', note: 'Slow disk' },
      },
    ])
  })

  it('is told of what was done while the backend was out of reach', async () => {
    const backend = scriptedBackend()
    const { maintenance } = await serve({ stateBackend: backend, logger: { warn() {}, error() {} } })
    const events = told('history')
    backend.failure = new Error('no route')
    await maintenance.refresh()
    backend.failure = undefined
    const operator = await serve({ stateBackend: backend })
    await operator.maintenance.setMode('on', { by: 'ann' })
    await maintenance.refresh()
    const here = events.filter((event) => event.maintenance === maintenance)
    expect(here.map(({ entry }) => entry.by)).toEqual(['ann'])
  })

  it('is told whole where another state has taken the place of the known one, and whatever stands there', async () => {
    const backend = scriptedBackend()
    const { maintenance } = await serve({ stateBackend: backend })
    await maintenance.setMode('on', { by: 'ann' })
    const events = told('history')
    const { id, ...document } = JSON.parse(backend.stored as string)
    const history = [null, 7, { at: 'never', action: 'open' }, { ...document.history[0], by: 'eve' }]
    backend.stored = JSON.stringify({ ...document, id: `${id}-2`, history })
    await maintenance.refresh()
    expect(maintenance.status()).toMatchObject({ snapshot: 'ready', mode: 'on' })
    expect(events.map(({ entry }) => entry.by)).toEqual(['eve'])
  })
})

describe('where nobody listens', () => {
  it('nothing is looked at, made or published', async () => {
    const publish = vi.fn()
    const events = createEvents(
      () => ({ hasSubscribers: false, publish }),
      () => expect.unreachable('nobody listens'),
    )
    const untouchable = new Proxy({} as Snapshot, { get: () => expect.unreachable('nobody listens') })
    events.look(untouchable, 0)
    events.decided(
      new Proxy({} as Parameters<typeof events.decided>[0], { get: () => expect.unreachable('nobody listens') }),
      new Proxy({} as Parameters<typeof events.decided>[1], { get: () => expect.unreachable('nobody listens') }),
      undefined,
    )
    expect(publish).not.toHaveBeenCalled()
  })

  it('a site does not publish', async () => {
    const channels = ['mode', 'decision', 'snapshot', 'revision', 'history'].map((name) =>
      channel(`maintenance-mode:${name}`),
    )
    const spies = channels.map((one) => vi.spyOn(one, 'publish'))
    const { maintenance, visit } = await serve()
    await maintenance.setMode('on')
    expect(await visit()).toBe(503)
    await maintenance.setMode('off')
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0, 0, 0])
    for (const spy of spies) spy.mockRestore()
    expect(channels.map(({ hasSubscribers }) => hasSubscribers)).toEqual([false, false, false, false, false])
  })

  it('a runtime without channels has no events, and needs none', () => {
    expect(edge.events(() => maintain())).toBeUndefined()
  })
})

it('a subscriber that throws keeps nobody else from hearing, nor a request from its answer', async () => {
  const { maintenance, visit } = await serve()
  // Node makes an uncaught exception of it, as of any listener's error: its owner's affair.
  const others = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[]
  const uncaught: Error[] = []
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => uncaught.push(error))
  const broken = (): never => {
    throw new Error('broken subscriber')
  }
  subscribe('maintenance-mode:decision', broken)
  onTestFinished(() => {
    unsubscribe('maintenance-mode:decision', broken)
    process.removeAllListeners('uncaughtException')
    for (const other of others) process.on('uncaughtException', other)
  })
  const events = told('decision')
  await maintenance.setMode('on')
  expect([await visit(), await visit()]).toEqual([503, 503])
  expect(events).toHaveLength(2)
  expect(uncaught.map(({ message }) => message)).toEqual(['broken subscriber', 'broken subscriber'])
})
