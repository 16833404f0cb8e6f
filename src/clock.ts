/** Time and timers. Replaceable, so that tests can move time instead of waiting for it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `run` once after `delay` milliseconds. The timer keeps a process alive only if told to. */
  setTimer(run: () => void, delay: number, keepAlive?: boolean): Timer
}

export interface Timer {
  cancel(): void
}

/** `setTimeout` fires at once beyond 24.8 days, so no timer of ours is longer than this: 12 hours in milliseconds. */
export const longestTimer: number = 12 * 60 * 60 * 1000

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(run, delay, keepAlive = false) {
    const timer: unknown = setTimeout(run, Math.min(delay, longestTimer))
    // Browsers and some edge runtimes hand out numbers, which have no unref.
    if (!keepAlive) (timer as { unref?: () => void }).unref?.()
    return { cancel: () => clearTimeout(timer as Parameters<typeof clearTimeout>[0]) }
  },
}

/** Rejects with `late` when there is no answer in time; a process that waits for one is kept alive only if told to. */
export function bounded<Answer>(
  clock: Clock,
  answer: Promise<Answer>,
  { milliseconds, late, keepAlive }: { milliseconds: number; late: () => Error; keepAlive?: boolean },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(() => reject(late()), milliseconds, keepAlive)
    answer.then(resolve, reject).finally(() => timer.cancel())
  })
}

/** Keeps the process alive until something is done: connections of ours do not. */
export async function kept<Result>(clock: Clock, work: Promise<Result>): Promise<Result> {
  const timer = clock.setTimer(() => {}, longestTimer, true)
  try {
    return await work
  } finally {
    timer.cancel()
  }
}
