import type { Mode } from '../../state/window.js'
import { escapeHtml } from './escape-html.js'
import { script, scriptHash } from './script.js'
import { style, styleHash } from './style.js'
import { english, type ModeText, textOf } from './text.js'

/** What the page tells. It is rendered once and sent to everybody, so it knows no visitor and no present time. */
export interface PageView {
  mode: Mode
  /** Visitors are let in little by little. */
  reopening: boolean
  /** Written by the operator; shown as text, line breaks kept. */
  reason: string | undefined
  /** When the site is expected back, where that is known. */
  until: Date | undefined
  /** The refused request was to do something: neither GET nor HEAD. */
  notProcessed: boolean
}

/** The Content-Security-Policy under which the page works, and nothing else does. */
export const pageSecurityPolicy: string = [
  "default-src 'none'",
  `style-src '${styleHash}'`,
  `script-src '${scriptHash}'`,
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E" +
  "%3Cpath d='M6 22a10 10 0 0 1 20 0zM2 24h28v2H2z' fill='%23d9822b'/%3E%3C/svg%3E"

/** The built-in page: a whole HTML document that needs no other request. */
export function renderPage(view: PageView): string {
  const text = english
  const words = textOf(text, view)
  // In mode read-only its own address answers as usual: asking it would tell nothing.
  const waits = view.mode !== 'read-only'
  const data = waits
    ? attributes({
        'data-wait': view.notProcessed ? text.waitToTell : text.waitToReturn,
        'data-late': text.late,
        'data-title': text.back,
        'data-back': view.notProcessed ? text.backToTell : text.backReturning,
      })
    : ''
  const reloads = waits && !view.notProcessed
  return `<!doctype html>
<html lang="${escapeHtml(text.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(words.title)}</title>
<link rel="icon" href="${icon}">
${reloads ? '<noscript><meta http-equiv="refresh" content="60"></noscript>\n' : ''}<style>${style}</style>
</head>
<body>
<main${data}>
<svg viewBox="0 0 112 56" preserveAspectRatio="xMinYMax" aria-hidden="true"><circle cx="28" cy="56" r="28" fill="currentColor"/></svg>
<h1>${escapeHtml(words.title)}</h1>
<p class="lead">${escapeHtml(words.lead)}</p>
${view.notProcessed ? `<p class="sent">${escapeHtml(words.notProcessed)}</p>\n` : ''}<div id="news">${renderNews(view, words)}</div>
<p class="quiet" role="status"></p>
${reloads ? `<noscript><p class="quiet">${escapeHtml(text.withoutScript)}</p></noscript>\n` : ''}${
  view.notProcessed ? `<button type="button" hidden>${escapeHtml(text.goBack)}</button>\n` : ''
}</main>
<script>${script}</script>
</body>
</html>
`
}

/** What may change while a visitor waits; the script fetches it anew from time to time. */
function renderNews(view: PageView, words: ModeText): string {
  const text = english
  const reason = view.reason?.trim()
  const until = view.until && !Number.isNaN(view.until.getTime()) ? view.until : undefined
  const rows = [
    reason ? `<div><dt>${escapeHtml(text.why)}</dt><dd dir="auto">${escapeHtml(reason)}</dd></div>` : '',
    until
      ? `<div><dt${attributes({ 'data-late': text.plannedUntil })}>${escapeHtml(words.expected)}</dt>` +
        `<dd dir="auto"><time datetime="${until.toISOString()}">${escapeHtml(text.instant(until))}</time> <span></span></dd></div>`
      : '',
  ].join('')
  return rows && `<dl>${rows}</dl>`
}

function attributes(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeHtml(value)}"`)
    .join('')
}
