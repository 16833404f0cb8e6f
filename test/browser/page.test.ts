import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import axe from 'axe-core'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type PageView, pageSecurityPolicy, renderPage } from '../../src/reply/page/page.js'
import { launchChromium } from './chromium.js'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

const now = new Date('2026-11-22T07:05:00.000Z')
const end = new Date('2026-11-22T07:30:00.000Z')
const minute = 60_000

declare global {
  interface Window {
    /** The requests that the page has begun and the test has not yet waited for. */
    begun: Promise<Response>[]
  }
}

let browser: Browser
let server: Server
let base: string
/** The same server by another name: another origin. */
let other: string
let context: BrowserContext
let page: Page
let complaints: string[]

/** What the server does: `closed` refuses with the page, a number is a bare answer, `away` hangs up. */
let site: 'closed' | 'open' | 'redirect' | 'away' | number
let view: Partial<PageView>
let requests: string[]

const heads = () => requests.filter((request) => request.startsWith('HEAD /page')).length

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    if (request.url === '/form') {
      response.setHeader('content-type', 'text/html')
      return response.end(`<!doctype html><link rel="icon" href="data:,"><title>Form</title>
<form method="post" action="/page"><input name="text"><button>Send</button></form>`)
    }
    if (site === 'away') return request.socket.destroy()
    if (site === 'redirect') return response.writeHead(302, { location: `${other}/form` }).end()
    if (typeof site === 'number') return response.writeHead(site).end()
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.setHeader('cache-control', 'no-store')
    if (site === 'open') return response.end('<!doctype html><link rel="icon" href="data:,"><title>Shop</title>')
    const notProcessed = request.method !== 'GET' && request.method !== 'HEAD'
    response.writeHead(503, { 'content-security-policy': pageSecurityPolicy, 'maintenance-mode': 'on' })
    return response.end(
      renderPage({ mode: 'on', reopening: false, reason: undefined, until: undefined, notProcessed, ...view }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  other = base.replace('127.0.0.1', 'localhost')
  browser = await launchChromium()
})

afterAll(async () => {
  await browser?.close()
  await new Promise((resolve) => server.close(resolve))
})

beforeEach(() => {
  site = 'closed'
  view = {}
  requests = []
  complaints = []
})

afterEach(async () => {
  await context?.close()
  expect(complaints).toEqual([])
})

async function open(options: BrowserContextOptions = {}): Promise<void> {
  context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options })
  page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // Chromium itself notes each answer of 4xx and 5xx, and each failed connection.
    if (!message.text().startsWith('Failed to load resource: ')) complaints.push(message.text())
  })
  // Time stands still from here on, and moves only as the test says.
  await page.clock.install({ time: now.getTime() - minute })
  await page.clock.pauseAt(now)
  await page.addInitScript(() => {
    const real = window.fetch
    window.begun = []
    window.fetch = (...call) => {
      const answer = real(...call)
      window.begun.push(answer)
      return answer
    }
  })
}

async function visit(options?: BrowserContextOptions): Promise<void> {
  await open(options)
  await page.goto(`${base}/page?q=1#here`)
}

async function send(): Promise<void> {
  await open()
  await page.goto(`${base}/form`)
  await page.fill('input', 'a long letter')
  await page.click('button')
  await page.waitForSelector('main')
}

/** Moves the time on until the page has asked `count` times more, or the span is over. */
async function asks(count = 1, within = 80_000): Promise<number> {
  const before = heads()
  for (let moved = 0; moved < within && heads() < before + count; moved += 1000) {
    await page.clock.runFor(1000)
    await settle()
  }
  return heads() - before
}

/** Until every request the page has begun is answered and dealt with, or the page is left. */
async function settle(): Promise<void> {
  await page
    .evaluate(async () => {
      while (window.begun.length > 0) await Promise.allSettled(window.begun.splice(0))
    })
    .catch((error: Error) => {
      if (!error.message.includes('navigation')) throw error
    })
}

