/** One place of a name: a UTF-16 unit, any unit (`?`), or one of a class (`[a-z]`). */
export type GlobUnit = number | 'any' | GlobClass

interface GlobClass {
  readonly negated: boolean
  /** First and last unit of each range, in pairs. */
  readonly ranges: readonly number[]
}

/** One name between slashes: what stands between its stars (`a*b` is two pieces), or `**` for any number of names. */
export type GlobName = readonly (readonly GlobUnit[])[] | '**'

/** Matches the names of a normalised path: `['a', 'b']` for `/a/b`. */
type Glob = (names: readonly string[]) => boolean

type NameTest = (name: string) => boolean

/**
 * A glob that takes time in proportion to the path. As a regular expression it would backtrack: one request of 16 KB keeps
 * a pattern with three `**` busy for a minute, and anybody could stop the process with it.
 */
export function compileGlob(names: readonly GlobName[], ignoreCase: boolean): Glob {
  const runs: NameTest[][] = [[]]
  for (const name of names) {
    if (name === '**') runs.push([])
    else (runs.at(-1) as NameTest[]).push(compileName(name, ignoreCase))
  }
  const first = runs.shift() as NameTest[]
  const last = runs.pop()
  if (last === undefined) return (path) => path.length === first.length && holdsAt(first, path, 0)
  return (path) => {
    const end = path.length - last.length
    if (first.length > end || !holdsAt(first, path, 0) || !holdsAt(last, path, end)) return false
    // The leftmost place of each run in between leaves the most room to the next: no other need be tried.
    let position = first.length
    for (const run of runs) {
      while (position + run.length <= end && !holdsAt(run, path, position)) position++
      position += run.length
      if (position > end) return false
    }
    return true
  }
}

function holdsAt(run: readonly NameTest[], path: readonly string[], position: number): boolean {
  for (let i = 0; i < run.length; i++) {
    if (!(run[i] as NameTest)(path[position + i] as string)) return false
  }
  return true
}

function compileName(pieces: readonly (readonly GlobUnit[])[], ignoreCase: boolean): NameTest {
  const tests = pieces.map((piece) => compilePiece(piece, ignoreCase))
  const first = tests.shift() as Piece
  const last = tests.pop()
  if (last === undefined) return (name) => name.length === first.length && first.indexIn(name, 0, 0) === 0
  return (name) => {
    const end = name.length - last.length
    if (first.length > end || first.indexIn(name, 0, 0) !== 0 || last.indexIn(name, end, end) !== end) return false
    let position = first.length
    for (const piece of tests) {
      const found = piece.indexIn(name, position, end - piece.length)
      if (found === -1) return false
      position = found + piece.length
    }
    return position <= end
  }
}

interface Piece {
  readonly length: number
  /** The first place between `from` and `to`, both included, or -1. */
  indexIn(name: string, from: number, to: number): number
}

function compilePiece(units: readonly GlobUnit[], ignoreCase: boolean): Piece {
  const length = units.length
  if (units.every((unit) => typeof unit === 'number')) {
    const text = String.fromCharCode(...units)
    return {
      length,
      indexIn(name, from, to) {
        if (from === to) return name.startsWith(text, from) ? from : -1
        const found = name.indexOf(text, from)
        return found <= to ? found : -1
      },
    }
  }
  const tests = units.map((unit) => compileUnit(unit, ignoreCase))
  return {
    length,
    indexIn(name, from, to) {
      for (let start = from; start <= to; start++) {
        let i = 0
        while (i < length && (tests[i] as (unit: number) => boolean)(name.charCodeAt(start + i))) i++
        if (i === length) return start
      }
      return -1
    },
  }
}

function compileUnit(unit: GlobUnit, ignoreCase: boolean): (unit: number) => boolean {
  if (unit === 'any') return () => true
  if (typeof unit === 'number') return (given) => given === unit
  const { negated, ranges } = unit
  const within = (given: number): boolean => {
    for (let i = 0; i < ranges.length; i += 2) {
      if (given >= (ranges[i] as number) && given <= (ranges[i + 1] as number)) return true
    }
    return false
  }
  if (!ignoreCase) return (given) => within(given) !== negated
  return (given) => {
    const letter = String.fromCharCode(given)
    const either = within(letter.toUpperCase().charCodeAt(0)) || within(letter.toLowerCase().charCodeAt(0))
    return either !== negated
  }
}
