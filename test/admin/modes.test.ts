import { describe, expect, it, onTestFinished } from 'vitest'
import { bearer, browser, form, json, openSite, superuser } from './site.js'

async function site() {
  const opened = await openSite()
  onTestFinished(opened.close)
  const page = async () => (await opened.get('/maintenance-mode', { headers: { ...browser, ...superuser } })).text()
  return { ...opened, page }
}

describe('the control page', () => {
  it('of a site in mode read-only says so, and changes the reason without closing the site', async () => {
    const { maintenance, page, post } = await site()
    await maintenance.setMode('read-only')
    const html = await page()
    expect(html).toContain('<h1>The site is read-only</h1>')
    const hidden = /<input type="hidden" name="mode" value="([^"]*)">/.exec(html)?.[1] ?? ''
    expect(hidden).toBe('read-only')
    const body = new URLSearchParams({ mode: hidden, reason: 'Moving' })
    const answer = await post('/maintenance-mode/on', { headers: form, body })
    expect(answer.status).toBe(303)
    expect(maintenance.status()).toMatchObject({ mode: 'read-only', reason: 'Moving' })
  })

  it('of a site that reopens says until when, and offers both ways out', async () => {
    const { maintenance, clock, page, post, get } = await site()
    await maintenance.setMode('on')
    const made = await get('/maintenance-mode/off', {
      method: 'POST',
      headers: { ...json, ...bearer },
      body: JSON.stringify({ ramp: '10m' }),
    })
    expect([made.status, (await made.json()).reopening]).toEqual([200, new Date(clock.now() + 600_000).toISOString()])
    const html = await page()
    expect(html).toContain('<h1>The site is reopening</h1>')
    for (const words of ['Everybody is let in then', 'Let everybody in now', 'Close it again']) {
      expect(html).toContain(words)
    }
    await post('/maintenance-mode/on', { headers: form, body: 'mode=on' })
    expect(await page()).toContain('<h1>The site is closed</h1>')
    await maintenance.setMode('off', { ramp: '10m' })
    await post('/maintenance-mode/off', { headers: form, body: '' })
    expect(await maintenance.getMode()).toBe('off')
  })
})
