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
    (request.writes ?? !safe.has(request.method)) || writing?.(request, path) !== undefined
  return (request, path, closure) => {
    if (closure.mode !== 'read-only') return undefined
    return writes(request, path) ? writable?.(request, path, closure) : reading
  }
}
