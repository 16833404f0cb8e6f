import { closuresAt } from '../state/closure.js'
import { currentFormat } from '../state/document.js'
import { effectiveMode, isLive } from '../state/effective-mode.js'
import { occurrenceAt, type Phase, phaseOf } from '../state/occurrence.js'
import type { StateDocument, Window } from '../state/window.js'
import type { CommonOptions, Context } from './context.js'
import { type Around, instancesRows, lookAround } from './instances.js'
import type { Outcome, Row } from './outcome.js'
import { planned, sinceText, stateText, suspensions, windowRows } from './window-text.js'

export interface StatusOptions extends CommonOptions {
  exitCode?: boolean
}

const notOff = 10

/** What holds now, and why. */
export async function status(context: Context, options: StatusOptions): Promise<Outcome> {
  const { settings, store, files, site, now } = context
  const pinned = settings.mode !== undefined
  // A pinned mode is decided without the state, which may then be out of reach.
  const [document, around] = pinned ? [] : await Promise.all([store.read(), lookAround(context)])
  const closure = document && closuresAt(document, now()).site
  const mode = settings.mode ?? closure?.mode ?? 'off'
  const found = windowsOf(document, now())
  return {
    headline: `Maintenance mode is ${mode === 'off' ? 'OFF' : 'ON'}${closure?.since ? sinceText(closure.since, context) : ''}`,
    closed: mode !== 'off',
    rows: [
      ...[...found.windows, ...found.suspensions, ...found.suspended, ...found.planned].flatMap((window) =>
        windowRows(window, context),
      ),
      ...(around ? stateRows(document, around, context) : pinnedRows),
      ['settings', site === undefined ? ['the environment', ...files].join(', ') : `those of the site at ${site}`],
    ],
    exitCode: options.exitCode && mode !== 'off' ? notOff : 0,
    data: {
      mode,
      pinned,
      since: closure?.since,
      until: closure?.until,
      reason: closure?.reason,
      ...found,
      planned: found.planned.map((window) => plannedData(window, now())),
      revision: document?.revision,
      instances: around?.instances,
      stateBackend: store.backend.address,
      settings: site === undefined ? files : [site],
    },
  }
}

/** With what is derived: where it is in its life, and when it starts next. */
function plannedData(window: Window, now: number): Window & { phase: Phase | undefined; next: Date } {
  return { ...window, phase: phaseOf(window, now), next: new Date(occurrenceAt(window, now).start) }
}

const pinnedRows: Row[] = [
  ['pinned', 'by the setting `mode` (MAINTENANCE_MODE): it beats the stored state, and no command switches it'],
]

function stateRows(document: StateDocument | undefined, around: Around, context: Context): Row[] {
  const rows: Row[] = [['state', stateText(context, document?.revision)], ...instancesRows(around, context)]
  if (document && document.format > currentFormat) {
    rows.push(['format', `${document.format}: a newer maintenance-mode wrote it, and only that can switch it`])
  }
  return rows
}

/** What closes the site; what keeps it open, and the windows that are therefore without effect; what comes. */
function windowsOf(
  document: StateDocument | undefined,
  now: number,
): Record<'windows' | 'suspensions' | 'suspended' | 'planned', Window[]> {
  const all = document?.windows ?? []
  const windows = document ? [...effectiveMode(document, now).windows] : []
  return {
    windows,
    suspensions: suspensions(all, now),
    suspended: all.filter((window) => window.mode !== 'off' && isLive(window, now) && !windows.includes(window)),
    planned: planned(all, now),
  }
}
