import { createHook } from 'node:async_hooks'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { StateBackend } from '../src/backends/backend.js'
import { createMaintenance, type Maintenance, type MaintenanceOptions, type MaintenanceStatus } from '../src/index.js'
import { createTestClock, type TestClock } from '../src/testing/index.js'
import { type ScriptedBackend, scriptedBackend } from './snapshot/scripted-backend.js'
import { at, documentOf, minute, windowOf } from './state/windows.js'

interface Instance {
  maintenance: Maintenance
  clock: TestClock
  said: string[]
}

function instance(stateBackend: StateBackend | string = 'memory:', options: MaintenanceOptions = {}): Instance {
  const clock = createTestClock(minute(0))
  const said: string[] = []
  const log = (message: string) => void said.push(message)
  const settings = { stateBackend, logger: { warn: () => {}, error: log }, timezone: 'Europe/Rome', ...options }
  const maintenance = createMaintenance(settings, { clock, environment: {} })
  onTestFinished(() => maintenance.close())
  return { maintenance, clock, said }
}

const on = documentOf(windowOf({ reason: 'Moving', expectedEnd: at(30), note: 'ticket 7' }))

describe('before anything is asked', () => {
  it('reads nothing and sets no timer', async () => {
    const backend = scriptedBackend(on)
    const { maintenance, clock } = instance(backend)
    expect([backend.reads, backend.watchers, clock.timers]).toEqual([0, 0, 0])
    expect(maintenance.status()).toMatchObject({ snapshot: 'pending', mode: 'off' })
  })
})

describe('starting', () => {
  it('is done once: told so again, as by each request where nothing tells that an app starts, it does nothing', async () => {
    const { maintenance } = instance()
    maintenance.start()
    await maintenance.ready()
    const made: string[] = []
    const hook = createHook({ init: (_id, type) => void made.push(type) }).enable()
    maintenance.start()
    hook.disable()
    expect(made).toEqual([])
  })
})

describe('asking', () => {
  it('tells what this instance knows, once there is a first answer', async () => {
    const { maintenance } = instance(scriptedBackend(on))
    expect(await maintenance.ready()).toEqual({
      mode: 'on',
      pinned: false,
      since: new Date(at(0)),
      until: new Date(at(30)),
      reason: 'Moving',
      windows: on.windows,
      scopes: [],
      revision: 1,
      snapshot: 'ready',
      stateBackend: 'script:',
      checkedAt: new Date(minute(0)),
      error: undefined,
      held: 0,
    } satisfies MaintenanceStatus)
    expect([await maintenance.getMode(), await maintenance.isActive()]).toEqual(['on', true])
  })

  it('never rejects for a backend that is down: the status says why', async () => {
    const backend = scriptedBackend()
    backend.failure = new Error('no such host')
    const { maintenance } = instance(backend, { stateBackendFallbackValue: true })
    expect(await maintenance.ready()).toMatchObject({ snapshot: 'failed', mode: 'on', error: 'no such host' })
    expect(await maintenance.getMode()).toBe('on')
  })

  it('hands out windows that can be changed without changing what is decided', async () => {
    const { maintenance } = instance(scriptedBackend(on))
    const { windows } = await maintenance.ready()
    Object.assign(windows[0] as object, { reason: 'Painting' })
    expect(maintenance.status().windows[0]?.reason).toBe('Moving')
  })

  it('tells the windows of the mode that it tells, also where no timer comes in time', async () => {
    const windows = [windowOf({ end: at(10) }), windowOf({ id: 'shop', scope: 'shop', end: at(10) })]
    const { maintenance, clock } = instance(scriptedBackend(documentOf(...windows)), {
      scopes: { shop: { urls: ['/shop/**'] } },
    })
    const known = await maintenance.ready()
    await maintenance.close()
    await clock.advance(minute(11) - minute(0))
    expect(known).toMatchObject({ mode: 'on', windows: [{ id: 'manual' }], scopes: [{ scope: 'shop' }] })
    expect(maintenance.status()).toEqual(known)
  })

  it('after closing still answers', async () => {
    const { maintenance, clock } = instance(scriptedBackend(on))
    await maintenance.close()
    expect(await maintenance.getMode()).toBe('on')
    expect((await maintenance.decide({ url: '/' })).action).toBe('block')
    expect(clock.timers).toBe(0)
  })
})

