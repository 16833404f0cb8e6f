import { isPromise } from '../callback.js'
import type { Clock, Timer } from '../clock.js'
import type { Decision } from '../decision/decision.js'
import type { Verdict } from '../engine.js'
import type { AdaptedRequest } from '../request/request.js'
import type { Settings } from '../settings/options.js'
import { isOpen } from '../snapshot/snapshot.js'
import { allOpen, type Closures } from '../state/closure.js'
import { isRefused } from '../telemetry/refused.js'
import type { Reporter } from '../telemetry/warnings.js'
import type { InFlight } from './instance.js'

/** A request that is being answered, as an adapter finds it. */
export interface OpenRequest {
  /** What answers it: one object for as long as that takes. */
  readonly answer: object
  /** As `AdaptedRequest.native`. */
  readonly native: object
  readonly request: AdaptedRequest
  /** When it was first seen, in milliseconds since the epoch. */
  readonly since: number
  /** Calls `run` once: it has been answered, or its client is gone. After that comes what waited behind it. */
  whenEnded(run: (next: OpenRequest | undefined) => void): void
  /** Ends an answer that is an endless stream, and leaves alone any other. */
  endStream(): void
}

/** What an adapter knows of the requests that go through it. */
export interface RequestSource {
  /** Those that are being answered. */
  open(): Iterable<OpenRequest>
}

/** Counts down what had been let in before something was closed. While all is open, nothing is counted. */
export interface Drain {
  /** Without it nothing can be counted. */
  source: RequestSource | undefined
  /** Takes note of what is closed now. */
  update(closures: Closures): void
  /** Takes note of a request that is being decided about: it has not been let in. */
  deciding<Judged extends Verdict | Promise<Verdict>>(request: AdaptedRequest, verdict: Judged): Judged
  /** What the fleet is told. */
  report(): InFlight | undefined
  stop(): void
}

export interface DrainOptions {
  settings: Pick<Settings, 'drainTimeout' | 'drainStreams'>
  clock: Clock
  reporter: Reporter
  /** Decides by what is known now. */
  decide(request: AdaptedRequest): Decision | Promise<Decision>
  /** There is another figure to tell. */
  onChange(): void
}

/** How many users are looked up at the same time. */
const atOnce = 50
/** Between two figures that are told, in milliseconds; of the last request it is told at once. */
const pause = 250
const named = 10
const longestPath = 200

export function createDrain({ settings, clock, reporter, decide, onChange }: DrainOptions): Drain {
  /** Had been let in, and would not be now. */
  const counted = new Map<object, OpenRequest>()
  /** Count as well, until it is known. */
  const unjudged = new Map<object, OpenRequest>()
  const watched = new WeakSet<object>()
  /** With what was passed over, as it was still being decided about. */
  const undecided = new Map<object, OpenRequest | undefined>()
  let closures = allOpen
  let earlier: ReadonlySet<object> = new Set()
  let began: number | undefined
  let patience: Timer | undefined
  let soon: Timer | undefined

  function update(now: Closures): void {
    if (now === closures) return
    closures = now
    earlier = new Set(counted.keys())
    counted.clear()
    unjudged.clear()
    if (isOpen({ closures })) {
      began = undefined
      patience?.cancel()
      return
    }
    if (began === undefined) begin()
    if (drain.source) look(drain.source.open())
  }

  function begin(): void {
    began = clock.now()
    patience?.cancel()
    if (settings.drainStreams === 'end') patience = clock.setTimer(endStreams, settings.drainTimeout)
  }

  function endStreams(): void {
    for (const { endStream } of [...counted.values()]) {
      try {
        endStream()
      } catch (error) {
        reporter.failed('ending a stream', error)
      }
    }
  }

  function look(given: Iterable<OpenRequest>): void {
    judgeAll(given).catch((error) => reporter.failed('looking for requests in flight', error))
  }

  async function judgeAll(given: Iterable<OpenRequest>): Promise<void> {
    const by = closures
    const all = [...given].filter(isLetIn)
    for (const open of all) {
      unjudged.set(open.answer, open)
      watch(open)
    }
    let lookUps: Promise<void>[] = []
    for (const open of all) {
      if (by !== closures) return
      const lookUp = judge(open)
      if (lookUp) lookUps.push(lookUp)
      if (lookUps.length < atOnce) continue
      await Promise.all(lookUps)
      lookUps = []
    }
  }

  function isLetIn(open: OpenRequest): boolean {
    if (isRefused(open.answer) || isRefused(open.native)) return false
    if (!undecided.has(open.native)) return true
    undecided.set(open.native, open)
    return false
  }

  function watch(open: OpenRequest): void {
    const { answer } = open
    if (watched.has(answer)) return
    watched.add(answer)
    open.whenEnded((next) => {
      const was = counted.delete(answer) || unjudged.delete(answer)
      if (next && began !== undefined) look([next])
      if (was) changed()
    })
  }

  function judge(open: OpenRequest): void | Promise<void> {
    const by = closures
    const settle = (isAllowed: boolean): void => {
      if (by !== closures || !unjudged.delete(open.answer)) return
      if (isAllowed) changed()
      else count(open)
    }
    const failed = (error: unknown): void => {
      reporter.failed('judging a request in flight', error)
      settle(false)
    }
    try {
      const { request } = open
      // It goes on with the user it has.
      request.logOut = () => {}
      const decision = decide(request)
      if (isPromise(decision)) return decision.then(({ action }) => settle(action === 'allow')).catch(failed)
      settle(decision.action === 'allow')
    } catch (error) {
      failed(error)
    }
  }

  function count(open: OpenRequest): void {
    counted.set(open.answer, open)
    // There is more to wait for.
    if (!earlier.has(open.answer)) begin()
  }

  function changed(): void {
    if (counted.size + unjudged.size > 0) soon ??= clock.setTimer(tell, pause)
    else tell()
  }

  function tell(): void {
    soon?.cancel()
    soon = undefined
    onChange()
  }

  const drain: Drain = {
    source: undefined,
    update,
    deciding(request, verdict) {
      if (!isPromise(verdict)) return verdict
      const native = request.native as object
      undecided.set(native, undefined)
      void verdict.then(({ reply }) => {
        const open = undecided.get(native)
        undecided.delete(native)
        if (open && !reply && began !== undefined) look([open])
      })
      return verdict
    },
    report() {
      if (!drain.source) return undefined
      if (began === undefined) return { count: [...drain.source.open()].length, draining: undefined, oldest: [] }
      const all = [...counted.values(), ...unjudged.values()]
      const now = clock.now()
      const oldest = all.sort((a, b) => a.since - b.since).slice(0, named)
      return {
        count: all.length,
        draining: now - began,
        oldest: oldest.map(({ request: { method, url }, since }) => ({ method, path: pathOf(url), age: now - since })),
      }
    },
    stop() {
      patience?.cancel()
      soon?.cancel()
    },
  }
  return drain
}

/** The query is left out: it may hold secrets. */
function pathOf(url: string): string {
  return (url.split('?', 1)[0] as string).slice(0, longestPath)
}
