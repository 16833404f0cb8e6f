import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { MaintenanceOptions } from '../../src/index.js'
import { retryAfterSeconds } from '../../src/reply/retry-after.js'
import { at, minute } from '../state/windows.js'
import { closedSite } from './site.js'

const json = { accept: 'application/json' }

describe('a refusal', () => {
  it.each(['text/html', 'application/json', 'text/plain'])('as %s is a 503 that nobody keeps', async (accept) => {
    const { get } = await closedSite({}, { reason: 'Moving' })
    const response = await get('/', { accept })
    expect(response.status).toBe(503)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'no-store',
      'maintenance-mode': 'on',
      'retry-after': '3600',
      vary: 'Accept, Sec-Fetch-Dest',
      'x-content-type-options': 'nosniff',
    })
    const body = await response.text()
    expect(response.headers.get('content-length')).toBe(String(new TextEncoder().encode(body).byteLength))
    expect(body).toContain('Moving')
  })

  it('to HEAD has the headers of GET and no body', async () => {
    const { get } = await closedSite()
    const [head, whole] = [await get('/', {}, 'HEAD'), await get()]
    expect(await head.text()).toBe('')
    expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(whole.headers))
  })

  it('has the status that is set', async () => {
    const { get } = await closedSite({ statusCode: 418 })
    const response = await get('/', json)
    expect([response.status, (await response.json()).status]).toEqual([418, 418])
  })

  it('is problem details for machines (RFC 9457), with absolute instants', async () => {
    const { get } = await closedSite({}, { reason: 'Moving', end: at(60), expectedEnd: at(30) })
    const response = await get('/api/orders', json, 'POST')
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toEqual({
      type: 'urn:maintenance-mode:refused',
      title: 'Down for maintenance',
      status: 503,
      detail: 'Moving',
      mode: 'on',
      window: 'manual',
      until: at(30),
      processed: false,
    })
  })

  it('is a few lines of text for the rest', async () => {
    const { get } = await closedSite({}, { reason: 'Moving', end: at(60) })
    const body = await (await get('/logo.png', { accept: 'image/png' })).text()
    expect(body).toBe(`Down for maintenance.\nMoving\nExpected back: ${at(60)}\n`)
  })

  it('keeps what is for the history alone to itself', async () => {
    const { get } = await closedSite({}, { note: 'the database is on fire' })
    for (const accept of ['text/html', 'application/json', 'text/plain']) {
      expect(await (await get('/', { accept })).text()).not.toContain('fire')
    }
  })
})

describe('Retry-After', () => {
  const by = (chance: number) => {
    vi.spyOn(Math, 'random').mockReturnValue(chance)
    onTestFinished(() => void vi.restoreAllMocks())
  }
  const seconds = (left: number | undefined, fallback = 3_600_000) =>
    retryAfterSeconds(
      { mode: 'on', until: left === undefined ? undefined : new Date(minute(0) + left), reopening: false },
      { now: () => minute(0) },
      fallback,
    )

  it.each([
    [0, 1800],
    [0.5, 1890],
    [0.9999999, 1980],
  ])('is never less than the time left, plus up to a tenth (by chance of %d)', (chance, expected) => {
    by(chance)
    expect(seconds(1_800_000)).toBe(expected)
    expect(seconds(1_799_001)).toBe(expected)
  })

  it('of one second to go is one second, and never nothing', () => {
    for (const chance of [0, 0.9999999]) {
      by(chance)
      expect([seconds(1000), seconds(1)]).toEqual([1, 1])
    }
  })

  it('of an end that has passed is a minute at most', () => {
    expect([seconds(0), seconds(-86_400_000), seconds(0, 20_000), seconds(0, 0)]).toEqual([60, 60, 20, 60])
  })

  it('without a known end is exactly retryAfter, none where that is none', async () => {
    expect([seconds(undefined), seconds(undefined, 500), seconds(undefined, 0)]).toEqual([3600, 1, 0])
    for (const retryAfter of [0, false, '0s'] as const) {
      const { get } = await closedSite({ retryAfter })
      expect((await get()).headers.has('retry-after')).toBe(false)
    }
    const { get } = await closedSite({ retryAfter: '10m' })
    expect((await get()).headers.get('retry-after')).toBe('600')
  })

  it('comes from the expected end before the end, and follows the clock while the body is reused', async () => {
    by(0)
    const { get, clock } = await closedSite({ retryAfter: false }, { end: at(60), expectedEnd: at(30) })
    const told = async () => (await get()).headers.get('retry-after')
    expect(await told()).toBe('1800')
    await clock.set(minute(20))
    expect(await told()).toBe('600')
    await clock.set(minute(45))
    expect(await told()).toBe('60')
  })

  it('knows nothing of how long a lease lasts', async () => {
    const { maintenance, get } = await closedSite()
    await maintenance.setMode('off')
    await maintenance.openWindow()
    expect((await get()).headers.get('retry-after')).toBe('3600')
  })
})

