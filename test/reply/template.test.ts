import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { MaintenanceOptions } from '../../src/index.js'
import { at } from '../state/windows.js'
import { closedSite } from './site.js'

const builtIn = /^<!doctype html>\n<html lang="en">/

/** What `{{ … }}` and the like become on a page of a site closed like this. */
async function render(template: MaintenanceOptions['template'], options: MaintenanceOptions = {}, window: object = {}) {
  const { get } = await closedSite({ template, ...options }, window)
  return (await get()).text()
}

function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-template-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const pages: [string, MaintenanceOptions['template']][] = [
  ['its text', '<h1>{% if maintenance_mode %}Closed{% else %}Open{% endif %}: {{ reason }}</h1>'],
  ['a function', ({ maintenance_mode, reason }) => `<h1>${maintenance_mode ? 'Closed' : 'Open'}: ${reason}</h1>`],
  ['an async function', async ({ reason }) => `<h1>Closed: ${reason}</h1>`],
]

describe('a template', () => {
  it.each(pages)('given as %s makes the page', async (_how, template) => {
    const { get } = await closedSite({ template }, { reason: 'Moving' })
    const response = await get()
    expect(await response.text()).toBe('<h1>Closed: Moving</h1>')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect([response.status, response.headers.has('content-security-policy')]).toEqual([503, false])
  })

  it('given as a file may include what lies beside it, and nothing above it', async () => {
    const folder = folderOf({
      'page.html': '<h1>{% include "head.html" %}</h1>',
      'head.html': '{{ reason }}!',
      'thief.html': '{% include "../../../../../../etc/passwd" %}',
    })
    expect(await render(join(folder, 'page.html'), {}, { reason: 'Moving' })).toBe('<h1>Moving!</h1>')
    expect(await render(join(folder, 'thief.html'))).toMatch(builtIn)
  })

  it('given as text includes no file at all', async () => {
    expect(await render('<p>{% include "package.json" %}')).toMatch(builtIn)
  })

  it('knows mode, reason, until, and whether something was not carried out', async () => {
    const template = '<p>{{ mode }}|{{ reason }}|{{ until }}|{{ not_processed }}'
    const { get } = await closedSite({ template }, { reason: 'Moving', end: at(30) })
    expect(await (await get()).text()).toBe(`<p>on|Moving|${at(30)}|false`)
    expect(await (await get('/', {}, 'POST')).text()).toBe(`<p>on|Moving|${at(30)}|true`)
    expect(await render('<p>{{ reason }}|{{ until }}|{% if reason %}why{% endif %}')).toBe('<p>||')
  })

  it('escapes what is put out, of the operator and of the context', async () => {
    const evil = `<script>alert("x")</script>&'`
    const escaped = '&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;&amp;&#39;'
    const getContext = () => ({ shop: evil })
    expect(await render('<p>{{ reason }}|{{ shop }}', { getContext }, { reason: evil })).toBe(
      `<p>${escaped}|${escaped}`,
    )
    expect(await render('<p>{{ shop | raw }}', { getContext })).toBe(`<p>${evil}`)
  })

  it('is rendered once for as long as nothing changes', async () => {
    let times = 0
    const { maintenance, get } = await closedSite(
      { template: ({ reason }) => `<p>${reason} ${++times}` },
      { reason: 'a' },
    )
    const page = async () => (await get()).text()
    expect([await page(), await page(), await page()]).toEqual(['<p>a 1', '<p>a 1', '<p>a 1'])
    await maintenance.setMode('on', { reason: 'b' })
    expect([await page(), await page()]).toEqual(['<p>b 2', '<p>b 2'])
  })

  it('is no business of those who want JSON or text', async () => {
    const { get, said } = await closedSite({ template: () => JSON.parse('{') })
    for (const accept of ['application/json', 'text/plain']) await get('/', { accept })
    expect(said).toEqual([])
  })
})

