import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalizePath } from '../../src/request/path.js'
import { readingsOf } from '../../src/request/path-readings.js'
import { oddUrl, routers, tidy } from './routers.js'
import { millisecondsOf } from './speed.js'

describe('normalizePath', () => {
  it.each([
    ['/', '/'],
    ['/a/b?x=1', '/a/b'],
    ['/a/b/', '/a/b'],
    ['/a/b/?x=/../y', '/a/b'],
    ['/?x#y', '/'],
    ['/a//b', '/a/b'],
    ['/a/b//', '/a/b'],
    ['/.well-known/acme-challenge/x', '/.well-known/acme-challenge/x'],
    ['/..a/...', '/..a/...'],
    ['/a.b/.c', '/a.b/.c'],
    ['/%77ebhooks/%C3%A9', '/webhooks/é'],
    ['/caf\u00e9', '/café'],
    ['/a%20b', '/a b'],
    ['/100%25', '/100%'],
    ['/100%25-off', '/100%-off'],
    ['*', '*'],
    ['http://example.com/a/b?x', '/a/b'],
    ['HTTPS://user@example.com:8443/a/', '/a'],
    ['http://example.com', '/'],
    ['http://example.com?x=1', '/'],
  ])('reads %s as the plain path %s', (url, text) => {
    expect(normalizePath(url)).toEqual({ text, plain: true, url })
  })

  it.each([
    ['/a/../b', '/b'],
    ['/a/./b', '/a/b'],
    ['/a/..', '/'],
    ['/../../a', '/a'],
    ['/.', '/'],
    ['/..?x', '/'],
    ['/a/%2e%2E/b', '/b'],
    ['/a/.%2e/b', '/b'],
    ['/admin/..%2fwebhooks/x', '/webhooks/x'],
    ['/a%2Fb', '/a/b'],
    ['/a%5cb', '/a\\b'],
    ['/a\\b', '/a\\b'],
    ['/a/..;/b', '/a/..;/b'],
    ['/admin;.css', '/admin;.css'],
    ['/admin%3f.css', '/admin?.css'],
    ['/admin%23.css', '/admin#.css'],
    ['/admin%0a.css', '/admin\n.css'],
    ['/a%252fb', '/a%2fb'],
    ['/a\tb', '/a\tb'],
    ['/a b', '/a b'],
    ['/a#b', '/a'],
    ['//evil.com/x', '/evil.com/x'],
    ['http://example.com//evil.com/x', '/evil.com/x'],
    ['http:///evil.com/x', '/evil.com/x'],
    ['http://example.com\\a', '/\\a'],
  ])('reads %j as %j, which is not plain', (url, text) => {
    expect(normalizePath(url)).toEqual({ text, plain: false, url })
  })

  it.each([
    ['a lone percent sign', '/100%'],
    ['a malformed escape', '/a%zz'],
    ['a cut escape', '/a%4'],
    ['bytes that are not UTF-8', '/%ff'],
    ['an overlong slash', '/a%c0%afb'],
    ['an overlong dot', '/%c0%ae%c0%ae/'],
    ['an encoded surrogate', '/%ed%a0%80'],
    ['an encoded NUL', '/a%00'],
    ['a NUL', '/a\0'],
    ['the empty string', ''],
    ['a query alone', '?x=1'],
    ['a relative path', 'a/b'],
    ['an authority (CONNECT)', 'example.com:443'],
  ])('does not decode %s', (_, url) => {
    expect(normalizePath(url)).toEqual({ text: undefined, plain: false, url })
  })

  it('takes 16 KB in its stride', () => {
    const names = 'a/'.repeat(8192)
    expect(normalizePath(`/${names}`).text).toBe(`/${names.slice(0, -1)}`)
    expect(normalizePath(`/${'../'.repeat(5461)}x`)).toMatchObject({ text: '/x', plain: false })
    expect(normalizePath(`/${'%61'.repeat(5461)}`).text).toBe(`/${'a'.repeat(5461)}`)
    expect(normalizePath(`/${'%'.repeat(16_384)}`).text).toBeUndefined()
    expect(normalizePath(`/${'/'.repeat(16_384)}`).text).toBe('/')
  })

  it('never throws, and never leaves a dot segment, a duplicate or a trailing slash', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), oddUrl, fc.webUrl()), (url) => {
        const { text } = normalizePath(url)
        if (text === undefined || text === '/' || text === '*') return
        expect(text).toMatch(/^(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+$/s)
      }),
      { numRuns: 2000 },
    )
  })

  it('calls a path plain only if every router reads it alike', () => {
    fc.assert(
      fc.property(oddUrl, (url) => {
        const path = normalizePath(url)
        if (!path.plain) return
        for (const [name, read] of Object.entries(routers)) {
          const read_ = read(url)
          if (read_ !== undefined) expect({ name, path: tidy(read_) }).toEqual({ name, path: path.text })
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('readingsOf', () => {
  it('has one reading of a plain path', () => {
    expect(readingsOf(normalizePath('/a/%62?x'))).toEqual(['/a/b'])
  })

  it('has every reading of an odd path', () => {
    expect(readingsOf(normalizePath('/q/../admin/..%2fx'))).toEqual(expect.arrayContaining(['/admin/../x', '/x']))
    expect(readingsOf(normalizePath('//open/admin'))).toEqual(expect.arrayContaining(['/open/admin', '/admin']))
    expect(readingsOf(normalizePath('/admin/%ff'))).toEqual(['/admin/%ff'])
    expect(readingsOf(normalizePath('/x/..;a/admin;b'))).toContain('/admin')
    expect(readingsOf(normalizePath('/x%255c..%255cadmin'))).toContain('/admin')
  })

  it('has the reading of every router', () => {
    fc.assert(
      fc.property(oddUrl, (url) => {
        const readings = readingsOf(normalizePath(url))
        if (readings === undefined) return
        for (const read of Object.values(routers)) {
          const path = read(url)
          if (path !== undefined) expect(readings).toContain(tidy(path))
        }
      }),
      { numRuns: 5000 },
    )
  })

  it('gives up on a path that has no end of readings, in little time', () => {
    const read = (): void => {
      for (const part of ['a;b\\%2e%2e%252f//..', '..\\;', '%2f;', 'a/../', '%25', ';/', '//', '%25252f..;\\']) {
        const url = `/\\${part.repeat(16_000 / part.length)}`
        expect(readingsOf(normalizePath(url))).toBeUndefined()
      }
    }
    expect(millisecondsOf(read)).toBeLessThan(1000)
  })
})
