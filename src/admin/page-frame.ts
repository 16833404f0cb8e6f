import { style, styleHash } from '../reply/page/style.js'
import type { Reply } from '../reply/reply.js'
import { controlScript, controlScriptHash } from './control-script.js'
import { controlStyle, controlStyleHash } from './control-style.js'
import type { ControlFailure } from './failure.js'
import { html, Markup, prose } from './html.js'
import { toReply } from './replies.js'

const securityPolicy = [
  "default-src 'none'",
  `style-src '${styleHash}' '${controlStyleHash}'`,
  `script-src '${controlScriptHash}'`,
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The page for those who are not let in, or whose request could not be understood. */
export function failurePage(
  failure: ControlFailure,
  links: { authority: string | undefined; controlUrl: string; loginUrl: string | undefined },
): Reply {
  const { authority, controlUrl, loginUrl } = links
  const body = html`<h1>${failure.title}</h1>
<p>${prose(failure.message)}</p>
<p>${loginUrl !== undefined && html`<a href="${loginUrl}">Sign in</a> · `}<a href="${controlUrl}">Control page</a> · <a href="/">Home page</a></p>`
  return frame(failure.status, { title: failure.title, open: false, authority, body }, failure.headers)
}

/** Everything around the content of a page. The sun stands in the sky while the site is open. */
export function frame(
  status: number,
  { title, open, authority, body }: { title: string; open: boolean; authority: string | undefined; body: Markup },
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const sun = open ? '<circle cx="28" cy="26" r="22"' : '<circle cx="28" cy="56" r="28"'
  const icon = `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 56 58">${sun} fill="#d9822b"/><path d="M0 54h56v4H0z" fill="#d9822b"/></svg>`,
  )}`
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title}${authority && ` · ${authority}`}</title>
<link rel="icon" href="${icon}">
<style>${new Markup(style)}</style>
<style>${new Markup(controlStyle)}</style>
</head>
<body>
<main>
<svg viewBox="0 0 112 56" preserveAspectRatio="xMinYMax" aria-hidden="true">${new Markup(sun)} fill="currentColor"/></svg>
${authority && html`<p class="site">${authority}</p>\n`}${body}
</main>
<script>${new Markup(controlScript)}</script>
</body>
</html>
`
  return toReply(status, 'text/html', text.text, { ...headers, 'Content-Security-Policy': securityPolicy })
}