describe('switching', () => {
  it('shows in this instance as soon as it is done', async () => {
    const { maintenance } = instance()
    expect(await maintenance.setMode(true, { reason: 'Moving', by: 'ann' })).toMatchObject({
      mode: 'on',
      revision: 1,
      window: { id: 'manual', reason: 'Moving', by: 'ann' },
      alreadySince: undefined,
    })
    expect(maintenance.status()).toMatchObject({ mode: 'on', reason: 'Moving', revision: 1 })
    expect(await maintenance.setMode('on')).toMatchObject({ revision: 1, alreadySince: at(0) })
    expect(await maintenance.setMode(false)).toMatchObject({ mode: 'off', revision: 2, closed: [{ id: 'manual' }] })
    expect(await maintenance.isActive()).toBe(false)
  })

  it('takes a Date, ISO 8601, and a time without a zone, read in the setting timezone', async () => {
    const { maintenance } = instance()
    const endOf = async (end: string | Date) => (await maintenance.setMode('on', { end })).window?.end
    expect(await endOf(new Date(minute(5)))).toBe(at(5))
    expect(await endOf('2026-03-01T15:00:00-01:00')).toBe('2026-03-01T16:00:00.000Z')
    expect(await endOf('2026-03-01 15:00')).toBe('2026-03-01T14:00:00.000Z')
    expect(await endOf('15:00')).toBe('2026-03-01T14:00:00.000Z')
  })

  it('an original’s state makes it our own document', async () => {
    const backend = scriptedBackend()
    backend.stored = '1\n'
    const { maintenance } = instance(backend)
    expect(await maintenance.getMode()).toBe('on')
    expect(maintenance.status().since).toBeUndefined()
    expect(await maintenance.setMode('off')).toMatchObject({ mode: 'off', revision: 1 })
    expect(JSON.parse(backend.stored)).toMatchObject({ format: 1, revision: 1, windows: [] })
  })

  it('off where nothing is stored writes nothing, unless the state had vanished by accident', async () => {
    const absent = scriptedBackend()
    const first = instance(absent)
    expect(await first.maintenance.setMode('off')).toMatchObject({ mode: 'off', revision: 0 })
    expect([absent.stored, first.maintenance.status().revision]).toEqual([undefined, undefined])

    const flushed = scriptedBackend(on)
    flushed.absentMeansOff = false
    const [one, other] = [instance(flushed), instance(flushed)]
    await Promise.all([one.maintenance.ready(), other.maintenance.ready()])
    flushed.stored = undefined
    expect(await one.maintenance.setMode('off')).toMatchObject({ mode: 'off', revision: 1 })
    expect((await other.maintenance.refresh()).mode).toBe('off')
  })

  it('over a damaged state keeps it aside where an operator switches, and raises where a program does', async () => {
    const backend = scriptedBackend()
    backend.stored = 'junk'
    backend.write = async (text) => {
      backend.stored = text
      return { keptAside: '/somewhere/junk' }
    }
    const { maintenance } = instance(backend)
    await expect(maintenance.during('on', () => {})).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_STATE_DAMAGED' })
    expect(backend.stored).toBe('junk')
    expect(await maintenance.setMode('off')).toMatchObject({ mode: 'off', revision: 1, keptAside: '/somewhere/junk' })
  })

  it('that cannot be written throws, and nothing has changed', async () => {
    const backend = scriptedBackend()
    const { maintenance } = instance(backend)
    await maintenance.ready()
    backend.failure = new Error('disk full')
    await expect(maintenance.setMode('on')).rejects.toThrow('disk full')
    expect(maintenance.status().mode).toBe('off')
  })

  it('a window by its id closes it and no other', async () => {
    const { maintenance } = instance()
    await maintenance.setMode('on')
    await maintenance.setMode('on', { id: 'second' })
    expect(await maintenance.closeWindow('second')).toMatchObject({ mode: 'on', closed: [{ id: 'second' }] })
    await expect(maintenance.closeWindow('second')).rejects.toThrow('There is no window "second" to close.')
  })
})

