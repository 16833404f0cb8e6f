import axe from 'axe-core'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { serializeDocument } from '../../src/state/document.js'
import type { Window } from '../../src/state/window.js'
import { openSite, type Site } from '../admin/site.js'
import { documentOf, windowOf } from '../state/windows.js'
import { launchChromium } from './chromium.js'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

const policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:"
const plan = windowOf({
  id: 'plan-1',
  origin: 'planned',
  start: '2026-01-10T01:00:00Z',
  end: '2026-01-10T03:00:00Z',
  announceFrom: '2025-12-30T00:00:00Z',
  reason: '<b>Moving</b> to a new database',
})

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

/** A site with the banner on its page, under a strict policy, that lets everybody through. */
async function siteWith(...windows: Window[]): Promise<Site> {
  const stateBackend = memoryBackend()
  await stateBackend.write(serializeDocument(documentOf(...windows)), { expected: 0, next: 1 })
  const site = await openSite(
    { stateBackend, ignoreAnonymousUser: true, scopes: { billing: { urls: ['/billing/**'] } } },
    ({ url }, res) => {
      const part = url?.startsWith('/billing') ? ' data-scope="billing"' : ''
      res.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
      res.end(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<title>Shop</title><script src="/maintenance-mode/banner.js" defer${part}></script><main><h1>Shop</h1></main>`)
    },
  )
  onTestFinished(() => site.close())
  return site
}

async function visit(site: Site, options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Rome', ...options })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => complaints.push(message.text()))
  await page.goto(site.base)
  return { page, complaints }
}

const banner = (page: Page) => page.locator('aside.maintenance-banner')
const loaded = async (page: Page, path = '/') => {
  await Promise.all([page.waitForResponse(/\/maintenance-mode\/status/), page.goto(new URL(path, page.url()).href)])
  // By the time that this is answered, the banner's own script has made of its answer what it makes.
  await page.evaluate(() => fetch('/maintenance-mode/status').then((answer) => answer.text()))
}

describe('the banner', () => {
  it("tells what is announced in the visitor's time zone and language, under a strict policy", async () => {
    const site = await siteWith(plan)
    const english = await visit(site)
    await expect.poll(() => banner(english.page).textContent()).toContain('Planned maintenance Sat')
    const text = await banner(english.page).textContent()
    expect(text).toMatch(/10 January,? (?:at )?02:00\s?–\s?04:00 CET/)
    expect(text).toContain('<b>Moving</b> to a new database')
    const german = await visit(site, { locale: 'de-DE', timezoneId: 'Asia/Tokyo' })
    await expect.poll(() => banner(german.page).textContent()).toMatch(/Geplante Wartung.*10:00.*12:00/s)
    expect([...english.complaints, ...german.complaints]).toEqual([])
  })

  it('stays away once it was dismissed, and comes back with the next phase', async () => {
    const site = await siteWith({ ...plan, start: '2026-01-01T01:00:00Z', end: '2026-01-01T03:00:00Z' })
    const { page } = await visit(site)
    await banner(page).getByRole('button', { name: 'Dismiss' }).click()
    expect(await banner(page).count()).toBe(0)
    await loaded(page)
    expect(await banner(page).count()).toBe(0)
    await site.clock.set('2026-01-01T02:00:00Z')
    await loaded(page)
    await expect.poll(() => banner(page).textContent()).toMatch(/^Maintenance /)
    await site.clock.set('2026-01-01T03:00:00Z')
    await loaded(page)
    expect(await banner(page).count()).toBe(0)
  })

  it('shows what was dismissed last only after what was not, and of a part of the site what is about it', async () => {
    const site = await siteWith(
      windowOf({ id: 'b', scope: 'billing', mode: 'read-only', start: '2025-12-31T00:00:00Z' }),
      plan,
    )
    const { page } = await visit(site)
    await expect.poll(() => banner(page).textContent()).toContain('Planned maintenance')
    await loaded(page, '/billing/')
    await expect.poll(() => banner(page).textContent()).toContain('changes cannot be saved')
    await banner(page).getByRole('button').click()
    await expect.poll(() => banner(page).textContent()).toContain('Planned maintenance')
  })

  it('can be read and used by everybody, on a phone too', async () => {
    const site = await siteWith(plan)
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await visit(site, { viewport: { width: 320, height: 600 }, colorScheme, bypassCSP: true })
      await banner(page).waitFor()
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run('aside'))
      expect(violations.map(({ id }) => id)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/banner-${colorScheme}.png` })
    }
  })

  it('is at most 2 KB in every language, and can be kept for five minutes', async () => {
    const site = await siteWith()
    for (const language of ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'ja', 'xx']) {
      const answer = await site.get('/maintenance-mode/banner.js', { headers: { 'accept-language': language } })
      expect((await answer.arrayBuffer()).byteLength).toBeLessThanOrEqual(2048)
      expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
      expect(answer.headers.get('vary')).toContain('Accept-Language')
    }
  })
})
