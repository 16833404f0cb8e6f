import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createStateStore } from '../../src/backends/store.js'
import type { Clock } from '../../src/clock.js'
import { createLastKnown } from '../../src/snapshot/last-known.js'
import { createRefresher, type RefresherOptions } from '../../src/snapshot/refresher.js'
import { modeIn, type Snapshot } from '../../src/snapshot/snapshot.js'
import { createReporter } from '../../src/telemetry/warnings.js'
import { createTestClock } from '../../src/testing/index.js'
import { at, documentOf, leaseOf, minute, windowOf } from '../state/windows.js'
import { type ScriptedBackend, scriptedBackend } from './scripted-backend.js'

const on = documentOf(windowOf())
const second = 1000
const hour = 3_600_000

function refresherOf(backend: ScriptedBackend, options: Partial<RefresherOptions> = {}) {
  const clock = createTestClock(minute(0))
  const said: string[] = []
  const seen: string[] = []
  const store = createStateStore(backend, clock)
  const reporter = createReporter({ warn: () => {}, error: (message) => said.push(message) }, [])
  const refresher = createRefresher({
    store,
    clock,
    reporter,
    lastKnown: createLastKnown(store, undefined, { clock, reporter }),
    timers: true,
    maxAge: 10 * second,
    pollInterval: 5 * second,
    firstReadTimeout: second,
    fallback: 'off',
    onChange: (snapshot: Snapshot) => seen.push(`${snapshot.status} ${modeIn(snapshot)}`),
    ...options,
  })
  onTestFinished(() => refresher.close())
  const now = () => `${refresher.current.status} ${modeIn(refresher.current)}`
  return { refresher, clock, said, seen, now }
}

describe('the first answer', () => {
  it('is waited for, and makes the snapshot ready', async () => {
    const { refresher, now } = refresherOf(scriptedBackend(on))
    expect(now()).toBe('pending off')
    refresher.start()
    await refresher.first()
    expect(now()).toBe('ready on')
  })

  it('is the fallback after firstReadTimeout, said out loud, until there is one', async () => {
    const backend = scriptedBackend(on)
    const answer = backend.hold()
    const { refresher, clock, said, seen, now } = refresherOf(backend, { fallback: 'on' })
    refresher.start()
    const first = refresher.first()
    await clock.advance(second - 1)
    expect(now()).toBe('pending off')
    await clock.advance(1)
    await first
    expect(now()).toBe('failed on')
    expect(refresher.current.error).toContain('script: within 1000 ms')
    expect(said).toEqual([
      expect.stringMatching(/Until there is an answer, the mode is "on" \(stateBackendFallbackValue\)/),
    ])
    backend.store({ ...on, windows: [] })
    answer()
    await refresher.refresh()
    expect(now()).toBe('ready off')
    expect(seen).toEqual(['failed on', 'ready on', 'ready off'])
  })

  it('is the fallback at once where reading fails', async () => {
    const backend = scriptedBackend()
    backend.failure = new Error('no such host')
    const { refresher, now } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    expect(now()).toBe('failed off')
    expect(refresher.current.error).toBe('no such host')
  })
})

