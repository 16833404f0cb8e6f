import { describe, expect, it } from 'vitest'
import { longestTimer } from '../../src/clock.js'
import { createTestClock } from '../../src/testing/index.js'

describe('createTestClock', () => {
  it('stands still until it is moved', async () => {
    const clock = createTestClock('2026-03-01T12:00:00Z')
    expect(new Date(clock.now()).toISOString()).toBe('2026-03-01T12:00:00.000Z')
    await clock.advance(90_000)
    expect(new Date(clock.now()).toISOString()).toBe('2026-03-01T12:01:30.000Z')
    await clock.set(new Date('2026-03-02T00:00:00Z'))
    expect(new Date(clock.now()).toISOString()).toBe('2026-03-02T00:00:00.000Z')
  })

  it('calls timers in order, each at its own time, those set on the way included', async () => {
    const clock = createTestClock(0)
    const calls: string[] = []
    const note = (name: string) => () => void calls.push(`${name}@${clock.now()}`)
    clock.setTimer(note('c'), 30)
    clock.setTimer(() => {
      note('a')()
      clock.setTimer(note('b'), 10)
      clock.setTimer(note('later'), 100)
    }, 10)
    clock.setTimer(note('d'), 30)
    const cancelled = clock.setTimer(note('never'), 5)
    cancelled.cancel()
    await clock.advance(50)
    expect(calls).toEqual(['a@10', 'b@20', 'c@30', 'd@30'])
    expect(clock.timers).toBe(1)
    await clock.set(110)
    expect(calls.at(-1)).toBe('later@110')
  })

  it('lets promises run between two timers', async () => {
    const clock = createTestClock(0)
    const calls: number[] = []
    async function again(): Promise<void> {
      for (let hop = 0; hop < 50; hop++) await Promise.resolve()
      calls.push(clock.now())
      clock.setTimer(() => void again(), 10)
    }
    void again()
    await clock.advance(30)
    expect(calls).toEqual([0, 10, 20, 30])
  })

  it('can be set back, as a system’s time can, without holding timers up', async () => {
    const clock = createTestClock(1_000)
    let called = 0
    clock.setTimer(() => called++, 10)
    await clock.set(500)
    expect(clock.now()).toBe(500)
    expect(called).toBe(0)
    await clock.advance(10)
    expect(called).toBe(1)
  })

  it('counts whole milliseconds, as the system’s does', async () => {
    const clock = createTestClock(0)
    const calls: number[] = []
    clock.setTimer(() => clock.setTimer(() => calls.push(clock.now()), 10 - 3.3), 3.3)
    await clock.advance(10)
    expect(calls).toEqual([9])
  })

  it('has no timer longer than the system’s', async () => {
    const clock = createTestClock(0)
    let called = 0
    clock.setTimer(() => called++, longestTimer * 10)
    await clock.advance(longestTimer)
    expect(called).toBe(1)
  })

  it('refuses what is no time', async () => {
    expect(() => createTestClock('soon')).toThrow('"soon" is no instant')
    await expect(createTestClock().advance(-1)).rejects.toThrow('0 ms or more')
  })
})
