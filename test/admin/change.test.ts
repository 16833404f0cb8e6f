import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bearer, browser, form, json, openSite, ownPage, type Site, superuser } from './site.js'

let site: Site

beforeEach(async () => {
  site = await openSite({ timezone: 'Europe/Rome' })
})

afterEach(() => site.close())

const mode = () => site.maintenance.getMode()
const manual = () => site.maintenance.status().windows[0]
const on = (body: string, headers: Record<string, string> = form) =>
  site.post('/maintenance-mode/on', { headers, body })

describe('GET and HEAD', () => {
  test.each(['/maintenance-mode', '/maintenance-mode/on', '/maintenance-mode/off', '/maintenance-mode/on/'])(
    'show the page at %s and change nothing',
    async (url) => {
      for (const method of ['GET', 'HEAD']) {
        for (const to of ['on', 'off'] as const) {
          await site.maintenance.setMode(to)
          const before = site.maintenance.status().revision
          const answer = await site.get(url, { method, headers: ownPage })
          expect(answer.status).toBe(200)
          expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
          const text = await answer.text()
          expect(text.includes(to === 'on' ? 'The site is closed' : 'The site is open')).toBe(method === 'GET')
          expect(site.maintenance.status().revision).toBe(before)
        }
      }
    },
  )

  test('name the same length', async () => {
    const length = async (method: string) =>
      (await site.get('/maintenance-mode', { method, headers: ownPage })).headers.get('content-length')
    expect(await length('HEAD')).toBe(await length('GET'))
  })
})

