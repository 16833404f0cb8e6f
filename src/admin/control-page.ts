import { english } from '../reply/page/text.js'
import type { Reply } from '../reply/reply.js'
import type { Mode, Window } from '../state/window.js'
import type { InstanceScopeStatus, MaintenanceStatus } from '../status.js'
import { closeForm, isReopening, reopenForms } from './control-forms.js'
import type { ControlFailure } from './failure.js'
import { html, type Markup, prose } from './html.js'
import { frame } from './page-frame.js'

/** What has just been done, as far as the address of the page tells. */
export type Done = 'closed' | 'updated' | 'opened'

export interface ControlView {
  status: MaintenanceStatus
  controlUrl: string
  /** Host and port that the page was asked for: an operator may have another site's page open beside it. */
  authority: string | undefined
  /** Who is looking. */
  by: string
  now: number
  done: Done | undefined
  failure: ControlFailure | undefined
  /** Where a damaged state was put before a new one was begun. */
  keptAside: string | undefined
  /** What was filled in, where it could not be done. */
  draft: { readonly reason?: unknown; readonly for?: unknown; readonly scope?: unknown }
  /** The parts of the site that can be closed by themselves. */
  parts: readonly string[]
  /** Whether tenants can be, too. */
  tenants: boolean
}

const titles: Readonly<Record<Mode, readonly [title: string, lead: string]>> = {
  off: ['The site is open', 'Visitors get through as usual.'],
  on: ['The site is closed', 'Visitors get the maintenance page.'],
  'read-only': ['The site is read-only', 'Visitors can read. What would write is refused.'],
  hold: ['The site holds its visitors', 'Their requests wait for a while, and are refused after that.'],
}

const reopening: typeof titles.on = ['The site is reopening', 'More and more visitors are let in.']

/** The page for operators: whether the site is open, since when, by whom, why, until when; and the button. */
export function controlPage(view: ControlView): Reply {
  const { status, authority, failure } = view
  const open = status.mode === 'off'
  const [title, lead] = isReopening(status) ? reopening : titles[status.mode]
  const news = failure ? alert(failure.title, failure.message) : (damage(view) ?? confirmation(view))
  const forms = open ? closeForm(view, false) : reopenForms(view)
  const body = html`<h1>${title}</h1>
<p class="lead">${lead}</p>
${news}${warning(status)}${status.windows.map((window) => renderWindow(window, status))}
${!status.pinned && forms}
${status.scopes.map((apart) => renderScope(apart, view))}
${renderPlace(view)}`
  return frame(failure?.status ?? 200, { title, open, authority, body }, failure?.headers)
}

function note(title: string, text: string): Markup {
  return html`<div class="note"><strong>${title}</strong>${prose(text)}</div>\n`
}

/** What must be read before it is gone: the script leaves a page with an alert alone. */
function alert(title: string, text: string): Markup {
  return html`<div role="alert">${note(title, text)}</div>`
}

function damage({ keptAside }: ControlView): Markup | undefined {
  if (keptAside === undefined) return undefined
  return alert('The stored state was damaged', `It is done, in a new one. A copy of the old one is at ${keptAside}.`)
}

function confirmation({ done, status }: ControlView): Markup | undefined {
  const text = confirmed(done, status)
  return text === undefined ? undefined : html`<div class="note" role="status">${text}</div>\n`
}

/** The address is only a hint, and anybody can write one: what is said must fit the state. */
function confirmed(done: Done | undefined, { mode, windows, scopes }: MaintenanceStatus): string | undefined {
  const closed = scopes.some((apart) => apart.mode !== 'off')
  if (closed && mode === 'off' && done !== undefined) return 'Done. Only what stands below the form is closed.'
  if (done === 'opened') {
    if (mode === 'off') return 'Done. The site is open for everybody.'
    return `What was closed by hand is open again, but ${windows.length === 1 ? 'a window' : 'windows'} of others still ${windows.length === 1 ? 'closes' : 'close'} the site.`
  }
  if (done === undefined || mode === 'off') return undefined
  return done === 'closed' ? 'Done. The site is closed now.' : 'Done. The site was closed already; the change is saved.'
}

function warning({ pinned, snapshot, error = '' }: MaintenanceStatus): Markup | undefined {
  if (pinned) {
    return note(
      'The mode is pinned',
      'The setting `mode` (MAINTENANCE_MODE) decides, so nothing can be switched here. Take the setting away, and restart what has it.',
    )
  }
  if (snapshot === 'stale') return note('The state cannot be read', `What you see is the last that was known. ${error}`)
  if (snapshot !== 'failed') return undefined
  return note('The state has never been read', `The setting stateBackendFallbackValue decides until it is. ${error}`)
}

function renderScope(
  { scope, mode, windows, defined }: InstanceScopeStatus,
  { controlUrl, status }: ControlView,
): Markup {
  const own = windows.filter((window) => window.scope === scope)
  const state = mode === 'off' ? 'open' : mode === 'on' ? 'closed' : mode === 'hold' ? 'on hold' : mode
  return html`<h2>${scope} is ${state}</h2>
${!defined && note('There is no such part', 'The settings define no part and no tenant of that name, so this closes nothing.')}${own.map((window) => renderWindow(window, { windows: own }))}
${!status.pinned && own.length > 0 && html`<form method="post" action="${controlUrl}/off"><input type="hidden" name="scope" value="${scope}"><button>Reopen ${scope}</button></form>`}
`
}

function renderWindow(window: Window, { windows }: { readonly windows: readonly Window[] }): Markup {
  const { id, start, by, from, reason, note } = window
  return html`${windows.length > 1 && html`<h2>Window ${id}</h2>`}<dl>
${row('Since', instant(start))}
${row('By', html`${by} <span>${from}</span>`)}
${row('Why', reason ?? html`<span>No reason was given.</span>`)}
${row('Until', until(window))}
${note !== undefined && row('Note', html`${note} <span>Visitors do not see it.</span>`)}
</dl>`
}

function until({ end, expectedEnd, origin, holder, ramp }: Window): Markup {
  const parts = [
    expectedEnd !== undefined &&
      html`${instant(expectedEnd)} <span>Visitors are told this time. It reopens nothing.</span>`,
    end !== undefined &&
      html`${instant(end)} <span>${ramp ? 'Everybody is let in then.' : 'It reopens by itself then.'}</span>`,
    origin === 'leased' && html`The program that holds it is done <span>${holder}</span>`,
  ].filter((part) => part !== false)
  return parts.length === 0 ? html`Somebody reopens it` : html`${parts}`
}

function renderPlace({ status, by }: ControlView): Markup {
  const { pinned, stateBackend, revision, checkedAt } = status
  const stored = revision === undefined ? 'Nothing is stored yet' : `Revision ${revision}`
  const read = checkedAt && html`, read ${time(checkedAt.toISOString())}`
  return html`<dl>
${!pinned && row('State', html`${stateBackend} <span>${stored}${read}</span>`)}
${row('You', by)}
</dl>
<p><a href="/">Home page</a></p>`
}

function row(name: string, value: Markup | string): Markup {
  return html`<div><dt>${name}</dt><dd dir="auto">${value}</dd></div>`
}

/** With room for how far away it is, which only the script can tell. */
function instant(text: string): Markup {
  return html`${time(text)} <span></span>`
}

function time(text: string): Markup {
  return html`<time datetime="${text}">${english.instant(new Date(text))}</time>`
}
