import { hostname, userInfo } from 'node:os'
import { systemClock } from '../clock.js'
import { type Control, createControl, type ModeChange } from '../control.js'
import { TimeError } from '../errors.js'
import { parseDuration } from '../settings/duration.js'
import type { StateDocument } from '../state/window.js'
import type { Context } from './context.js'
import type { Row } from './outcome.js'
import { instancesText, stateText } from './window-text.js'

/** A change of the state in the name of who runs the command, with the documents before and after it. */
export interface Change extends ModeChange {
  before: StateDocument
  after: StateDocument
}

export async function changeState(
  { store, timezone, settings }: Context,
  work: (control: Control) => Promise<ModeChange>,
): Promise<Change> {
  let before: StateDocument | undefined
  let after: StateDocument | undefined
  const control = createControl({
    store: {
      ...store,
      commit(transition, options) {
        return store.commit((document) => {
          before = document
          return transition(document)
        }, options)
      },
    },
    clock: systemClock,
    timezone: timezone(),
    pinned: settings.mode,
    actor: { by: userName(), from: `cli@${hostname()}` },
    onWrite(document) {
      after = document
    },
  })
  const change = await work(control)
  return { ...change, before: before as StateDocument, after: after as StateDocument }
}

/** A change of the state, for programs. */
export function changeData({ before, after, ...change }: Change, { store }: Context): Record<string, unknown> {
  return { ...change, stateBackend: store.backend.address }
}

/** What every change tells at its end: where the state is, who decides by it, and what became of a damaged one. */
export function changeRows({ revision, keptAside }: ModeChange, context: Context): Row[] {
  const rows: Row[] = [
    ['state', stateText(context, revision)],
    ['applies to', instancesText(context)],
  ]
  if (keptAside !== undefined) {
    rows.unshift(['damaged', `what was stored could not be read; a copy is kept at ${keptAside}`])
  }
  return rows
}

/** @throws TimeError for what is no duration, and for none at all */
export function parseLength(text: string): number {
  const length = parseDuration(text)
  if (length > 0) return length
  throw new TimeError(`The duration "${text}" is none at all: write for example 15m or 1h30m.`)
}

function userName(): string {
  try {
    return process.env.SUDO_USER || userInfo().username
  } catch {
    // A container may run as a user id that has no name.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