describe('the last known state stands', () => {
  it('over an outage, which is reported once, until there is an answer again', async () => {
    const backend = scriptedBackend(on)
    const { refresher, clock, said, seen, now } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    backend.failure = new Error('connection refused')
    await clock.advance(60 * second)
    expect(now()).toBe('stale on')
    expect(refresher.current.error).toBe('connection refused')
    expect(said).toEqual([expect.stringContaining('connection refused The last known state stands.')])
    backend.failure = undefined
    await clock.advance(5 * second)
    expect(now()).toBe('ready on')
    expect(seen).toEqual(['ready on', 'stale on', 'ready on'])
  })

  it('over a damaged document, whose place and damage are told', async () => {
    const backend = scriptedBackend(on)
    const { refresher, clock, said, now } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    backend.stored = '{"format": 1, "id'
    await clock.advance(20 * second)
    expect(now()).toBe('stale on')
    expect(said).toEqual([expect.stringMatching(/damaged: it is not JSON.* at script:.*last known state stands/)])
  })

  it('over a document that has vanished where that is an accident, and is off where it is somebody’s word', async () => {
    const backend = scriptedBackend(on)
    backend.absentMeansOff = false
    const { refresher, clock, said, now } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    backend.stored = undefined
    await clock.advance(60 * second)
    expect(now()).toBe('stale on')
    expect(said).toEqual([expect.stringContaining('The state at script: is gone.')])
    backend.absentMeansOff = true
    await clock.advance(5 * second)
    expect(now()).toBe('ready off')
  })

  it('over an answer that never comes: the read is given up, and the next one may succeed', async () => {
    const backend = scriptedBackend(on)
    const { refresher, clock, now } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    const answer = backend.hold()
    await clock.advance(16 * second)
    expect(now()).toBe('stale on')
    answer()
    backend.store({ ...on, revision: 2, windows: [] })
    await clock.advance(5 * second)
    expect(now()).toBe('ready off')
  })
})

describe('a document that is read', () => {
  it('counts unless it has the same id and a lower revision', async () => {
    const open = { ...on, windows: [] }
    const backend = scriptedBackend({ ...on, revision: 5 })
    const { refresher, now } = refresherOf(backend)
    const reads = async (document: typeof on) => {
      backend.store(document)
      await refresher.refresh()
      return now()
    }
    await refresher.refresh()
    expect(await reads({ ...open, revision: 4 })).toBe('ready on')
    expect(await reads({ ...open, revision: 5 })).toBe('ready off')
    expect(await reads({ ...on, revision: 6 })).toBe('ready on')
    expect(await reads({ ...open, id: 'another', revision: 1 })).toBe('ready off')
  })

  it('never counts if its reading began before a write of our own', async () => {
    const backend = scriptedBackend()
    const { refresher, clock, now } = refresherOf(backend)
    await refresher.refresh()
    const answer = backend.hold()
    const begunBefore = refresher.refresh()
    refresher.adopt(on)
    answer()
    backend.store({ ...on, revision: 2, windows: [] })
    await begunBefore
    expect(now()).toBe('ready on')
    await clock.advance(0)
    expect(now()).toBe('ready off')
  })

  it('is read once more when a change is told while it is being read', async () => {
    const backend = scriptedBackend()
    const { refresher, now } = refresherOf(backend)
    const answer = backend.hold()
    const first = refresher.refresh()
    backend.store(on)
    const told = refresher.refresh()
    answer()
    await first
    expect(now()).toBe('ready off')
    await told
    expect(now()).toBe('ready on')
    expect(backend.reads).toBe(2)
  })
})

