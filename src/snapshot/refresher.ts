import type { StoredState } from '../backends/backend.js'
import type { StateStore } from '../backends/store.js'
import { type Clock, longestTimer, type Timer } from '../clock.js'
import { messageOf, StateBackendError } from '../errors.js'
import { loadRecurrence } from '../state/recurrence.js'
import type { Mode, StateDocument } from '../state/window.js'
import type { Reporter } from '../telemetry/warnings.js'
import type { LastKnown } from './last-known.js'
import { createSchedule, longestBackOff } from './schedule.js'
import { createSnapshot, isOutdated, pendingSnapshot, type Snapshot, settledSnapshot } from './snapshot.js'

/** Keeps one instance's snapshot as the stored state and the clock say. */
export interface Refresher {
  readonly current: Snapshot
  /** Begins to watch and poll; takes the first snapshot at once where the backend can. */
  start(): void
  /** Where nothing runs between requests: what is known, after the clock was looked at. Reads anew, for later ones, what is too old. */
  look(): Snapshot
  /** The read that goes on now. */
  readonly reading: Promise<unknown> | undefined
  /** The read that `look` has just begun, for at most `firstReadTimeout`, where it would end with the request. */
  readonly awaited: Promise<unknown> | undefined
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
  lastKnown: LastKnown
  /** Milliseconds. */
  pollInterval: number
  /** Milliseconds. */
  maxAge: number
  /** Milliseconds. */
  firstReadTimeout: number
  fallback: Mode
  /** Whether timers run between requests. */
  timers: boolean
  onChange(snapshot: Snapshot, previous: Snapshot): void
  /** Another revision, or another status of the snapshot; also what the backend told of was read, a connection that was made anew for one. */
  onApplied?(snapshot: Snapshot): void
  /** The state was read, or the clock has come to a change or a phase: also where nothing of what decides differs. */
  onLook?(snapshot: Snapshot): void
}

/** A read that takes longer was stopped, or put to sleep, with the request that began it: not even its time limit ended it. Milliseconds. */
const longestRead = 15_000

const ended =
  ': the read was stopped with the request that had begun it. From now on requests wait for theirs; none has to if the handler is given the context of the runtime, which has `waitUntil`.'

const reading = 'reading the state'

const lastStands = 'The last known state stands.'

