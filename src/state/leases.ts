import { hasEnded } from './effective-mode.js'
import { change, entry } from './history.js'
import { type Actor, assertTimes, hasName, toInstant, type WindowName, type WindowTerms, withTerms } from './terms.js'
import { type Opened, refuseTaken, type Transition, withNew } from './transitions.js'
import type { Mode, StateDocument, Window } from './window.js'

/** Opens a window that a running program holds and renews. */
export function openLease(
  document: StateDocument,
  ask: WindowTerms & {
    id: string
    mode: Mode
    scope: string
    holder: string
    leaseUntil: number
    onLapse: 'reopen' | 'keep'
  },
  actor: Actor,
  now: number,
): Transition<Opened> {
  const { id, mode, scope, holder, onLapse } = ask
  const leaseUntil = toInstant(ask.leaseUntil)
  const base: Window = {
    id,
    origin: 'leased',
    mode,
    scope,
    start: toInstant(now),
    holder,
    leaseUntil,
    onLapse,
    ...actor,
  }
  const window = withTerms(base, ask)
  assertTimes(window, ask, now)
  refuseTaken(document, ask, now)
  return {
    document: change(document, withNew(document, window, now), [entry('open', window, actor, now)], now),
    result: { window, since: undefined },
  }
}

/** Pushes a lease forward. `false`: the window is gone, somebody else closed it. Writes no history. */
export function renewLease(
  document: StateDocument,
  ask: WindowName & { holder: string; leaseUntil: number },
  now: number,
): Transition<boolean> {
  const held = document.windows.find((window) => hasName(window, ask) && window.holder === ask.holder)
  // One that has lapsed meanwhile is renewed nevertheless: its holder lives.
  if (!held || hasEnded({ ...held, leaseUntil: undefined }, now)) return { document, result: false }
  const renewed: Window = { ...held, leaseUntil: toInstant(ask.leaseUntil) }
  return {
    document: { ...document, windows: document.windows.map((window) => (window === held ? renewed : window)) },
    result: true,
  }
}

/** Lets go of a lease: it has lapsed, and is kept closed. Undefined: the window is gone. */
export function keepLease(
  document: StateDocument,
  ask: WindowName & { holder: string; note: string | null | undefined },
  actor: Actor,
  now: number,
): Transition<Window | undefined> {
  const held = document.windows.find(
    (window) =>
      hasName(window, ask) && window.origin === 'leased' && !hasEnded({ ...window, leaseUntil: undefined }, now),
  )
  // Nobody holds what has been let go of before.
  if (held?.holder !== ask.holder) return { document, result: held?.holder === undefined ? held : undefined }
  const { holder, ...rest } = held
  const window = withTerms({ ...rest, leaseUntil: toInstant(now), onLapse: 'keep' }, { note: ask.note })
  const windows = document.windows.map((one) => (one === held ? window : one))
  return { document: change(document, windows, [entry('keep', window, actor, now)], now), result: window }
}