describe('time', () => {
  it('flips the snapshot at start, end and lapse, without any read', async () => {
    const backend = scriptedBackend()
    const { refresher, clock, seen, now } = refresherOf(backend)
    refresher.adopt(
      documentOf(windowOf({ start: at(1), end: at(2) }), leaseOf('web-1', { start: at(3), leaseUntil: at(4) })),
    )
    const modes: string[] = []
    for (const instant of [minute(1) - 1, minute(1), minute(2) - 1, minute(2), minute(3), minute(4) - 1, minute(4)]) {
      await clock.set(instant)
      modes.push(now().slice('ready '.length))
    }
    expect(modes).toEqual(['off', 'on', 'on', 'off', 'on', 'on', 'off'])
    expect(seen).toEqual(['ready off', 'ready on', 'ready off', 'ready on', 'ready off'])
    expect([backend.reads, clock.timers]).toEqual([0, 0])
  })

  it('flips it months later, by timers none of which is longer than twelve hours', async () => {
    const clock = createTestClock(minute(0))
    const delays: number[] = []
    const listening: Clock = {
      now: clock.now,
      setTimer(run, delay) {
        delays.push(delay)
        return clock.setTimer(run, delay)
      },
    }
    const { refresher, now } = refresherOf(scriptedBackend(), { clock: listening })
    const months = 90 * 24 * hour
    refresher.adopt(documentOf(windowOf({ start: new Date(minute(0) + months).toISOString() })))
    await clock.advance(months - 1)
    expect(now()).toBe('ready off')
    await clock.advance(1)
    expect(now()).toBe('ready on')
    expect(Math.max(...delays)).toBeLessThanOrEqual(12 * hour)
  })

  it('flips it while the backend is down', async () => {
    const backend = scriptedBackend(documentOf(windowOf({ end: at(1) })))
    const { refresher, clock, now } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    backend.failure = new Error('down')
    await clock.advance(59 * second)
    expect(now()).toBe('stale on')
    await clock.advance(second)
    expect(now()).toBe('stale off')
  })

  it('is looked at again with every poll, so that a clock that was set forward is noticed', async () => {
    const clock = createTestClock(minute(0))
    let ahead = 0
    const set: Clock = { now: () => clock.now() + ahead, setTimer: clock.setTimer }
    const { refresher, now } = refresherOf(scriptedBackend(documentOf(windowOf({ start: at(60) }))), { clock: set })
    refresher.start()
    await refresher.first()
    ahead = hour
    await clock.advance(5 * second)
    expect(now()).toBe('ready on')
  })
})

describe('polling and watching', () => {
  it.each([
    [0, 5000],
    [0.999999, 4500],
  ])('polls up to a tenth early, never late (by chance of %d)', async (chance, latest) => {
    vi.spyOn(Math, 'random').mockReturnValue(chance)
    onTestFinished(() => void vi.restoreAllMocks())
    const backend = scriptedBackend(on)
    const { refresher, clock } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    const before = backend.reads
    await clock.advance(4499)
    expect(backend.reads).toBe(before)
    await clock.advance(latest - 4498)
    expect(backend.reads).toBe(before + 1)
  })

  it('sees a change that is watched at once', async () => {
    const backend = scriptedBackend()
    const { refresher, clock, now } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    backend.store(on)
    backend.tell()
    await clock.advance(0)
    expect(now()).toBe('ready on')
  })

  it('tries to watch again with every poll, reads meanwhile, and reads once more when it succeeds', async () => {
    const backend = scriptedBackend(on)
    backend.watchFailure = new Error('too many watches')
    const { refresher, clock, said, now } = refresherOf(backend)
    refresher.start()
    await clock.advance(0)
    expect([now(), backend.watchers]).toEqual(['ready on', 0])
    await clock.advance(20 * second)
    expect(said).toEqual([expect.stringContaining('watching the state: too many watches')])
    backend.watchFailure = undefined
    await clock.advance(5 * second)
    expect(backend.watchers).toBe(1)
    backend.store({ ...on, revision: 2, windows: [] })
    backend.tell()
    await clock.advance(0)
    expect(now()).toBe('ready off')
  })
})

describe('closing', () => {
  it('ends every timer and the watching, and a second time does nothing', async () => {
    const backend = scriptedBackend(documentOf(windowOf({ end: at(30) })))
    const { refresher, clock } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    expect([backend.watchers, clock.timers]).toEqual([1, 2])
    await refresher.close()
    await refresher.close()
    expect([backend.watchers, clock.timers]).toEqual([0, 0])
  })

  it('ends a watching that had only begun', async () => {
    const backend = scriptedBackend(on)
    const { refresher, clock } = refresherOf(backend)
    refresher.start()
    await refresher.close()
    await clock.advance(0)
    expect([backend.watchers, clock.timers]).toEqual([0, 0])
  })

  it('does not wait for a read that hangs, nor say anything of it', async () => {
    const backend = scriptedBackend(documentOf(windowOf({ end: at(30) })))
    const { refresher, clock, said } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    const answer = backend.hold()
    backend.failure = new Error('closed')
    void refresher.refresh()
    await refresher.close()
    answer()
    await clock.advance(hour)
    expect([clock.timers, said]).toEqual([0, []])
  })
})
