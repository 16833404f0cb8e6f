import { hostname } from 'node:os'
import {
  createMaintenance,
  type Maintenance,
  type MaintenanceOptions,
  NotConfirmedError,
  type WaitOptions,
} from 'maintenance-mode'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTestClock } from '../../src/testing/index.js'
import { version } from '../../src/version.js'
import { type ScriptedBackend, scriptedBackend } from '../snapshot/scripted-backend.js'
import { documentOf, windowOf } from '../state/windows.js'
import { scriptedPresence } from './presence.js'

const second = 1000

/** Instances of one state and one list. */
function shared(document = documentOf()) {
  const clock = createTestClock('2026-03-01T12:00:00Z')
  const presence = scriptedPresence(clock)
  const backend: ScriptedBackend = Object.assign(scriptedBackend(document), {
    presence,
    capabilities: { compareAndSet: true, watch: true, presence: true, writable: true },
  })
  const said: string[] = []
  const instance = (
    id: string | undefined,
    options: MaintenanceOptions = {},
    environment: Record<string, string> = {},
  ) => {
    const logger = { warn: () => {}, error: (message: string) => void said.push(message) }
    const maintenance = createMaintenance(
      { stateBackend: backend, instanceId: id, logger, timezone: 'UTC', ...options },
      { clock, environment },
    )
    onTestFinished(() => maintenance.close())
    return maintenance
  }
  /** What is announced first waits for a hash, which takes no time by the clock. */
  const start = async (...maintenances: Maintenance[]) => {
    for (const maintenance of maintenances) maintenance.start()
    await clock.advance(200)
    const ids = () => new Set(presence.announced.map(({ record }) => record.id))
    while (ids().size < maintenances.length) await clock.advance(0)
    await clock.advance(200)
  }
  const revisions = () => presence.said().map(({ revision, snapshot, mode }) => [snapshot, revision, mode].join(' '))
  return { clock, presence, backend, instance, start, said, revisions }
}

