import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { MaintenanceOptions } from '../../src/index.js'
import { retryAfterSeconds } from '../../src/reply/retry-after.js'
import { at, minute } from '../state/windows.js'
import { closedSite } from './site.js'

const json = { accept: 'application/json' }
const text = { accept: 'text/plain' }

describe('what mode read-only refuses', () => {
  const site = async (options: MaintenanceOptions = {}, window: object = {}) => {
    const made = await closedSite(options)
    await made.maintenance.setMode('read-only', window)
    return made
  }

  it('is told to machines: reading goes on, this change was not made', async () => {
    const { get } = await site({}, { reason: 'Moving', end: at(60) })
    expect((await get('/cart', json)).status).toBe(200)
    const response = await get('/cart', json, 'POST')
    expect([response.status, response.headers.get('maintenance-mode')]).toEqual([503, 'read-only'])
    expect([response.headers.get('cache-control'), response.headers.get('retry-after')]).toEqual([
      'no-store',
      expect.stringMatching(/^3[6-9]\d\d$/),
    ])
    expect(await response.json()).toEqual({
      type: 'urn:maintenance-mode:refused',
      title: 'Read-only for maintenance',
      status: 503,
      detail: 'Reading goes on as usual, but this change was not made. Moving',
      mode: 'read-only',
      window: 'manual',
      until: at(60),
      processed: false,
    })
  })

  it('is told to the rest in a few lines', async () => {
    const { get } = await site({}, { end: at(60) })
    expect(await (await get('/cart', text, 'POST')).text()).toBe(
      `Read-only for maintenance.\nReading goes on as usual, but this change was not made.\nPaused until: ${at(60)}\n`,
    )
  })

  it('is told to people, of a link as of a form', async () => {
    const { get } = await site({ writingUrls: ['/cart/add'], redirectUrl: '/status' })
    for (const [path, method] of [
      ['/cart', 'POST'],
      ['/cart/add', 'GET'],
    ] as const) {
      const response = await get(path, {}, method)
      expect([response.status, response.headers.get('location')]).toEqual([503, null])
      const page = await response.text()
      expect(page).toContain('<h1>Changes are paused</h1>')
      expect(page).toContain('You can look around as usual')
      expect(page).toContain('What you just sent was not carried out')
    }
  })

  it('has a status of its own, and nothing else has', async () => {
    const { get, maintenance } = await site({ readOnlyStatusCode: 403, statusCode: 418, routes: { '/beta': 'on' } })
    for (const accept of ['text/html', 'application/json', 'text/plain']) {
      expect((await get('/', { accept }, 'DELETE')).status).toBe(403)
    }
    expect((await (await get('/', json, 'DELETE')).json()).status).toBe(403)
    expect((await get('/beta', json)).status).toBe(418)
    await maintenance.setMode('on')
    expect((await get('/', json, 'DELETE')).status).toBe(418)
  })

  it('is told to a template and to getContext', async () => {
    const { get } = await site({
      template: '{{ mode }} {{ maintenance_mode }} {{ not_processed }} {{ reopening }} {{ shop }}',
      getContext: () => ({ shop: 'tea' }),
      writingUrls: ['/cart/add'],
    })
    expect(await (await get('/', {}, 'POST')).text()).toBe('read-only true true false tea')
    expect(await (await get('/cart/add')).text()).toBe('read-only true true false tea')
    expect(await (await get('/', json, 'POST')).json()).toMatchObject({ shop: 'tea', mode: 'read-only' })
  })
})

describe('while a site reopens', () => {
  const site = async (options: MaintenanceOptions = {}) => {
    const made = await closedSite(options, { reason: 'Moving' })
    await made.maintenance.setMode('off', { ramp: '10m' })
    return made
  }

  it('those who wait are told so, and asked to come back soon', async () => {
    const { get } = await site({ statusCode: 599 })
    const response = await get('/', json)
    expect([response.status, response.headers.get('maintenance-mode')]).toEqual([599, 'on'])
    expect(response.headers.get('retry-after')).toMatch(/^([12]\d|30)$/)
    expect(await response.json()).toEqual({
      type: 'urn:maintenance-mode:refused',
      title: 'Reopening after maintenance',
      status: 599,
      detail: 'Visitors are let in little by little: try again in a moment. Moving',
      mode: 'on',
      reopening: true,
      window: 'manual',
      until: at(10),
      processed: false,
    })
    expect(await (await get('/', text)).text()).toBe(
      `Reopening after maintenance.\nVisitors are let in little by little: try again in a moment.\nMoving\nOpen to everybody by: ${at(10)}\n`,
    )
    const page = await (await get()).text()
    expect(page).toContain('<h1>We are opening again</h1>')
    expect(page).toContain('it will be your turn soon')
    expect(page).toContain('Open to everybody by')
    expect(await (await get('/', {}, 'POST')).text()).toContain('was not carried out')
  })

  it('a template knows it', async () => {
    const { get } = await site({ template: '{{ mode }} {{ reopening }}' })
    expect(await (await get()).text()).toBe('on true')
  })

  it('a page that was rendered before it began is not sent any longer, nor one of it afterwards', async () => {
    const { get, maintenance, clock } = await closedSite({ ignoreIpAddresses: ['10.0.0.1'] })
    const title = async () => /<h1>(.+)<\/h1>/.exec(await (await get()).text())?.[1]
    expect(await title()).toBe('We will be back soon')
    await maintenance.setMode('off', { ramp: '10m' })
    expect(await title()).toBe('We are opening again')
    await maintenance.setMode('on')
    expect(await title()).toBe('We will be back soon')
    await maintenance.setMode('off', { ramp: 60 })
    await clock.advance(60_000)
    expect((await get()).status).toBe(200)
  })

  it.each([
    ['ten minutes before its end', 600_000, 10, 30],
    ['four seconds before its end', 4000, 4, 24],
    ['at its end', 0, 1, 21],
    ['when the clock has passed it', -60_000, 1, 21],
  ])('Retry-After is short, and differs from one to the next: %s', (_, left, least, most) => {
    const told = { mode: 'on', reopening: true, until: new Date(minute(0) + left) } as const
    const by = (chance: number) => {
      vi.spyOn(Math, 'random').mockReturnValue(chance)
      return retryAfterSeconds(told, { now: () => minute(0) }, 3_600_000)
    }
    onTestFinished(() => void vi.restoreAllMocks())
    expect([by(0), by(0.9999999)]).toEqual([least, most])
  })
})
