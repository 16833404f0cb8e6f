import { describe, expect, it, onTestFinished } from 'vitest'
import type { StateBackend } from '../src/backends/backend.js'
import { memoryBackend } from '../src/backends/memory.js'
import { toPresence } from '../src/fleet/instance.js'
import { createMaintenance, type Maintenance, NotConfirmedError } from '../src/index.js'
import { createTestClock, type TestClock } from '../src/testing/index.js'
import { ready } from './fleet/presence.js'
import { scriptedBackend } from './snapshot/scripted-backend.js'
import { at, documentOf, minute, windowOf } from './state/windows.js'

const second = 1000
const ttl = 60 * second

interface Program {
  maintenance: Maintenance
  clock: TestClock
  said: string[]
}

/** One program; two that share a backend are two instances of a fleet. Standing still, its clock lets it die. */
function program(stateBackend: StateBackend = memoryBackend()): Program {
  const clock = createTestClock(minute(0))
  const said: string[] = []
  const logger = { warn: () => {}, error: (message: string) => void said.push(message) }
  const maintenance = createMaintenance({ stateBackend, logger }, { clock, environment: {} })
  onTestFinished(() => maintenance.close())
  return { maintenance, clock, said }
}

interface Signal {
  sent: Promise<void>
  send: () => void
}

function signal(): Signal {
  let send = (): void => {}
  const sent = new Promise<void>((resolve) => {
    send = resolve
  })
  return { sent, send }
}

describe('during', () => {
  it.each([
    ['off', 'on'],
    ['off', 'off'],
    ['on', 'on'],
    ['on', 'off'],
  ] as const)('over a site that is %s is %s inside, and as before afterwards', async (before, inside) => {
    const { maintenance } = program()
    await maintenance.setMode(before)
    expect(await maintenance.during(inside, () => maintenance.getMode())).toBe(inside)
    expect(await maintenance.getMode()).toBe(before)
  })

  it('gives what the work gives, at once or later, and lets its error through, closed either way', async () => {
    const { maintenance } = program()
    expect(await maintenance.during(true, () => 42)).toBe(42)
    expect(await maintenance.during('on', async () => 'later')).toBe('later')
    const error = new Error('no space left')
    const fail = () => {
      throw error
    }
    await expect(maintenance.during('on', fail)).rejects.toBe(error)
    await expect(maintenance.during('on', async () => fail())).rejects.toBe(error)
    expect(await maintenance.getMode()).toBe('off')
  })

  it('may run itself', async () => {
    const { maintenance } = program()
    const modes: string[] = []
    const migrate = (depth: number): Promise<void> =>
      maintenance.during('on', async () => {
        if (depth > 0) await migrate(depth - 1)
        modes.push(await maintenance.getMode())
      })
    await migrate(3)
    expect(modes).toEqual(['on', 'on', 'on', 'on'])
    expect(await maintenance.getMode()).toBe('off')
  })

  it('side by side: the first to end does not reopen under the second', async () => {
    const { maintenance } = program()
    const hold = (begun: Signal, end: Signal) =>
      maintenance.during('on', () => {
        begun.send()
        return end.sent
      })
    const [one, oneBegun, other, otherBegun] = [signal(), signal(), signal(), signal()]
    const first = hold(oneBegun, one)
    const second = hold(otherBegun, other)
    await Promise.all([oneBegun.sent, otherBegun.sent])
    one.send()
    await first
    expect(await maintenance.getMode()).toBe('on')
    other.send()
    await second
    expect(await maintenance.getMode()).toBe('off')
  })

  it('nested, lets the innermost win at every depth', async () => {
    const { maintenance } = program()
    const modes: string[] = []
    const note = async () => void modes.push(await maintenance.getMode())
    await maintenance.setMode('on')
    await maintenance.during('off', async () => {
      await note()
      await maintenance.during('on', async () => {
        await note()
        await maintenance.during('off', note)
        await note()
      })
      await note()
    })
    await note()
    expect(modes).toEqual(['off', 'on', 'off', 'on', 'off', 'on'])
  })

  it('suspends a window that is planned to end, which is still there afterwards', async () => {
    const { maintenance, clock } = program()
    await maintenance.setMode('on', { end: new Date(minute(30)) })
    expect(await maintenance.during('off', () => maintenance.getMode())).toBe('off')
    expect(maintenance.status()).toMatchObject({ mode: 'on', until: new Date(at(30)) })
    await clock.set(minute(30))
    expect(await maintenance.getMode()).toBe('off')
  })

  it('ends its own window and nothing that was opened by hand meanwhile', async () => {
    const { maintenance } = program()
    await maintenance.during('on', () => maintenance.setMode('on', { reason: 'Something burns' }))
    expect(maintenance.status()).toMatchObject({ mode: 'on', reason: 'Something burns' })
  })

  it('survives `off` from the same program, which leaves leases alone', async () => {
    const { maintenance } = program()
    await maintenance.during('on', async (window) => {
      expect(await maintenance.setMode('off')).toMatchObject({ mode: 'on', remaining: [{ id: window.id }] })
      expect(await maintenance.setMode('off', { all: true })).toMatchObject({
        mode: 'off',
        closed: [{ id: window.id }],
      })
    })
  })
})