describe('wrong arguments', () => {
  const wrong: [string, (maintenance: Maintenance) => Promise<unknown>, string][] = [
    [
      'a mode that is none',
      (it) => it.setMode('maybe' as 'on'),
      `must be 'on', 'off', 'read-only', 'hold', true or false; got "maybe"`,
    ],
    ['a number', (it) => it.setMode(1 as never), 'got 1'],
    ['a mode of another language', (it) => it.during('Hold' as 'hold', () => {}), 'got "Hold"'],
    ['a scope that is none', (it) => it.setMode('on', { scope: 'billing' }), 'There is no scope "billing"'],
    ['a scope to ask for', (it) => it.getMode('billing'), 'There is no scope "billing"'],
    ['a scope to close', (it) => it.closeWindow('x', { scope: 'billing' }), 'There is no scope "billing"'],
    ['a scope to hold', (it) => it.openWindow({ scope: 'billing' }), 'There is no scope "billing"'],
    ['an unknown option', (it) => it.setMode('on', { resaon: 'x' } as object), 'Did you mean `reason`?'],
    [
      'an unknown option of a window',
      (it) => it.openWindow({ expectedend: 'x' } as object),
      'Did you mean `expectedEnd`?',
    ],
    ['a start of a held window', (it) => it.openWindow({ start: at(5) } as object), 'Unknown option `start`'],
    ['an end with off', (it) => it.setMode('off', { end: at(5) }), '`off` takes no end'],
    ['a start with off', (it) => it.setMode(false, { start: at(5) }), '`off` takes no start'],
    ['words for a time', (it) => it.setMode('on', { end: 'tomorrow' }), 'The time "tomorrow" cannot be read'],
    ['a number for a time', (it) => it.setMode('on', { end: 1e12 as never }), 'cannot be read'],
    ['a lapse that is none', (it) => it.openWindow({ onLapse: 'close' as 'keep' }), `'reopen' or 'keep'`],
    [
      'no text for who',
      (it) => it.setMode('on', { by: 7 as never }),
      'The by must be a string of 1 to 200 characters.',
    ],
    ['an empty id', (it) => it.setMode('on', { id: '' }), 'The id must be a string of 1 to 200 characters.'],
    ['no text for a reason', (it) => it.setMode('on', { reason: {} as string }), 'The reason must be a string'],
    ['a reason without end', (it) => it.setMode('on', { reason: 'x'.repeat(2001) }), 'at most 2000 characters'],
  ]
  it.each(wrong)('%s changes nothing, and is told', async (_name, call, message) => {
    const backend = scriptedBackend()
    const { maintenance } = instance(backend)
    await expect(call(maintenance)).rejects.toThrow(message)
    await expect(call(maintenance)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_MAINTENANCE_/) })
    expect(backend.writes).toBe(0)
  })
})

describe('a pinned mode', () => {
  it.each([
    [true, 'on'],
    [false, 'off'],
    ['on', 'on'],
    ['off', 'off'],
  ] as const)('%s beats what is stored', async (mode, effective) => {
    for (const stored of [on, documentOf()]) {
      const { maintenance } = instance(scriptedBackend(stored), { mode })
      expect(await maintenance.getMode()).toBe(effective)
      expect(await maintenance.ready()).toMatchObject({ pinned: true, snapshot: 'pinned', mode: effective })
      expect((await maintenance.decide({ url: '/' })).action).toBe(effective === 'on' ? 'block' : 'allow')
    }
  })

  it('cannot be changed, and nothing is read, written or watched', async () => {
    const backend: ScriptedBackend = scriptedBackend(on)
    const { maintenance, clock } = instance(backend, { mode: false })
    maintenance.start()
    await maintenance.refresh()
    const changes = [
      () => maintenance.setMode('on'),
      () => maintenance.setMode('off'),
      () => maintenance.during('on', () => {}),
      () => maintenance.openWindow(),
      () => maintenance.closeWindow('manual'),
    ]
    for (const change of changes) await expect(change()).rejects.toThrow('The mode is pinned to "off" by the setting')
    expect([backend.reads, backend.writes, backend.watchers, clock.timers]).toEqual([0, 0, 0, 0])
  })
})

describe('subscribing', () => {
  it('tells each change of the mode, of what people are told, and of the snapshot’s status, and no more', async () => {
    const backend = scriptedBackend()
    const { maintenance, clock, said } = instance(backend)
    const seen: string[] = []
    maintenance.subscribe(() => {
      throw new Error('not my day')
    })
    maintenance.subscribe(async () => Promise.reject(new Error('nor mine')))
    const end = maintenance.subscribe(({ snapshot, mode, reason }) => void seen.push(`${snapshot} ${mode} ${reason}`))
    await maintenance.ready()
    await maintenance.setMode('on', { reason: 'Moving', end: new Date(minute(5)) })
    await maintenance.setMode('on', { note: 'for us alone' })
    await maintenance.setMode('on', { reason: 'Painting' })
    await clock.set(minute(5))
    end()
    await maintenance.setMode('on')
    expect(seen).toEqual(['ready off undefined', 'ready on Moving', 'ready on Painting', 'ready off undefined'])
    expect(said).toEqual([expect.stringContaining('a subscriber: not my day')])
  })
})
