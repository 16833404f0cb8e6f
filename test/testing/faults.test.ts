import { createMaintenance, type Maintenance } from 'maintenance-mode'
import { customBackend } from 'maintenance-mode/backends/custom'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { StateBackend } from '../../src/backends/backend.js'
import { serializeDocument } from '../../src/state/document.js'
import {
  backendSuite,
  createTestClock,
  type FaultStep,
  type FaultyBackend,
  faultyBackend,
} from '../../src/testing/index.js'
import { documentOf, windowOf } from '../state/windows.js'

/** An engine that instances share: in memory, with a list of who is there. */
function sharedEngine(): StateBackend {
  const announced = new Map<string, string>()
  return {
    ...memoryBackend(),
    address: 'shared:',
    capabilities: { compareAndSet: true, watch: true, presence: true, writable: true },
    absentMeansOff: false,
    presence: {
      announce: async ({ id, text }) => void announced.set(id, text),
      list: async () => [...announced].map(([id, text]) => ({ id, text, age: 0 })),
      leave: async (id) => void announced.delete(id),
    },
  }
}

backendSuite(
  { describe, it },
  {
    name: 'a backend that may get into trouble, and does as planned',
    async create() {
      const { presence: _, ...engine } = sharedEngine()
      engine.capabilities = { ...engine.capabilities, presence: false }
      const handles: FaultyBackend[] = []
      const open = () => {
        const handle = faultyBackend(engine)
        handles.push(handle)
        return handle
      }
      const first = open()
      return {
        backend: first,
        other: async () => open(),
        outage: {
          begin: async () => first.plan([{ fault: 'failing' }]),
          end: async () => first.heal(),
        },
        async cleanup() {
          for (const handle of handles) await handle.close?.()
        },
      }
    },
  },
)

const second = 1000
const visit = { method: 'GET', url: 'https://shop.example/cart' }

/** An instance that meets faults, an operator who does not, and the clock of both. */
async function fleetOf(engine: StateBackend = sharedEngine()) {
  const clock = createTestClock()
  const faulty = faultyBackend(engine, { clock })
  const said: string[] = []
  const make = (stateBackend: StateBackend): Maintenance => {
    const logger = { warn() {}, error: (message: string) => void said.push(message) }
    const maintenance = createMaintenance({ stateBackend, logger, localCopyPath: false }, { clock, environment: {} })
    onTestFinished(async () => {
      faulty.heal()
      const closed = maintenance.close()
      // What was slow may still be on its way.
      await clock.advance(10 * second)
      await closed
    })
    return maintenance
  }
  const instance = make(faulty)
  const operator = make(engine)
  instance.start()
  await clock.advance(0)
  /** What a request meets now, without any time passing: one that waited would never be answered. */
  const action = async () => (await instance.decide(visit)).action
  return { clock, faulty, instance, operator, said, action }
}

describe('an instance that is closed stays closed, makes no request wait, and is current again soon after', () => {
  const faults: Record<string, FaultStep> = {
    'its engine is slow': { fault: 'slow', milliseconds: 5 * second },
    'its engine is too slow': { fault: 'slow', milliseconds: 60 * second },
    'its engine fails': { fault: 'failing' },
    'its engine gives garbage': { fault: 'lying' },
    'its engine says that there is nothing': { fault: 'lying', answer: 'nothing' },
    'its engine gives an older state': { fault: 'lying', answer: 'older' },
    'it is cut off from the others': { fault: 'split' },
    'its engine gives a copy that is behind': { fault: 'stale' },
  }

  it.each(Object.entries(faults))('while %s', async (_, fault) => {
    const { clock, faulty, instance, operator, action } = await fleetOf()
    await operator.setMode('off')
    await operator.setMode('on')
    await clock.advance(0)
    const { revision } = instance.status()
    faulty.plan([fault])
    for (let passed = 0; passed < 60 * second; passed += second) {
      await clock.advance(second)
      expect(await action()).toBe('block')
      expect(instance.status().revision).toBe(revision)
    }
    expect(faulty.calls.read).toBeGreaterThan(5)

    const answers = fault.fault === 'slow' && fault.milliseconds < 10 * second
    if (!answers) {
      await operator.setMode('off')
      await clock.advance(20 * second)
      expect(await action()).toBe('block')
    }
    faulty.heal()
    await operator.setMode('off')
    // `pollInterval`, or what is left of an answer that is waited for when all is well again: of 10 s at most.
    await clock.advance((fault.fault === 'slow' ? 15 : 5) * second)
    expect(await action()).toBe('allow')
    expect(instance.status().snapshot).toBe('ready')
  })
})