const eventually = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 20_000 })

const status = () => page.locator('[role=status]').textContent()

describe('what a visitor sees', () => {
  test('the end in the visitor’s own language and time zone', async () => {
    view = { until: end }
    await visit({ locale: 'de-DE', timezoneId: 'Asia/Tokyo' })
    const time = page.locator('time')
    expect(await time.textContent()).toMatch(/^Sonntag, 22\. November um 16:30 (GMT\+9|JST)$/)
    expect(await page.locator('dd').getAttribute('lang')).toBe('de-DE')
    expect(await page.locator('dd span').textContent()).toBe('in 25 Minuten')
  })

  test('the time left, as it goes', async () => {
    view = { until: end }
    await visit()
    const hint = page.locator('dd span')
    expect(await hint.textContent()).toBe('in 25 minutes')
    await page.clock.runFor(10 * minute)
    expect(await hint.textContent()).toBe('in 15 minutes')
    expect(await page.locator('dt').textContent()).toBe('Expected back')
  })

  test('the truth when the end has passed and the site is still closed', async () => {
    view = { until: end }
    await visit()
    await page.clock.fastForward(25 * minute)
    await asks(2)
    expect(await page.locator('dt').textContent()).toBe('Planned until')
    expect(await page.locator('dd span').textContent()).toBe('')
    expect(await status()).toContain('taking a little longer than planned')
  })

  test('no such claim while only the visitor’s own connection is gone', async () => {
    view = { until: end }
    await visit()
    site = 'away'
    await page.clock.fastForward(25 * minute)
    await asks(2)
    expect(await status()).not.toContain('longer')
  })

  test('a new end and reason, once the old end has passed', async () => {
    view = { until: end }
    await visit()
    view = { until: new Date(end.getTime() + 60 * minute), reason: 'Still <b>copying</b>' }
    await page.clock.fastForward(25 * minute)
    await asks(2)
    await eventually(() => page.locator('time').textContent()).toContain('08:30')
    expect(await page.locator('dd').first().textContent()).toBe('Still <b>copying</b>')
    expect(await page.locator('dt').last().textContent()).toBe('Expected back')
  })

  test('a hostile reason as text', async () => {
    view = { reason: '<img src=x onerror=alert(1)>\nSecond line' }
    await visit()
    expect(await page.locator('dd').textContent()).toBe('<img src=x onerror=alert(1)>\nSecond line')
  })

  test('readable UTC without a script', async () => {
    view = { until: end }
    await open({ javaScriptEnabled: false })
    await page.goto(`${base}/page`)
    expect(await page.locator('time').textContent()).toBe('22 November 2026, 07:30 UTC')
    expect(await page.locator('main').textContent()).toContain('This page looks again every minute.')
  })

  test('nothing of the script in the global scope', async () => {
    await visit()
    const names = await page.evaluate(() => Object.getOwnPropertyNames(window))
    await page.goto(`${base}/form`)
    const plain = await page.evaluate(() => Object.getOwnPropertyNames(window))
    expect(names.filter((name) => !plain.includes(name))).toEqual([])
  })
})

