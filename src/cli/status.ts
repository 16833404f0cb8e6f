import { closuresOf } from '../state/closure.js'
import { currentFormat } from '../state/document.js'
import { alwaysOpen, type EffectiveModes, effectiveModes, isLive } from '../state/effective-mode.js'
import { occurrenceAt, type Phase, phaseOf } from '../state/occurrence.js'
import { type StateDocument, type Window, wholeSite } from '../state/window.js'
import type { CommonOptions, Context } from './context.js'
import { type Around, instancesRows, lookAround } from './instances.js'
import type { Outcome, Row } from './outcome.js'
import { type KnownScopeStatus, scopeRows, scopesNow } from './scopes.js'
import { modeText, planned, reopeningText, sinceText, stateText, suspensions, windowRows } from './window-text.js'

export interface StatusOptions extends CommonOptions {
  exitCode?: boolean
}

const notOff = 10

/** Of many tenants, so many are named in the first line. */
const shown = 5

/** What holds now, and why. */
export async function status(context: Context, options: StatusOptions): Promise<Outcome> {
  const { settings, store, files, site, now } = context
  const pinned = settings.mode !== undefined
  // A pinned mode is decided without the state, which may then be out of reach.
  const [document, around] = pinned ? [] : await Promise.all([store.read(), lookAround(context)])
  const modes = document ? effectiveModes(document, now()) : alwaysOpen
  const closure = closuresOf(modes).site
  const mode = settings.mode ?? closure?.mode ?? 'off'
  const reopening = closure?.ramps && new Date(Math.max(...closure.ramps.map(({ until }) => until)))
  const found = windowsOf(document?.windows ?? [], modes, now())
  const scopes = around ? scopesNow(modes, context, around) : []
  const closed = mode !== 'off' || scopes.some((apart) => apart.mode !== 'off')
  return {
    headline: `Maintenance mode is ${reopening ? reopeningText(reopening, context) : `${modeText(mode)}${closure?.since ? sinceText(closure.since, context) : ''}`}${apartText(scopes)}`,
    closed,
    rows: [
      ...[...found.windows, ...found.suspensions, ...found.suspended, ...found.planned].flatMap((window) =>
        windowRows(window, context),
      ),
      ...scopeRows(scopes, context),
      ...(around ? stateRows(document, around, context) : pinnedRows),
      ['settings', site === undefined ? ['the environment', ...files].join(', ') : `those of the site at ${site}`],
    ],
    exitCode: options.exitCode && closed ? notOff : 0,
    data: {
      mode,
      pinned,
      since: closure?.since,
      until: closure?.until,
      reopening,
      reason: closure?.reason,
      scopes,
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

function apartText(scopes: readonly KnownScopeStatus[]): string {
  const told = scopes.slice(0, shown).map(({ scope, mode }) => `${modeText(mode)} for "${scope}"`)
  if (scopes.length > shown) told.push(`${scopes.length - shown} more`)
  return told.length === 0 ? '' : `; ${told.join(', ')}`
}

/** What closes the site; what keeps it open, and the windows that are therefore without effect; what comes. */
function windowsOf(
  all: readonly Window[],
  modes: EffectiveModes,
  now: number,
): Record<'windows' | 'suspensions' | 'suspended' | 'planned', Window[]> {
  const closes = (window: Window): boolean => modes.get(window.scope)?.windows.includes(window) ?? false
  return {
    windows: [...(modes.get(wholeSite)?.windows ?? [])],
    suspensions: suspensions(all, now),
    suspended: all.filter((window) => window.mode !== 'off' && isLive(window, now) && !closes(window)),
    planned: planned(all, now),
  }
}
