import type { StateStore } from './backends/store.js'
import { type CallbackRunner, isPromise } from './callback.js'
import type { Clock } from './clock.js'
import { compileDecider, forcedClosed } from './decision/decide.js'
import type { Decision } from './decision/decision.js'
import { compileUserLookUp } from './decision/rules/user.js'
import { createDrain, type Drain } from './fleet/drain.js'
import { createHeldRequests, type HeldRequests } from './held-requests.js'
import type { Maintenance } from './maintenance.js'
import { compileRefuser } from './reply/refuse.js'
import type { Reply } from './reply/reply.js'
import { type ClientAddress, compileClientAddress } from './request/lazy-request.js'
import type { AdaptedRequest } from './request/request.js'
import type { Settings } from './settings/options.js'
import { isOpen, type Snapshot } from './snapshot/snapshot.js'
import type { Announcement } from './state/announcement.js'
import type { StateDocument } from './state/window.js'
import type { Events } from './telemetry/events.js'
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
  /** What is told of the whole site on a banner, if anything is. */
  announcement: Announcement | undefined
  /** Decides, and makes the answer to what is refused. Never throws or rejects: what cannot be judged is refused. */
  judge(request: AdaptedRequest): Verdict | Promise<Verdict>
  /** Refuses what a forced route closes, whatever the mode. Never throws or rejects. */
  refuse(request: AdaptedRequest): Verdict | Promise<Verdict>
  /** Decides by what is known now. */
  decide(request: AdaptedRequest): Decision | Promise<Decision>
  /** Takes note that the snapshot has changed. */
  update(): void
  readonly held: Pick<HeldRequests, 'count' | 'close'>
  /** Counts down what had been let in. */
  readonly drain: Drain
  /** Called when the maintenance object is closed. */
  readonly endings: Set<() => void>
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
  events: Events | undefined
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
  /** There is another number of requests in flight to tell. */
  onDrain(): void
}

export function createEngine(options: EngineOptions): Engine {
  const { settings, run, clock, reporter, events, testRunner, timers, state, snapshot, first, reading, awaited } =
    options
  const decider = compileDecider(settings, { run, clock, testRunner, holds: timers })
  const inspect = createRequestWarnings(settings, reporter)
  const replyTo = compileRefuser(settings, clock, run)

  const answered = (decision: Decision, request: AdaptedRequest, held?: number): Verdict | Promise<Verdict> => {
    if (decision.rule !== 'mode-off' || held !== undefined) events?.decided(decision, request, held)
    if (decision.action === 'allow') return { decision, reply: undefined }
    if (decision.rule === 'closed') inspect?.(request)
    if (decision.action === 'hold') return waited(decision, request)
    const reply = replyTo(decision, request)
    return isPromise(reply) ? reply.then((done) => ({ decision, reply: done })) : { decision, reply }
  }

  const decide = (request: AdaptedRequest): Decision | Promise<Decision> => decider.decide(request, snapshot().closures)
  const held = createHeldRequests({ settings, run, clock, closures: () => snapshot().closures, decide })
  const waited = async (decision: Decision, request: AdaptedRequest): Promise<Verdict> => {
    const since = clock.now()
    const made = await held.wait(request, decision)
    return made ? answered(made, request, Math.max(clock.now() - since, 0)) : { decision, reply: emptyReply }
  }

  const judgeBy = (known: Snapshot, request: AdaptedRequest): Verdict | Promise<Verdict> => {
    const decision = decider.decide(request, known.closures)
    if (!isPromise(decision)) return answered(decision, request)
    return decision.then((made) => {
      // Who is to wait for a change must not have missed it.
      const missed = made.action === 'hold' && snapshot().closures !== known.closures
      return missed ? judgeNow(request) : answered(made, request)
    })
  }

  const judgeNow = (request: AdaptedRequest): Verdict | Promise<Verdict> => {
    const known = snapshot()
    // Only before the very first answer may a request wait.
    if (known.status === 'pending') return first().then(() => judgeNow(request))
    const read = awaited()
    return read ? read.then(() => judgeBy(snapshot(), request)) : judgeBy(known, request)
  }

  const failed = (error: unknown, request: AdaptedRequest): Verdict => {
    reporter.failed('answering a request', error)
    events?.decided(unjudged.decision, request, undefined)
    return unjudged
  }

  const total = (
    request: AdaptedRequest,
    judging: (request: AdaptedRequest) => Verdict | Promise<Verdict>,
  ): Verdict | Promise<Verdict> => {
    try {
      const verdict = judging(request)
      return isPromise(verdict) ? verdict.catch((error) => failed(error, request)) : verdict
    } catch (error) {
      return failed(error, request)
    }
  }

  const drain = createDrain({ settings, clock, reporter, decide, onChange: options.onDrain })

  const engine: Engine = {
    open: false,
    announcement: undefined,
    judge: (request) => drain.deciding(request, total(request, judgeNow)),
    refuse: (request) => total(request, (forced) => answered(forcedClosed, forced)),
    decide,
    update() {
      // Without timers every request has to look at the clock.
      if (!timers) return
      const known = snapshot()
      engine.open = !decider.closesInEveryMode && known.status !== 'pending' && isOpen(known)
      held.judgeAgain()
      drain.update(known.closures)
    },
    drain,
    held,
    endings: new Set(),
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

const emptyReply: Reply = { status: 503, headers: { 'Cache-Control': 'no-store', 'Content-Length': '0' }, body: '' }
/** Nothing of ours may break the host, nor let anyone in. */
const unjudged: Verdict = {
  decision: { ...forcedClosed, rule: 'failed', reason: 'the request could not be judged' },
  reply: emptyReply,
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
