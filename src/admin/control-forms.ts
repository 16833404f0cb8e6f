import { isMode, manualId } from '../state/window.js'
import type { ControlView } from './control-page.js'
import { html, type Markup } from './html.js'

const durations = [
  ['', 'Until I reopen it'],
  ['15m', '15 minutes'],
  ['30m', '30 minutes'],
  ['1h', '1 hour'],
  ['2h', '2 hours'],
  ['4h', '4 hours'],
  ['8h', '8 hours'],
] as const

/** Whether all that closes the site lets visitors in little by little. */
export function isReopening({ windows }: ControlView['status']): boolean {
  return windows.length > 0 && windows.every(({ ramp }) => ramp !== undefined)
}

/** For a closed site: the button that opens it, and the terms that can be changed meanwhile. */
export function reopenForms(view: ControlView): Markup {
  const { status, controlUrl, now } = view
  const held = status.windows.some(({ leaseUntil }) => leaseUntil !== undefined && Date.parse(leaseUntil) > now)
  const byHand = status.windows.some(({ origin }) => origin === 'manual')
  return html`<form method="post" action="${controlUrl}/off">
${held && html`<label class="check"><input type="checkbox" name="all" value="true"> Reopen it even though a running program holds it closed: that program may still be at work</label>`}
<button>${isReopening(status) ? 'Let everybody in now' : 'Reopen the site'}</button>
</form>
${byHand && html`<details${view.draft.for !== undefined && ' open'}><summary>${isReopening(status) ? 'Close it again' : 'Change the reason or the time'}</summary>${closeForm(view, true)}</details>`}`
}

/** For an open site, or, where it is closed by hand already, for new terms. */
export function closeForm(view: ControlView, closed: boolean): Markup {
  const { controlUrl, draft } = view
  const chosen = durations.some(([value]) => value === draft.for) ? draft.for : ''
  const choice = ([value, name]: (typeof durations)[number]): Markup =>
    html`<label><input type="radio" name="for" value="${value}"${value === chosen && ' checked'}> ${closed && value === '' ? 'As it is' : name}</label>`
  return html`<form method="post" action="${controlUrl}/on">
${closed ? html`<input type="hidden" name="mode" value="${modeByHand(view)}">` : html`<h2>Close the site</h2>${scopeField(view)}`}
<label for="reason">Reason</label>
<p class="hint" id="reason-hint">Visitors read it on the maintenance page. ${closed ? 'Empty: it stays as it is.' : 'It can be empty.'}</p>
<textarea id="reason" name="reason" rows="2" maxlength="2000" dir="auto" aria-describedby="reason-hint">${typeof draft.reason === 'string' && draft.reason}</textarea>
<fieldset><legend>For how long</legend>
<p class="hint">${closed ? 'Counted from now. Then it reopens by itself.' : 'After this time it reopens by itself.'}</p>
<div class="choices">${durations.map(choice)}</div>
</fieldset>
${closed ? html`<button>Save</button>` : html`<button class="close">Close the site</button>`}
</form>`
}

/** Who changes the reason does not mean to change the mode. */
function modeByHand({ status }: ControlView): string {
  const window = status.windows.find(({ origin, id }) => origin === 'manual' && id === manualId)
  return window && isMode(window.mode) ? window.mode : 'on'
}

/** What is closed: nothing to choose where there are neither parts nor tenants. */
function scopeField({ parts, tenants, draft }: ControlView): Markup | false {
  if (parts.length === 0 && !tenants) return false
  const chosen = typeof draft.scope === 'string' ? draft.scope : ''
  if (!tenants) {
    const option = (part: string): Markup =>
      html`<option value="${part}"${part === chosen && ' selected'}>${part}</option>`
    return html`<label for="scope">What</label>
<select id="scope" name="scope"><option value="">The whole site</option>${parts.map(option)}</select>`
  }
  return html`<label for="scope">What</label>
<p class="hint" id="scope-hint">The name of a part or a tenant. Empty: the whole site.</p>
<input id="scope" name="scope" list="parts" value="${chosen}" autocomplete="off" aria-describedby="scope-hint"><datalist id="parts">${parts.map((part) => html`<option value="${part}"></option>`)}</datalist>`
}
