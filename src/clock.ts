/** Time and timers. Replaceable, so that tests can move time instead of waiting for it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `run` once after `delay` milliseconds. The timer never keeps a process alive. */
  setTimer(run: () => void, delay: number): Timer
}

export interface Timer {
  cancel(): void
}

/** `setTimeout` fires at once beyond 24.8 days, so no timer of ours is longer than this: 12 hours in milliseconds. */
export const longestTimer: number = 12 * 60 * 60 * 1000

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(run, delay) {
    const timer: unknown = setTimeout(run, Math.min(delay, longestTimer))
    // Browsers and some edge runtimes hand out numbers, which have no unref.
    ;(timer as { unref?: () => void }).unref?.()
    return { cancel: () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]) }
  },
}
