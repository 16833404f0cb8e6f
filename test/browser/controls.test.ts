import { createServer, type Server } from 'node:http'
import axe from 'axe-core'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { listen, openSite, type Site, stop } from '../admin/site.js'
import { launchChromium } from './chromium.js'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

const start = new Date('2026-01-01T00:00:00Z')

let browser: Browser
let site: Site
let context: BrowserContext
let page: Page
let complaints: string[]

beforeAll(async () => {
  browser = await launchChromium()
})

afterAll(() => browser?.close())

beforeEach(async () => {
  complaints = []
  site = await openSite(
    {
      loginUrls: ['/login'],
      // A session cookie of the weakest kind: nothing but our own check keeps other sites out.
      getAuthenticatedUser(request) {
        const id = /user=(\w+)/.exec(request.header('cookie') ?? '')?.[1]
        return id ? { id, isAuthenticated: true, isStaff: false, isSuperuser: id === 'anna' } : null
      },
    },
    (_req, res) =>
      res.setHeader('content-type', 'text/html').end(`<!doctype html><link rel="icon" href="data:,"><title>Admin</title>
<form method="post" action="/maintenance-mode/on"><input name="reason"><button>Close</button></form>`),
  )
})

afterEach(async () => {
  await context?.close()
  await site.close()
  expect(complaints).toEqual([])
})

async function open(options: BrowserContextOptions = {}, user = 'anna'): Promise<void> {
  context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Rome', ...options })
  await context.addCookies([{ name: 'user', value: user, domain: '127.0.0.1', path: '/', sameSite: 'Lax' }])
  page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (!message.text().startsWith('Failed to load resource: ')) complaints.push(message.text())
  })
  await page.clock.setFixedTime(start)
}

const go = (path = '') => page.goto(`${site.base}/maintenance-mode${path}`)
const heading = () => page.textContent('h1')
const row = async (name: string) => (await page.textContent(`div:has(> dt:text-is("${name}")) dd`))?.trim()

describe('at night', () => {
  test('the site is closed with a reason for half an hour, and reopened', async () => {
    await open({ viewport: { width: 390, height: 844 } })
    await go()
    expect(await heading()).toBe('The site is open')
    await page.fill('textarea', 'Faster database\nSoon back')
    await page.getByLabel('30 minutes').check()
    await page.getByRole('button', { name: 'Close the site' }).click()
    await page.waitForURL('**/maintenance-mode?done=closed')
    expect(await heading()).toBe('The site is closed')
    expect(await page.textContent('[role=status]')).toBe('Done. The site is closed now.')
    expect(await row('Since')).toMatch(/^Thu,? 1 Jan,? (at )?01:00 CET now$/)
    expect(await row('Until')).toMatch(/^Thu,? 1 Jan,? (at )?01:30 CET in 30 minutes It reopens by itself then\.$/)
    expect(await row('By')).toBe('anna control@127.0.0.1')
    expect(await row('Why')).toBe('Faster database\nSoon back')
    expect(await row('State')).toContain('memory:')
    expect((await site.get('/')).status).toBe(503)

    await page.getByRole('button', { name: 'Reopen the site' }).click()
    await page.waitForURL('**/maintenance-mode?done=opened')
    expect(await heading()).toBe('The site is open')
    expect(await page.textContent('[role=status]')).toBe('Done. The site is open for everybody.')
    expect((await site.get('/')).status).toBe(200)
  })

  test('the reason and the time are changed while it is closed', async () => {
    await site.maintenance.setMode('on', { reason: 'Upgrade' })
    await open()
    await go('/off')
    await page.getByText('Change the reason or the time').click()
    await page.getByLabel('2 hours').check()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL('**/maintenance-mode?done=updated')
    expect(await row('Why')).toBe('Upgrade')
    expect(await row('Until')).toContain('03:00 CET')
  })

  test('what could not be done is said, and what was filled in is still there', async () => {
    await open()
    await go()
    await page.fill('textarea', 'x'.repeat(2000))
    await page.evaluate(() => {
      const [area] = document.getElementsByTagName('textarea')
      area?.removeAttribute('maxlength')
      if (area) area.value += '!'
    })
    await page.getByLabel('4 hours').check()
    await page.getByRole('button', { name: 'Close the site' }).click()
    await page.waitForSelector('[role=alert]')
    expect(await page.textContent('[role=alert]')).toContain('at most 2000 characters')
    expect(await page.inputValue('textarea')).toBe(`${'x'.repeat(2000)}!`)
    expect(await page.getByLabel('4 hours').isChecked()).toBe(true)
  })

  test('it is all there without a script, in UTC', async () => {
    await open({ javaScriptEnabled: false })
    await go()
    await page.fill('textarea', 'Upgrade')
    await page.click('button')
    await page.waitForURL('**/maintenance-mode?done=closed')
    expect(await row('Since')).toBe('1 January 2026, 00:00 UTC')
  })

  test('a form of the site’s own comes back to where it was', async () => {
    await open()
    await page.goto(`${site.base}/admin?tab=2`)
    await page.fill('input', 'From the admin')
    await page.click('button')
    await expect.poll(() => site.maintenance.status().reason).toBe('From the admin')
    await page.waitForURL('**/admin?tab=2')
  })

  test('a page left open looks again when it is seen again, unless something is being filled in', async () => {
    await open()
    await go()
    await site.maintenance.setMode('on')
    const seen = () => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await seen()
    await expect.poll(heading).toBe('The site is closed')
    await page.getByText('Change the reason or the time').click()
    await page.fill('textarea', 'Half a sen')
    await site.maintenance.setMode('off')
    const asked = vi.fn()
    page.on('request', asked)
    await seen()
    await page.locator('textarea').pressSequentially('tence')
    expect(asked).not.toHaveBeenCalled()
    expect(await page.inputValue('textarea')).toBe('Half a sentence')
  })
})

