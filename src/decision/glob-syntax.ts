import type { GlobName, GlobUnit } from './glob.js'

/** Refuses a pattern: `why` goes on from "the pattern … ", and says what to write instead. */
export type Refuse = (why: string) => never

const mostAlternatives = 256

/**
 * Reads a path with wildcards: `*`, `**`, `?`, `[…]`, `{a,b}`, and `\` before one of them to mean the character itself.
 * Braces are written out, so one text can be several globs. Percent-escapes, duplicate slashes and a trailing slash mean
 * what they mean in a request.
 */
export function parseGlobs(text: string, refuse: Refuse): GlobName[][] {
  if (/(?<!\\)\?[^/]*[=&]/.test(text)) {
    refuse('has a query string, but the path alone is compared: leave out everything from the "?" on')
  }
  if (text.endsWith('/.*')) {
    refuse('ends like a regular expression: write /** for all below, or begin with ^ for a regular expression')
  }
  if (/[*?+@!]\(/.test(text)) refuse('has an extended glob such as "@(a|b)": write {a,b}, or a regular expression')
  return writeOutBraces(text, refuse).map((single) => parseGlob(single, refuse))
}

function writeOutBraces(text: string, refuse: Refuse): string[] {
  const done: string[] = []
  const open = [text]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const braces = findBraces(next, refuse)
    if (braces === undefined) done.push(next)
    else {
      const { start, end, commas } = braces
      if (next.slice(start, end).includes('..'))
        refuse('has a range in braces: write the alternatives out, as in {1,2,3}')
      if (commas.length === 0) {
        refuse(`has ${next.slice(start, end + 1)}, which looks like a placeholder: write * for any one name`)
      }
      const edges = [start, ...commas, end]
      for (let i = edges.length - 1; i > 0; i--) {
        const alternative = next.slice((edges[i - 1] as number) + 1, edges[i])
        open.push(next.slice(0, start) + alternative + next.slice(end + 1))
      }
    }
    if (done.length + open.length > mostAlternatives) {
      refuse(`stands for more than ${mostAlternatives} patterns: write a wider one, or a regular expression`)
    }
  }
  return done
}

/** The first outermost pair of braces. */
function findBraces(text: string, refuse: Refuse): { start: number; end: number; commas: number[] } | undefined {
  let start = -1
  let depth = 0
  let commas: number[] = []
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '\\') i++
    else if (character === '[') i = endOfClass(text, i, refuse)
    else if (character === '{') {
      if (depth++ === 0) [start, commas] = [i, []]
    } else if (character === '}') {
      if (depth === 0) refuse('has a "}" without a "{": write \\} for the character')
      if (--depth === 0) return { start, end: i, commas }
    } else if (character === ',' && depth === 1) commas.push(i)
  }
  if (depth > 0) refuse('has a "{" without a "}": write \\{ for the character')
  return undefined
}

function endOfClass(text: string, start: number, refuse: Refuse): number {
  const first = start + (text[start + 1] === '!' || text[start + 1] === '^' ? 2 : 1)
  const end = text.indexOf(']', first + 1)
  const inside = text.slice(first, end)
  if (end === -1) refuse('has a "[" without a "]": write \\[ for the character')
  if (/[/[\\%]/.test(inside))
    refuse(`has [${inside}], a class with a slash, "[", "\\" or "%" in it: write {a,b} instead`)
  return end
}

function parseGlob(text: string, refuse: Refuse): GlobName[] {
  const names: GlobName[] = []
  let pieces: GlobUnit[][] = [[]]
  let start = 1
  const unit = (value: GlobUnit): void => {
    ;(pieces.at(-1) as GlobUnit[]).push(value)
  }
  const literal = (characters: string, written: string): void => {
    checkLiteral(characters, written, refuse)
    for (let i = 0; i < characters.length; i++) unit(characters.charCodeAt(i))
  }
  for (let i = 1; i <= text.length; i++) {
    const character = text[i] ?? '/'
    if (character === '/') {
      addName(names, pieces, text.slice(start, i), refuse)
      pieces = [[]]
      start = i + 1
    } else if (character === '*') pieces.push([])
    else if (character === '?') unit('any')
    else if (character === '[') {
      const end = endOfClass(text, i, refuse)
      unit(parseClass(text.slice(i + 1, end), refuse))
      i = end
    } else if (character === '%') {
      const escapes = /^(?:%[\da-f]{2})+/i.exec(text.slice(i))?.[0] ?? refuse('has a "%" that is no escape: write %25')
      literal(decode(escapes, refuse), escapes)
      i += escapes.length - 1
    } else if (character === '\\') {
      i++
      if (!/[*?[\]{},()!+@]/.test(text[i] ?? '')) refuse('has a backslash: write / between names')
      literal(text[i] as string, `\\${text[i]}`)
    } else literal(character, character)
  }
  return names
}

function addName(names: GlobName[], pieces: GlobUnit[][], written: string, refuse: Refuse): void {
  if (written === '') return
  if (written === '**') {
    if (names.at(-1) !== '**') names.push('**')
    return
  }
  if (written.includes('**')) refuse(`has "${written}": ** stands alone between slashes, as in /api/**`)
  if (/^:[a-z]/i.test(written)) refuse(`has "${written}", which looks like a placeholder: write * for any one name`)
  const name = literalName(pieces)
  if (name === '.' || name === '..') refuse('has dot segments: write the path without them')
  names.push(pieces)
}

/** The name, where it has no wildcards. */
export function literalName(name: GlobName): string | undefined {
  const piece = name[0]
  if (name === '**' || name.length > 1 || typeof piece === 'string') return undefined
  return piece?.every((unit) => typeof unit === 'number') ? String.fromCharCode(...piece) : undefined
}

function parseClass(written: string, refuse: Refuse): GlobUnit {
  const negated = written.startsWith('!') || written.startsWith('^')
  const inside = negated ? written.slice(1) : written
  const ranges: number[] = []
  for (let i = 0; i < inside.length; i++) {
    const from = inside.charCodeAt(i)
    const ranged = inside[i + 1] === '-' && i + 2 < inside.length
    const to = ranged ? inside.charCodeAt(i + 2) : from
    if (to < from) refuse(`has [${written}], whose range runs backwards`)
    ranges.push(from, to)
    if (ranged) i += 2
  }
  return { negated, ranges }
}

function decode(escapes: string, refuse: Refuse): string {
  try {
    return decodeURIComponent(escapes)
  } catch {
    return refuse(`has ${escapes}, which is not UTF-8`)
  }
}

/** What a plain path never has, a pattern could only wait for in vain. */
function checkLiteral(characters: string, written: string, refuse: Refuse): void {
  if (written === '#') refuse('has a fragment, which no client sends: leave out everything from the "#" on')
  if (/[\x00-\x1f#;?/\\\x7f]/.test(characters)) {
    refuse(
      `has ${JSON.stringify(written)}, which routers read differently, so that no such path is matched: write * for the name that has it`,
    )
  }
}
