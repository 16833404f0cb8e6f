import { type Clock, longestTimer } from '../clock.js'

/** A clock that stands still until a test moves it. */
export interface TestClock extends Clock {
  /** Lets so many milliseconds pass: calls every timer that falls due, in order, also those set by one of them. */
  advance(milliseconds: number): Promise<void>
  /** Goes to an instant: forward like `advance`, backward like somebody who sets the system's time. */
  set(instant: number | string | Date): Promise<void>
  /** How many timers wait. */
  readonly timers: number
}

interface Waiting {
  run: () => void
  due: number
}

// Taken at import, so that a test runner's fake timers cannot stop the clock.
const nextTurn: (run: () => void) => unknown =
  typeof setImmediate === 'function'
    ? setImmediate
    : (
        (set) => (run: () => void) =>
          set(run, 0)
      )(setTimeout)

/**
 * A clock for tests, to be given wherever a `Clock` is taken. Between two timers everything that is already promised gets to run.
 *
 * @param start where it starts. Default: 2026-01-01T00:00:00Z.
 *
 * @example
 * ```ts
 * const clock = createTestClock('2026-03-01T12:00:00Z')
 * await clock.advance(90_000)
 * ```
 */
export function createTestClock(start: number | string | Date = '2026-01-01T00:00:00Z'): TestClock {
  let now = toInstant(start)
  // Timers count the time that passes, whatever the clock is set to.
  let passed = 0
  const waiting: Waiting[] = []

  async function advance(milliseconds: number): Promise<void> {
    if (!(milliseconds >= 0)) throw new RangeError(`A clock advances by 0 ms or more, not by ${milliseconds}.`)
    const target = passed + milliseconds
    await settle()
    for (let next = waiting[0]; next && next.due <= target; next = waiting[0]) {
      waiting.shift()
      now += next.due - passed
      passed = next.due
      next.run()
      await settle()
    }
    now += target - passed
    passed = target
  }

  return {
    now: () => now,
    get timers() {
      return waiting.length
    },
    setTimer(run, delay) {
      // Like the system's: at once means in a millisecond, and what is too long comes early.
      const timer = { run, due: passed + Math.trunc(Math.min(Math.max(delay, 1), longestTimer)) }
      const later = waiting.findIndex((other) => other.due > timer.due)
      waiting.splice(later < 0 ? waiting.length : later, 0, timer)
      return {
        cancel() {
          const index = waiting.indexOf(timer)
          if (index >= 0) waiting.splice(index, 1)
        },
      }
    },
    advance,
    async set(instant) {
      const target = toInstant(instant)
      if (target >= now) return advance(target - now)
      now = target
    },
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => {
    nextTurn(resolve)
  })
}

function toInstant(value: number | string | Date): number {
  const instant = new Date(value).getTime()
  if (Number.isNaN(instant)) throw new RangeError(`"${value}" is no instant. Write milliseconds, a Date, or ISO 8601.`)
  return instant
}