describe('what a change asks for', () => {
  test('comes from a form', async () => {
    await on('reason=Faster+database%0D%0ASoon+back&for=1h30m&note=ticket+4711&end=&_csrf=abc')
    expect(manual()).toMatchObject({
      reason: 'Faster database\nSoon back',
      end: '2026-01-01T01:30:00.000Z',
      note: 'ticket 4711',
    })
  })

  test('comes as JSON', async () => {
    const body = { reason: 'Möbel', end: '2026-01-01T03:00', expectedEnd: '2026-01-01T01:30:00Z' }
    const answer = await on(JSON.stringify(body), json)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({
      mode: 'on',
      revision: 1,
      window: expect.objectContaining({ reason: 'Möbel', end: '2026-01-01T02:00:00.000Z' }),
      closed: [],
      remaining: [expect.objectContaining({ id: 'manual', expectedEnd: '2026-01-01T01:30:00.000Z' })],
    })
  })

  test('an empty field of a form leaves what there is; null in JSON takes it away', async () => {
    await on('reason=Upgrade&for=1h')
    await on('reason=&for=')
    expect(manual()).toMatchObject({ reason: 'Upgrade', end: '2026-01-01T01:00:00.000Z' })
    await on('{"reason":null,"end":null}', json)
    expect(manual()).not.toHaveProperty('reason')
    expect(manual()).not.toHaveProperty('end')
  })

  test('says since when it was on already', async () => {
    await on('')
    await site.clock.advance(60_000)
    expect(await (await on('{}', json)).json()).toMatchObject({ alreadySince: '2026-01-01T00:00:00.000Z' })
  })

  test('`all` reopens what a running program holds, and without it that is named', async () => {
    const held = await site.maintenance.openWindow({ id: 'deploy' })
    const off = (body: string) => site.post('/maintenance-mode/off', { headers: json, body })
    expect(await (await off('{}')).json()).toMatchObject({ mode: 'on', closed: [], remaining: [{ id: 'deploy' }] })
    expect(await (await off('{"all":true}')).json()).toMatchObject({ mode: 'off', closed: [{ id: 'deploy' }] })
    await held.close()
  })

  test.each([
    ['an unknown field', 'reasn=x', 'Unknown field `reasn`. Did you mean `reason`?'],
    ['a field of `off`', 'all=true', 'Unknown field `all`.'],
    ['an unknown empty field', 'until=', 'Unknown field `until`.'],
    ['a field twice', 'reason=a&reason=b', 'A field is there twice.'],
    ['an end and a duration', 'for=1h&end=2026-01-02', 'Give `for` or `end`, not both'],
    ['a duration that is none', 'for=soon', 'The duration "soon" cannot be read'],
    ['no duration at all', 'for=0', 'is not in the future'],
    ['an end in the past', 'end=2020-01-01T00:00Z', 'is not in the future'],
    ['an end that is no time', 'end=tomorrow', 'The time "tomorrow" cannot be read'],
    ['a reason too long', `reason=${'x'.repeat(2001)}`, 'The reason must be a string of at most 2000 characters'],
  ])('%s is 400, says what, and changes nothing', async (_name, body, detail) => {
    const answer = await on(body, { ...form, accept: '*/*' })
    expect(answer.status).toBe(400)
    expect((await answer.json()).detail).toContain(detail)
    expect(await mode()).toBe('off')
  })

  test.each([
    ['no JSON', '{reason}'],
    ['an array', '["on"]'],
    ['a bare value', '"on"'],
    ['null', 'null'],
    ['a number for a reason', '{"reason":5}'],
    ['a list for a reason', '{"reason":["a"]}'],
    ['a number for an end', '{"end":1767225600}'],
    ['nothing for a duration', '{"for":null}'],
  ])('%s is 400', async (_name, body) => {
    const answer = await on(body, json)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    expect(await mode()).toBe('off')
  })

  test('`off` takes no reason, and `all` is true or false', async () => {
    await on('')
    for (const body of ['reason=done', 'all=perhaps']) {
      expect((await site.post('/maintenance-mode/off', { headers: form, body })).status).toBe(400)
    }
    expect(await mode()).toBe('on')
  })

  test('in the query it is refused: nobody would see that it was dropped', async () => {
    const answer = await site.post('/maintenance-mode/on?for=30m', { headers: json })
    expect(answer.status).toBe(400)
    expect((await answer.json()).detail).toContain('belong in the body')
    expect(await mode()).toBe('off')
  })

  test('of another type it is 415: a text/plain form of another site looks like JSON', async () => {
    expect((await on('{"reason":"x"}', { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await on('x', { 'content-type': 'multipart/form-data; boundary=x' })).status).toBe(415)
    expect(await mode()).toBe('off')
  })

  test('up to 16 KB is read; more is 413, also where no length is told', async () => {
    const padded = (length: number) => `{"reason":"x"${' '.repeat(length - 14)}}`
    expect((await on(padded(16 * 1024 + 1), json)).status).toBe(413)
    const chunked = new ReadableStream({
      start(controller) {
        for (let part = 0; part < 40; part++) controller.enqueue(new Uint8Array(1024).fill(32))
        controller.close()
      },
    })
    const init = { headers: json, body: chunked, duplex: 'half' } as RequestInit
    expect((await site.post('/maintenance-mode/on', init)).status).toBe(413)
    expect(await mode()).toBe('off')
    expect((await on(padded(16 * 1024), json)).status).toBe(200)
  })

  test('of a client that leaves before it is complete changes nothing', async () => {
    const visit = new EventEmitter()
    const [arrived, left] = [once(visit, 'arrived'), once(visit, 'left')]
    const slow = await openSite({
      async getAuthenticatedUser({ native }) {
        visit.emit('arrived')
        await new Promise((resolve) => (native as IncomingMessage).on('close', resolve))
        visit.emit('left')
        return { isAuthenticated: true, isStaff: true, isSuperuser: true }
      },
    })
    const headers = { ...ownPage, ...json, 'content-length': '100' }
    const request = httpRequest(`${slow.base}/maintenance-mode/on`, { method: 'POST', headers })
    request.on('error', () => {})
    request.write('{"reason":')
    await arrived
    request.destroy()
    await left
    expect((await slow.get('/')).status).toBe(200)
    expect(slow.maintenance.status().revision).toBeUndefined()
    await slow.close()
  })
})

describe('a change that cannot be made', () => {
  const down = { ...form, accept: 'application/json' }

  test('where the mode is pinned is 409, and the page says so without a button', async () => {
    const pinned = await openSite({ mode: 'on' })
    const answer = await pinned.post('/maintenance-mode/off', { headers: down })
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({
      type: 'urn:maintenance-mode:refused',
      code: 'ERR_MAINTENANCE_PINNED',
      detail: expect.stringContaining('pinned to "on" by the setting `mode`'),
    })
    const page = await pinned.post('/maintenance-mode/off')
    expect(page.status).toBe(409)
    expect(await page.text()).toContain('The mode is pinned')
    expect(await (await pinned.get('/maintenance-mode', { headers: ownPage })).text()).not.toContain('<button')
    await pinned.close()
  })

  test('where the backend is down is 503, and the page keeps what was filled in', async () => {
    const failing = {
      address: 'test:',
      absentMeansOff: true,
      capabilities: { compareAndSet: true, watch: false, presence: false, writable: true },
      read: async () => undefined,
      write: async () => Promise.reject(new Error('the disk is full')),
    }
    const broken = await openSite({ stateBackend: failing })
    const answer = await broken.post('/maintenance-mode/on', { headers: down })
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ type: 'urn:maintenance-mode:failed', detail: 'the disk is full' })
    const body = 'reason=%3Cb%3EUpgrade&for=2h'
    const page = await broken.post('/maintenance-mode/on', { headers: { ...ownPage, ...form }, body })
    expect(page.status).toBe(503)
    const text = await page.text()
    expect(text).toContain('The state could not be changed</strong>the disk is full')
    expect(text).toContain('>&lt;b&gt;Upgrade</textarea>')
    expect(text).toContain('value="2h" checked>')
    await broken.close()
  })

  test('where the state is damaged is made in a new one, and the page says where the old one is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-controls-'))
    const stateFilePath = join(folder, 'state.json')
    writeFileSync(stateFilePath, '{"windows":')
    const damaged = await openSite({ stateBackend: undefined, stateFilePath })
    const page = await damaged.post('/maintenance-mode/on')
    expect(page.status).toBe(200)
    expect(await page.text()).toMatch(/The stored state was damaged<.*A copy of the old one is at \S*state\.json\S+\./)
    expect(await damaged.maintenance.getMode()).toBe('on')
    await damaged.close()
    rmSync(folder, { recursive: true })
  })

  test('is told in the page, where a browser asks', async () => {
    const page = await on('for=soon', { ...ownPage, ...form })
    expect(page.status).toBe(400)
    const text = await page.text()
    expect(text).toContain('role="alert"')
    expect(text).toContain('The duration &quot;soon&quot; cannot be read')
    expect(text).toContain('action="/maintenance-mode/on"')
  })
})

