import { systemClock } from '../clock.js'
import { type Control, createControl, type ModeChange } from '../control.js'
import { hasCode, type NotConfirmedError, TimeError } from '../errors.js'
import { type FleetReport, unseenBound } from '../fleet/convergence.js'
import type { WaitOptions } from '../fleet/wait.js'
import { formatDuration, parseDuration } from '../settings/duration.js'
import type { StateDocument } from '../state/window.js'
import type { CommonOptions, Context } from './context.js'
import { type Around, instancesRows, lookAround } from './instances.js'
import type { Outcome, Row } from './outcome.js'
import { createProgress } from './progress.js'
import { assertScope } from './scopes.js'
import { stateText } from './window-text.js'

/** A change of the state in the name of who runs the command, with the documents before and after it. */
export interface Change extends ModeChange {
  before: StateDocument
  after: StateDocument
  around: Around
  /** Why the fleet has not confirmed it, where that was waited for. */
  unconfirmed: string | undefined
}

/** The options of every command that can wait for the fleet. */
export interface WaitingOptions extends CommonOptions {
  wait?: boolean
  timeout?: string
  instances?: string
  ignoreLost?: boolean
}

export function waitOf({ wait, timeout, instances, ignoreLost }: WaitingOptions): WaitOptions | undefined {
  if (!wait) return undefined
  return { timeout, instances: instances === undefined ? undefined : Number(instances), ignoreLost }
}

export async function changeState(context: Context, work: (control: Control) => Promise<ModeChange>): Promise<Change> {
  const { store, timezone, settings, actor } = context
  const progress = createProgress()
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
    assertScope: (scope) => assertScope(context, scope),
    pinned: settings.mode,
    actor: actor(),
    onWrite(document) {
      after = document
    },
    pollInterval: settings.pollInterval,
    drainTimeout: settings.drainTimeout,
    onProgress: progress.show,
  })
  let unconfirmed: string | undefined
  const change = await work(control)
    .catch((error) => {
      if (!hasCode(error, 'ERR_MAINTENANCE_NOT_CONFIRMED')) throw error
      unconfirmed = error.message
      return (error as NotConfirmedError).change
    })
    .finally(progress.end)
  const instances = change.fleet?.instances ?? []
  const around = instances.length > 0 ? { instances } : await lookAround(context)
  return { ...change, before: before as StateDocument, after: after as StateDocument, around, unconfirmed }
}

/** A change of the state, for programs. */
export function changeData(
  { before, after, around, unconfirmed, ...change }: Change,
  { store }: Context,
): Record<string, unknown> {
  return { ...change, instances: around.instances, stateBackend: store.backend.address }
}

/** What every change tells at its end: where the state is, who decides by it, and what became of a damaged one. */
export function changeRows({ revision, keptAside, fleet, around }: Change, context: Context): Row[] {
  const rows: Row[] = [['state', stateText(context, revision)], ...instancesRows(around, context)]
  if (fleet && fleet.result !== 'unconfirmed') rows.push(['confirmed', confirmedText(fleet, context)])
  for (const { id, verdict, reason } of fleet?.instances ?? []) {
    if (verdict === 'confirmed' && reason !== undefined) rows.push(['but', `${id} ${reason}`, 'loud'])
  }
  if (keptAside !== undefined) {
    rows.unshift(['damaged', `what was stored could not be read; a copy is kept at ${keptAside}`])
  }
  return rows
}

function confirmedText({ result, instances, waited }: FleetReport, { settings }: Context): string {
  if (result === 'unseen') {
    return `nothing was seen, as this backend keeps no list of instances; but as long was waited as a change can stay unseen, ${unseenBound(settings.pollInterval)}`
  }
  const count = instances.filter(({ verdict }) => verdict === 'confirmed').length
  return `by ${count} instance${count === 1 ? '' : 's'}, after ${formatDuration(waited)}`
}

/** What was asked but is not so: something else still decides (`held`), or the fleet has not confirmed it. */
export function problemOf({ unconfirmed }: Change, held: string | undefined): Pick<Outcome, 'problem' | 'problemCode'> {
  if (held === undefined) return { problem: unconfirmed, problemCode: 'ERR_MAINTENANCE_NOT_CONFIRMED' }
  return { problem: unconfirmed === undefined ? held : `${held} ${unconfirmed}` }
}

/** @throws TimeError for what is no duration, and for none at all */
export function parseLength(text: string): number {
  const length = parseDuration(text)
  if (length > 0) return length
  throw new TimeError(`The duration "${text}" is none at all: write for example 15m or 1h30m.`)
}
