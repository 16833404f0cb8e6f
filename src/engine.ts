import { type CallbackRunner, isPromise } from './callback.js'
import type { Clock } from './clock.js'
import { compileDecider } from './decision/decide.js'
import type { Decision } from './decision/decision.js'
import { compileUserLookUp } from './decision/rules/user.js'
import type { Maintenance } from './maintenance.js'
import { compileRefuser } from './reply/refuse.js'
import type { Reply } from './reply/reply.js'
import { type ClientAddress, compileClientAddress } from './request/lazy-request.js'
import type { AdaptedRequest } from './request/request.js'
import type { Settings } from './settings/options.js'
import type { Snapshot } from './snapshot/snapshot.js'
import type { Reporter } from './telemetry/warnings.js'

/** What was decided about one request, and the answer where it is not let through. */
export interface Verdict {
  readonly decision: Decision
  readonly reply: Reply | undefined
}

/** The way of a request, for adapters: the inner side of a maintenance object. */
export interface Engine {
  /** Every request passes, nothing has to be asked. A plain property: it is read for every request. */
  open: boolean
  /** Decides, and makes the answer to what is refused. */
  judge(request: AdaptedRequest): Verdict | Promise<Verdict>
  /** Decides by what is known now. */
  decide(request: AdaptedRequest): Decision | Promise<Decision>
  /** The answer that a refused request gets. */
  refuse(decision: Decision, request: AdaptedRequest): Reply | Promise<Reply>
  /** Takes note that the snapshot has changed. */
  update(): void
  /** What must not be cut off when the request has been answered, where nothing runs between requests. */
  unfinished(): Promise<unknown> | undefined
  readonly clientAddress: ClientAddress
  readonly lookUpUser: (request: AdaptedRequest) => ReturnType<AdaptedRequest['user']>
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
  /** What is known now. */
  snapshot(): Snapshot
  /** The first answer of the backend, or what stands in for it. */
  first(): Promise<Snapshot>
  /** The read of the state that goes on now. */
  reading(): Promise<unknown> | undefined
}

export function createEngine(options: EngineOptions): Engine {
  const { settings, run, clock, reporter, testRunner, timers, snapshot, first, reading } = options
  const decider = compileDecider(settings, run, testRunner)
  const refuse = compileRefuser(settings, clock, run)

  const answered = (decision: Decision, request: AdaptedRequest): Verdict | Promise<Verdict> => {
    if (decision.action === 'allow') return { decision, reply: undefined }
    const reply = refuse(decision, request)
    return isPromise(reply) ? reply.then((done) => ({ decision, reply: done })) : { decision, reply }
  }

  const judge = (request: AdaptedRequest): Verdict | Promise<Verdict> => {
    const state = snapshot()
    // Only before the very first answer may a request wait.
    if (state.status === 'pending') return first().then(() => judge(request))
    const decision = decider.decide(request, state)
    return isPromise(decision) ? decision.then((made) => answered(made, request)) : answered(decision, request)
  }

  // Without timers every request has to look at the clock.
  const isOpen = ({ status, mode }: Snapshot): boolean =>
    timers && status !== 'pending' && mode === 'off' && !decider.closesInEveryMode

  const engine: Engine = {
    open: false,
    judge,
    decide: (request) => decider.decide(request, snapshot()),
    refuse,
    update() {
      engine.open = isOpen(snapshot())
    },
    unfinished: timers ? () => undefined : reading,
    clientAddress: compileClientAddress(settings, run),
    lookUpUser: compileUserLookUp(settings.getAuthenticatedUser, run),
    settings,
    clock,
    reporter,
  }
  engine.update()
  return engine
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
