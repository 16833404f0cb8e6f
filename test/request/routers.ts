import fc from 'fast-check'

/** How known routers and proxies come from a request target to a path; `undefined` where they answer 400. */
export const routers: Readonly<Record<string, (url: string) => string | undefined>> = {
  'raw, as Express mounts': (url) => (url.startsWith('/') ? decodeNames(cut(url, /[?#]/)) : undefined),
  'raw, cut at the query alone': (url) => (url.startsWith('/') ? decodeNames(cut(url, /\?/)) : undefined),
  'decoded, then resolved': (url) => {
    const decoded = url.startsWith('/') ? decodeAll(cut(url, /[?#]/)) : undefined
    return decoded && resolve(decoded)
  },
  'decoded twice, then resolved': (url) => {
    const decoded = url.startsWith('/') ? decodeAll(decodeAll(cut(url, /[?#]/)) ?? '%') : undefined
    return decoded && resolve(decoded)
  },
  'WHATWG URL, then decoded': (url) => {
    try {
      return decodeNames(new URL(url, 'http://host').pathname)
    } catch {
      return undefined
    }
  },
  'WHATWG URL, host and path put together': (url) => {
    if (!url.startsWith('/')) return undefined
    return decodeNames(new URL(`http://host${url}`).pathname)
  },
  'cut at a semicolon, as Fastify 4': (url) =>
    url.startsWith('/') && !url.includes('#') ? decodeAll(cut(url, /[?;]/)) : undefined,
  'path parameters dropped, as Tomcat': (url) => {
    if (!url.startsWith('/') || /#|%2f|\\|%5c/i.test(url)) return undefined
    const decoded = decodeAll(cut(url, /\?/).replace(/;[^/]*/g, ''))
    return decoded && resolve(decoded)
  },
}

function cut(url: string, at: RegExp): string {
  const end = url.search(at)
  return end === -1 ? url : url.slice(0, end)
}

function decodeAll(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

/** Routed by the raw names; a parameter is decoded later, so that a slash in it is no separator. */
function decodeNames(path: string): string | undefined {
  const names = path.split('/').map(decodeAll)
  return names.includes(undefined) ? undefined : names.join('/')
}

function resolve(path: string): string {
  const names: string[] = []
  for (const name of path.split(/\/+/)) {
    if (name === '..') names.pop()
    else if (name !== '.' && name !== '') names.push(name)
  }
  return `/${names.join('/')}`
}

/** What nobody minds: duplicate slashes and the trailing one. */
export function tidy(path: string): string {
  return path.replace(/\/+/g, '/').replace(/(.)\/$/s, '$1')
}

const parts = [
  '/',
  '/',
  '//',
  '.',
  '..',
  '%2e',
  '%2F',
  '%5c',
  '\\',
  ';',
  ';x',
  '%3b',
  '%252e',
  '%252f',
  '%32%66',
  '%2',
  '%',
  '%41',
  '?',
  '#',
]
const names = [
  'a',
  'open',
  'Closed',
  'closed',
  'x.css',
  '%63losed',
  'é',
  '%C3%A9',
  '%ff',
  '%c0%af',
  '%00',
  '%3f',
  '%23',
  '%0a',
  '%25',
]

/** Request targets made of what routers disagree about. */
export const oddUrl: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...parts, ...names), { maxLength: 12 })
  .map((chosen) => `/${chosen.join('')}`)