describe('a window that is held', () => {
  it('is closed by `await using`', async () => {
    const { maintenance } = program()
    {
      await using window = await maintenance.openWindow({ reason: 'Moving' })
      expect(maintenance.status()).toMatchObject({ reason: 'Moving', windows: [{ id: window.id, origin: 'leased' }] })
    }
    expect(await maintenance.getMode()).toBe('off')
  })

  it('of no mode is on, and closing it twice is closing it once', async () => {
    const backend = scriptedBackend()
    const { maintenance } = program(backend)
    const window = await maintenance.openWindow()
    expect(await maintenance.getMode()).toBe('on')
    await Promise.all([window.close(), window.close()])
    await window.close()
    expect(backend.writes).toBe(2)
  })

  it('takes no id that is in use, so that none is closed in place of another', async () => {
    const { maintenance } = program()
    await maintenance.setMode('on')
    await maintenance.openWindow({ id: 'deploy' })
    await expect(maintenance.openWindow({ id: 'deploy' })).rejects.toThrow('There is already a window "deploy"')
    await expect(maintenance.openWindow({ id: 'manual' })).rejects.toThrow('There is already a window "manual"')
    await expect(maintenance.setMode('on', { id: 'deploy' })).rejects.toThrow('There is already a window "deploy"')
  })

  it('is renewed every third of leaseTtl, for as long as the program lives', async () => {
    const backend = scriptedBackend()
    const { maintenance, clock } = program(backend)
    const window = await maintenance.openWindow()
    await clock.advance(ttl / 3 - 1)
    expect(backend.writes).toBe(1)
    await clock.advance(1)
    expect(backend.writes).toBe(2)
    await clock.advance(10 * ttl)
    expect([maintenance.status().mode, backend.writes]).toEqual(['on', 32])
    expect(JSON.parse(backend.stored as string).history).toHaveLength(1)
    await window.close()
    await clock.advance(ttl)
    expect(backend.writes).toBe(33)
  })

  it('lapses when its program dies, and the site reopens', async () => {
    const shared = memoryBackend()
    const [dying, living] = [program(shared), program(shared)]
    await dying.maintenance.openWindow()
    await living.maintenance.ready()
    await living.clock.advance(ttl - 1)
    expect(await living.maintenance.getMode()).toBe('on')
    await living.clock.advance(1)
    expect(await living.maintenance.getMode()).toBe('off')
  })

  it('stays closed after that where it is to be kept, until somebody says off', async () => {
    const shared = memoryBackend()
    const [dying, living] = [program(shared), program(shared)]
    await dying.maintenance.openWindow({ onLapse: 'keep', id: 'deploy' })
    await living.maintenance.ready()
    await living.clock.advance(100 * ttl)
    expect(await living.maintenance.getMode()).toBe('on')
    expect(await living.maintenance.setMode('off')).toMatchObject({ mode: 'off', closed: [{ id: 'deploy' }] })
  })

  it('tells its program when somebody else has closed it, at the next renewal, and closing it says nothing', async () => {
    const shared = memoryBackend()
    const [holder, other] = [program(shared), program(shared)]
    const window = await holder.maintenance.openWindow()
    await other.maintenance.closeWindow(window.id)
    expect(window.signal.aborted).toBe(false)
    await holder.clock.advance(ttl / 3)
    expect(window.signal.reason).toMatchObject({
      message: expect.stringContaining(`"${window.id}" is no longer there`),
    })
    await window.close()
    expect(holder.said).toEqual([])
  })

  it('that was lost is not mistaken for the next one of that id', async () => {
    const { maintenance, clock } = program()
    const lost = await maintenance.openWindow({ id: 'deploy' })
    await maintenance.closeWindow('deploy')
    await clock.advance(ttl / 3)
    await maintenance.openWindow({ id: 'deploy' })
    await lost.close()
    expect(await maintenance.getMode()).toBe('on')
  })

  it('is not lost by its own closing, while a renewal is on its way', async () => {
    const shared = memoryBackend()
    const late = signal()
    let gate = Promise.resolve()
    const read = async () => {
      const mine = gate
      await mine
      return shared.read()
    }
    const { maintenance, clock } = program({ ...shared, read })
    const window = await maintenance.openWindow()
    gate = late.sent
    await clock.advance(ttl / 3)
    gate = Promise.resolve()
    await window.close()
    late.send()
    await clock.advance(ttl)
    expect([window.signal.aborted, await maintenance.getMode()]).toEqual([false, 'off'])
  })

  it('that somebody else has just closed is closed without a word', async () => {
    const { maintenance, said } = program()
    const window = await maintenance.openWindow()
    await maintenance.closeWindow(window.id)
    await window.close()
    expect(said).toEqual([])
  })

  it('is not another’s that has taken the same id since', async () => {
    const shared = memoryBackend()
    const [holder, other] = [program(shared), program(shared)]
    const window = await holder.maintenance.openWindow({ id: 'deploy' })
    await other.maintenance.closeWindow('deploy')
    await other.maintenance.openWindow({ id: 'deploy' })
    await window.close()
    expect(await other.maintenance.getMode()).toBe('on')
  })
})