describe('other addresses and methods', () => {
  test.each(['/maintenance-mode/nothing', '/maintenance-mode/on/now', '/maintenance-mode/constructor'])(
    '%s is 404',
    async (url) => {
      const answer = await site.get(url)
      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({ type: 'urn:maintenance-mode:not-found' })
      expect((await site.get(url, { headers: browser })).headers.get('content-type')).toContain('text/html')
    },
  )

  test.each(['/', '/maintenance-modes', '/maintenance', '/x/maintenance-mode/off'])('%s is the site’s', async (url) => {
    expect(await (await site.get(url)).text()).toBe('the site')
  })

  test('a path that others read differently is not ours', async () => {
    const raw = (path: string) =>
      new Promise((resolve) => httpRequest(site.base, { path }, (res) => resolve(res.statusCode)).end())
    await site.maintenance.setMode('on')
    expect(await raw('/maintenance-mode/..%2fadmin')).toBe(503)
    expect(await raw('/maintenance-mode/%2e%2e/status')).toBe(503)
    expect(await raw('/maintenance-mode/status')).toBe(200)
  })

  test.each([
    ['PUT', '/on', 'GET, HEAD, POST'],
    ['DELETE', '/off', 'GET, HEAD, POST'],
    ['POST', '', 'GET, HEAD'],
    ['POST', '/status', 'GET, HEAD'],
    ['POST', '/check', 'GET, HEAD'],
    ['OPTIONS', '/status', 'GET, HEAD'],
  ])('%s %s is 405 and names what is allowed', async (method, place, allow) => {
    const answer = await site.get(`/maintenance-mode${place}`, { method, headers: { ...superuser, ...bearer } })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe(allow)
  })

  test('controlUrl moves them', async () => {
    const moved = await openSite({ controlUrl: '/ops/site' })
    expect(await (await moved.get('/maintenance-mode/status')).text()).toBe('the site')
    expect((await moved.post('/ops/site/on')).headers.get('location')).toBe('/ops/site?done=closed')
    expect(await moved.maintenance.getMode()).toBe('on')
    await moved.close()
  })
})

test('no answer is kept, framed, sniffed, or told to other sites', async () => {
  const answers = [
    await site.get('/maintenance-mode', { headers: ownPage }),
    await site.get('/maintenance-mode', { headers: browser }),
    await site.get('/maintenance-mode/nothing'),
    await site.get('/maintenance-mode/status'),
    await site.get('/maintenance-mode/check'),
    await site.post('/maintenance-mode/on'),
    await site.get('/maintenance-mode/check'),
  ]
  expect(answers.map((answer) => answer.status)).toEqual([200, 403, 404, 200, 204, 303, 503])
  for (const { headers } of answers) {
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('same-origin')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    expect(headers.get('content-security-policy')).not.toContain('unsafe')
  }
})