describe('an instance whose engine', () => {
  it('is slow sees a change as late as the engine is', async () => {
    const { clock, faulty, operator, action } = await fleetOf()
    faulty.plan([{ fault: 'slow', milliseconds: 3 * second }])
    await operator.setMode('on')
    await clock.advance(5 * second)
    expect(await action()).toBe('allow')
    await clock.advance(second)
    expect(await action()).toBe('block')
  })

  it('fails says so once, tries again within 5 s, and watches again', async () => {
    const { clock, faulty, operator, said, action } = await fleetOf()
    faulty.plan([{ fault: 'failing' }])
    await clock.advance(300 * second)
    expect(said.filter((message) => !message.includes('announcing'))).toEqual([
      expect.stringMatching(/^maintenance-mode: watching the state: /),
      expect.stringMatching(/^maintenance-mode: reading the state: .*The last known state stands/),
    ])
    const tries = faulty.calls.watch
    await clock.advance(5 * second)
    expect(faulty.calls.watch).toBeGreaterThan(tries)
    faulty.heal()
    await clock.advance(5 * second)
    // Told of at once, without a poll.
    await operator.setMode('on')
    await clock.advance(0)
    expect(await action()).toBe('block')
  })

  it('fails for three calls goes on as planned afterwards', async () => {
    const { faulty, instance } = await fleetOf()
    faulty.plan([
      { fault: 'failing', calls: 3, on: ['read'] },
      { fault: 'none', calls: 1, on: ['read'] },
      { fault: 'lying', calls: 1, on: ['read'] },
    ])
    const seen: (string | undefined)[] = []
    for (let read = 0; read < 6; read++) {
      await instance.refresh()
      seen.push(instance.status().error)
    }
    const failing = expect.stringContaining('out of reach')
    expect(seen).toEqual([failing, failing, failing, undefined, expect.stringContaining('damaged'), undefined])
  })

  it('was split takes over what the others have, once that is not older than what was written apart', async () => {
    const { clock, faulty, instance, operator, action } = await fleetOf()
    await operator.setMode('off')
    await clock.advance(0)
    faulty.plan([{ fault: 'split' }])
    // Of the one state, two next revisions.
    await instance.setMode('on', { reason: 'apart' })
    expect(await operator.getMode()).toBe('off')
    faulty.heal()
    await clock.advance(15 * second)
    expect([await action(), instance.status().reason]).toEqual(['block', 'apart'])
    await operator.setMode('on', { reason: 'together' })
    await clock.advance(15 * second)
    expect([await action(), instance.status().reason]).toEqual(['block', 'together'])
    await operator.setMode('off')
    await clock.advance(15 * second)
    expect(await action()).toBe('allow')
  })

  it('is behind never goes back to what it knew before its own write', async () => {
    const { clock, faulty, instance, operator, action } = await fleetOf()
    await operator.setMode('off')
    await clock.advance(0)
    faulty.plan([{ fault: 'stale', on: ['read', 'watch'] }])
    await instance.setMode('on')
    await clock.advance(60 * second)
    expect(await action()).toBe('block')
    faulty.heal()
    await clock.advance(15 * second)
    expect(await operator.getMode()).toBe('on')
  })
})

describe('a write that the engine says it has done, and has not', () => {
  it('is found by a backend that reads back', async () => {
    const faulty = faultyBackend(sharedEngine())
    const stateBackend = customBackend({
      read: async () => (await faulty.read())?.document,
      async write(document) {
        const expected = (await faulty.read())?.revision ?? 0
        await faulty.write(document, { expected, next: expected + 1 })
      },
    })
    const { operator } = await fleetOf(stateBackend)
    await operator.setMode('off')
    faulty.plan([{ fault: 'lying', on: ['write'] }])
    await expect(operator.setMode('on')).rejects.toThrow(/was not written: what was there before is still there/)
    expect(await operator.getMode()).toBe('off')
  })

  it('reaches nobody else, which is found by waiting for the others', async () => {
    const { clock, faulty, instance, operator } = await fleetOf()
    operator.start()
    await operator.setMode('off')
    // Until it has announced itself.
    await clock.advance(200)
    faulty.plan([{ fault: 'lying', on: ['write'] }])
    const waiting = instance.setMode('on', { wait: true }).catch((error) => error)
    await clock.advance(61 * second)
    expect(await waiting).toMatchObject({ code: 'ERR_MAINTENANCE_NOT_CONFIRMED' })
    expect((await operator.refresh()).mode).toBe('off')
  })
})