describe('another site', () => {
  let evil: Server
  let port: string

  beforeEach(async () => {
    evil = createServer((req, res) => {
      const target = `${site.base}/maintenance-mode`
      const pages: Record<string, string> = {
        '/form': `<form method="post" action="${target}/on"><button>Win</button></form>`,
        '/image': `<img src="${target}/on"><link rel="prefetch" href="${target}/on">`,
        '/frame': `<iframe src="${target}"></iframe>`,
        '/status': '',
      }
      res.setHeader('content-type', 'text/html')
      res.end(`<!doctype html><link rel="icon" href="data:,"><body>${pages[req.url ?? '']}</body>`)
    })
    port = new URL(await listen(evil)).port
  })

  afterEach(async () => {
    complaints = []
    await stop(evil)
  })

  test.each([
    ['on another port, to which cookies are sent', '127.0.0.1', 'same-site'],
    ['of another name', 'localhost', 'cross-site'],
  ])('%s cannot switch by a form', async (_name, host, relation) => {
    await open()
    await page.goto(`http://${host}:${port}/form`)
    await page.click('button')
    await page.waitForURL('**/maintenance-mode/on')
    // Chromium sends no cookies from another site, so there the visitor is nobody.
    expect(await heading()).toBe(
      relation === 'same-site' ? 'This request came from another site' : 'This page is for superusers',
    )
    expect(await site.maintenance.getMode()).toBe('off')
  })

  test('switches nothing by loading an address', async () => {
    await open()
    await page.goto(`http://127.0.0.1:${port}/image`, { waitUntil: 'networkidle' })
    expect(await site.maintenance.getMode()).toBe('off')
  })

  test('cannot show the page in a frame', async () => {
    await open()
    await page.goto(`http://127.0.0.1:${port}/frame`, { waitUntil: 'networkidle' })
    const frame = page.frames()[1]
    expect(await frame?.locator('button').count()).toBe(0)
  })

  test('reads what is public of the status, and no more', async () => {
    await site.maintenance.setMode('on', { reason: 'Upgrade', note: 'secret' })
    await open()
    await page.goto(`http://127.0.0.1:${port}/status`)
    const read = (credentials: RequestCredentials) =>
      page.evaluate(
        ([url, mode]) =>
          fetch(url as string, { credentials: mode as RequestCredentials }).then(
            (answer) => answer.json(),
            () => 'refused',
          ),
        [`${site.base}/maintenance-mode/status`, credentials],
      )
    const since = start.toISOString()
    const announcement = { key: `manual ${since} active`, window: 'manual', scope: '*', mode: 'on', phase: 'active' }
    const announcements = [{ ...announcement, start: since, reason: 'Upgrade' }]
    expect(await read('omit')).toEqual({ mode: 'on', since, reason: 'Upgrade', announcements })
    expect(await read('include')).toBe('refused')
  })
})

describe('for everybody', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 360]) {
      test(`axe finds nothing: ${colorScheme}, ${width} px`, async () => {
        await open({ colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' })
        await page.addInitScript({ content: axe.source })
        const check = async (name: string): Promise<void> => {
          const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run())
          expect({ [name]: violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]) }).toEqual({
            [name]: [],
          })
        }
        await go('?done=opened')
        await check('open')
        await site.maintenance.setMode('on', { reason: 'Upgrade', note: 'ticket', end: '2026-01-01T03:00:00Z' })
        const held = await site.maintenance.openWindow()
        await go('?done=closed')
        await page.getByText('Change the reason or the time').click()
        await check('closed by two windows')
        await context.clearCookies()
        await go()
        await check('for superusers only')
        await held.close()
      })
    }
  }

  test('nothing to scroll sideways at 320 px, not even for words without spaces', async () => {
    const long = 'https://status.example.com/'.repeat(10)
    await site.maintenance.setMode('on', { reason: long, note: long, by: long.slice(0, 200) })
    await open({ viewport: { width: 320, height: 640 } })
    await go()
    await page.getByText('Change the reason or the time').click()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
  })

  test('the keyboard alone closes the site', async () => {
    await open()
    await go()
    await page.keyboard.press('Tab')
    await page.keyboard.type('By hand')
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/maintenance-mode?done=closed')
    expect(site.maintenance.status().windows).toMatchObject([{ reason: 'By hand', end: '2026-01-01T00:15:00.000Z' }])
  })
})
