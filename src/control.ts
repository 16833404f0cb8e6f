import type { StateStore } from './backends/store.js'
import type { Clock } from './clock.js'
import { MaintenanceError, NotConfirmedError, PinnedModeError, TimeError } from './errors.js'
import { awaitFleet, type FleetReport } from './fleet/convergence.js'
import type { TargetState } from './fleet/judgement.js'
import { readWait, type Wait } from './fleet/wait.js'
import {
  assertName,
  assertOptions,
  closeOptions,
  leaseOptions,
  type ModeOptions,
  modeOptions,
  planOptions,
  readMode,
  readRamp,
  readText,
  type Time,
} from './mode-options.js'
import { parseInstant } from './settings/instant.js'
import { closeWindows } from './state/closing.js'
import { effectiveMode } from './state/effective-mode.js'
import { keepLease, openLease, renewLease } from './state/leases.js'
import type { Actor, WindowTerms } from './state/terms.js'
import { extendWindow, openByHand, openedScopes, type Transition } from './state/transitions.js'
import { type Mode, manualId, type StateDocument, type Window, wholeSite } from './state/window.js'

/** What a change of the mode did. */
export interface ModeChange {
  /** The effective mode now. Not what was asked for where a window starts later, or others keep the site closed. */
  mode: Mode
  revision: number
  /** The window that was opened or updated. */
  window: Window | undefined
  /** Since when that window had already been open. */
  alreadySince: string | undefined
  closed: Window[]
  /** When everybody is let in, where that goes little by little (`ramp`): until then the mode stays. */
  reopening: Date | undefined
  /** What still closes the site. */
  remaining: Window[]
  /** Where a damaged state was put before a new one was begun. */
  keptAside: string | undefined
  /** Who decides by it, where that was waited for. */
  fleet: FleetReport | undefined
}

/** What a program asks of a window it holds. */
export interface LeaseTerms extends Omit<ModeOptions, 'start' | 'all' | 'ramp'> {
  mode: Mode | boolean
  holder: string
  leaseUntil: number
  onLapse: 'reopen' | 'keep'
  id: string
}

export type PlanOptions = Omit<ModeOptions, 'all' | 'wait'> & { mode?: Mode | boolean | undefined }

export type PlanTransition = (
  document: StateDocument,
  terms: WindowTerms & { mode: Mode | undefined; scope: string },
  actor: Actor,
  now: number,
) => Transition<Window>

/** Everything that changes the state, for code, control URLs and the command line alike. */
export interface Control {
  setMode(mode: Mode | boolean, options?: ModeOptions): Promise<ModeChange>
  closeWindow(id: string, options?: Pick<ModeOptions, 'scope' | 'by' | 'from'>): Promise<ModeChange>
  extend(duration: number, options?: Pick<ModeOptions, 'id' | 'scope' | 'by' | 'from' | 'wait'>): Promise<ModeChange>
  /** Plans, or changes what is planned: what is said of the window is checked, and handed on with what a transition needs. */
  plan(options: PlanOptions, transition: PlanTransition): Promise<ModeChange>
  /** `onStored` is called when the window is there, while the fleet is still waited for. */
  openLease(terms: LeaseTerms, onStored?: () => void): Promise<ModeChange>
  /** `false`: the window is no longer there. */
  renewLease(lease: Lease & { leaseUntil: number }): Promise<boolean>
  /** Closes what this holder holds, and nothing else of that name. */
  closeLease(lease: Lease, by: Pick<ModeOptions, 'by' | 'from'>): Promise<ModeChange>
  /** Lets go of what this holder holds, and leaves it closed, with what there is to note. No window: it is no longer there. */
  keepLease(lease: Lease, why: Pick<ModeOptions, 'by' | 'from' | 'note'>): Promise<ModeChange>
}

/** What names a window that a program holds. */
export interface Lease {
  id: string
  /** Default: `*`, the whole site. */
  scope?: string | undefined
  holder: string
}

