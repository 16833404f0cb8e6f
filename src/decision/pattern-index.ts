import { compileGlob, type GlobName, type GlobUnit } from './glob.js'
import { literalName } from './glob-syntax.js'
import type { UrlPattern } from './url-pattern.js'

/** What a pattern can ask of a request besides its path. */
export interface UrlRequest {
  /** Upper case. */
  readonly method: string
  /** Lower case, without a port. */
  readonly host: string | undefined
}

type Test = (text: string, names: () => readonly string[]) => boolean

interface Entry<Answer> extends Pick<UrlPattern, 'method' | 'host'> {
  readonly answer: Answer
  /** Asked after everything else: whether the path itself matches, where the index does not say so. */
  readonly test: Test | undefined
  /** The next one with the same literal beginning. */
  readonly next: Entry<Answer> | undefined
}

/**
 * Patterns by their literal beginning, each with an answer for what it covers. A lookup takes about as long with ten thousand
 * of them as with ten: there are few steps from a path to its answer, because each is one into memory that no cache holds.
 */
export class PatternIndex<Answer> {
  readonly #closing: boolean
  readonly #all: Entry<Answer>[] = []
  readonly #exact = new Map<string, Entry<Answer>>()
  readonly #below = new Map<string, Entry<Answer>>()
  /** Patterns that begin with a wildcard, and regular expressions. */
  #everywhere: Entry<Answer> | undefined
  /** At which depths, counted in names, a literal beginning ends, and the length of the longest. */
  readonly #depths: boolean[] = []
  #longest = 0

  constructor(patterns: readonly UrlPattern[], answerOf: (pattern: UrlPattern) => Answer, closing: boolean) {
    this.#closing = closing
    // Each is put before those with the same beginning, so that they are asked in the order given.
    for (const pattern of patterns.toReversed()) {
      const { expression, globs = [] } = pattern
      const answer = answerOf(pattern)
      if (expression) {
        this.#everywhere = this.#entry(pattern, answer, fromStart(expression, closing), this.#everywhere)
      }
      for (const names of globs) this.#addGlob(pattern, answer, names)
    }
  }

  #addGlob(pattern: UrlPattern, answer: Answer, written: readonly GlobName[]): void {
    const names = this.#closing ? written.map(foldName) : written
    const wild = names.findIndex((name) => literalName(name) === undefined)
    const literal = names.slice(0, wild === -1 ? names.length : wild).map((name) => `/${literalName(name)}`)
    const beginning = literal.join('')
    if (wild === -1) {
      const path = beginning === '' ? '/' : beginning
      this.#exact.set(path, this.#entry(pattern, answer, undefined, this.#exact.get(path)))
      return
    }
    const isPrefix = wild === names.length - 1 && names[wild] === '**'
    const glob = isPrefix ? undefined : compileGlob(names, this.#closing)
    const test: Test | undefined = glob && ((_, split) => glob(split()))
    if (beginning === '') {
      this.#everywhere = this.#entry(pattern, answer, test, this.#everywhere)
      return
    }
    this.#below.set(beginning, this.#entry(pattern, answer, test, this.#below.get(beginning)))
    this.#depths[literal.length] = true
    this.#longest = Math.max(this.#longest, beginning.length)
  }

  #entry({ method, host }: UrlPattern, answer: Answer, test: Test | undefined, next: Entry<Answer> | undefined) {
    const entry: Entry<Answer> = { method, host, answer, test, next }
    this.#all.push(entry)
    return entry
  }

  find(request: UrlRequest, text: string): Answer | undefined {
    const exact = this.#exact.get(text)
    if (exact !== undefined) {
      const found = this.#pick(exact, request, text)
      if (found !== undefined) return found
    }
    if (this.#longest > 0) {
      const end = Math.min(text.length, this.#longest)
      for (let i = 1, depth = 1; i <= end && depth < this.#depths.length; i++) {
        if (i < text.length && text.charCodeAt(i) !== 47) continue
        if (this.#depths[depth++] !== true) continue
        const below = this.#below.get(i === text.length ? text : text.slice(0, i))
        const found = below && this.#pick(below, request, text)
        if (found !== undefined) return found
      }
    }
    return this.#pick(this.#everywhere, request, text)
  }

  /** The answer of a pattern for this method and host, whatever the path. */
  anyFor(request: UrlRequest): Answer | undefined {
    return this.#all.findLast((entry) => isFor(entry, request, this.#closing))?.answer
  }

  #pick(first: Entry<Answer> | undefined, request: UrlRequest, text: string): Answer | undefined {
    let split: (() => readonly string[]) | undefined
    for (let entry = first; entry !== undefined; entry = entry.next) {
      if (!isFor(entry, request, this.#closing)) continue
      if (entry.test === undefined) return entry.answer
      split ??= splitOnce(text)
      if (entry.test(text, split)) return entry.answer
    }
    return undefined
  }
}

function splitOnce(text: string): () => readonly string[] {
  let names: readonly string[] | undefined
  return () => (names ??= text.length === 1 ? [] : text.slice(1).split('/'))
}

function isFor({ method, host }: Pick<UrlPattern, 'method' | 'host'>, request: UrlRequest, closing: boolean): boolean {
  if (method !== undefined && method !== request.method && !(method === 'GET' && request.method === 'HEAD'))
    return false
  if (host === undefined) return true
  let asked = request.host
  // The same host with its root dot (RFC 1034, 3.1).
  if (closing && asked?.endsWith('.')) asked = asked.slice(0, -1)
  if (asked === undefined) return false
  return host[0] === '.' ? asked.length > host.length && asked.endsWith(host) : asked === host
}

function fromStart(expression: RegExp, closing: boolean): (text: string) => boolean {
  const flags = expression.flags.replace(/[gyi]/g, '') + (closing || expression.ignoreCase ? 'iy' : 'y')
  const sticky = new RegExp(expression.source, flags)
  return (text) => {
    sticky.lastIndex = 0
    return sticky.test(text)
  }
}

function foldName(name: GlobName): GlobName {
  const literal = literalName(name)
  if (literal !== undefined) return [units(literal.toUpperCase())]
  if (name === '**') return name
  return name.map((piece) => piece.flatMap(foldUnit))
}

function foldUnit(unit: GlobUnit): readonly GlobUnit[] {
  return typeof unit === 'number' ? units(String.fromCharCode(unit).toUpperCase()) : [unit]
}

function units(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index))
}
