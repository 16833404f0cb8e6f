import { SettingError } from '../errors.js'
import { didYouMean } from '../settings/nearest.js'
import type { GlobName } from './glob.js'
import { parseGlobs, type Refuse } from './glob-syntax.js'

/** One pattern as it was written, read: which method, on which host, and which paths. */
export interface UrlPattern {
  /** The pattern as it was written. */
  readonly source: string
  readonly method: string | undefined
  /** `example.com`, or `.example.com` for every host below it. */
  readonly host: string | undefined
  /** Which paths: an expression, or any of the globs. */
  readonly expression?: RegExp
  readonly globs?: readonly (readonly GlobName[])[]
}

const methods: readonly string[] = `GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT QUERY SEARCH PURGE
  PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT MKACTIVITY CHECKOUT MERGE ACL BIND REBIND UNBIND LINK UNLINK
  MKCALENDAR NOTIFY SUBSCRIBE UNSUBSCRIBE M-SEARCH`.split(/\s+/)

/** `POST api.example.com/webhooks/**`, or a regular expression. */
export function parseUrlPattern(setting: string, pattern: string | RegExp): UrlPattern {
  const source = String(pattern)
  const refuse: Refuse = (why) => {
    throw new SettingError(setting, `\`${setting}\`: the pattern ${JSON.stringify(source)} ${why}.`)
  }
  if (typeof pattern !== 'string') {
    if (Object.prototype.toString.call(pattern) !== '[object RegExp]') refuse('is neither a string nor a RegExp')
    return { source, method: undefined, host: undefined, expression: checkExpression(pattern, refuse) }
  }
  const text = pattern.trim()
  if (text === '') refuse('is empty: write a path, such as "/healthz" or "/api/**", or leave it out')
  const { method, rest } = takeMethod(text, refuse)
  const { host, path } = takeHost(rest, text.slice(0, text.length - rest.length), refuse)
  const read = path[0] === '^' ? { expression: readExpression(path, refuse) } : { globs: parseGlobs(path, refuse) }
  return { source: text, method, host, ...read }
}

function takeMethod(text: string, refuse: Refuse): { method: string | undefined; rest: string } {
  const [, word, rest] = /^([^\s/^]+)\s+(\S.*)$/s.exec(text) ?? []
  if (word === undefined || rest === undefined || looksLikeHost(word)) return { method: undefined, rest: text }
  if (word.includes(',') || word.includes('|')) refuse('names several methods: write a pattern for each')
  if (!methods.includes(word)) {
    const unknown = `begins with ${JSON.stringify(word)}, which is no HTTP method in capitals`
    refuse(`${unknown}.${didYouMean(word, methods)} Write METHOD /path, or /path alone for every method`)
  }
  return { method: word, rest }
}

function takeHost(text: string, before: string, refuse: Refuse): { host: string | undefined; path: string } {
  const instead = (path: string): string => JSON.stringify(before + path)
  const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(text)
  if (scheme) refuse(`is a full URL: drop the scheme, ${instead(text.slice(scheme[0].length))}`)
  if (text.startsWith('//')) refuse(`begins with two slashes: write ${instead(text.replace(/^\/+/, '/'))}`)
  if (text[0] === '!') refuse('begins with "!": a pattern says what it covers, never what it does not')
  const at = text.search(/[/^]/)
  if (at === 0) return { host: undefined, path: text }
  const word = (at === -1 ? text : text.slice(0, at)).trimEnd()
  const path = at === -1 ? '' : text.slice(at)
  if (/^\.{1,2}$/.test(word)) refuse(`is a relative path: write ${instead(path || '/')}`)
  if (!looksLikeHost(word)) refuse(`has no leading slash: write ${instead(`/${text}`)}`)
  if (path === '') {
    const asPath = word.startsWith('*.') ? `/**/${word}` : `/${word}`
    refuse(`has no path: write ${instead(asPath)} for the path, or ${instead(`${word}/**`)} for all of that host`)
  }
  return { host: readHost(word, refuse), path }
}

/** `healthz/x` is a path whose slash was forgotten; `example.com/x` is a host and a path. */
function looksLikeHost(word: string): boolean {
  return word.includes('.') || /^localhost(?::|$)/i.test(word)
}

function readHost(word: string, refuse: Refuse): string {
  if (/:\d*$/.test(word)) refuse(`has a port, but hosts are compared without: write ${word.replace(/:\d*$/, '')}`)
  const below = word.startsWith('*.')
  let name = (below ? word.slice(2) : word).toLowerCase().replace(/\.$/, '')
  if (/[^\x00-\x7f]/.test(name)) name = toAscii(name)
  if (!/^[a-z\d_-]+(?:\.[a-z\d_-]+)*$/.test(name)) {
    refuse(`begins with ${JSON.stringify(word)}, which is no host name: write example.com/path or *.example.com/path`)
  }
  return below ? `.${name}` : name
}

/** Browsers ask for `bücher.de` as `xn--bcher-kva.de`. */
function toAscii(name: string): string {
  try {
    return new URL(`http://${name}`).hostname
  } catch {
    return ''
  }
}

function readExpression(text: string, refuse: Refuse): RegExp {
  try {
    return new RegExp(text)
  } catch (error) {
    return refuse(`is no regular expression: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function checkExpression(expression: RegExp, refuse: Refuse): RegExp {
  const { source } = expression
  if (/^[a-z\d](?![?*{])/i.test(source) && !source.includes('|')) {
    refuse(`never matches: paths are compared from their start, which is a slash: write /\\/${source}/`)
  }
  return expression
}
