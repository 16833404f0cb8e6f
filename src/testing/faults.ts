import type { StateBackend, StoredState } from '../backends/backend.js'
import { type Clock, systemClock } from '../clock.js'
import { StateBackendError } from '../errors.js'
import { lie, type Sight, splitSight, staleSight, throughAll, truthOf } from './sight.js'

/** What a fault is on. */
export type FaultyPart = 'read' | 'write' | 'watch' | 'presence'

/** What can be wrong with an engine, as one instance meets it. */
export type Fault =
  /** All is well, for so many calls. */
  | { fault: 'none' }
  /** Does everything at once, and answers so many milliseconds later. Changes are told as late. */
  | { fault: 'slow'; milliseconds: number }
  /** Rejects everything; watches are lost. */
  | { fault: 'failing'; error?: Error }
  /** Says that it has written, and has not. What it reads is garbage, or nothing, or the state before the last one. */
  | { fault: 'lying'; answer?: 'garbage' | 'nothing' | 'older' }
  /** Cut off from the others, with a copy of the state as it was: what is written there is lost in the end. */
  | { fault: 'split' }
  /** Reads what was there when the fault began, and is told of no change. What it writes is written. */
  | { fault: 'stale' }

/** A fault, for how long, and on what. */
export type FaultStep = Fault & {
  /** How many calls it lasts; then the next step begins. Default: until `heal` or another plan. */
  calls?: number
  /** Default: everything. */
  on?: readonly FaultyPart[]
}

/** A backend in trouble, when a test says so. */
export interface FaultyBackend extends StateBackend {
  /** Begins with the first of these steps now, instead of what was planned. */
  plan(steps: readonly FaultStep[]): void
  /** From now on all is well. What was not told meanwhile is not told later either. */
  heal(): void
  /** How often each part was called so far. */
  readonly calls: Readonly<Record<FaultyPart, number>>
}

/**
 * A handle on a backend that gets into trouble by plan, to see what an app does then. Other handles on the same state are
 * as they were.
 *
 * @param options.clock What `slow` goes by. Default: that of the system.
 *
 * @example
 * ```ts
 * const backend = faultyBackend(memoryBackend())
 * backend.plan([{ fault: 'slow', milliseconds: 5000, calls: 3 }, { fault: 'failing' }])
 * backend.heal()
 * ```
 */
export function faultyBackend(backend: StateBackend, { clock = systemClock }: { clock?: Clock } = {}): FaultyBackend {
  const { readSync, watch, presence } = backend
  const calls = { read: 0, write: 0, watch: 0, presence: 0 }
  const watchers = new Set<{ lose(error: Error): void }>()
  let last: StoredState | undefined
  let older: StoredState | undefined
  const truth = truthOf(backend, (stored) => {
    if (stored?.document !== last?.document) older = last
    last = stored
  })
  let steps: readonly FaultStep[] = []
  let sight = truth
  let left = 0

  function begin(planned: readonly FaultStep[]): void {
    steps = planned
    const [step] = steps
    left = step?.calls ?? Number.POSITIVE_INFINITY
    sight = step ? sightOf(step) : truth
    if (step?.fault === 'failing' && isOn(step, 'watch')) for (const { lose } of [...watchers]) lose(errorOf(step))
  }

  function sightOf(step: FaultStep): Sight {
    switch (step.fault) {
      case 'none':
        return truth
      case 'slow':
        return throughAll(truth, (work) => answerLate(work(), step.milliseconds))
      case 'failing':
        return throughAll(truth, () => Promise.reject(errorOf(step)))
      case 'lying':
        return lie(() => (step.answer === 'older' ? older : step.answer === 'nothing' ? undefined : garbage))
      case 'split':
        return splitSight(truth, clock)
      case 'stale':
        return staleSight(truth)
    }
  }

  const later = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void clock.setTimer(resolve, milliseconds))
  const answerLate = async <Answer>(answer: Promise<Answer>, milliseconds: number): Promise<Answer> => {
    answer.catch(() => {})
    await later(milliseconds)
    return answer
  }

  const stepOn = (part: FaultyPart): FaultStep | undefined => {
    const [step] = steps
    return step && isOn(step, part) ? step : undefined
  }
  /** Counts a call, and says what it meets. */
  const meet = (part: FaultyPart): Sight => {
    calls[part]++
    if (!stepOn(part)) return truth
    const met = sight
    left--
    if (left <= 0) begin(steps.slice(1))
    return met
  }

  const watchThrough = async (
    watchTruth: NonNullable<StateBackend['watch']>,
    onChange: (stored?: StoredState) => void,
    onLost: (error: unknown) => void,
  ): Promise<() => Promise<void>> => {
    let end = async (): Promise<void> => {}
    const stop = async (): Promise<void> => {
      if (watchers.delete(watcher)) await end()
    }
    const watcher = {
      lose(error: Error) {
        if (watchers.has(watcher)) onLost(error)
        stop().catch(() => {})
      },
    }
    const tell = async (stored?: StoredState): Promise<void> => {
      const step = stepOn('watch')
      if (step?.fault === 'slow') await later(step.milliseconds)
      const untold = step && step.fault !== 'slow' && step.fault !== 'none'
      if (!untold && watchers.has(watcher)) onChange(stored)
    }
    watchers.add(watcher)
    try {
      end = await watchTruth.call(
        backend,
        (stored) => void tell(stored),
        (error) => watchers.delete(watcher) && onLost(error),
      )
    } catch (error) {
      watchers.delete(watcher)
      throw error
    }
    return stop
  }

  return {
    address: backend.address,
    key: backend.key,
    capabilities: backend.capabilities,
    absentMeansOff: backend.absentMeansOff,
    read: () => meet('read').read(),
    write: (document, condition) => meet('write').write(document, condition),
    ...(readSync && { readSync: () => (stepOn('read') ? null : readSync.call(backend)) }),
    ...(watch && {
      async watch(onChange, onLost) {
        const step = stepOn('watch')
        meet('watch')
        if (step?.fault === 'failing') throw errorOf(step)
        if (step?.fault === 'slow') await later(step.milliseconds)
        return watchThrough(watch, onChange, onLost)
      },
    }),
    ...(presence && {
      presence: {
        announce: (record, ttl) => meet('presence').announce(record, ttl),
        list: () => meet('presence').list(),
        leave: (id) => meet('presence').leave(id),
      },
    }),
    close: async () => backend.close?.(),
    plan: (planned) => begin([...planned]),
    heal: () => begin([]),
    calls,
  }
}

const garbage: StoredState = { document: '<html><h1>502 Bad Gateway</h1></html>', revision: 0 }

function isOn({ on }: FaultStep, part: FaultyPart): boolean {
  return on?.includes(part) ?? true
}

function errorOf({ error }: { error?: Error }): Error {
  return error ?? new StateBackendError('The engine is out of reach, as the test has planned.')
}
