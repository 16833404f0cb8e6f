import type { StateStore } from '../backends/store.js'
import { type Clock, longestTimer, type Timer } from '../clock.js'
import { messageOf, StateBackendError } from '../errors.js'
import type { Mode, StateDocument } from '../state/window.js'
import type { Reporter } from '../telemetry/warnings.js'
import { createSnapshot, isOutdated, pendingSnapshot, type Snapshot, settledSnapshot } from './snapshot.js'

/** Keeps one instance's snapshot as the stored state and the clock say. */
export interface Refresher {
  readonly current: Snapshot
  /** Begins to watch and poll; takes the first snapshot at once where the backend can. */
  start(): void
  /** Reads the state now. Never rejects: a failure is in the snapshot. */
  refresh(): Promise<Snapshot>
  /** Takes over a document that this instance has just written. */
  adopt(document: StateDocument): void
  /** The first answer, or the fallback after `firstReadTimeout`. */
  first(): Promise<Snapshot>
  close(): Promise<void>
}

export interface RefresherOptions {
  store: StateStore
  clock: Clock
  reporter: Reporter
  /** Milliseconds. */
  pollInterval: number
  /** Milliseconds. */
  firstReadTimeout: number
  fallback: Mode
  onChange(snapshot: Snapshot, previous: Snapshot): void
}

/** A read that takes longer has failed, or one that never answers would be waited for until the end of days. Milliseconds. */
const patience = 10_000

const reading = 'reading the state'
const watching = 'watching the state'

const lastStands = 'The last known state stands.'

export function createRefresher(options: RefresherOptions): Refresher {
  const { store, clock, reporter, onChange } = options
  const fallbackStands = `Until there is an answer, the mode is "${options.fallback}" (stateBackendFallbackValue).`
  let current = pendingSnapshot
  let started = false
  let closed = false
  let poll: Timer | undefined
  let flip: Timer | undefined
  let inFlight: Promise<Snapshot> | undefined
  let giveUp: Timer | undefined
  let again = false
  let adopted = 0
  let firstAnswer: Promise<Snapshot> | undefined
  let watched = false
  let stopWatching: (() => Promise<void>) | undefined

  function take(snapshot: Snapshot): Snapshot {
    const previous = current
    current = snapshot
    flip?.cancel()
    // A timer flips the snapshot, so that no request reads a clock. It may be cut short: then it looks again.
    if (snapshot.nextChange !== undefined && !closed) {
      flip = clock.setTimer(reevaluate, Math.min(snapshot.nextChange - clock.now(), longestTimer))
    }
    if (previous.status !== snapshot.status || previous.closure !== snapshot.closure) onChange(snapshot, previous)
    return snapshot
  }

  function reevaluate(): void {
    const { document, status, error, checkedAt } = current
    if (document) take({ ...createSnapshot(document, clock.now(), current), status, error, checkedAt })
  }

  function answered(document: StateDocument | undefined): Snapshot {
    const known = current.document
    if (document === undefined && known !== undefined && !store.backend.absentMeansOff) {
      return failed(new StateBackendError(`The state at ${store.backend.address} is gone.`))
    }
    reporter.succeeded(reading)
    return take(createSnapshot(isOutdated(document, known) ? known : document, clock.now(), current))
  }

  function failed(error: unknown): Snapshot {
    const lasts = current.status === 'ready' || current.status === 'stale'
    if (!closed) reporter.failed(reading, `${messageOf(error)} ${lasts ? lastStands : fallbackStands}`)
    if (lasts) return take({ ...current, status: 'stale', error: messageOf(error) })
    const settled = current.status === 'failed' ? current : settledSnapshot('failed', options.fallback)
    return take({ ...settled, error: messageOf(error) })
  }

  function refresh(): Promise<Snapshot> {
    if (inFlight) {
      // What is being read may be older than the change that asks: read once more afterwards.
      again = true
      return inFlight.then(() => inFlight ?? current)
    }
    const before = adopted
    inFlight = bounded(store.read())
      .then((document) => {
        if (before === adopted) return answered(document)
        // Read before this instance's own write: it may say "nothing is stored" of what is stored now.
        again = true
        return current
      }, failed)
      .finally(() => {
        inFlight = undefined
        if (again && !closed) {
          again = false
          void refresh()
        }
      })
    return inFlight
  }

  function bounded(answer: Promise<StateDocument | undefined>): Promise<StateDocument | undefined> {
    return new Promise((resolve, reject) => {
      const late = `No answer from ${store.backend.address} within ${patience / 1000} s.`
      const timer = clock.setTimer(() => reject(new StateBackendError(late)), patience)
      giveUp = timer
      answer.then(resolve, reject).finally(() => timer.cancel())
    })
  }

  function schedulePoll(): void {
    if (closed) return
    // Up to a tenth earlier, so that the instances of a fleet do not read in step; never later than promised.
    const delay = options.pollInterval * (1 - Math.random() / 10)
    poll = clock.setTimer(() => {
      schedulePoll()
      void refresh()
      void watch()
    }, delay)
  }

  /** Tried again with every poll until it works. */
  async function watch(): Promise<void> {
    if (watched || !store.backend.watch) return
    watched = true
    try {
      const stop = await store.backend.watch(() => void refresh())
      if (closed) return await stop()
      stopWatching = stop
      reporter.succeeded(watching)
    } catch (error) {
      watched = false
      if (!closed) reporter.failed(watching, error)
      if (current.status !== 'pending') return
    }
    // Subscribe first, then read: what changed in between is seen.
    if (!closed) void refresh()
  }

  function firstFromDisk(): void {
    try {
      const document = store.readSync()
      if (document !== null) answered(document)
    } catch (error) {
      failed(error)
    }
  }

  return {
    get current() {
      return current
    },
    start() {
      if (started || closed) return
      started = true
      if (current.status === 'pending') firstFromDisk()
      void watch()
      if (!watched) void refresh()
      schedulePoll()
    },
    refresh,
    adopt(document) {
      adopted++
      take(createSnapshot(isOutdated(document, current.document) ? current.document : document, clock.now(), current))
    },
    first() {
      if (current.status !== 'pending') return Promise.resolve(current)
      firstAnswer ??= new Promise((resolve) => {
        const timeout = clock.setTimer(() => {
          const late = `No answer from ${store.backend.address} within ${options.firstReadTimeout} ms.`
          resolve(current.status === 'pending' ? failed(new StateBackendError(late)) : current)
        }, options.firstReadTimeout)
        void (inFlight ?? refresh()).then((snapshot) => {
          timeout.cancel()
          resolve(snapshot)
        })
      })
      return firstAnswer
    },
    async close() {
      if (closed) return
      closed = true
      poll?.cancel()
      flip?.cancel()
      giveUp?.cancel()
      await stopWatching?.()
    },
  }
}
