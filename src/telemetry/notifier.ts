import type { StateStore } from '../backends/store.js'
import type { Clock, Timer } from '../clock.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { type Notice, tellTransitions } from '../state/told.js'
import type { StateDocument } from '../state/window.js'
import type { Reporter } from './warnings.js'
import { sendWebhook, type Webhook } from './webhook.js'

/** A transition of the site's state, of which somebody is told: once for all instances. */
export interface Notification extends Notice {
  /** The same however often it is sent: whoever gets it twice can tell. */
  readonly id: string
  /** When it was told, ISO 8601. */
  readonly at: string
  /** The setting `siteUrl`. */
  readonly site: string | undefined
  /** The instance that tells it. */
  readonly instance: string
}

/** Who is told: a webhook, or code of one's own. */
export type NotifyTarget = Webhook | ((notification: Notification) => unknown)

export interface NotifierOptions {
  targets: readonly NotifyTarget[]
  site: string | undefined
  instance(): string
  store: StateStore
  clock: Clock
  reporter: Reporter
  /** Takes over the document in which it stands that something was told. */
  adopt(document: StateDocument): void
}

/** Tells people what becomes of the site. Of a fleet, one instance does: the one whose write says so first. */
export interface Notifier {
  look(snapshot: Snapshot): void
  stop(): void
}

/** All instances learn of a change in the same moment: the one that is first writes, and the others then see that. Milliseconds. */
const spread = 500
/** After a failure, in milliseconds. */
const pauses = [1000, 10_000, 60_000] as const

const noting = 'taking note of what was told (`notify`)'

export function createNotifier(options: NotifierOptions): Notifier {
  const { targets, site, instance, store, clock, reporter, adopt } = options
  const timers = new Set<Timer>()
  let planned = false
  let stopped = false
  let failures = 0

  const after = (delay: number, work: () => Promise<void>): void => {
    if (stopped) return
    const timer = clock.setTimer(() => {
      timers.delete(timer)
      void work()
    }, delay)
    timers.add(timer)
  }

  const plan = (delay: number): void => {
    if (planned) return
    planned = true
    after(delay, claim)
  }

  async function claim(): Promise<void> {
    planned = false
    try {
      const { document, result } = await store.commit((stored) => tellTransitions(stored, clock.now()))
      failures = 0
      reporter.succeeded(noting)
      if (result.length === 0) return
      adopt(document)
      result.forEach((notice, index) => {
        const id = `${document.id}-${document.revision}-${index}`
        const at = new Date(clock.now()).toISOString()
        for (const target of targets) void attempt(target, { id, at, ...notice, site, instance: instance() }, 0)
      })
    } catch (error) {
      // Another instance may manage; if not, this one tries again.
      reporter.failed(noting, error)
      plan(pauses[Math.min(failures++, pauses.length - 1)] as number)
    }
  }

  async function attempt(target: NotifyTarget, notification: Notification, failed: number): Promise<void> {
    const place = typeof target === 'function' ? 'notify' : `notify (${new URL(target.url).host})`
    try {
      await (typeof target === 'function' ? target(notification) : sendWebhook(target, notification, clock))
      reporter.succeeded(place)
    } catch (error) {
      reporter.failed(place, error)
      const pause = pauses[failed]
      if (pause !== undefined) after(pause, () => attempt(target, notification, failed + 1))
    }
  }

  return {
    look({ document, status }) {
      if (!document || status !== 'ready' || stopped) return
      if (tellTransitions(document, clock.now()).document !== document) plan(Math.random() * spread)
    },
    stop() {
      stopped = true
      for (const timer of timers) timer.cancel()
    },
  }
}