describe('an instance that serves requests', () => {
  it('is seen from its start on, with all that it has to say of itself', async () => {
    const { clock, presence, instance, start } = shared(documentOf(windowOf()))
    const maintenance = instance('web-1')
    await maintenance.ready()
    await clock.advance(second)
    expect(presence.announced).toEqual([])
    await start(maintenance)
    expect(presence.said()).toEqual([
      {
        host: hostname(),
        process: String(process.pid),
        version,
        document: 'one',
        revision: 1,
        snapshot: 'ready',
        mode: 'on',
        pinned: false,
        at: expect.any(Number),
        settings: expect.stringMatching(/^[0-9a-f]{8}$/),
        scopes: [],
        tenants: false,
      },
    ])
  })

  it('has a name that is made of host, process and chance, if it was given none', async () => {
    const { presence, instance, start } = shared()
    await start(instance(undefined), instance(undefined))
    const ids = new Set(presence.announced.map(({ record }) => record.id))
    expect(ids.size).toBe(2)
    for (const id of ids) expect(id).toMatch(new RegExp(`^${hostname()}:${process.pid}:[0-9a-f]{8}$`))
  })

  it('announces a new revision at once, and a new status of its snapshot', async () => {
    const { clock, backend, instance, revisions, start } = shared(documentOf(windowOf()))
    await start(instance('web-1'))
    expect(revisions()).toEqual(['ready 1 on'])
    backend.store({ ...documentOf(), revision: 2 })
    backend.tell()
    await clock.advance(200)
    expect(revisions()).toEqual(['ready 2 off'])
    backend.failure = new Error('down')
    backend.tell()
    await clock.advance(200)
    expect(revisions()).toEqual(['stale 2 off'])
  })

  it('announces a revision at once that changes nothing for visitors', async () => {
    const { clock, backend, instance, revisions, start } = shared(documentOf(windowOf()))
    await start(instance('web-1'))
    backend.store({ ...documentOf(windowOf()), revision: 2 })
    backend.tell()
    await clock.advance(200)
    expect(revisions()).toEqual(['ready 2 on'])
  })

  it('announces at once that a window has ended by the clock', async () => {
    const end = '2026-03-01T12:00:10.000Z'
    const { clock, instance, revisions, start } = shared(documentOf(windowOf({ end })))
    await start(instance('web-1'))
    await clock.set(Date.parse(end) - 1)
    expect(revisions()).toEqual(['ready 1 on'])
    await clock.advance(201)
    expect(revisions()).toEqual(['ready 1 off'])
  })

  it('announces itself again at once when the connection was made anew, as the list may be empty', async () => {
    const { clock, presence, backend, instance, start } = shared()
    await start(instance('web-1'))
    await presence.leave('web-1')
    backend.tell()
    await clock.advance(200)
    expect(presence.said()).toHaveLength(1)
    await presence.leave('web-1')
    backend.lose(new Error('connection reset'))
    await clock.advance(250 + 200)
    expect(presence.said()).toHaveLength(1)
  })

  it('is seen also when its mode is pinned, while the state is neither read nor watched', async () => {
    const { presence, backend, instance, start } = shared(documentOf(windowOf()))
    await start(instance('web-1', { mode: 'off' }))
    expect(presence.said()).toMatchObject([{ pinned: true, mode: 'off', snapshot: 'pinned' }])
    expect([backend.reads, backend.watchers]).toEqual([0, 0])
  })

  it('is not seen where no timers run between requests', async () => {
    const { presence, instance, start } = shared()
    instance('function', {}, { VERCEL: '1' }).start()
    await start(instance('web-1'))
    expect(presence.announced.map(({ record }) => record.id)).not.toContain('function')
  })

  it('says good-bye when it closes, and leaves no timer', async () => {
    const { clock, presence, instance, start } = shared()
    const maintenance = instance('web-1')
    await start(maintenance)
    await maintenance.close()
    expect([presence.left, presence.said(), clock.timers]).toEqual([['web-1'], [], 0])
  })

  it('decides also while the list is out of reach, which is said', async () => {
    const { clock, presence, instance, said } = shared(documentOf(windowOf()))
    presence.failure = new Error('connection refused')
    const maintenance = instance('web-1')
    maintenance.start()
    await clock.advance(200)
    expect(await maintenance.getMode()).toBe('on')
    await expect.poll(() => said).toEqual([expect.stringContaining('connection refused')])
  })
})

describe('a program', () => {
  it('that only asks or switches is no instance', async () => {
    const { presence, instance, start } = shared()
    const maintenance = instance('job')
    await maintenance.getMode()
    await maintenance.setMode('on')
    await start(instance('web-1'))
    await maintenance.close()
    expect(presence.announced.map(({ record }) => record.id)).not.toContain('job')
    expect(presence.left).toEqual([])
  })
})

