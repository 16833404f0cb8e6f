import { type RequestPath, rawPath, resolvePath } from './path.js'

/** Beyond these nobody can say what a path means. A well-meant one has a handful of readings. */
const mostReadings = 64
const mostCharacters = 16_384

/**
 * Every path that some router or proxy could take this request for. A rule that CLOSES something must hold for all of them,
 * or an odd spelling opens it. `undefined` when there are too many to tell: such a request is taken to be meant badly.
 */
export function readingsOf(path: RequestPath): readonly string[] | undefined {
  if (path.plain) return path.text === undefined ? [] : [path.text]
  const raw = rawPath(path.url)
  if (raw === undefined) return []
  const spellings = new Set([raw])
  let characters = 0
  for (const spelling of spellings) {
    characters += spelling.length
    if (spellings.size > mostReadings || characters > mostCharacters) return undefined
    for (const reread of rereadings) spellings.add(reread(spelling))
  }
  const readings = new Set<string>()
  for (const spelling of spellings) readings.add(resolvePath(spelling)).add(collapse(spelling))
  return [...readings]
}

/** What readers are known to do to a path, in whatever order and as often as they like. */
const rereadings: readonly ((path: string) => string)[] = [
  decodeLeniently,
  (path) => (path.includes('\\') ? path.replaceAll('\\', '/') : path),
  dropAuthority,
  resolveSegments,
  collapse,
  (path) => (path.includes(';') ? path.replace(/;[^/]*/g, '') : path),
  (path) => cutAt(path, ';'),
  (path) => cutAt(path, '#'),
  (path) => cutAt(path, '?'),
  (path) => cutAt(path, '\0'),
]

function cutAt(path: string, character: string): string {
  const end = path.indexOf(character)
  return end === -1 ? path : path.slice(0, end)
}

/** Express runs what is mounted on /admin for `/admin/%ff` too: escapes that cannot be decoded are left as they are. */
function decodeLeniently(path: string): string {
  if (!path.includes('%')) return path
  return path.replace(/(?:%[\da-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes)
    } catch {
      return escapes.replace(/%[0-7][\da-f]/gi, (ascii) => String.fromCharCode(Number.parseInt(ascii.slice(1), 16)))
    }
  })
}

/** `new URL('//host/path', base)`. */
function dropAuthority(path: string): string {
  if (!path.startsWith('//')) return path
  const name = path.search(/[^/]/)
  if (name === -1) return '/'
  const end = path.indexOf('/', name)
  return end === -1 ? '/' : path.slice(end)
}

/** WHATWG URL: `%2e` is a dot, and an empty name is one that `..` can take back. */
function resolveSegments(path: string): string {
  if (!path.startsWith('/') || !/(?:\.|%2e)(?:\/|$)/i.test(path)) return path
  const names: string[] = []
  for (const name of path.split('/').slice(1)) {
    const dots = name.length > 6 ? name : name.replace(/%2e/gi, '.')
    if (dots === '..') names.pop()
    else if (dots !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}

/** Duplicate slashes and the trailing one. */
function collapse(path: string): string {
  const single = path.includes('//') ? path.replace(/\/{2,}/g, '/') : path
  return single.length > 1 && single.endsWith('/') ? single.slice(0, -1) : single
}
