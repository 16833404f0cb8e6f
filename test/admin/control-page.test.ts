import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { controlScript, controlScriptHash } from '../../src/admin/control-script.js'
import { controlStyle, controlStyleHash } from '../../src/admin/control-style.js'
import { openSite, ownPage, type Site } from './site.js'

let site: Site

afterEach(() => site?.close())

const sha256 = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`
const page = async (query = '') => (await site.get(`/maintenance-mode${query}`, { headers: ownPage })).text()

describe('the security policy', () => {
  test('names the style and the script as they are', () => {
    expect(controlStyleHash, `set controlStyleHash to '${sha256(controlStyle)}'`).toBe(sha256(controlStyle))
    expect(controlScriptHash, `set controlScriptHash to '${sha256(controlScript)}'`).toBe(sha256(controlScript))
  })

  test('covers every style and script of the page, and no attribute asks for more', async () => {
    site = await openSite()
    const answer = await site.get('/maintenance-mode', { headers: ownPage })
    const policy = answer.headers.get('content-security-policy')
    const text = await answer.text()
    const parts = [...text.matchAll(/<(style|script)>(.*?)<\/\1>/gs)].map(([, , part = '']) => part)
    expect(parts).toHaveLength(3)
    for (const part of parts) expect(policy).toContain(sha256(part))
    expect(text).not.toMatch(/ (style|on\w+)=|<(script|link|img)[^>]*https?:/)
  })
})

describe('the page', () => {
  test('shows what people wrote as text', async () => {
    site = await openSite()
    const hostile = '<img src=x onerror=alert(1)>"\''
    await site.maintenance.setMode('on', { reason: hostile, note: hostile, by: hostile, from: hostile })
    const text = await page()
    expect(text).not.toContain('<img')
    expect(text.split('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;')).toHaveLength(5)
  })

  test('says since when, by whom, why, until when, and where the state is', async () => {
    site = await openSite()
    const end = '2026-01-01T03:00:00Z'
    const expectedEnd = '2026-01-01T02:00:00Z'
    await site.maintenance.setMode('on', { reason: 'Upgrade', end, expectedEnd, by: 'ann', from: 'cli@web-1' })
    const text = (await page()).replace(/<style>.*<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ')
    expect(text).toContain('The site is closed Visitors get the maintenance page.')
    expect(text).toContain('Since 1 January 2026, 00:00 UTC By ann cli@web-1 Why Upgrade')
    expect(text).toContain('Until 1 January 2026, 02:00 UTC Visitors are told this time. It reopens nothing.')
    expect(text).toContain('1 January 2026, 03:00 UTC It reopens by itself then.')
    expect(text).toContain('State memory: Revision 1, read 1 January 2026, 00:00 UTC You root')
  })

  test('names every window, and asks before it takes one from a running program', async () => {
    site = await openSite()
    const held = await site.maintenance.openWindow({ id: 'deploy' })
    expect(await page()).toContain('name="all"')
    expect(await page()).not.toContain('Change the reason or the time')
    await site.maintenance.setMode('on')
    expect(await page()).toContain('Window deploy')
    expect(await page()).toContain('Window manual')
    await held.close()
    expect(await page()).not.toContain('name="all"')
    expect(await page()).toContain('Change the reason or the time')
  })

  test('believes no address that says what was done, unless the state says so too', async () => {
    site = await openSite()
    expect(await page('?done=opened')).toContain('Done. The site is open for everybody.')
    expect(await page('?done=closed')).not.toContain('Done.')
    expect(await page('?done=<b>')).not.toContain('Done.')
    const held = await site.maintenance.openWindow()
    expect(await page('?done=closed')).toContain('Done. The site is closed now.')
    expect(await page('?done=opened')).toContain('a window of others still closes the site')
    await held.close()
  })

  test('shows the state as it is stored now, though this instance had not seen it yet', async () => {
    let document: string | undefined
    site = await openSite({
      stateBackend: {
        address: 'test:',
        absentMeansOff: true,
        capabilities: { compareAndSet: true, watch: false, presence: false, writable: true },
        read: async () => (document === undefined ? undefined : { document, revision: 0 }),
        write: async () => undefined,
      },
    })
    expect(await page()).toContain('The site is open')
    document = '1'
    expect(await page()).toContain('The site is closed')
  })

  test('says so where the state cannot be read, and comes within a second where there is no answer', async () => {
    let answer: () => Promise<undefined> = async () => undefined
    site = await openSite({
      stateBackend: {
        address: 'test:',
        absentMeansOff: true,
        capabilities: { compareAndSet: true, watch: false, presence: false, writable: true },
        read: () => answer(),
        write: async () => undefined,
      },
    })
    await site.maintenance.ready()
    answer = async () => Promise.reject(new Error('no route to <the disk>'))
    expect(await page()).toMatch(/The state cannot be read<.*the last that was known.*no route to &lt;the disk&gt;/)
    answer = () => new Promise(() => {})
    const waiting = page()
    await expect.poll(() => site.clock.timers).toBeGreaterThan(1)
    await site.clock.advance(1000)
    expect(await waiting).toContain('The site is open')
  })
})
