import type { CallbackRunner } from './callback.js'
import type { Clock, Timer } from './clock.js'
import { isRedirected } from './decision/decide.js'
import type { Decision } from './decision/decision.js'
import type { AdaptedRequest } from './request/request.js'
import type { Settings } from './settings/options.js'
import type { Closures } from './state/closure.js'

/** The requests that wait in the mode `hold`: bounded in count and time, in the order in which they came. */
export interface HeldRequests {
  readonly count: number
  /** Resolves with what is decided in the end; with nothing when the client is gone, and nobody is there to answer. */
  wait(request: AdaptedRequest, decision: Decision): Promise<Decision | undefined>
  /** Something else closes the site now, or nothing: all are judged anew. */
  judgeAgain(): void
  /** Refuses all that wait, and from now on every other. */
  close(): void
}

export interface HeldRequestsOptions {
  settings: Settings
  run: CallbackRunner
  clock: Clock
  /** What is closed now. */
  closures(): Closures
  /** Decides by what is known now. */
  decide(request: AdaptedRequest): Decision | Promise<Decision>
}

interface Held {
  readonly request: AdaptedRequest
  readonly deadline: number
  readonly resolve: (outcome: Outcome) => void
  /** Ends the listening for the client's departure. */
  forget?: (() => void) | undefined
}

type Outcome = Decision | undefined | Promise<Decision>

/** How many are judged in one turn of the event loop: 1,000 at once would block the process, and stampede the app. */
const atOnce = 25

const reasons = {
  'hold-limit': 'as many requests wait already as the setting `holdLimit` allows',
  'hold-timeout': 'the request has waited for as long as the setting `holdTimeout` allows',
  'hold-stopped': 'requests wait no longer, as this instance is being closed',
} as const

export function createHeldRequests(options: HeldRequestsOptions): HeldRequests {
  const { settings, run, clock, closures, decide } = options
  const { holdLimit, holdTimeout } = settings
  // In the order of their deadlines, too: all have the same patience.
  const waiting = new Set<Held>()
  const refusals = new WeakMap<Decision, Map<string, Decision>>()
  let closed = false
  let timer: Timer | undefined
  let round: Iterator<Held> | undefined

  const refuse = (request: AdaptedRequest, decision: Decision, rule: keyof typeof reasons): Decision => {
    const action = isRedirected(settings, request, run) ? 'redirect' : 'block'
    const known = refusals.get(decision) ?? new Map<string, Decision>()
    refusals.set(decision, known)
    const key = `${rule} ${action}`
    // One object for all, as a reply is rendered once for each.
    const refusal = known.get(key) ?? Object.freeze({ ...decision, action, rule, reason: reasons[rule] })
    known.set(key, refusal)
    return refusal
  }

  const leave = (one: Held, outcome: Outcome): void => {
    if (!waiting.delete(one)) return
    one.forget?.()
    if (waiting.size === 0) {
      timer?.cancel()
      timer = undefined
    }
    one.resolve(outcome)
  }

  const judgeAtLast = async (request: AdaptedRequest, rule: keyof typeof reasons): Promise<Decision> => {
    const decision = await decide(request)
    return decision.action === 'hold' ? refuse(request, decision, rule) : decision
  }

  const wake = (): void => {
    const [head] = waiting
    if (head) timer = clock.setTimer(expire, head.deadline - clock.now())
  }

  function expire(): void {
    const now = clock.now()
    for (const one of waiting) {
      // A deadline that is farther than any can be: the clock has been set back.
      if (one.deadline > now && one.deadline <= now + holdTimeout) break
      leave(one, judgeAtLast(one.request, 'hold-timeout'))
    }
    wake()
  }

  const judge = async (one: Held): Promise<void> => {
    const by = closures()
    try {
      const decision = await decide(one.request)
      // By what has changed in the meantime it is judged once more.
      if (decision.action !== 'hold' && closures() === by) leave(one, decision)
    } catch (error) {
      leave(one, Promise.reject(error))
    }
  }

  function judgeSome(): void {
    for (let judged = 0; judged < atOnce; judged++) {
      const next = round?.next()
      if (!next || next.done) {
        round = undefined
        return
      }
      void judge(next.value)
    }
    clock.setTimer(judgeSome, 0)
  }

  return {
    get count() {
      return waiting.size
    },
    async wait(request, decision) {
      if (closed) return refuse(request, decision, 'hold-stopped')
      if (waiting.size >= holdLimit) return refuse(request, decision, 'hold-limit')
      return new Promise((resolve) => {
        const one: Held = { request, deadline: clock.now() + holdTimeout, resolve }
        waiting.add(one)
        if (!timer) wake()
        one.forget = request.onGone?.(() => leave(one, undefined))
      })
    },
    judgeAgain() {
      if (waiting.size === 0) return
      if (!round) clock.setTimer(judgeSome, 0)
      round = waiting.values()
    },
    close() {
      closed = true
      for (const one of waiting) leave(one, judgeAtLast(one.request, 'hold-stopped'))
    },
  }
}