describe('windows that several programs hold', () => {
  it('count by the strictest, and each closes its own', async () => {
    const shared = memoryBackend()
    const [one, other] = [program(shared), program(shared)]
    const mild = await one.maintenance.openWindow({ mode: 'read-only' })
    const strict = await other.maintenance.openWindow({ mode: 'on' })
    expect(await one.maintenance.getMode()).toBe('on')
    await strict.close()
    expect(await one.maintenance.getMode()).toBe('read-only')
    await mild.close()
    expect(await other.maintenance.getMode()).toBe('off')
  })

  it('that ends by the clock is no longer there for its program either', async () => {
    const { maintenance, clock } = program()
    const window = await maintenance.openWindow({ end: new Date(minute(1)) })
    await clock.advance(ttl)
    expect(await maintenance.getMode()).toBe('off')
    expect(window.signal.aborted).toBe(true)
  })
})

describe('waiting for the fleet', () => {
  /** Time passes until it is done. */
  async function settled<Result>(work: Promise<Result>, clock: TestClock): Promise<Result> {
    let done = false
    void work
      .catch(() => {})
      .finally(() => {
        done = true
      })
    for (let count = 0; !done && count < 1000; count++) await clock.advance(second / 10)
    return work
  }

  it('is over when every instance has applied it', async () => {
    const { maintenance, clock } = program()
    maintenance.start()
    await settled(maintenance.ready(), clock)
    const window = await settled(maintenance.openWindow({ wait: { instances: 1 } }), clock)
    expect(await maintenance.getMode()).toBe('on')
    await window.close()
  })

  it('goes without any instance where that is said', async () => {
    const { maintenance, clock } = program()
    const window = await settled(maintenance.openWindow({ wait: { instances: 0 } }), clock)
    expect(clock.now()).toBe(minute(0) + second / 10)
    await window.close()
  })

  it('in vain closes the window again; it is renewed meanwhile', async () => {
    const shared = memoryBackend()
    const { maintenance, clock, said } = program(shared)
    await shared.presence?.announce(toPresence({ ...ready, document: 'another' }), 10 * ttl)
    const opening = maintenance.openWindow({ id: 'deploy', wait: { timeout: '2m' } }).catch((error) => error)
    await clock.advance(119 * second)
    expect(maintenance.status()).toMatchObject({ mode: 'on', windows: [{ id: 'deploy', leaseUntil: at(8 / 3) }] })
    await clock.advance(second)
    const error = await opening
    expect(error).toBeInstanceOf(NotConfirmedError)
    expect(error.message).toBe(
      'Not confirmed within 2m: web-1 decides by another state. The window "deploy" was closed again.',
    )
    expect([await maintenance.getMode(), said]).toEqual(['off', []])
  })
})

