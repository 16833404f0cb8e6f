import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type PageView, pageSecurityPolicy, renderPage } from '../../src/reply/page/page.js'
import { script, scriptHash } from '../../src/reply/page/script.js'
import { style, styleHash } from '../../src/reply/page/style.js'

const view = (part: Partial<PageView> = {}): PageView => ({
  mode: 'on',
  reopening: false,
  reason: undefined,
  until: undefined,
  notProcessed: false,
  ...part,
})
const end = new Date('2026-11-22T07:30:00.000Z')
const sha256 = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`
const count = (html: string, part: RegExp) => html.match(part)?.length ?? 0

describe('content security policy', () => {
  test('the hash of the style is that of the style', () => {
    expect(styleHash, `set styleHash to '${sha256(style)}'`).toBe(sha256(style))
  })

  test('the hash of the script is that of the script', () => {
    expect(scriptHash, `set scriptHash to '${sha256(script)}'`).toBe(sha256(script))
  })

  test('the page holds exactly the hashed style and script', () => {
    const html = renderPage(view({ reason: 'Move', until: end, notProcessed: true }))
    expect([...html.matchAll(/<style>([\s\S]*?)<\/style>/g)].map((match) => match[1])).toEqual([style])
    expect([...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map((match) => match[1])).toEqual([script])
    expect(html).not.toMatch(/\s(style|on\w+)=/)
  })

  test('everything not needed is forbidden', () => {
    expect(pageSecurityPolicy).toContain("default-src 'none'")
    expect(pageSecurityPolicy).toContain("connect-src 'self'")
    expect(pageSecurityPolicy).toContain("base-uri 'none'")
    expect(pageSecurityPolicy).toContain("form-action 'none'")
    expect(pageSecurityPolicy).toContain(styleHash)
    expect(pageSecurityPolicy).toContain(scriptHash)
    expect(pageSecurityPolicy).not.toContain('unsafe')
    expect(pageSecurityPolicy).not.toMatch(/[\r\n]/)
  })
})

describe('document', () => {
  test.each([
    ['plain', view()],
    ['with everything', view({ reason: 'Move', until: end, notProcessed: true })],
    ['read-only', view({ mode: 'read-only', notProcessed: true })],
    ['hold', view({ mode: 'hold' })],
  ])('%s: one heading, one main, a language, a title, a live region, not indexed', (_, part) => {
    const html = renderPage(part)
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(count(html, /<h1>/g)).toBe(1)
    expect(count(html, /<main[ >]/g)).toBe(1)
    expect(count(html, /<title>[^<]+<\/title>/g)).toBe(1)
    expect(count(html, /role="status"/g)).toBe(1)
    expect(html).toContain('<meta name="robots" content="noindex">')
    expect(html.replace(script, '')).not.toMatch(/undefined|null|NaN|Invalid/)
  })

  test('needs no other request', () => {
    const html = renderPage(view({ reason: 'Move', until: end }))
    expect(html).not.toMatch(/\b(src|srcset|action)=|@import|url\(/)
    expect([...html.matchAll(/href="([^"]*)"/g)].map((match) => match[1]!.slice(0, 19))).toEqual([
      'data:image/svg+xml,',
    ])
  })

  test('stays small', () => {
    expect(Buffer.byteLength(renderPage(view({ until: end })))).toBeLessThan(8000)
    expect(Buffer.byteLength(renderPage(view({ until: end, notProcessed: true })))).toBeLessThan(8000)
  })

  test('is the same whenever it is rendered', () => {
    expect(renderPage(view({ until: end }))).toBe(renderPage(view({ until: new Date(end) })))
  })
})

describe('reason', () => {
  test('is text, whatever it holds', () => {
    const html = renderPage(view({ reason: `</dd><script>alert("1")</script><img src=x onerror='a()'>&amp;` }))
    expect(html).toContain(
      '&lt;/dd&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;img src=x onerror=&#39;a()&#39;&gt;&amp;amp;',
    )
    expect(html).not.toContain('<img')
    expect(count(html, /<script>/g)).toBe(1)
  })

  test('keeps its line breaks', () => {
    expect(renderPage(view({ reason: 'First line\nSecond line' }))).toContain('>First line\nSecond line<')
  })

  test.each([undefined, '', ' \n '])('%j leaves no empty row', (reason) => {
    expect(renderPage(view({ reason }))).not.toContain('<dl>')
  })
})

describe('end', () => {
  test('is an instant for the script and readable UTC for people', () => {
    expect(renderPage(view({ until: end }))).toContain(
      '<time datetime="2026-11-22T07:30:00.000Z">22 November 2026, 07:30 UTC</time>',
    )
  })

  test('left out when it is not known, or no date at all', () => {
    expect(renderPage(view())).not.toContain('<time')
    expect(renderPage(view({ until: new Date(Number.NaN) }))).not.toContain('<time')
  })
})

describe('a request that was not carried out', () => {
  test('is told so, and never sent again by the page', () => {
    const html = renderPage(view({ notProcessed: true }))
    expect(html).toContain('What you just sent was not carried out, and nothing was saved.')
    expect(html).toContain('<button type="button" hidden>')
    expect(html).not.toContain('http-equiv="refresh"')
  })

  test('a page that was only looked at comes back without a script too', () => {
    const html = renderPage(view())
    expect(html).toContain('<noscript><meta http-equiv="refresh" content="60"></noscript>')
    expect(html).not.toContain('not carried out')
    expect(html).not.toContain('<button')
  })
})

test('read-only says that the site can still be read, and promises no return', () => {
  const html = renderPage(view({ mode: 'read-only', until: end, notProcessed: true }))
  expect(html).toContain('<h1>Changes are paused</h1>')
  expect(html).toContain('Paused until')
  expect(html).not.toContain('data-wait')
})
