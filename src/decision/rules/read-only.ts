import type { RequestPath } from '../../request/path.js'
import type { AdaptedRequest } from '../../request/request.js'
import type { Settings } from '../../settings/options.js'
import type { Opening, Rule } from '../rule.js'
import { compileUrlPatterns } from '../url-patterns.js'
import { compileUrlRule } from './urls.js'

/** These ask for nothing to be changed (RFC 9110, 9.2.1). */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])

const reading: Opening = { rule: 'read-only', reason: 'the request writes nothing', personal: false }

/** In the mode `read-only`: what writes nothing passes, and what may be written to. */
export function compileReadOnlyRule({ writableUrls, writingUrls }: Settings): Rule {
  const writable = compileUrlRule('writable-url', 'writableUrls', writableUrls)
  const writing = compileUrlPatterns('writingUrls', writingUrls, { closing: true })
  const writes = (request: AdaptedRequest, path: RequestPath): boolean =>
    (request.writes ?? methodWrites(request)) || writing?.(request, path) !== undefined
  return (request, path, closure) => {
    if (closure.mode !== 'read-only') return undefined
    // Where an adapter knows the operation, that counts: all of an endpoint's operations have one path.
    const opening = request.writes === undefined ? writable?.(request, path, closure) : undefined
    return opening ?? (writes(request, path) ? undefined : reading)
  }
}

/** Behind us, an app may take a request for one of another method, where it says so in one of the usual places. */
function methodWrites(request: AdaptedRequest): boolean {
  const { method, url } = request
  if (!safe.has(method)) return true
  const query = url.indexOf('?')
  return [
    request.header('x-http-method-override'),
    request.header('x-http-method'),
    request.header('x-method-override'),
    ...(query < 0 ? [] : new URLSearchParams(url.slice(query)).getAll('_method')),
  ].some((other) => other !== undefined && !safe.has(other.trim().toUpperCase()))
}
