import type { RequestPath } from '../request/path.js'
import { readingsOf } from '../request/path-readings.js'
import { PatternIndex, type UrlRequest } from './pattern-index.js'
import { parseUrlPattern } from './url-pattern.js'

/** The answer of the pattern that covers the request. */
export type UrlMatcher<Answer = string> = (request: UrlRequest, path: RequestPath) => Answer | undefined

interface UrlPatternOptions {
  /**
   * Whether the patterns close something. They then hold in any case and for every reading of an odd path, because one that
   * slipped past would be open. Patterns that open something hold for plain paths only.
   */
  closing?: boolean
}

/** Reads and indexes patterns once, so as to find the one that covers a request, as it was written. */
export function compileUrlPatterns(
  setting: string,
  patterns: readonly (string | RegExp)[],
  options: UrlPatternOptions = {},
): UrlMatcher | undefined {
  return compileUrlAnswers(setting, patterns, (pattern) => pattern, options)
}

/** The same, with an answer of one's own for each pattern; `undefined` when there are none. */
export function compileUrlAnswers<Answer>(
  setting: string,
  patterns: readonly (string | RegExp)[],
  answerOf: (pattern: string) => Answer,
  { closing = false }: UrlPatternOptions = {},
): UrlMatcher<Answer> | undefined {
  if (patterns.length === 0) return undefined
  const parsed = [...new Set(patterns)].map((pattern) => parseUrlPattern(setting, pattern))
  const index = new PatternIndex(parsed, ({ source }) => answerOf(source), closing)
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