describe('setMode with wait', () => {
  it('resolves when every live instance decides by the change, and tells who', async () => {
    const { clock, backend, instance, start } = shared()
    const [first, other] = [instance('web-1'), instance('web-2')]
    await start(first, other)
    const change = first.setMode('on', { wait: true })
    let done = false
    void change.then(() => {
      done = true
    })
    await clock.advance(second)
    expect([done, first.status().mode]).toEqual([false, 'on'])
    backend.tell()
    await clock.advance(second)
    expect(await change).toMatchObject({
      mode: 'on',
      revision: 2,
      fleet: {
        result: 'confirmed',
        problem: undefined,
        instances: [
          { id: 'web-1', verdict: 'confirmed', revision: 2 },
          { id: 'web-2', verdict: 'confirmed', revision: 2 },
        ],
      },
    })
    expect(other.status().mode).toBe('on')
  })

  it('rejects with all that is known when that is not so in time, and the mode stays as asked', async () => {
    const { clock, instance, start } = shared()
    const [first, other] = [instance('web-1'), instance('web-2')]
    await start(first, other)
    const change = first.setMode('on', { wait: { timeout: '3s' } }).catch((error) => error)
    await clock.advance(3 * second)
    const error = await change
    expect(error).toBeInstanceOf(NotConfirmedError)
    expect(error).toMatchObject({
      name: 'NotConfirmedError',
      code: 'ERR_MAINTENANCE_NOT_CONFIRMED',
      message: 'Not confirmed within 3s: web-2 decides by revision 1. The change stands.',
      change: { mode: 'on', revision: 2, window: { id: 'manual' } },
      fleet: { result: 'unconfirmed', instances: [{ verdict: 'confirmed' }, { verdict: 'waiting' }] },
    })
    expect(error.change.fleet).toBe(error.fleet)
    expect(await first.getMode()).toBe('on')
  })

  it('waits for as many instances as were asked for, and goes without those that are lost', async () => {
    const { clock, presence, instance, start } = shared()
    presence.put({ id: 'lost' }, 16 * second)
    const maintenance = instance('web-1')
    await start(maintenance)
    const many = maintenance.setMode('on', { wait: { instances: 2, timeout: 2 } }).catch((error) => error)
    await clock.advance(2 * second)
    expect((await many).message).toContain('there is 1 of 2 instances; lost is lost: last heard of')
    const strict = maintenance.setMode('off', { wait: true }).catch((error) => error)
    await clock.advance(second)
    expect((await strict).message).toMatch(/^Not confirmed: lost is lost/)
    const mild = maintenance.setMode('on', { wait: { ignoreLost: true } })
    await clock.advance(second)
    expect(await mild).toMatchObject({ fleet: { result: 'confirmed' } })
  })

  it('that changes nothing still waits, also where nothing is stored', async () => {
    const { clock, backend, instance, start } = shared()
    backend.stored = undefined
    const maintenance = instance('web-1')
    await start(maintenance)
    const off = maintenance.setMode('off', { wait: { timeout: '5s' } })
    await clock.advance(second)
    expect(await off).toMatchObject({ mode: 'off', revision: 0, fleet: { result: 'confirmed' } })
    expect(backend.writes).toBe(0)
  })

  it('tells nothing of the fleet where it was not asked to wait', async () => {
    const { instance, presence } = shared()
    expect(await instance('web-1').setMode('on', { wait: false })).toMatchObject({ mode: 'on', fleet: undefined })
    expect(presence.lists).toBe(0)
  })

  it('waits out the stated bound where the backend keeps no list', async () => {
    const clock = createTestClock()
    const maintenance = createMaintenance(
      { stateBackend: scriptedBackend(), pollInterval: '3s', silence: ['state-backend-in-code'] },
      { clock, environment: {} },
    )
    onTestFinished(() => maintenance.close())
    const change = maintenance.setMode('on', { wait: true })
    await clock.advance(3 * second)
    expect(await change).toMatchObject({ fleet: { result: 'unseen', instances: [], waited: 3 * second } })
  })

  const wrong: [string, unknown, string][] = [
    ['a timeout that is none at all', { timeout: 0 }, 'The timeout "0" is none at all'],
    ['words for a timeout', { timeout: 'soon' }, 'The duration "soon" cannot be read'],
    ['half an instance', { instances: 1.5 }, '`wait.instances` must be a whole number'],
    ['less than none', { instances: -1 }, '`wait.instances` must be a whole number'],
    ['words for a choice', { ignoreLost: 'yes' }, '`wait.ignoreLost` must be true or false'],
    ['an unknown option', { timeOut: 3 }, 'Unknown option `wait.timeOut`. Did you mean `timeout`?'],
    ['a number', 3, '`wait` must be true, or { timeout, instances, ignoreLost }'],
  ]
  it.each(wrong)('with %s changes nothing, and is told', async (_what, wait, message) => {
    const { backend, instance } = shared()
    const maintenance = instance('web-1')
    for (const mode of ['on', 'off'] as const) {
      await expect(maintenance.setMode(mode, { wait: wait as WaitOptions })).rejects.toThrow(message)
    }
    expect(backend.writes).toBe(0)
  })
})
