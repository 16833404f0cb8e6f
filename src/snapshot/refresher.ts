import type { StateStore } from '../backends/store.js'
import { type Clock, longestTimer, type Timer } from '../clock.js'
import { messageOf, StateBackendError } from '../errors.js'
import type { Mode, StateDocument } from '../state/window.js'
import type { Reporter } from '../telemetry/warnings.js'
import { createSnapshot, isNewer, pendingSnapshot, type Snapshot, settledSnapshot } from './snapshot.js'

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

const reading = 'reading the state'
const watching = 'watching the state'

export function createRefresher(options: RefresherOptions): Refresher {
  const { store, clock, reporter, onChange } = options
  let current = pendingSnapshot
  let started = false
  let closed = false
  let poll: Timer | undefined
  let flip: Timer | undefined
  let inFlight: Promise<Snapshot> | undefined
  let again = false
  let adopted = 0
  let firstAnswer: Promise<Snapshot> | undefined
  let stopWatching: Promise<(() => Promise<void>) | undefined> | undefined

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
    reporter.succeeded(reading)
    const known = current.document
    if (document === undefined && known !== undefined && !store.backend.absentMeansOff) {
      return failed(
        new StateBackendError(`The state at ${store.backend.address} is gone; the last known state stands.`),
      )
    }
    return take(createSnapshot(isNewer(document, known) ? document : known, clock.now(), current))
  }

  function failed(error: unknown): Snapshot {
    reporter.failed(reading, error)
    if (current.status === 'ready' || current.status === 'stale') {
      return take({ ...current, status: 'stale', error: messageOf(error) })
    }
    if (current.status === 'failed') return current
    return take(settledSnapshot('failed', options.fallback, messageOf(error)))
  }

  function refresh(): Promise<Snapshot> {
    if (inFlight) {
      // What is being read may be older than the change that asks: read once more afterwards.
      again = true
      return inFlight.then(() => inFlight ?? current)
    }
    const before = adopted
    inFlight = store
      .read()
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
  function watch(): void {
    if (stopWatching || !store.backend.watch) return
    stopWatching = store.backend
      .watch(() => void refresh())
      .then(
        (stop) => {
          reporter.succeeded(watching)
          // Subscribe first, then read: what changed in between is seen.
          void refresh()
          return stop
        },
        (error: unknown) => {
          reporter.failed(watching, error)
          stopWatching = undefined
          return undefined
        },
      )
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
      watch()
      if (!stopWatching) void refresh()
      schedulePoll()
    },
    refresh,
    adopt(document) {
      adopted++
      take(createSnapshot(isNewer(document, current.document) ? document : current.document, clock.now(), current))
    },
    first() {
      if (current.status !== 'pending') return Promise.resolve(current)
      firstAnswer ??= new Promise((resolve) => {
        const timeout = clock.setTimer(() => {
          const waited = `No answer from ${store.backend.address} within ${options.firstReadTimeout} ms; the mode is "${options.fallback}" (stateBackendFallbackValue) until there is one.`
          resolve(current.status === 'pending' ? failed(new StateBackendError(waited)) : current)
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
      await (await stopWatching)?.()
      await inFlight
    },
  }
}
