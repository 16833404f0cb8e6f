import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAnnouncer } from '../../src/fleet/announcer.js'
import { createReporter } from '../../src/telemetry/warnings.js'
import { createTestClock } from '../../src/testing/index.js'
import { ready, scriptedPresence } from './presence.js'

const second = 1000

function announcerOf() {
  const clock = createTestClock()
  const presence = scriptedPresence(clock)
  const warned: string[] = []
  const failed: string[] = []
  const reporter = createReporter({ warn: (text) => warned.push(text), error: (text) => failed.push(text) }, [])
  const said = { ...ready }
  const announcer = createAnnouncer({ presence, address: 'script:', clock, reporter, describe: async () => said })
  onTestFinished(() => announcer.stop())
  const times = () => presence.announced.map(({ at }) => at - start)
  const start = clock.now()
  return { clock, presence, warned, failed, said, announcer, times }
}

describe('an instance', () => {
  it('announces itself when it starts, and every 5 s for two minutes each', async () => {
    const { clock, presence, announcer, times } = announcerOf()
    await clock.advance(10 * second)
    expect(times()).toEqual([])
    announcer.start()
    announcer.start()
    await clock.advance(200)
    expect(times()).toHaveLength(1)
    await clock.advance(60 * second)
    const pauses = times()
      .slice(1)
      .map((time, index) => time - (times()[index] as number))
    expect(pauses.length).toBeGreaterThanOrEqual(11)
    for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(4.5 * second - 1)
    for (const pause of pauses) expect(pause).toBeLessThanOrEqual(5 * second)
    expect(new Set(presence.announced.map(({ ttl }) => ttl))).toEqual(new Set([120 * second]))
  })

  it('announces itself at once when something has changed, however often, and the next time 5 s later', async () => {
    const { clock, presence, announcer, said, times } = announcerOf()
    announcer.start()
    await clock.advance(2 * second)
    said.revision = 2
    for (let count = 0; count < 10; count++) announcer.announce()
    await clock.advance(200)
    expect(times()).toHaveLength(2)
    expect(presence.said()).toMatchObject([{ revision: 2 }])
    await clock.advance(4 * second)
    expect(times()).toHaveLength(2)
  })

  it('is not kept from announcing itself by ever new changes', async () => {
    const { clock, announcer, times } = announcerOf()
    announcer.start()
    await clock.advance(200)
    for (let passed = 0; passed < 1800; passed += 20) {
      announcer.announce()
      await clock.advance(20)
    }
    expect(times().length).toBeGreaterThanOrEqual(9)
  })

  it('has one announcement on its way at most, and what changed meanwhile is announced when that has arrived', async () => {
    const { clock, presence, announcer, said, times } = announcerOf()
    const release = presence.hold()
    announcer.start()
    await clock.advance(200)
    for (const revision of [2, 3, 4]) {
      said.revision = revision
      announcer.announce()
      await clock.advance(second)
    }
    expect([presence.onTheirWay, times()]).toEqual([{ now: 1, most: 1 }, []])
    release()
    await clock.advance(200)
    expect([presence.onTheirWay.most, times()]).toEqual([1, [expect.any(Number), expect.any(Number)]])
    expect(presence.said()).toMatchObject([{ revision: 4 }])
  })

  it('does not hear from itself before it starts, nor after it has ended', async () => {
    const { clock, announcer, times } = announcerOf()
    announcer.announce()
    await clock.advance(second)
    announcer.start()
    await clock.advance(second)
    await announcer.stop()
    announcer.announce()
    announcer.start()
    await clock.advance(60 * second)
    expect([times().length, clock.timers]).toEqual([1, 0])
  })
})