describe('the setting reply', () => {
  const word = (reply: unknown, more: MaintenanceOptions = {}) =>
    closedSite({ reply: reply as NonNullable<MaintenanceOptions['reply']>, ...more })

  it('has the last word: it may change the reply, or return another one, at once or later', async () => {
    const changing = await word((_: unknown, __: unknown, reply: { headers: Record<string, string>; body: string }) => {
      reply.headers['X-Shop'] = 'tea'
      reply.body = 'Zurück um drei'
    })
    const response = await changing.get()
    expect([response.headers.get('x-shop'), response.headers.get('content-length')]).toEqual(['tea', '15'])
    expect(await response.text()).toBe('Zurück um drei')

    const another = await word(async () => ({ status: 429, headers: { 'content-length': '99' }, body: 'wait' }))
    const other = await another.get()
    expect([other.status, other.headers.get('content-length'), await other.text()]).toEqual([429, '4', 'wait'])
  })

  it('is told the decision and the request, and asked for every refusal', async () => {
    const asked: string[] = []
    const { get } = await word((decision: { rule: string }, request: { url: string }) => {
      asked.push(`${decision.rule} ${request.url}`)
    })
    await get('/a')
    await get('/b')
    expect(asked).toEqual(['closed /a', 'closed /b'])
  })

  it('cannot poison what others are answered', async () => {
    let mine = true
    const { get } = await word(
      (decision: object, _: unknown, reply: { headers: Record<string, string>; body: Uint8Array }) => {
        if (!mine) return
        Reflect.set(decision, 'mode', 'off')
        reply.headers.Evil = 'yes'
        delete reply.headers['Retry-After']
        reply.body.fill(33)
      },
    )
    expect(await (await get()).text()).toMatch(/^!+$/)
    mine = false
    const response = await get()
    expect([response.headers.get('evil'), response.headers.get('retry-after')]).toEqual([null, '3600'])
    expect(response.headers.get('maintenance-mode')).toBe('on')
    expect(await response.text()).toMatch(/^<!doctype html>/)
  })

  it('sends a header once, however its name is written', async () => {
    const { get } = await word((_: unknown, __: unknown, reply: { headers: object; body: string; status: number }) => ({
      ...reply,
      headers: { ...reply.headers, 'content-type': 'text/plain' },
    }))
    expect((await get()).headers.get('content-type')).toBe('text/plain')
  })

  const fails: [string, () => unknown][] = [
    ['throws', () => JSON.parse('{')],
    ['rejects', async () => Promise.reject(new Error('no'))],
    ['returns no reply', () => 'gone fishing'],
    ['has no status', () => ({ headers: {}, body: '' })],
    ['has no headers', () => ({ status: 503, headers: null, body: '' })],
    ['has a header that cannot be sent', () => ({ status: 503, headers: { 'X-A': 'a\r\nb' }, body: '' })],
    ['has a body that is none', () => ({ status: 503, headers: {}, body: { a: 1 } })],
  ]
  it.each(fails)('that %s is reported once, and the refusal goes out as it was', async (_what, reply) => {
    const { get, said } = await word(reply)
    await get()
    const response = await get()
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3600'])
    expect(said).toEqual([expect.stringContaining('maintenance-mode: reply: ')])
  })

  it('that never answers is waited for one second', async () => {
    const { get, clock } = await word(() => new Promise(() => {}))
    const answer = get()
    await clock.advance(1000)
    expect((await answer).status).toBe(503)
  })
})