export function createRefresher(options: RefresherOptions): Refresher {
  const { store, clock, reporter, lastKnown, maxAge, timers, onChange, onApplied, onLook } = options
  const fallbackStands = `Until there is an answer, the mode is "${options.fallback}" (stateBackendFallbackValue).`
  let current = pendingSnapshot
  let started = false
  let closed = false
  let flip: Timer | undefined
  let inFlight: Promise<Snapshot> | undefined
  let again = false
  let adopted = 0
  let triedAt = Number.NEGATIVE_INFINITY
  /** Reads are stopped with the requests that begin them. */
  let cutOff = false
  let begun = false
  let firstAnswer: Promise<Snapshot> | undefined

  const schedule = createSchedule({
    backend: store.backend,
    clock,
    reporter,
    pollInterval: options.pollInterval,
    read: async () => (await refresh()).status === 'ready',
    changed,
  })

  function take(snapshot: Snapshot): Snapshot {
    const previous = current
    current = snapshot
    flip?.cancel()
    // A timer flips the snapshot, so that no request reads a clock. It may be cut short: then it looks again.
    if (snapshot.nextChange !== undefined && timers && !closed) {
      flip = clock.setTimer(reevaluate, Math.min(snapshot.nextChange - clock.now(), longestTimer))
    }
    if (previous.status !== snapshot.status || previous.closures !== snapshot.closures) onChange(snapshot, previous)
    if (previous.status !== snapshot.status || isOther(snapshot.document, previous.document)) onApplied?.(snapshot)
    onLook?.(snapshot)
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
    const latest = isOutdated(document, known) ? known : document
    if (latest) lastKnown.keep(latest)
    return take(createSnapshot(latest, clock.now(), current))
  }

  function failed(error: unknown): Snapshot {
    const recalled = current.status === 'pending' ? lastKnown.recall() : undefined
    // Until that is loaded, a series counts as one that is not understood: it closes.
    if (recalled) void loadRecurrence(recalled)?.then(reevaluate, () => {})
    const lasts = recalled !== undefined || current.status === 'ready' || current.status === 'stale'
    if (started && timers) schedule.hurry()
    if (!closed) reporter.failed(reading, `${messageOf(error)} ${lasts ? lastStands : fallbackStands}`)
    const from = recalled ? { ...createSnapshot(recalled, clock.now()), checkedAt: undefined } : current
    if (lasts) return take({ ...from, status: 'stale', error: messageOf(error) })
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
    triedAt = clock.now()
    const read: Promise<Snapshot> = store
      .read()
      .then((document) => {
        if (before === adopted) return answered(document)
        // Read before this instance's own write: it may say "nothing is stored" of what is stored now.
        again = true
        return current
      })
      .catch((error) => (read === inFlight ? failed(error) : current))
      .finally(() => {
        cutOff ||= isOverdue()
        if (read !== inFlight) return
        inFlight = undefined
        if (again && !closed) {
          again = false
          void refresh()
        }
      })
    inFlight = read
    return read
  }

  function isOverdue(): boolean {
    return !timers && Math.abs(clock.now() - triedAt) >= longestRead
  }

  function changed(stored?: StoredState): void {
    if (closed) return
    const document = stored && readQuietly(stored)
    // Of another state it cannot be told which is the newer one, and what is read is.
    if (document && current.status === 'ready' && follows(document, current.document) && !loadRecurrence(document)) {
      adopted++
      answered(document)
    } else void refresh().then(onApplied)
  }

  function readQuietly(stored: StoredState): StateDocument | undefined {
    try {
      return store.parseNews(stored)
    } catch {
      return undefined
    }
  }

  function answerInTime(): Promise<Snapshot> {
    return new Promise((resolve) => {
      const timeout = clock.setTimer(() => {
        const late = `No answer from ${store.backend.address} within ${options.firstReadTimeout} ms.`
        if (cutOff) inFlight = undefined
        resolve(cutOff || current.status === 'pending' ? failed(new StateBackendError(late)) : current)
      }, options.firstReadTimeout)
      void (inFlight ?? refresh()).then((snapshot) => {
        timeout.cancel()
        resolve(snapshot)
      })
    })
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
    get reading() {
      return inFlight
    },
    get awaited() {
      return cutOff && begun && inFlight ? answerInTime() : undefined
    },
    start() {
      if (started || closed) return
      started = true
      if (current.status === 'pending') firstFromDisk()
      if (timers) schedule.start()
      else if (current.status === 'pending') void refresh()
    },
    look() {
      const now = clock.now()
      begun = false
      if (current.nextChange !== undefined && current.nextChange <= now) reevaluate()
      if (!started || closed) return current
      if (inFlight && isOverdue()) {
        cutOff = true
        inFlight = undefined
        failed(new StateBackendError(`No answer from ${store.backend.address}${ended}`))
      }
      const pause = current.status === 'ready' ? maxAge : Math.min(maxAge, longestBackOff)
      // The clock may have been set back.
      if (!inFlight && Math.abs(now - triedAt) >= pause) {
        begun = true
        void refresh()
      }
      return current
    },
    refresh,
    adopt(document) {
      adopted++
      triedAt = clock.now()
      answered(document)
    },
    first() {
      if (current.status !== 'pending') return Promise.resolve(current)
      if (timers) firstAnswer ??= answerInTime()
      // What one request waits for can end with it: then another waits by itself.
      return firstAnswer ?? answerInTime()
    },
    async close() {
      if (closed) return
      closed = true
      flip?.cancel()
      await schedule.stop()
      await lastKnown.close()
    },
  }
}

/** The same revision as well: it may be our own, or edited by hand. */
function follows(document: StateDocument, known: StateDocument | undefined): boolean {
  return document.id === known?.id && document.revision >= known.revision
}

function isOther(document: StateDocument | undefined, known: StateDocument | undefined): boolean {
  return document?.id !== known?.id || document?.revision !== known?.revision
}