export interface ControlOptions {
  store: StateStore
  clock: Clock
  timezone: string
  /** Throws for the name of a scope that there is not. */
  assertScope(scope: string): unknown
  /** The mode that the setting `mode` pins. */
  pinned: Mode | undefined
  actor: Actor
  /** Told of every document that was written, or found to need no change; its revision is 0 where nothing is stored. */
  onWrite(document: StateDocument): unknown
  /** Of the instances, in milliseconds. */
  pollInterval: number
  /** Milliseconds. */
  drainTimeout: number
  /** What is known of the fleet while it is waited for. */
  onProgress?(report: FleetReport): void
}

export function createControl({
  store,
  clock,
  timezone,
  assertScope,
  pinned,
  actor,
  onWrite,
  pollInterval,
  drainTimeout,
  onProgress,
}: ControlOptions): Control {
  const now = (): number => clock.now()
  const actorOf = ({ by, from }: Pick<ModeOptions, 'by' | 'from'>): Actor => ({
    by: by ?? actor.by,
    from: from ?? actor.from,
  })

  async function commit<Result>(
    transition: (document: StateDocument) => Transition<Result>,
    report: (result: Result) => Partial<ModeChange>,
    {
      scope,
      replace = false,
      wait,
      drains = false,
      onStored,
    }: {
      scope: string
      replace?: boolean
      wait?: Wait | undefined
      /** What had been let in is waited for as well. */
      drains?: boolean
      onStored?: (() => void) | undefined
    },
  ): Promise<ModeChange> {
    if (pinned !== undefined) {
      throw new PinnedModeError(
        `The mode is pinned to "${pinned}" by the setting \`mode\` (MAINTENANCE_MODE), so it cannot be switched. Take the setting away, and restart what has it.`,
      )
    }
    const unknown = scope === wholeSite ? undefined : await problemOf(() => assertScope(scope))
    const checked = (before: StateDocument): Transition<Result> => {
      // What is left of a scope that is gone can be closed, and nothing more can be opened in it.
      if (unknown && !before.windows.some((window) => window.scope === scope)) throw unknown.error
      const made = transition(before)
      if (unknown && openedScopes(before, made.document).includes(scope)) throw unknown.error
      return made
    }
    const { document, result, keptAside } = await store.commit(checked, { replace })
    await onWrite(document)
    onStored?.()
    const { mode, windows } = effectiveMode(document, now(), scope)
    const change = {
      mode,
      revision: document.revision,
      window: undefined,
      alreadySince: undefined,
      reopening: undefined,
      closed: [],
      keptAside,
      fleet: undefined,
    }
    const made = { ...change, remaining: mode === 'off' ? [] : [...windows], ...report(result) }
    if (wait === undefined) return made
    const { id, revision } = document
    const target = (): TargetState => {
      const closed = drains && effectiveMode(document, now(), scope).mode !== 'off'
      const drain = closed ? drainTimeout : undefined
      return { document: id, revision, mode: effectiveMode(document, now()).mode, drainTimeout: drain }
    }
    const fleet = await awaitFleet({ backend: store.backend, clock, pollInterval, target, wait, onProgress })
    if (fleet.problem === undefined) return { ...made, fleet }
    throw new NotConfirmedError(`${fleet.problem} The change stands.`, { ...made, fleet }, fleet)
  }

  function termsOf(options: ModeOptions): WindowTerms {
    const instant = (time: Time | null | undefined): number | null | undefined =>
      time === null || time === undefined ? time : parseInstant(time, { timezone, now: now() }).getTime()
    return {
      start: instant(options.start) ?? undefined,
      end: instant(options.end),
      expectedEnd: instant(options.expectedEnd),
      reason: readText('reason', options.reason),
      note: readText('note', options.note),
    }
  }

  function close(options: ModeOptions & { holder?: string }, replace: boolean): Promise<ModeChange> {
    const { id, all, holder, scope = wholeSite } = options
    const wait = readWait(options.wait)
    const ramp = readRamp(options.ramp)
    return commit(
      (document) => closeWindows(document, { id, all, holder, scope, ramp }, actorOf(options), now()),
      ({ reopening, ...result }) => ({
        ...result,
        reopening: reopening === undefined ? undefined : new Date(reopening),
      }),
      { scope, replace, wait },
    )
  }

  return {
    async setMode(asked, options = {}) {
      const mode = readMode(asked)
      assertOptions(options, modeOptions)
      const { id = manualId, scope = wholeSite } = options
      if (mode === 'off') {
        for (const name of ['start', 'end', 'expectedEnd'] as const) {
          if (options[name] != null) {
            throw new TimeError(
              `\`off\` takes no ${name}: it reopens now. For a time to reopen at, give \`on\` an end.`,
            )
          }
        }
        return close(options, true)
      }
      if (options.ramp !== undefined) throw new TimeError('Only `off` takes a ramp: it is how the site reopens.')
      const terms = termsOf(options)
      const wait = readWait(options.wait)
      return commit(
        (document) => openByHand(document, { ...terms, id, mode, scope }, actorOf(options), now()),
        ({ window, since }) => ({ window, alreadySince: since }),
        { scope, replace: true, wait, drains: true },
      )
    },
    async closeWindow(id, options = {}) {
      assertOptions(options, closeOptions)
      assertName('id', id)
      const change = await close({ ...options, id }, false)
      if (change.closed.length > 0) return change
      throw new MaintenanceError('ERR_MAINTENANCE_WINDOW', `There is no window "${id}" to close.`)
    },
    async extend(duration, options = {}) {
      const { id = manualId, scope = wholeSite } = options
      assertOptions(options, ['id', 'wait', ...closeOptions])
      const wait = readWait(options.wait)
      return commit(
        (document) => extendWindow(document, { id, scope, duration }, actorOf(options), now()),
        (window) => ({ window }),
        { scope, wait },
      )
    },
    async plan({ mode: asked, ...options }, transition) {
      assertOptions(options, planOptions)
      const mode = asked === undefined ? undefined : readMode(asked)
      const { scope = wholeSite } = options
      const terms = { ...termsOf(options), mode, scope }
      return commit(
        (document) => transition(document, terms, actorOf(options), now()),
        (window) => ({ window }),
        { scope },
      )
    },
    async openLease({ id, holder, leaseUntil, onLapse, ...options }, onStored) {
      const mode = readMode(options.mode)
      const { scope = wholeSite } = options
      assertOptions({ ...options, id }, leaseOptions)
      if (onLapse !== 'reopen' && onLapse !== 'keep') {
        throw new MaintenanceError('ERR_MAINTENANCE_SETTING', "The option `onLapse` must be 'reopen' or 'keep'.")
      }
      const terms = termsOf(options)
      const wait = readWait(options.wait)
      return commit(
        (document) =>
          openLease(document, { ...terms, id, mode, scope, holder, leaseUntil, onLapse }, actorOf(options), now()),
        ({ window }) => ({ window }),
        { scope, wait, drains: true, onStored },
      )
    },
    async renewLease(lease) {
      const { scope = wholeSite } = lease
      const { document, result } = await store.commit((stored) => renewLease(stored, { ...lease, scope }, now()))
      await onWrite(document)
      return result
    },
    closeLease: (lease, by) => close({ ...by, ...lease }, false),
    async keepLease({ scope = wholeSite, ...lease }, { note, ...by }) {
      const ask = { ...lease, scope, note: readText('note', note) }
      return commit(
        (document) => keepLease(document, ask, actorOf(by), now()),
        (window) => ({ window }),
        { scope },
      )
    },
  }
}

async function problemOf(check: () => unknown): Promise<{ error: unknown } | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    return { error }
  }
}