describe('while the list cannot be written', () => {
  it('that is said once, tried again ever later, and at least every 5 s', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => void vi.restoreAllMocks())
    const { clock, presence, announcer, failed } = announcerOf()
    presence.failure = new Error('connection refused')
    const tries: number[] = []
    const announce = presence.announce
    presence.announce = (...parameters) => {
      tries.push(clock.now())
      return announce(...parameters)
    }
    announcer.start()
    await clock.advance(30 * second)
    const pauses = tries.slice(1).map((time, index) => time - (tries[index] as number))
    expect(pauses.slice(0, 7)).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000])
    expect(failed).toEqual([expect.stringMatching(/announcing this instance.*: connection refused/)])
    presence.failure = undefined
    await clock.advance(5 * second)
    expect(presence.said()).toHaveLength(1)
    presence.failure = new Error('connection reset')
    await clock.advance(5 * second)
    expect(failed).toEqual([expect.any(String), expect.stringContaining('connection reset')])
  })

  it('an announcement that is never answered is given up, and the next one goes out', async () => {
    const { clock, presence, announcer, failed } = announcerOf()
    const release = presence.hold()
    announcer.start()
    await clock.advance(10 * second + 200)
    expect(failed).toEqual([expect.stringContaining('No answer from script: within 10s.')])
    release()
    await clock.advance(second)
    expect(presence.announced.length).toBeGreaterThanOrEqual(2)
  })
})

describe('good-bye', () => {
  it('is said once, by an instance that has announced itself', async () => {
    const { clock, presence, announcer } = announcerOf()
    announcer.start()
    await clock.advance(second)
    await Promise.all([announcer.stop(), announcer.stop()])
    expect([presence.left, presence.said()]).toEqual([['web-1'], []])
  })

  it('is not said by one that has not: no connection is made for it', async () => {
    const { presence, announcer } = announcerOf()
    await announcer.stop()
    expect(presence.left).toEqual([])
  })

  it('comes after the announcement that is on its way', async () => {
    const { clock, presence, announcer } = announcerOf()
    const release = presence.hold()
    announcer.start()
    await clock.advance(200)
    const stopped = announcer.stop()
    await clock.advance(500)
    expect(presence.left).toEqual([])
    release()
    await stopped
    expect([presence.left, presence.said()]).toEqual([['web-1'], []])
  })

  it('takes a second at most, and what goes wrong is said', async () => {
    const { clock, presence, announcer, failed } = announcerOf()
    announcer.start()
    await clock.advance(200)
    presence.leave = () => new Promise(() => {})
    let stopped = false
    void announcer.stop().then(() => {
      stopped = true
    })
    await clock.advance(second - 1)
    expect(stopped).toBe(false)
    await clock.advance(1)
    expect(stopped).toBe(true)
    expect(failed).toEqual([
      expect.stringContaining('taking leave of the fleet: No answer from script: within a second.'),
    ])
  })
})

describe('the difference of the clocks', () => {
  it('is told with the next announcement, which follows at once', async () => {
    const { clock, presence, announcer, warned } = announcerOf()
    presence.time = () => clock.now() - 1500
    announcer.start()
    await clock.advance(400)
    expect(presence.said()).toMatchObject([{ clockDifference: 1500, at: expect.any(Number) }])
    expect(presence.announced).toHaveLength(2)
    expect(warned).toEqual([])
  })

  it.each([
    [2100, '2s ahead of'],
    [-65_000, '1m 5s behind'],
  ])('of %d ms is warned of, once', async (difference, told) => {
    const { clock, presence, announcer, warned } = announcerOf()
    presence.time = () => clock.now() - difference
    announcer.start()
    await clock.advance(60 * second)
    expect(warned).toEqual([expect.stringContaining(`clock is ${told} that of the state backend, script:`)])
    expect(warned[0]).toContain('[clock-difference, see')
  })

  it('is not what a slow answer makes of it', async () => {
    const { clock, presence, announcer, warned } = announcerOf()
    const release = presence.hold()
    const began = clock.now()
    // The backend took its time at the very beginning.
    presence.time = () => began
    announcer.start()
    await clock.advance(6 * second)
    release()
    presence.time = () => clock.now()
    await clock.advance(10 * second)
    expect(warned).toEqual([])
  })

  it('is not known where the backend does not tell the time', async () => {
    const { clock, presence, announcer } = announcerOf()
    announcer.start()
    await clock.advance(second)
    expect(presence.said()[0]).not.toHaveProperty('clockDifference', expect.any(Number))
  })
})