describe('each fault', () => {
  const first = serializeDocument(documentOf())
  const next = serializeDocument({ ...documentOf(windowOf()), revision: 2 })
  const create = { expected: 0, next: 1 }
  const change = { expected: 1, next: 2 }
  const record = { id: 'web-1', text: '{}' }

  it('answers slowly what it does at once', async () => {
    const clock = createTestClock()
    const engine = sharedEngine()
    const faulty = faultyBackend(engine, { clock })
    faulty.plan([{ fault: 'slow', milliseconds: 5 * second }])
    let answered = false
    const writing = faulty.write(first, create).then(() => {
      answered = true
    })
    await clock.advance(4999)
    expect([answered, (await engine.read())?.revision]).toEqual([false, 1])
    await clock.advance(1)
    await writing
    expect(clock.timers).toBe(0)
  })

  it('fails as told, with the error that was given', async () => {
    const faulty = faultyBackend(sharedEngine())
    const error = new Error('read ECONNRESET')
    faulty.plan([{ fault: 'failing', error, on: ['read', 'presence'] }])
    await expect(faulty.read()).rejects.toBe(error)
    await expect(faulty.presence?.announce(record, 1000)).rejects.toBe(error)
    await expect(faulty.presence?.list()).rejects.toBe(error)
    await faulty.write(first, create)
    faulty.heal()
    expect((await faulty.read())?.document).toBe(first)
    expect(faulty.calls).toEqual({ read: 2, write: 1, watch: 0, presence: 2 })
  })

  it('lies to its own handle alone', async () => {
    const engine = sharedEngine()
    const faulty = faultyBackend(engine)
    await faulty.write(first, create)
    faulty.plan([{ fault: 'lying' }])
    await faulty.write(next, change)
    await faulty.presence?.announce(record, 1000)
    expect((await faulty.read())?.document).toMatch(/^<html>/)
    expect((await engine.read())?.document).toBe(first)
    expect(await engine.presence?.list()).toEqual([])
    faulty.heal()
    await faulty.write(next, change)
    faulty.plan([{ fault: 'lying', answer: 'older' }])
    expect((await faulty.read())?.document).toBe(first)
    faulty.plan([{ fault: 'lying', answer: 'nothing' }])
    expect(await faulty.read()).toBeUndefined()
  })

  it('splits off a copy, of the state and of who is there', async () => {
    const engine = sharedEngine()
    const faulty = faultyBackend(engine)
    await engine.write(first, create)
    await engine.presence?.announce({ id: 'web-2', text: '{}' }, 1000)
    faulty.plan([{ fault: 'split' }])
    await faulty.presence?.announce(record, 1000)
    await faulty.write(next, change)
    await expect(faulty.write(next, change)).rejects.toThrow(/revision 2, not 1/)
    expect([(await faulty.read())?.revision, (await engine.read())?.revision]).toEqual([2, 1])
    const ids = async (backend: StateBackend) => (await backend.presence?.list())?.map(({ id }) => id)
    expect([await ids(faulty), await ids(engine)]).toEqual([['web-1'], ['web-2']])
    faulty.heal()
    expect([(await faulty.read())?.revision, await ids(faulty)]).toEqual([1, ['web-2']])
  })

  it('is behind in what it reads, not in what it writes', async () => {
    const engine = sharedEngine()
    const faulty = faultyBackend(engine)
    await engine.write(first, create)
    faulty.plan([{ fault: 'stale' }])
    await faulty.write(next, change)
    await faulty.presence?.announce(record, 1000)
    expect([(await faulty.read())?.revision, await faulty.presence?.list()]).toEqual([1, []])
    expect([(await engine.read())?.revision, (await engine.presence?.list())?.length]).toEqual([2, 1])
  })

  it('is told to nobody who watches, and loses watches only where it fails', async () => {
    const engine = sharedEngine()
    const faulty = faultyBackend(engine)
    let [told, lost] = [0, 0]
    const watch = () =>
      faulty.watch?.(
        () => told++,
        () => lost++,
      )
    await watch()
    const change = async (revision: number) => {
      await engine.write(serializeDocument({ ...documentOf(), revision }), { expected: revision - 1, next: revision })
      await Promise.resolve()
    }
    for (const [revision, fault] of (['lying', 'split', 'stale'] as const).entries()) {
      faulty.plan([{ fault }])
      await change(revision + 1)
    }
    expect([told, lost]).toEqual([0, 0])
    faulty.plan([{ fault: 'none' }])
    await change(4)
    expect([told, lost]).toEqual([1, 0])
    faulty.plan([{ fault: 'failing' }])
    expect([told, lost]).toEqual([1, 1])
    await expect(watch()).rejects.toThrow(/out of reach/)
    faulty.heal()
    await change(5)
    expect([told, lost]).toEqual([1, 1])
    const stop = await watch()
    await change(6)
    await stop?.()
    await change(7)
    expect([told, lost]).toEqual([2, 1])
  })
})
