import type { StateStore } from './backends/store.js'
import type { Clock } from './clock.js'
import { MaintenanceError, NotYetError, PinnedModeError } from './errors.js'
import { parseInstant } from './settings/instant.js'
import { didYouMean } from './settings/nearest.js'
import { effectiveMode } from './state/effective-mode.js'
import {
  type Actor,
  closeWindows,
  extendWindow,
  openByHand,
  openLease,
  renewLease,
  type Transition,
  type WindowTerms,
} from './state/transitions.js'
import { type Mode, manualId, type StateDocument, type Window, wholeSite } from './state/window.js'

/** A time as people give it: a Date, ISO 8601, or a time without a zone, read in the setting `timezone`. */
export type Time = Date | string

/** What can be said of a window that is opened by hand. `null` takes away what an open one has, `undefined` leaves it. */
export interface ModeOptions {
  /** Default: now. */
  start?: Time | undefined
  /** The site reopens by itself then. Default: open end. */
  end?: Time | null | undefined
  /** Told to people; reopens nothing. */
  expectedEnd?: Time | null | undefined
  /** Public: shown on the page. */
  reason?: string | null | undefined
  /** For the history only. */
  note?: string | null | undefined
  /** Default: `*`, the whole site. */
  scope?: string | undefined
  /** Tells several windows opened by hand apart. Default: `manual`. With `off`, the one window to close. */
  id?: string | undefined
  /** With `off`: every scope, and live leases of others too. */
  all?: boolean | undefined
  /** Who does it. */
  by?: string | undefined
  /** From where. */
  from?: string | undefined
}

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
  /** What still closes the site. */
  remaining: Window[]
  /** Where a damaged state was put before a new one was begun. */
  keptAside: string | undefined
}

/** What a program asks of a window it holds. */
export interface LeaseTerms extends Omit<ModeOptions, 'start' | 'all'> {
  mode: Mode | boolean
  holder: string
  leaseUntil: number
  onLapse: 'reopen' | 'keep'
  id: string
}

/** Everything that changes the state, for code, control URLs and the command line alike. */
export interface Control {
  setMode(mode: Mode | boolean, options?: ModeOptions): Promise<ModeChange>
  closeWindow(id: string, options?: Pick<ModeOptions, 'scope' | 'by' | 'from'>): Promise<ModeChange>
  extend(duration: number, options?: Pick<ModeOptions, 'id' | 'scope' | 'by' | 'from'>): Promise<ModeChange>
  openLease(terms: LeaseTerms): Promise<ModeChange>
  /** `false`: somebody else closed the window. */
  renewLease(lease: { id: string; holder: string; leaseUntil: number }): Promise<boolean>
}

export interface ControlOptions {
  store: StateStore
  clock: Clock
  timezone: string
  /** The mode that the setting `mode` pins. */
  pinned: Mode | undefined
  actor: Actor
  /** Told of every document that was written. */
  onWrite(document: StateDocument): void
}

const longestText = 2000
const modeOptions = ['start', 'end', 'expectedEnd', 'reason', 'note', 'scope', 'id', 'all', 'by', 'from']

