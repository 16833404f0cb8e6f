import type { StateBackend, StoredState } from '../backends/backend.js'
import { bounded, type Clock, type Timer } from '../clock.js'
import { StateBackendError } from '../errors.js'
import type { Reporter } from '../telemetry/warnings.js'

export interface Schedule {
  start(): void
  /** Something failed between two turns: it is tried again soon. */
  hurry(): void
  stop(): Promise<void>
}

export interface ScheduleOptions {
  backend: StateBackend
  clock: Clock
  reporter: Reporter
  /** Milliseconds. */
  pollInterval: number
  /** Reads the state. Resolves to whether the backend has answered. */
  read(): Promise<boolean>
  /** The state may have changed. */
  changed(stored?: StoredState): void
}

/** After a failure it is tried again soon, then ever later, but never later than this. Milliseconds. */
export const longestBackOff = 5000
const firstBackOff = 250

/** A watch that takes longer to begin has failed. Milliseconds. */
const patience = 10_000

const watching = 'watching the state'

/** When the state is read: at every change that the backend tells of, and by a poll underneath, since what is told can be lost. */
export function createSchedule(options: ScheduleOptions): Schedule {
  const { backend, clock, reporter, pollInterval, read, changed } = options
  const tooLate = (): Error => new StateBackendError(`No answer from ${backend.address} within ${patience / 1000} s.`)
  let timer: Timer | undefined
  let stopped = false
  let turning = false
  let failures = 0
  let watched = backend.watch === undefined
  let stopWatching: (() => Promise<void>) | undefined

  async function watch(watchBackend: NonNullable<StateBackend['watch']>): Promise<void> {
    watched = true
    let ended = false
    const lost = (error: unknown): void => {
      if (ended || stopped) return
      ended = true
      watched = false
      stopWatching = undefined
      reporter.failed(watching, error)
      hurry()
    }
    const started = watchBackend.call(backend, changed, lost)
    try {
      const stop = await bounded(clock, started, { milliseconds: patience, late: tooLate })
      if (stopped) return await stop()
      if (ended) return
      stopWatching = stop
      reporter.succeeded(watching)
      // Subscribe first, then read: what changed in between is seen.
      changed()
    } catch (error) {
      lost(error)
      started.then((stop) => stop()).catch(() => {})
    }
  }

  async function turn(): Promise<void> {
    const from = clock.now()
    turning = true
    if (!watched && backend.watch) void watch(backend.watch)
    const answered = await read()
    turning = false
    failures = answered && watched ? 0 : failures + 1
    // Counted from the beginning of the read, so that a slow backend is not read more seldom. The clock may have been set.
    const passed = Math.min(Math.max(clock.now() - from, 0), pollInterval)
    next(failures > 0 ? backOff() : pollInterval * (1 - Math.random() / 10) - passed)
  }

  function hurry(): void {
    if (failures > 0 || turning) return
    failures = 1
    next(backOff())
  }

  function backOff(): number {
    const longest = Math.min(longestBackOff, pollInterval)
    return Math.min(firstBackOff * 2 ** (failures - 1), longest) * (1 - Math.random() / 2)
  }

  function next(delay: number): void {
    timer?.cancel()
    if (!stopped) timer = clock.setTimer(() => void turn(), delay)
  }

  return {
    start: () => void turn(),
    hurry,
    async stop() {
      stopped = true
      timer?.cancel()
      await stopWatching?.()
    },
  }
}
