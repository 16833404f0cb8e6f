import type { Presence, StateBackend } from '../backends/backend.js'
import { bounded, type Clock } from '../clock.js'
import { messageOf, StateBackendError } from '../errors.js'
import { formatDuration } from '../settings/duration.js'
import { byName, fromPresence } from './instance.js'
import { type FleetInstance, judge, type TargetState } from './judgement.js'
import type { Wait } from './wait.js'

/** How far the fleet has followed a change of the state. */
export interface FleetReport {
  /**
   * `confirmed`: every live instance has applied the change, and finished what it had let in. `unseen`: the backend keeps no list of instances, and as
   * long was waited as a change can stay unseen. `unconfirmed`: neither, see `problem`.
   */
  result: 'confirmed' | 'unseen' | 'unconfirmed'
  /** Every instance that is known of. */
  instances: FleetInstance[]
  /** Milliseconds. */
  waited: number
  /** Why it is not confirmed, with the names of the instances that have not; for people. */
  problem: string | undefined
}

export interface ConvergenceOptions {
  backend: StateBackend
  clock: Clock
  /** Of the instances, in milliseconds. */
  pollInterval: number
  /** What instances are to decide by; what it means changes with time. */
  target(): TargetState
  wait: Wait
  /** What is known meanwhile. */
  onProgress?: ((report: FleetReport) => void) | undefined
}

/** Between two looks at the list of instances, in milliseconds: as a rule they need less than the first. */
const firstPause = 50
const longestPause = 500

/** The end of the time is no reason to cut off the last look. Milliseconds. */
const leastPatience = 1000
const patience = 10_000

/** Waits until the fleet has applied a change, and finished what it had let in. Never rejects: a failure is in the report. */
export async function awaitFleet(options: ConvergenceOptions): Promise<FleetReport> {
  const { backend } = options
  return backend.presence ? awaitInstances(options, backend.presence) : awaitUnseen(options)
}

/**
 * The longest that a change can stay unseen by an instance, in words. Instances are told of a change, or read it sooner;
 * but what is told can be lost, so they begin to read at least every `pollInterval`, and apply what they read at once.
 * An answer takes 10 s at most: then the backend has failed.
 */
export function unseenBound(pollInterval: number): string {
  return `${formatDuration(pollInterval)} (pollInterval) and one answer of the backend`
}

async function awaitInstances(options: ConvergenceOptions, presence: Presence): Promise<FleetReport> {
  const { backend, clock, target, wait, onProgress } = options
  const time = timeOf(options)
  let instances: FleetInstance[] = []
  for (let pause = firstPause; ; pause = Math.min(pause * 1.5, longestPause)) {
    let failure: string | undefined
    try {
      const listed = await time.bounded(presence.list(), backend)
      const now = target()
      instances = listed.map((sighting) => judge(fromPresence(sighting), now)).sort(byName)
    } catch (error) {
      failure = messageOf(error)
    }
    const settled = failure === undefined && isSettled(instances, wait)
    const problem = problemOf(instances, wait, { failure, settled })
    const result = problem === undefined ? 'confirmed' : 'unconfirmed'
    const report: FleetReport = { result, instances, waited: time.passed(), problem }
    if (settled || time.left() === 0) return report
    onProgress?.(report)
    await sleep(clock, Math.min(pause, time.left()))
  }
}

async function awaitUnseen(options: ConvergenceOptions): Promise<FleetReport> {
  const { backend, clock, pollInterval, wait } = options
  const time = timeOf(options)
  const ended = (problem: string | undefined): FleetReport => {
    const result = problem === undefined ? 'unseen' : 'unconfirmed'
    return { result, instances: [], waited: time.passed(), problem }
  }
  const noList = `${backend.address} keeps no list of instances`
  await sleep(clock, Math.min(pollInterval, wait.timeout))
  if (wait.timeout < pollInterval) {
    return ended(`${noTime(wait)}: ${noList}, and a change can stay unseen for ${unseenBound(pollInterval)}.`)
  }
  for (;;) {
    try {
      await time.bounded(backend.read(), backend)
      break
    } catch (error) {
      if (time.left() === 0) return ended(`${noTime(wait)}: ${messageOf(error)}`)
      await sleep(clock, Math.min(longestPause, time.left()))
    }
  }
  const asked = wait.instances
  return ended(!asked ? undefined : `Not confirmed: ${noList}, so none of ${asked} was seen.`)
}

/** No live instance is still to be waited for, and there are enough. */
function isSettled(instances: readonly FleetInstance[], wait: Wait): boolean {
  const live = instances.filter(({ verdict }) => verdict !== 'lost')
  const pending = live.some(({ verdict }) => verdict === 'waiting' || verdict === 'draining')
  return live.length >= (wait.instances ?? 1) && !pending
}

function problemOf(
  instances: readonly FleetInstance[],
  wait: Wait,
  { failure, settled }: { failure: string | undefined; settled: boolean },
): string | undefined {
  const live = instances.filter(({ verdict }) => verdict !== 'lost').length
  const missing = instances.filter(({ verdict }) => verdict !== 'confirmed' && (verdict !== 'lost' || !wait.ignoreLost))
  const parts = missing.map(({ id, reason }) => `${id} ${reason}`)
  if (failure !== undefined) parts.unshift(`the instances cannot be listed (${failure})`)
  else if (live === 0 && wait.instances !== 0) parts.unshift('no live instance has announced itself')
  else if (live < (wait.instances ?? 1))
    parts.unshift(`there ${live === 1 ? 'is' : 'are'} ${live} of ${wait.instances} instances`)
  if (parts.length === 0) return undefined
  return `${settled ? 'Not confirmed' : noTime(wait)}: ${parts.join('; ')}.`
}

function noTime({ timeout }: Wait): string {
  return `Not confirmed within ${formatDuration(timeout)}`
}

interface Time {
  passed(): number
  left(): number
  /** Rejects when there is no answer in what is left. */
  bounded<Answer>(answer: Promise<Answer>, backend: StateBackend): Promise<Answer>
}

function timeOf({ clock, wait }: ConvergenceOptions): Time {
  const from = clock.now()
  const passed = (): number => clock.now() - from
  const left = (): number => Math.max(wait.timeout - passed(), 0)
  return {
    passed,
    left,
    bounded(answer, { address }) {
      const milliseconds = Math.min(Math.max(left(), leastPatience), patience)
      const late = (): Error =>
        new StateBackendError(`No answer from ${address} within ${formatDuration(milliseconds)}.`)
      return bounded(clock, answer, { milliseconds, late, keepAlive: true })
    },
  }
}

function sleep(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(resolve, milliseconds, true)
  })
}
