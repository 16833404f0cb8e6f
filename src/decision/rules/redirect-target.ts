import { normalizePath } from '../../request/path.js'
import type { Opening, Rule } from '../rule.js'

const opening: Opening = { rule: 'redirect-target', reason: 'it is where redirectUrl leads', personal: false }

/** Opens exactly the redirect's own target, so that it can be shown; nothing below it, nothing beside it. */
export function compileRedirectTargetRule(
  redirectUrl: string | undefined,
  siteUrl: string | undefined,
): Rule | undefined {
  if (redirectUrl === undefined) return undefined
  const target = new URL(redirectUrl, 'http://same-site.invalid')
  const path = normalizePath(target.pathname).text
  const anyHost = !/^https?:/.test(redirectUrl) || (siteUrl !== undefined && new URL(siteUrl).host === target.host)
  return (request, requested) => {
    if (!requested.plain || requested.text === undefined || requested.text !== path) return undefined
    if (!anyHost && request.host !== target.hostname) return undefined
    // A target that differs from the site by its query alone must not open the whole path.
    if (target.search !== '' && queryOf(request.url) !== target.search) return undefined
    return opening
  }
}

function queryOf(url: string): string {
  const at = url.indexOf('?')
  return at === -1 ? '' : url.slice(at)
}
