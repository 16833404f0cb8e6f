import fc from 'fast-check'
import picomatch from 'picomatch'
import { describe, expect, it } from 'vitest'
import { compileUrlPatterns } from '../../src/decision/url-patterns.js'
import { SettingError } from '../../src/errors.js'
import { normalizePath } from '../../src/request/path.js'
import { oddUrl, routers } from '../request/routers.js'
import { millisecondsOf, nanosecondsOf } from '../request/speed.js'

type Patterns = readonly (string | RegExp)[]

/** The pattern that covers `POST example.com/path`. */
function match(patterns: Patterns, request: string, closing = false): string | undefined {
  const [, method = 'GET', host, url = ''] = /^(?:([A-Z]+) )?([^\s/]+)?(\S*)$/.exec(request) ?? []
  return compileUrlPatterns('ignoreUrls', patterns, { closing })?.({ method, host }, normalizePath(url))
}

function refusal(pattern: string | RegExp): string {
  try {
    compileUrlPatterns('ignoreUrls', [pattern])
  } catch (error) {
    expect(error).toBeInstanceOf(SettingError)
    expect((error as SettingError).setting).toBe('ignoreUrls')
    return (error as SettingError).message
  }
  return 'was accepted'
}

describe('compileUrlPatterns', () => {
  it('has nothing to say about an empty list', () => {
    expect(compileUrlPatterns('ignoreUrls', [])).toBeUndefined()
  })

  it.each<[string, string[], string[]]>([
    ['/healthz', ['/healthz', '/healthz/', '/healthz?x=1', '/%68ealthz'], ['/healthz/x', '/healthzx', '/Healthz', '/']],
    ['/', ['/', '/?x'], ['/a', '//']],
    ['/api/', ['/api'], ['/api/x']],
    ['/api/**', ['/api', '/api/', '/api/x', '/api/x/y', '/api//x', '/api/.x'], ['/apix', '/ap', '/API/x', '/']],
    ['/api/*', ['/api/x', '/api/.x', '/api/x/'], ['/api', '/api/x/y']],
    ['/*', ['/a', '/.a'], ['/', '/a/b']],
    ['/**', ['/', '/a', '/a/b'], []],
    ['/**/*.css', ['/x.css', '/a/b/x.css', '/.css'], ['/x.css/y', '/xcss']],
    ['/a/**/z', ['/a/z', '/a/b/z', '/a/b/c/z'], ['/a', '/a/zz', '/z']],
    ['/a*/**', ['/a', '/ab', '/ab/c'], ['/b']],
    ['/v?/x', ['/v1/x'], ['/v/x', '/v12/x']],
    ['/{a,b/c}/x', ['/a/x', '/b/c/x'], ['/b/x', '/c/x']],
    ['/{a,{b,c}d}', ['/a', '/bd', '/cd'], ['/c', '/ad']],
    ['/{api,hooks}/**', ['/api', '/hooks/x'], ['/other']],
    ['/x{,.json}', ['/x', '/x.json'], ['/x.']],
    ['/[a-c]/[!x]', ['/b/y'], ['/d/y', '/b/x', '/b/yy']],
    ['/a\\*b', ['/a*b'], ['/axb', '/ab']],
    ['/a\\*/*', ['/a*/x'], ['/ab/x']],
    ['/wiki/Foo_(bar)', ['/wiki/Foo_(bar)', '/wiki/Foo_%28bar%29'], ['/wiki/Foo_bar']],
    ['/caf%C3%A9', ['/café', '/caf%c3%a9'], ['/cafe']],
    ['/a%2Ab', ['/a*b', '/a%2ab'], ['/axb']],
    ['/100%25/*', ['/100%25/x'], ['/100/x']],
    ['/a//b', ['/a/b'], ['/a']],
    ['/a b', ['/a%20b'], ['/a']],
    ['/.well-known/**', ['/.well-known/acme'], ['/well-known/acme']],
    ['^/v\\d+/', ['/v1/x', '/v22/y'], ['/x/v1/', '/v1', '/vx/']],
    ['^/a|/b', ['/a', '/abc', '/b'], ['/c/b']],
  ])('%s covers %j, and none of %j', (pattern, covered, others) => {
    for (const url of covered) expect({ url, by: match([pattern], url) }).toEqual({ url, by: pattern })
    for (const url of others) expect({ url, by: match([pattern], url) }).toEqual({ url, by: undefined })
  })

  it('matches a RegExp from the start of the path, keeps its flags, and is not thrown off by g and y', () => {
    for (const flags of ['', 'g', 'y', 'gy']) {
      const matches = compileUrlPatterns('ignoreUrls', [new RegExp('/api/v\\d', flags)])
      for (let i = 0; i < 3; i++)
        expect(matches?.({ method: 'GET', host: undefined }, normalizePath('/api/v1/x'))).toBeTruthy()
    }
    expect(match([/\/api/], '/x/api')).toBeUndefined()
    expect(match([/\/api/i], '/API/x')).toBe('/\\/api/i')
    expect(match([/\/api/], '/API/x')).toBeUndefined()
    expect(match([/\/api$/m], '/api%0Ax')).toBeUndefined()
  })

  it.each<[string, string[], string[]]>([
    ['POST /hooks/**', ['POST h/hooks/x'], ['GET h/hooks/x', 'PUT h/hooks']],
    ['GET /x', ['GET /x', 'HEAD /x'], ['POST /x']],
    ['HEAD /x', ['HEAD /x'], ['GET /x']],
    [
      'api.example.com/hooks/**',
      ['api.example.com/hooks/x', 'POST api.example.com/hooks'],
      ['/hooks/x', 'example.com/hooks/x', 'x.api.example.com/hooks'],
    ],
    ['API.Example.com./x', ['api.example.com/x'], []],
    ['POST  api.example.com  /x', ['POST api.example.com/x'], ['GET api.example.com/x', 'POST /x']],
    [
      '*.example.com/x',
      ['a.example.com/x', 'a.b.example.com/x'],
      ['example.com/x', 'aexample.com/x', '.example.com/x', 'example.com.evil.com/x'],
    ],
    ['localhost/x', ['localhost/x'], ['/x']],
    ['bücher.de/x', ['xn--bcher-kva.de/x'], []],
    ['POST ^/v\\d', ['POST /v1'], ['GET /v1']],
    ['DELETE api.example.com^/v\\d', ['DELETE api.example.com/v1/x'], ['DELETE /v1']],
  ])('%s covers %j, and none of %j', (pattern, covered, others) => {
    for (const request of covered) expect({ request, by: match([pattern], request) }).toEqual({ request, by: pattern })
    for (const request of others) expect({ request, by: match([pattern], request) }).toEqual({ request, by: undefined })
  })

  it('goes on to the next pattern when the method or the host is another', () => {
    const patterns = ['POST /a', 'a.example.com/a', 'DELETE /a/**', 'GET /*', '/**']
    expect(match(patterns, 'POST /a')).toBe('POST /a')
    expect(match(patterns, 'PUT a.example.com/a')).toBe('a.example.com/a')
    expect(match(patterns, 'DELETE /a')).toBe('DELETE /a/**')
    expect(match(patterns, 'GET /a')).toBe('GET /*')
    expect(match(patterns, 'PUT /a')).toBe('/**')
  })

  it('does not read the host of a request if no pattern asks for it', () => {
    const request = {
      method: 'GET',
      get host(): string {
        throw new Error('was read')
      },
    }
    expect(
      compileUrlPatterns('ignoreUrls', ['/a', 'POST example.com/b'])?.(request, normalizePath('/b')),
    ).toBeUndefined()
  })

  it.each<[string | RegExp, string | RegExp]>([
    ['', 'is empty'],
    ['  ', 'is empty'],
    ['healthz', 'write "/healthz"'],
    ['healthz/x', 'write "/healthz/x"'],
    ['POST healthz/x', 'write "POST /healthz/x"'],
    ['**', 'write "/**"'],
    ['favicon.ico', '"/favicon.ico" for the path, or "favicon.ico/**"'],
    ['*.css', '"/**/*.css" for the path'],
    ['./healthz', 'write "/healthz"'],
    ['/search?q=1', 'query string'],
    ['/a?b&c', 'query string'],
    ['/a#b', 'fragment'],
    ['^/a(', 'no regular expression'],
    ['PST /x', 'Did you mean `POST`?'],
    ['post /x', 'Did you mean `POST`?'],
    ['GET,POST /x', 'a pattern for each'],
    ['https://example.com/x', 'drop the scheme, "example.com/x"'],
    ['POST https://example.com/x', 'drop the scheme, "POST example.com/x"'],
    ['//example.com/x', 'two slashes'],
    ['!/x', 'begins with "!"'],
    ['example.com:8080/x', 'write example.com'],
    ['localhost:3000/x', 'write localhost'],
    ['a.*.com/x', 'no host name'],
    ['exam ple.com/x', 'no HTTP method'],
    ['/a/../b', 'dot segments'],
    ['/a/.', 'dot segments'],
    ['/a/%2e%2e/b', 'dot segments'],
    ['/a%2Fb', '%2F'],
    ['/a%3Fb', '%3F'],
    ['/a;b', '";"'],
    ['/a\\b', 'backslash'],
    ['/a%', '%25'],
    ['/a%zz', '%25'],
    ['/a%ff', 'UTF-8'],
    ['/api**', 'stands alone'],
    ['/a***/b', 'stands alone'],
    ['/users/:id', 'placeholder'],
    ['/users/{id}', 'placeholder'],
    ['/a{b', '"{" without'],
    ['/a}b', '"}" without'],
    ['/a[b', '"[" without'],
    ['/a[]', '"[" without'],
    ['/[z-a]', 'backwards'],
    ['/[a/b]', 'class with a slash'],
    ['/v{1..3}', 'range in braces'],
    [`/${'{a,b}'.repeat(9)}`, 'more than 256'],
    ['/@(a|b)', 'extended glob'],
    [/healthz/, 'write /\\/healthz/'],
  ])('refuses %s: %s', (pattern, message) => {
    expect(refusal(pattern)).toContain(message)
    expect(refusal(pattern)).toMatch(/^`ignoreUrls`: the pattern ".*" /s)
  })

  it('refuses what is neither a string nor a RegExp', () => {
    expect(refusal(1 as unknown as string)).toContain('neither a string nor a RegExp')
  })

  it('opens nothing for a path that is not plain or cannot be decoded', () => {
    const everything = ['/**', '^.*', /.*/s]
    for (const url of ['/a/../b', '/a%2fb', '/a\\b', '/a;b', '//a', '/%ff', '/%', '/%00', '']) {
      expect({ url, by: match(everything, url) }).toEqual({ url, by: undefined })
    }
  })

  it('opens a path only if every router would route it so', () => {
    const open = compileUrlPatterns('ignoreUrls', ['/open/**', '/*/open', '/**/*.css', '^/a/.*/open$'])
    const covers = (path: string): boolean => {
      const names = path.split('/').filter((name) => name !== '')
      const last = names.at(-1)
      return (
        names[0] === 'open' ||
        (names.length === 2 && last === 'open') ||
        last?.endsWith('.css') === true ||
        (names[0] === 'a' && names.length > 2 && last?.endsWith('open') === true)
      )
    }
    fc.assert(
      fc.property(oddUrl, (url) => {
        if (open?.({ method: 'GET', host: undefined }, normalizePath(url)) === undefined) return
        for (const [name, read] of Object.entries(routers)) {
          const path = read(url)
          if (path !== undefined) expect({ url, name, path, covered: covers(path) }).toMatchObject({ covered: true })
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('compileUrlPatterns, closing', () => {
  it.each([
    '/admin',
    '/ADMIN/x',
    '/admin/../open',
    '/admin/..%2fopen',
    '/open/../admin',
    '/open/..%2fadmin',
    '/open\\..\\admin',
    '/admin;x=1/y',
    '/open/..;/admin',
    '//open/admin',
    '/admin%3fx',
    '/admin/%ff',
    '/%61dmin/%00',
    '/x%252f..%252fadmin',
    `/${'..;%5c'.repeat(2000)}`,
  ])('closes %s', (url) => {
    expect(match(['/admin/**'], url, true)).toBe('/admin/**')
  })

  it.each(['/open', '/open/%2e', '/open%2fadmin', '/administrator', '/open/%ff', '/%', '', '*', '/a/b#/admin'])(
    'leaves %s alone',
    (url) => {
      expect(match(['/admin/**'], url, true)).toBeUndefined()
    },
  )

  it('compares globs and expressions in any case too', () => {
    expect(match(['/Beta/*/[x-z]?É'], '/bEta/a/Yaé', true)).toBe('/Beta/*/[x-z]?É')
    expect(match(['^/Beta/\\d'], '/bETA/1', true)).toBe('^/Beta/\\d')
    expect(match([/\/Beta/], '/bETA', true)).toBe('/\\/Beta/')
    expect(match(['/straße/**'], '/STRASSE/x', true)).toBe('/straße/**')
  })

  it('still asks for the method and the host, whose root dot is no way out', () => {
    expect(match(['POST example.com/x'], 'POST example.com./x', true)).toBe('POST example.com/x')
    expect(match(['POST example.com/x'], 'GET example.com/x', true)).toBeUndefined()
    const endless = `/${'..;%5c'.repeat(2000)}`
    expect(match(['POST /x'], endless, true)).toBeUndefined()
    expect(match(['POST /x'], `POST ${endless}`, true)).toBe('POST /x')
  })

  it('closes a path that any router would route there', () => {
    const closed = compileUrlPatterns('routes', ['/closed/**'], { closing: true })
    fc.assert(
      fc.property(oddUrl, (url) => {
        const isRouted = Object.values(routers).some((read) => /^\/+closed(?:\/|$)/i.test(read(url) ?? ''))
        if (isRouted)
          expect({ url, by: closed?.({ method: 'GET', host: undefined }, normalizePath(url)) }).toEqual({
            url,
            by: '/closed/**',
          })
      }),
      { numRuns: 5000 },
    )
  })
})

describe('globs', () => {
  const name = fc.constantFrom('a', 'b', 'ab', 'ba', 'aab', '.a', 'a.b', 'b-a')
  const wild = fc.constantFrom(
    '*',
    '**',
    '?',
    'a*',
    '*b',
    '*a*',
    '?b',
    'a?*',
    '{a,b}',
    '{a,ab}*',
    '[ab]',
    '[!b]',
    '[^a]?',
    '[a-b]*',
    '*.b',
    '*{a,.b}',
  )
  const glob = fc.array(fc.oneof(name, wild), { minLength: 1, maxLength: 5 }).map((names) => `/${names.join('/')}`)
  const path = fc.array(name, { maxLength: 6 }).map((names) => `/${names.join('/')}`)

  /** `**` stands for any number of names, none included, where picomatch sometimes wants one. */
  function withoutStars(pattern: string): string[] {
    const at = pattern.indexOf('/**')
    if (at === -1) return [pattern]
    return withoutStars(pattern.slice(at + 3)).flatMap((rest) => [
      `${pattern.slice(0, at)}/**${rest}`,
      pattern.slice(0, at) + rest,
    ])
  }

  /** `[!b]` is what a shell means by it, where picomatch knows `[^b]` alone. */
  function reference(pattern: string): (text: string) => boolean {
    const matchers = withoutStars(pattern.replaceAll('[!', '[^')).map((single) =>
      picomatch(single || '/', { dot: true, windows: false }),
    )
    return (text) => matchers.some((matches) => matches(text))
  }

  it('match what picomatch matches', () => {
    fc.assert(
      fc.property(glob, fc.array(path, { minLength: 1, maxLength: 8 }), (pattern, paths) => {
        const expected = reference(pattern)
        for (const text of paths) {
          expect({ pattern, text, is: match([pattern], text) !== undefined }).toEqual({
            pattern,
            text,
            is: expected(text),
          })
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('match alone what they match among many', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(glob, path), { maxLength: 20 }), path, (patterns, text) => {
        const covering = patterns.filter((pattern) => match([pattern], text) !== undefined)
        const found = match(patterns, text)
        if (covering.length === 0) expect(found).toBeUndefined()
        else expect(covering).toContain(found)
      }),
      { numRuns: 1000 },
    )
  })

  it('take no longer for a path made to hurt them', () => {
    const run = (): void => {
      for (const pattern of [
        '/**/x/**/y/**/z',
        '/**/*a*a*a*b',
        '/*a*a*a*a*b',
        '/**/?a?a?b*',
        '/**/[a]*[a]*[a]*b',
        '/a/**/*/**/*/**/b',
      ]) {
        for (const part of ['x/y/', 'a/', 'a', 'xa/']) match([pattern], `/${part.repeat(16_000 / part.length)}`)
      }
    }
    expect(millisecondsOf(run)).toBeLessThan(1000)
  })
})

describe('ten thousand patterns', () => {
  it('are compiled in less than two seconds, and looked up in less than half a microsecond', () => {
    const patterns = Array.from({ length: 10_000 }, (_, i) =>
      i % 2 ? `/exact${i % 97}/page${i}` : `/area${i % 89}/part${i}/**`,
    )
    let matches: ReturnType<typeof compileUrlPatterns>
    const compile = (): void => {
      matches = compileUrlPatterns('ignoreUrls', patterns)
    }
    expect(millisecondsOf(compile)).toBeLessThan(2000)
    const request = { method: 'GET', host: undefined }
    const urls = Array.from(
      { length: 4096 },
      (_, i) => (i % 4 ? patterns[i]?.replace('**', 'x/y') : `/none/of/them${i}`) as string,
    )
    const paths = urls.map(normalizePath)
    expect(paths.filter((path) => matches?.(request, path) !== undefined)).toHaveLength(3072)
    expect(nanosecondsOf((i) => matches?.(request, paths[i & 4095] as never))).toBeLessThan(500)
  })
})
