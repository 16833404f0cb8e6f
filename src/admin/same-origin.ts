import type { MaintenanceRequest } from '../request/request.js'
import { ControlFailure } from './failure.js'

type Request = Pick<MaintenanceRequest, 'header'>

/**
 * A browser sends the user's cookies along with what any other site makes it send, so a change must come from a page of
 * this site. `authority` is the host and port that the request was sent to.
 *
 * @throws ControlFailure
 */
export function assertSameOrigin(request: Request, authority: string | undefined, siteUrl: string | undefined): void {
  const site = request.header('sec-fetch-site')
  if (site === 'same-origin') return
  if (site !== undefined) {
    throw refused(`the browser says that it is ${JSON.stringify(site)} (Sec-Fetch-Site), not "same-origin"`)
  }
  const origin = request.header('origin')
  if (origin === undefined) throw refused('it has neither the header Sec-Fetch-Site nor Origin')
  if (isOwn(readUrl(origin), authority, siteUrl)) return
  const asked = authority === undefined ? 'no host' : JSON.stringify(authority)
  throw refused(`its Origin is ${JSON.stringify(origin)}, and it was sent to ${asked}`)
}

/** Where the person came from, as a path of this site; `undefined` where that is elsewhere, or not known. */
export function pathCameFrom(
  request: Request,
  authority: string | undefined,
  siteUrl: string | undefined,
): string | undefined {
  const from = readUrl(request.header('referer'))
  if (!from || !isOwn(from, authority, siteUrl)) return undefined
  const path = from.pathname + from.search
  // `//evil.example` is another host, whatever site it was on (an open redirect).
  return path.startsWith('//') ? undefined : path
}

function refused(why: string): ControlFailure {
  return new ControlFailure(
    'other-origin',
    `Nothing was changed. A change must come from a page of this very site, and this one cannot be told to: ${why}. ` +
      'Open the control page and use its button, or send a token as `Authorization: Bearer …`.',
  )
}

function isOwn(url: URL | undefined, authority: string | undefined, siteUrl: string | undefined): boolean {
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return false
  // Read with the same scheme, so that `:443` and no port are the same host.
  const own = authority !== undefined && /^[\w.:[\]-]+$/.test(authority) && readUrl(`${url.protocol}//${authority}`)
  return (own && own.host === url.host) || (siteUrl !== undefined && readUrl(siteUrl)?.host === url.host)
}

function readUrl(text: string | undefined): URL | undefined {
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined
}
