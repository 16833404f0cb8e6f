import type { ModeChange } from '../control.js'
import { TimeError } from '../errors.js'
import { parseDuration } from '../settings/duration.js'
import { isLive } from '../state/effective-mode.js'
import type { Window } from '../state/window.js'
import type { Context } from './context.js'
import type { Row } from './outcome.js'
import { instancesText, stateText } from './window-text.js'

/** A change of the state, for programs. */
export function changeData(change: ModeChange, { store }: Context): Record<string, unknown> {
  return { ...change, stateBackend: store.backend.address }
}

/** What every change tells at its end: where the state is, who decides by it, and what became of a damaged one. */
export function changeRows({ revision, keptAside }: ModeChange, context: Context): Row[] {
  const rows: Row[] = [
    ['state', stateText(context, revision)],
    ['applies to', instancesText(context)],
  ]
  if (keptAside !== undefined)
    rows.unshift(['damaged', `the stored state was damaged: a copy of it is kept at ${keptAside}`])
  return rows
}

/** The windows that keep the site open although others are open. */
export function suspensions(windows: readonly Window[], now: number): Window[] {
  return windows.filter((window) => window.mode === 'off' && isLive(window, now))
}

/** @throws TimeError for what is no duration, and for none at all */
export function parseLength(text: string): number {
  const length = parseDuration(text)
  if (length > 0) return length
  throw new TimeError(`The duration "${text}" is none at all: write for example 15m or 1h30m.`)
}
