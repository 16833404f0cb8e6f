import type { ServedSite } from 'maintenance-mode/testing'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { launchChromium } from '../browser/chromium.js'
import type { Project } from './project.js'

/** Somebody with a browser, on a site that is closed and opened meanwhile. */
export interface Visitor {
  /** Of the site. */
  readonly url: string
  /** By the command line, for the reason `New shelves`; until `/pages` answers by it. */
  switchTo(mode: 'on' | 'off'): Promise<void>
  /** Opens a page while the site is open, and has the site closed once `ready` is there. */
  visit(path: string, ready: string): Promise<Page>
}

/** For the tests of one `describe`: the site is started before them, and ended after them. */
export function visitorOf(projectOf: () => Project, serve: () => Promise<ServedSite>): Visitor {
  let site: ServedSite
  let browser: Browser

  beforeAll(async () => {
    site = await serve()
    browser = await launchChromium()
  })

  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  const visitor: Visitor = {
    get url() {
      return site.url
    },
    async switchTo(mode) {
      await projectOf().run('maintenance-mode', mode, ...(mode === 'on' ? ['--reason', 'New shelves'] : []))
      await expect.poll(async () => (await fetch(`${site.url}/pages`)).status).toBe(mode === 'on' ? 503 : 200)
    },
    async visit(path, ready) {
      await visitor.switchTo('off')
      const page = await browser.newPage()
      await page.goto(site.url + path)
      await page.waitForSelector(ready)
      await visitor.switchTo('on')
      return page
    },
  }
  return visitor
}