export function createControl({ store, clock, timezone, pinned, actor, onWrite }: ControlOptions): Control {
  const now = (): number => clock.now()
  const actorOf = ({ by, from }: Pick<ModeOptions, 'by' | 'from'>): Actor => ({
    by: by ?? actor.by,
    from: from ?? actor.from,
  })

  async function commit<Result>(
    transition: (document: StateDocument) => Transition<Result>,
    report: (result: Result) => Partial<ModeChange>,
    options?: { replaceDamaged: boolean },
  ): Promise<ModeChange> {
    if (pinned !== undefined) {
      throw new PinnedModeError(
        `The mode is pinned to "${pinned}" by the setting \`mode\` (MAINTENANCE_MODE), so it cannot be switched. Take the setting away, and restart what has it.`,
      )
    }
    const { document, result, keptAside } = await store.commit(transition, options)
    onWrite(document)
    const { mode, windows } = effectiveMode(document, now())
    const change = {
      mode,
      revision: document.revision,
      window: undefined,
      alreadySince: undefined,
      closed: [],
      keptAside,
    }
    return { ...change, remaining: mode === 'off' ? [] : [...windows], ...report(result) }
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

  function close(options: ModeOptions, replaceDamaged: boolean): Promise<ModeChange> {
    const { id, all, scope = wholeSite } = options
    return commit(
      (document) => closeWindows(document, { id, all, scope }, actorOf(options), now()),
      (result) => result,
      { replaceDamaged },
    )
  }

  return {
    async setMode(asked, options = {}) {
      const mode = readMode(asked)
      assertOptions(options)
      const { id = manualId, scope = wholeSite } = options
      if (mode === 'off') {
        for (const name of ['start', 'end', 'expectedEnd'] as const) {
          if (options[name] != null) {
            throw new MaintenanceError(
              'ERR_MAINTENANCE_TIME',
              `\`off\` takes no ${name}: it reopens now. For a time to reopen at, give \`on\` an end.`,
            )
          }
        }
        return close(options, true)
      }
      const terms = termsOf(options)
      return commit(
        (document) => openByHand(document, { ...terms, id, mode, scope }, actorOf(options), now()),
        ({ window, since }) => ({ window, alreadySince: since }),
        { replaceDamaged: true },
      )
    },
    async closeWindow(id, options = {}) {
      const change = await close({ ...options, id }, false)
      if (change.closed.length > 0) return change
      throw new MaintenanceError('ERR_MAINTENANCE_WINDOW', `There is no window "${id}" to close.`)
    },
    async extend(duration, options = {}) {
      const { id = manualId, scope = wholeSite } = options
      assertScope(scope)
      return commit(
        (document) => extendWindow(document, { id, scope, duration }, actorOf(options), now()),
        (window) => ({ window }),
      )
    },
    async openLease({ id, holder, leaseUntil, onLapse, ...options }) {
      const mode = readMode(options.mode)
      const { scope = wholeSite } = options
      assertScope(scope)
      const terms = termsOf(options)
      return commit(
        (document) =>
          openLease(document, { ...terms, id, mode, scope, holder, leaseUntil, onLapse }, actorOf(options), now()),
        ({ window }) => ({ window }),
      )
    },
    async renewLease(lease) {
      const { document, result } = await store.commit((stored) => renewLease(stored, lease))
      onWrite(document)
      return result
    },
  }
}

function readMode(mode: unknown): Mode {
  if (mode === true || mode === 'on') return 'on'
  if (mode === false || mode === 'off') return 'off'
  if (mode === 'read-only' || mode === 'hold') {
    throw new NotYetError(`The mode "${mode}" is not built yet in this version: \`on\` and \`off\` are.`)
  }
  throw new MaintenanceError(
    'ERR_MAINTENANCE_SETTING',
    `The mode must be 'on', 'off', true or false; got ${typeof mode === 'string' ? `"${mode}"` : String(mode)}.`,
  )
}

function assertOptions(options: ModeOptions): void {
  for (const name of Object.keys(options)) {
    if (!modeOptions.includes(name)) {
      throw new MaintenanceError(
        'ERR_MAINTENANCE_SETTING',
        `Unknown option \`${name}\`.${didYouMean(name, modeOptions)}`,
      )
    }
  }
  assertScope(options.scope)
}

function assertScope(scope: string | undefined): void {
  if (scope !== undefined && scope !== wholeSite) {
    throw new NotYetError(
      `Scopes are not built yet in this version: "${scope}" cannot be switched, only the whole site ("*").`,
    )
  }
}

function readText(name: string, text: string | null | undefined): string | null | undefined {
  if (text === null || text === undefined) return text
  if (typeof text !== 'string' || text.length > longestText) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_SETTING',
      `The ${name} must be a string of at most ${longestText} characters.`,
    )
  }
  return text.trim() === '' ? null : text
}
