import type { StateStore } from './backends/store.js'
import { type CallbackRunner, isPromise } from './callback.js'
import type { Clock } from './clock.js'
import { compileDecider, forcedClosed } from './decision/decide.js'
import type { Decision } from './decision/decision.js'
import { compileUserLookUp } from './decision/rules/user.js'
import type { Maintenance } from './maintenance.js'
import { compileRefuser } from './reply/refuse.js'
import type { Reply } from './reply/reply.js'
import { type ClientAddress, compileClientAddress } from './request/lazy-request.js'
import type { AdaptedRequest } from './request/request.js'
import type { Settings } from './settings/options.js'
import { isOpen, type Snapshot } from './snapshot/snapshot.js'
import type { StateDocument } from './state/window.js'
import { createRequestWarnings } from './telemetry/request-warnings.js'
import type { Reporter } from './telemetry/warnings.js'

/** What was decided about one request, and the answer where it is not let through. */
export interface Verdict {
  readonly decision: Decision
  readonly reply: Reply | undefined
}

/** The stored state, for the control URLs. */
export interface InstanceState {
  readonly store: StateStore
  /** What this instance knows of it; nothing where the mode is pinned. */
  known(): StateDocument | undefined
  /** Takes over a document that was written through this instance. */
  adopt(document: StateDocument): void
}

/** The way of a request, for adapters: the inner side of a maintenance object. */
export interface Engine {
  /** Every request passes, nothing has to be asked. A plain property: it is read for every request. */
  open: boolean
  /** Decides, and makes the answer to what is refused. Never throws or rejects: what cannot be judged is refused. */
  judge(request: AdaptedRequest): Verdict | Promise<Verdict>
  /** Refuses what a forced route closes, whatever the mode. Never throws or rejects. */
  refuse(request: AdaptedRequest): Verdict | Promise<Verdict>
  /** Decides by what is known now. */
  decide(request: AdaptedRequest): Decision | Promise<Decision>
  /** Takes note that the snapshot has changed. */
  update(): void
  /** What must not be cut off when the request has been answered, where nothing runs between requests. */
  unfinished(): Promise<unknown> | undefined
  readonly clientAddress: ClientAddress
  readonly lookUpUser: (request: AdaptedRequest) => ReturnType<AdaptedRequest['user']>
  readonly state: InstanceState
  readonly settings: Settings
  readonly clock: Clock
  readonly reporter: Reporter
}

export interface EngineOptions {
  settings: Settings
  run: CallbackRunner
  clock: Clock
  reporter: Reporter
  testRunner: string | undefined
  /** Whether timers run between requests. */
  timers: boolean
  state: InstanceState
  /** What is known now. */
  snapshot(): Snapshot
  /** The first answer of the backend, or what stands in for it. */
  first(): Promise<Snapshot>
  /** The read of the state that goes on now. */
  reading(): Promise<unknown> | undefined
  /** The read that a request has to wait for, where it would end with the request. */
  awaited(): Promise<unknown> | undefined
}

export function createEngine(options: EngineOptions): Engine {
  const { settings, run, clock, reporter, testRunner, timers, state, snapshot, first, reading, awaited } = options
  const decider = compileDecider(settings, { run, clock, testRunner, holds: timers })
  const inspect = createRequestWarnings(settings, reporter)
  const replyTo = compileRefuser(settings, clock, run)

  const answered = (decision: Decision, request: AdaptedRequest): Verdict | Promise<Verdict> => {
    if (decision.action === 'allow') return { decision, reply: undefined }
    if (decision.rule === 'closed') inspect?.(request)
    const reply = replyTo(decision, request)
    return isPromise(reply) ? reply.then((done) => ({ decision, reply: done })) : { decision, reply }
  }

  const judgeBy = (known: Snapshot, request: AdaptedRequest): Verdict | Promise<Verdict> => {
    const decision = decider.decide(request, known.closures)
    return isPromise(decision) ? decision.then((made) => answered(made, request)) : answered(decision, request)
  }

  const judgeNow = (request: AdaptedRequest): Verdict | Promise<Verdict> => {
    const known = snapshot()
    // Only before the very first answer may a request wait.
    if (known.status === 'pending') return first().then(() => judgeNow(request))
    const read = awaited()
    return read ? read.then(() => judgeBy(snapshot(), request)) : judgeBy(known, request)
  }

  const failed = (error: unknown): Verdict => {
    reporter.failed('answering a request', error)
    return unjudged
  }

  const total = (judging: () => Verdict | Promise<Verdict>): Verdict | Promise<Verdict> => {
    try {
      const verdict = judging()
      return isPromise(verdict) ? verdict.catch(failed) : verdict
    } catch (error) {
      return failed(error)
    }
  }

  const engine: Engine = {
    open: false,
    judge: (request) => total(() => judgeNow(request)),
    refuse: (request) => total(() => answered(forcedClosed, request)),
    decide: (request) => decider.decide(request, snapshot().closures),
    update() {
      const known = snapshot()
      // Without timers every request has to look at the clock.
      engine.open = timers && !decider.closesInEveryMode && known.status !== 'pending' && isOpen(known)
    },
    unfinished: timers ? () => undefined : reading,
    clientAddress: compileClientAddress(settings, run),
    lookUpUser: compileUserLookUp(settings.getAuthenticatedUser, run),
    state,
    settings,
    clock,
    reporter,
  }
  engine.update()
  return engine
}

/** Nothing of ours may break the host, nor let anyone in. */
const unjudged: Verdict = {
  decision: { ...forcedClosed, rule: 'failed', reason: 'the request could not be judged' },
  reply: { status: 503, headers: { 'Cache-Control': 'no-store', 'Content-Length': '0' }, body: '' },
}

const engines = new WeakMap<object, Engine>()

export function registerEngine(maintenance: Maintenance, engine: Engine): void {
  engines.set(maintenance, engine)
}

export function isMaintenance(value: object): value is Maintenance {
  return engines.has(value)
}

/** The engine of what `createMaintenance` returned. */
export function engineOf(maintenance: Maintenance): Engine {
  const engine = engines.get(maintenance)
  if (engine) return engine
  throw new TypeError('Not a maintenance object: pass what createMaintenance() returned.')
}
