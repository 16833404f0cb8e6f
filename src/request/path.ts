/** The path of one request, as the rules compare it. */
export interface RequestPath {
  /** Decoded once, no query, no duplicate slashes, no dot segments, no trailing slash; `undefined` when it cannot be decoded. */
  readonly text: string | undefined
  /** Whether every router and proxy reads this path alike. No rule that opens something may match one that is not plain. */
  readonly plain: boolean
  /** The request target as received. */
  readonly url: string
}

const slash = 47
const dot = 46

/** ASCII that separates, and what a path seldom has and needs a closer look: controls, space, `#`, `%`, `;`, `\`, DEL. */
const notable: Uint8Array = new Uint8Array(128).fill(1, 0, 33)
for (const character of '/.#%;\\\x7f') notable[character.charCodeAt(0)] = 1

/**
 * What one reader takes for part of a name and the next for syntax. Express routes `/admin/..%2fopen` to /admin; Fastify 4
 * cuts a path at `;`, Tomcat reads `..;` as `..`, Apache has cut at an encoded `?`; WHATWG URL turns `\` into `/` and drops
 * tabs; a proxy in between may decode once more, so that `%252f` is a slash.
 */
const readDifferently = /[\x00-\x1f#;?\\\x7f]|%[\da-f]{2}/i
const sentDifferently = /[\x00-\x20]|%2f/i
const dotSegment = /\/\.{1,2}(?:\/|$)/
const absoluteForm = /^[a-z][a-z\d+.-]*:\/\/[^/?#\\]*/i

/** The path of a request target in origin form (`/a?b`), absolute form (`http://host/a?b`) or asterisk form (RFC 9112, 3.2). */
export function normalizePath(url: string): RequestPath {
  if (url.charCodeAt(0) !== slash) return otherForm(url)
  const query = url.indexOf('?')
  let end = query === -1 ? url.length : query
  let previous = 0
  for (let i = 0; i < end; i++) {
    const code = url.charCodeAt(i)
    if (code < 128 && notable[code] === 1) {
      if (code === slash ? previous === slash : code !== dot) return closerLook(url, 0)
      if (code === dot && previous === slash && !isLetter(url.charCodeAt(i + 1))) return closerLook(url, 0)
    }
    previous = code
  }
  if (previous === slash && end > 1) end--
  return { text: end === url.length ? url : url.slice(0, end), plain: true, url }
}

function isLetter(code: number): boolean {
  const lower = code | 32
  return lower >= 97 && lower <= 122
}

/** The path as it was sent, with its fragment, neither decoded nor resolved; `undefined` where the target has none. */
export function rawPath(url: string): string | undefined {
  const start = pathStart(url)
  if (start === -1) return undefined
  const query = url.indexOf('?', start)
  return url.slice(start, query === -1 ? url.length : query)
}

function otherForm(url: string): RequestPath {
  if (url === '*') return { text: '*', plain: true, url }
  const start = pathStart(url)
  if (start === -1) return { text: undefined, plain: false, url }
  return closerLook(url, start)
}

function pathStart(url: string): number {
  if (url.charCodeAt(0) === slash) return 0
  const origin = absoluteForm.exec(url)
  if (origin === null) return -1
  // `http:///open/admin` has no host, so that WHATWG URL takes `open` for it: the same trap as `//open/admin`.
  return origin[0].endsWith('//') ? origin[0].length - 1 : origin[0].length
}

function pathEnd(url: string, start: number): number {
  for (let end = start; end < url.length; end++) {
    const code = url.charCodeAt(end)
    if (code === 63 || code === 35) return end
  }
  return url.length
}

function closerLook(url: string, start: number): RequestPath {
  const end = pathEnd(url, start)
  const raw = url.slice(start, end)
  const decoded = decode(raw)
  if (decoded === undefined) return { text: undefined, plain: false, url }
  // A fragment is never sent (RFC 9112, 3.2): who sends one hopes that somebody takes it for a part of the path.
  // Two slashes at the beginning: `new URL('//open/admin', base)` takes `open` for a host, and routes to /admin.
  const dots = dotSegment.test(decoded)
  const separated = !dots && url.charCodeAt(end) !== 35 && !raw.startsWith('//')
  const plain = separated && !sentDifferently.test(raw) && !readDifferently.test(decoded)
  const tidy = !dots && !decoded.includes('//') && !decoded.endsWith('/') && decoded !== ''
  return { text: tidy && decoded.startsWith('/') ? decoded : resolvePath(decoded), plain, url }
}

function decode(raw: string): string | undefined {
  if (!raw.includes('%')) return raw.includes('\0') ? undefined : raw
  try {
    const decoded = decodeURIComponent(raw)
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    return undefined
  }
}

/** Duplicate slashes collapsed, dot segments resolved (RFC 3986, 5.2.4), the trailing slash removed. */
export function resolvePath(path: string): string {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}
