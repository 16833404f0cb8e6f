import { closureAt } from '../state/closure.js'
import { currentFormat } from '../state/document.js'
import { effectiveMode, isLive } from '../state/effective-mode.js'
import type { Window } from '../state/window.js'
import type { CommonOptions, Context } from './context.js'
import type { Outcome, Row } from './outcome.js'
import { instancesText, planned, plannedRows, sinceText, stateText, suspensions, windowRows } from './window-text.js'

export interface StatusOptions extends CommonOptions {
  exitCode?: boolean
}

const notOff = 10

/** What holds now, and why. */
export async function status(context: Context, options: StatusOptions): Promise<Outcome> {
  const { settings, store, files, now } = context
  const pinned = settings.mode !== undefined
  // A pinned mode is decided without the state, which may then be out of reach.
  const document = pinned ? undefined : await store.read()
  const windows = document?.windows ?? []
  const closure = document && closureAt(document, now())
  const closing = document ? effectiveMode(document, now()).windows : []
  const mode = settings.mode ?? closure?.mode ?? 'off'
  const suspending = suspensions(windows, now())

  const rows: Row[] = [
    ...closing.flatMap((window) => windowRows(window, context)),
    ...suspensionRows(windows, suspending, closing, context),
    ...plannedRows(windows, context),
  ]
  if (pinned)
    rows.push([
      'pinned',
      'by the setting `mode` (MAINTENANCE_MODE): it beats the stored state, and no command switches it',
    ])
  else rows.push(['state', stateText(context, document?.revision)], ['applies to', instancesText(context)])
  if (document && document.format > currentFormat) {
    rows.push(['format', `${document.format}: a newer maintenance-mode wrote it, and only that can switch it`])
  }
  rows.push(['settings', ['the environment', ...files].join(', ')])

  const word = mode === 'off' ? 'OFF' : 'ON'
  return {
    headline: `Maintenance mode is ${word}${closure?.since ? sinceText(closure.since.getTime(), context) : ''}`,
    closed: mode !== 'off',
    rows,
    exitCode: options.exitCode && mode !== 'off' ? notOff : 0,
    data: {
      mode,
      pinned,
      since: closure?.since,
      until: closure?.until,
      reason: closure?.reason,
      windows: closing,
      suspensions: suspending,
      planned: planned(windows, now()),
      revision: document?.revision,
      stateBackend: store.backend.address,
      settings: files,
    },
  }
}

/** Windows that are open and close nothing, since another keeps the site open. */
function suspensionRows(
  windows: readonly Window[],
  suspending: readonly Window[],
  closing: readonly Window[],
  context: Context,
): Row[] {
  const lifted = windows.filter(
    (window) => window.mode !== 'off' && isLive(window, context.now()) && !closing.includes(window),
  )
  return [...suspending, ...lifted].flatMap((window) => windowRows(window, context))
}
