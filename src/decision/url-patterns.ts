import type { RequestPath } from '../request/path.js'
import { readingsOf } from '../request/path-readings.js'
import { PatternIndex, type UrlRequest } from './pattern-index.js'
import { parseUrlPattern } from './url-pattern.js'

/** The pattern that covers the request, as it was written. */
export type UrlMatcher = (request: UrlRequest, path: RequestPath) => string | undefined

interface UrlPatternOptions {
  /**
   * Whether the patterns close something. They then hold in any case and for every reading of an odd path, because one that
   * slipped past would be open. Patterns that open something hold for plain paths only.
   */
  closing?: boolean
}

/** Reads and indexes patterns once; `undefined` when there are none. */
export function compileUrlPatterns(
  setting: string,
  patterns: readonly (string | RegExp)[],
  options: UrlPatternOptions = {},
): UrlMatcher | undefined {
  const closing = options.closing === true
  const index = new PatternIndex(closing)
  for (const pattern of new Set(patterns)) index.add(parseUrlPattern(setting, pattern))
  if (index.size === 0) return undefined
  if (!closing) return (request, path) => (path.plain ? index.find(request, path.text as string) : undefined)
  return (request, path) => {
    const readings = readingsOf(path)
    if (readings === undefined) return index.anyFor(request)
    for (const reading of readings) {
      const found = index.find(request, reading.toUpperCase())
      if (found !== undefined) return found
    }
    return undefined
  }
}
