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

interface Entry extends Pick<UrlPattern, 'source' | 'method' | 'host'> {
  /** Asked after everything else: whether the path itself matches, where the index does not say so. */
  readonly test: ((text: string, names: () => readonly string[]) => boolean) | undefined
}

/** Patterns by their literal beginning: a lookup takes as long with ten thousand of them as with ten. */
export class PatternIndex {
  size = 0
  readonly #closing: boolean
  readonly #all: Entry[] = []
  readonly #exact = new Map<string, Entry[]>()
  readonly #below = new Map<string, Entry[]>()
  /** Patterns that begin with a wildcard, and regular expressions. */
  readonly #everywhere: Entry[] = []
  /** At which depths, counted in names, a literal beginning ends, and the length of the longest. */
  readonly #depths: boolean[] = []
  #longest = 0

  constructor(closing: boolean) {
    this.#closing = closing
  }

  add(pattern: UrlPattern): void {
    this.size++
    const { expression, globs = [] } = pattern
    if (expression) this.#everywhere.push(this.#entry(pattern, fromStart(expression, this.#closing)))
    for (const names of globs) this.#addGlob(pattern, names)
  }

  #addGlob(pattern: UrlPattern, written: readonly GlobName[]): void {
    const names = this.#closing ? written.map(foldName) : written
    const wild = names.findIndex((name) => literalName(name) === undefined)
    const literal = names.slice(0, wild === -1 ? names.length : wild).map((name) => `/${literalName(name)}`)
    const beginning = literal.join('')
    if (wild === -1) {
      push(this.#exact, beginning === '' ? '/' : beginning, this.#entry(pattern, undefined))
      return
    }
    const isPrefix = wild === names.length - 1 && names[wild] === '**'
    const glob = isPrefix ? undefined : compileGlob(names, this.#closing)
    const entry = this.#entry(pattern, glob && ((_, split) => glob(split())))
    if (beginning === '') {
      this.#everywhere.push(entry)
      return
    }
    push(this.#below, beginning, entry)
    this.#depths[literal.length] = true
    this.#longest = Math.max(this.#longest, beginning.length)
  }

  #entry({ source, method, host }: UrlPattern, test: Entry['test']): Entry {
    const entry = { source, method, host, test }
    this.#all.push(entry)
    return entry
  }

  find(request: UrlRequest, text: string): string | undefined {
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
    return this.#everywhere.length === 0 ? undefined : this.#pick(this.#everywhere, request, text)
  }

  /** A pattern for this method and host, whatever the path. */
  anyFor(request: UrlRequest): string | undefined {
    return this.#all.find((entry) => isFor(entry, request, this.#closing))?.source
  }

  #pick(entries: readonly Entry[], request: UrlRequest, text: string): string | undefined {
    let split: readonly string[] | undefined
    const names = (): readonly string[] => (split ??= text.length === 1 ? [] : text.slice(1).split('/'))
    for (const entry of entries) {
      if (isFor(entry, request, this.#closing) && (entry.test === undefined || entry.test(text, names)))
        return entry.source
    }
    return undefined
  }
}

function isFor({ method, host }: Entry, request: UrlRequest, closing: boolean): boolean {
  if (method !== undefined && method !== request.method && !(method === 'GET' && request.method === 'HEAD'))
    return false
  if (host === undefined) return true
  let asked = request.host
  // The same host with its root dot (RFC 1034, 3.1).
  if (closing && asked?.endsWith('.')) asked = asked.slice(0, -1)
  if (asked === undefined) return false
  return host[0] === '.' ? asked.length > host.length && asked.endsWith(host) : asked === host
}

function push(entries: Map<string, Entry[]>, key: string, entry: Entry): void {
  const present = entries.get(key)
  if (present === undefined) entries.set(key, [entry])
  else present.push(entry)
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
