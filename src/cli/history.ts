import { formatInstant } from '../settings/instant.js'
import { endings } from '../state/history.js'
import { type HistoryEntry, isHistoryEntry } from '../state/window.js'
import type { CommonOptions, Context } from './context.js'
import type { Outcome, Table } from './outcome.js'
import { idText, stateText } from './window-text.js'

export interface HistoryOptions extends CommonOptions {
  last?: string
}

const usual = 20

/** Who did what, when, why and from where, the latest last. */
export async function history(context: Context, { last = String(usual) }: HistoryOptions): Promise<Outcome> {
  const document = await context.store.read()
  // What has ended by the clock is written with the next change only.
  const all = document ? [...document.history, ...endings(document, context.now())].filter(isHistoryEntry) : []
  const shown = all.slice(-Number(last))
  return {
    headline: headlineOf(shown.length, all.length),
    closed: false,
    rows: [['state', stateText(context, document?.revision)]],
    table: tableOf(shown, context.timezone()),
    data: { history: shown, revision: document?.revision, stateBackend: context.store.backend.address },
  }
}

function headlineOf(shown: number, all: number): string {
  if (all === 0) return 'Nothing has been switched yet'
  return shown === all
    ? `All that is kept: ${all}`
    : `The last ${shown} of ${all}: \`--last ${all}\` shows all that is kept`
}

function tableOf(entries: readonly HistoryEntry[], timezone: string): Table {
  return {
    head: ['when', 'what', 'window', 'by', 'from', 'why'],
    lines: entries.map((entry) => ({
      cells: [
        formatInstant(new Date(entry.at), timezone),
        whatOf(entry, timezone),
        idText({ id: entry.window, scope: entry.scope }),
        entry.by,
        entry.from,
        [entry.reason, entry.note && `note: ${entry.note}`].filter((text) => text !== undefined).join('; '),
      ].map(String),
      loud: false,
    })),
  }
}

function whatOf({ action, mode, start, end }: HistoryEntry, timezone: string): string {
  if (action === 'plan' && start !== undefined && end !== undefined) {
    const [from, to] = [start, end].map((time) => formatInstant(new Date(time), timezone))
    return `planned it from ${from} to ${to}`
  }
  if (action === 'open') return mode === 'off' ? 'opened the site' : `closed the site (${mode})`
  return words[action] ?? action
}

const words: Readonly<Record<string, string>> = {
  update: 'changed the window',
  extend: 'moved its end',
  ramp: 'began to reopen it',
  close: 'reopened',
  keep: 'left it closed',
  end: 'ended by the clock',
  lapse: 'lapsed: its program had stopped',
  plan: 'planned it',
  edit: 'changed the plan',
  skip: 'skipped an occurrence',
  remove: 'removed the plan',
}