describe('a backend that fails', () => {
  it('while renewing is tried again, reported once, and the window survives two failures', async () => {
    const backend = scriptedBackend()
    const { maintenance, clock, said } = program(backend)
    const window = await maintenance.openWindow({ id: 'deploy' })
    backend.failure = new Error('connection refused')
    await clock.advance((2 * ttl) / 3)
    backend.failure = undefined
    await clock.advance(ttl / 3)
    expect([maintenance.status().mode, window.signal.aborted]).toEqual(['on', false])
    expect(said.filter((message) => message.includes('renewing the window "deploy"'))).toHaveLength(1)
  })

  it('while closing is reported: the result of the work counts, and the lease reopens the site', async () => {
    const backend = scriptedBackend()
    const { maintenance, clock, said } = program(backend)
    const result = await maintenance.during('on', () => {
      backend.failure = new Error('connection refused')
      return 42
    })
    expect(result).toBe(42)
    expect(said).toEqual([expect.stringMatching(/closing the window "lease-\w+": connection refused/)])
    await clock.advance(ttl)
    expect(maintenance.status().mode).toBe('off')
  })

  it('while closing throws where nothing else would reopen the site, and closing can be tried again', async () => {
    const backend = scriptedBackend()
    const { maintenance } = program(backend)
    const window = await maintenance.openWindow({ onLapse: 'keep' })
    backend.failure = new Error('connection refused')
    await expect(window.close()).rejects.toThrow('connection refused')
    backend.failure = undefined
    await window.close()
    expect(await maintenance.getMode()).toBe('off')
  })

  it('while opening throws, and the work does not begin', async () => {
    const backend = scriptedBackend(documentOf(windowOf()))
    backend.failure = new Error('connection refused')
    const { maintenance } = program(backend)
    let begun = false
    const work = () => {
      begun = true
    }
    await expect(maintenance.during('on', work)).rejects.toThrow('connection refused')
    expect(begun).toBe(false)
  })
})

describe('closing the whole', () => {
  it('ends the renewing, so that what is held lapses', async () => {
    const shared = memoryBackend()
    const [holder, other] = [program(shared), program(shared)]
    await holder.maintenance.openWindow()
    await other.maintenance.ready()
    await holder.maintenance.close()
    expect(holder.clock.timers).toBe(0)
    await holder.clock.advance(ttl)
    await other.clock.advance(ttl)
    expect(await other.maintenance.getMode()).toBe('off')
  })
})