describe('coming back', () => {
  test('asks first after 5 to 10 seconds, then less and less often, at least once in 75 seconds', async () => {
    await visit()
    await page.clock.runFor(3000)
    await settle()
    expect(heads()).toBe(0)
    const times: number[] = []
    for (let second = 5; second <= 301; second += 2) {
      const before = heads()
      await page.clock.runFor(2000)
      await settle()
      if (heads() > before) times.push(second)
    }
    expect(times[0]).toBeGreaterThanOrEqual(5)
    expect(times[0]).toBeLessThanOrEqual(11)
    const gaps = times.slice(1).map((time, index) => time - times[index]!)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(77)
    expect(gaps.at(-1)).toBeGreaterThan(gaps[0]!)
    expect(requests).toContain('HEAD /page?q=1')
  })

  test('reloads when the site is open', async () => {
    await visit()
    expect(await asks()).toBe(1)
    site = 'open'
    await asks()
    await eventually(() => page.title()).toBe('Shop')
  })

  test('goes on when the site answers with a redirect to another origin', async () => {
    await visit()
    site = 'redirect'
    await asks()
    await eventually(() => page.title()).toBe('Form')
  })

  test.each([500, 502, 503, 504, 429, 'away' as const])('does not take %s for an open site', async (answer) => {
    await visit()
    site = answer
    expect(await asks(2)).toBe(2)
    expect(await page.title()).toBe('We will be back soon')
    site = 'open'
    await asks()
    await eventually(() => page.title()).toBe('Shop')
  })

  test('asks soon after the known end', async () => {
    view = { until: new Date(now.getTime() + 10 * minute) }
    await visit()
    await page.clock.runFor(10 * minute - 2000)
    await settle()
    const before = heads()
    await page.clock.runFor(12_000)
    await settle()
    expect(heads()).toBeGreaterThan(before)
  })

  test('asks nothing while hidden, at once when seen again, and not twice within 3 seconds', async () => {
    await visit()
    await hide(true)
    expect(await asks(1, 120_000)).toBe(0)
    await hide(false)
    await settle()
    expect(heads()).toBe(1)
    await hide(true)
    await hide(false)
    await settle()
    expect(heads()).toBe(1)
    await page.clock.runFor(3000)
    await settle()
    expect(heads()).toBe(2)
  })

  test('asks at once when the connection is back', async () => {
    await visit()
    site = 'open'
    await context.setOffline(true)
    await context.setOffline(false)
    await eventually(() => page.title()).toBe('Shop')
  })
})

describe('after a form was sent', () => {
  test('says that nothing was saved, and sends nothing again', async () => {
    await send()
    expect(await page.locator('.sent').textContent()).toContain('nothing was saved')
    expect(await page.locator('button').isVisible()).toBe(false)
    site = 'open'
    await asks()
    await eventually(() => page.locator('h1').textContent()).toBe('We are back')
    expect(await status()).toContain('Please go back and send it again.')
    expect(await asks(1, 120_000)).toBe(0)
    expect(requests.filter((request) => request === 'POST /page')).toHaveLength(1)
    expect(requests).not.toContain('GET /page')
    await page.click('button')
    await eventually(() => page.title()).toBe('Form')
  })

  test('in mode read-only offers the way back at once, for the page itself can be read', async () => {
    view = { mode: 'read-only' }
    await send()
    expect(await page.locator('h1').textContent()).toBe('Changes are paused')
    expect(await page.locator('button').isVisible()).toBe(true)
    expect(await asks(1, 30_000)).toBe(0)
  })
})

describe('for everybody', () => {
  const views: Record<string, Partial<PageView>> = {
    plain: {},
    full: { reason: 'We are moving to a faster database.', until: end },
    sent: { reason: 'Move', until: end, notProcessed: true },
    'read-only': { mode: 'read-only', notProcessed: true },
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 360]) {
      test(`axe finds nothing: ${colorScheme}, ${width} px`, async () => {
        await open({ colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' })
        await page.clock.resume() // axe waits on timers
        await page.addInitScript({ content: axe.source })
        for (const [name, part] of Object.entries(views)) {
          view = part
          await page.goto(`${base}/page`)
          const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run())
          expect({ [name]: violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]) }).toEqual({
            [name]: [],
          })
        }
      })
    }
  }

  test('nothing to scroll sideways at 320 px, not even for a reason without spaces', async () => {
    view = { reason: 'https://status.example.com/'.repeat(10), until: end, notProcessed: true }
    await visit({ viewport: { width: 320, height: 640 } })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
  })

  test('nothing moves for those who asked for less motion', async () => {
    await visit({ reducedMotion: 'reduce' })
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
  })
})

async function hide(hidden: boolean): Promise<void> {
  await page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)
}