describe('a template that fails', () => {
  const failing: [string, MaintenanceOptions['template']][] = [
    ['throws', () => JSON.parse('{')],
    ['rejects', async () => Promise.reject(new Error('no'))],
    ['returns no text', (() => undefined) as never],
    ['returns no text later', (async () => ({ html: '' })) as never],
    ['includes what is not there', '<p>{% render "gone" %}'],
    ['takes too long', '<p>{% for i in (1..100000000) %}{{ i }}{% endfor %}'],
    [
      'takes too much',
      `<p>{% assign x = "${'x'.repeat(1000)}" %}${'{% assign x = x | append: x %}'.repeat(30)}{{ x }}`,
    ],
  ]
  it.each(failing)('(it %s) is reported once, and gives way to the built-in page', async (_how, template) => {
    const { get, said } = await closedSite({ template }, { reason: 'Moving' })
    const response = await get()
    expect(response.headers.has('content-security-policy')).toBe(true)
    const html = await response.text()
    expect(html).toMatch(builtIn)
    expect(html).toContain('Moving')
    await get()
    expect(said).toEqual([expect.stringContaining('maintenance-mode: template: ')])
  })

  it('is left alone for ten seconds, and tried again', async () => {
    let broken = true
    let times = 0
    const template = () => {
      times++
      return broken ? JSON.parse('{') : '<p>mine'
    }
    const { get, clock } = await closedSite({ template })
    for (let request = 0; request < 5; request++) await get()
    expect(times).toBe(1)
    broken = false
    await clock.advance(10_000)
    expect([await (await get()).text(), times]).toEqual(['<p>mine', 2])
  })

  it('that never answers is waited for one second, by all who come meanwhile together', async () => {
    let times = 0
    const { get, clock } = await closedSite({
      template: () => {
        times++
        return new Promise<string>(() => {})
      },
    })
    const answers = [get(), get(), get()]
    await clock.advance(1000)
    for (const answer of await Promise.all(answers)) expect(await answer.text()).toMatch(builtIn)
    expect(times).toBe(1)
  })
})

describe('getContext', () => {
  const template = '<p>{{ shop }}|{{ maintenance_mode }}|{{ reason }}'

  it('adds values to the page and to the JSON body, at once or later, for each request', async () => {
    const { get } = await closedSite({ template, getContext: async ({ url }) => ({ shop: `Tea at ${url}` }) })
    expect(await (await get('/a')).text()).toBe('<p>Tea at /a|true|')
    expect(await (await get('/b')).text()).toBe('<p>Tea at /b|true|')
    expect(await (await get('/b', { accept: 'application/json' })).json()).toMatchObject({
      shop: 'Tea at /b',
      status: 503,
    })
  })

  it('cannot take the place of what clients rely on', async () => {
    const getContext = () => ({ processed: true, status: 200, maintenance_mode: false, reason: 'none', type: 'x' })
    const { get } = await closedSite({ template, getContext }, { reason: 'Moving' })
    expect(await (await get()).text()).toBe('<p>|true|Moving')
    expect(await (await get('/', { accept: 'application/json' })).json()).toMatchObject({
      type: 'urn:maintenance-mode:refused',
      processed: false,
      status: 503,
    })
  })

  const circular: Record<string, unknown> = {}
  circular.self = circular
  const failing: [string, () => unknown, boolean][] = [
    ['throws', () => JSON.parse('{'), true],
    ['rejects', async () => Promise.reject(new Error('no')), true],
    ['returns a text', () => 'Tea', true],
    ['returns a list', async () => ['Tea'], true],
    ['returns nothing', () => undefined, false],
    ['returns what JSON cannot hold', () => circular, true],
    ['returns a big number', () => ({ visitors: 5n }), true],
  ]
  it.each(failing)('that %s is left out', async (_how, getContext, reported) => {
    const { get, said } = await closedSite({ template, getContext: getContext as () => object as never })
    expect(await (await get()).text()).toBe('<p>|true|')
    const problem = await (await get('/', { accept: 'application/json' })).json()
    expect(Object.keys(problem).sort()).toEqual(['detail', 'mode', 'processed', 'status', 'title', 'type', 'window'])
    expect(said).toHaveLength(reported ? 1 : 0)
  })

  it('that never answers is waited for one second', async () => {
    const { get, clock } = await closedSite({ template, getContext: () => new Promise(() => {}) })
    const answer = get()
    await clock.advance(999)
    await clock.advance(1)
    expect(await (await answer).text()).toBe('<p>|true|')
  })
})
