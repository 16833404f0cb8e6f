import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bearer, browser, json, openSite, ownPage, type Site, superuser, token } from './site.js'

let site: Site

beforeEach(async () => {
  site = await openSite({ loginUrls: ['/login'] })
})

afterEach(() => site.close())

const mode = () => site.maintenance.getMode()
const revision = () => site.maintenance.status().revision

describe('a superuser', () => {
  test('switches on and off, and is named in the state with the address', async () => {
    expect((await site.post('/maintenance-mode/on')).status).toBe(303)
    expect(await mode()).toBe('on')
    expect(site.maintenance.status().windows).toMatchObject([{ id: 'manual', by: 'root', from: 'control@127.0.0.1' }])
    expect((await site.post('/maintenance-mode/off')).status).toBe(303)
    expect(await mode()).toBe('off')
  })

  test('may have an id of any kind and length', async () => {
    for (const [id, by] of [
      ['x'.repeat(300), 'x'.repeat(200)],
      [7, '7'],
      [' ', 'superuser'],
      [undefined, 'superuser'],
    ] as const) {
      const named = await openSite({
        getAuthenticatedUser: () => ({ id, isAuthenticated: true, isStaff: true, isSuperuser: true }),
      })
      expect((await named.post('/maintenance-mode/on')).status).toBe(303)
      expect(named.maintenance.status().windows).toMatchObject([{ by }])
      await named.close()
    }
  })

  test('gets at the control URLs while the site is closed for all others', async () => {
    await site.maintenance.setMode('on')
    expect((await site.get('/')).status).toBe(503)
    expect((await site.get('/maintenance-mode', { headers: { ...browser, ...superuser } })).status).toBe(200)
    expect((await site.post('/maintenance-mode/off')).status).toBe(303)
    expect((await site.get('/')).status).toBe(200)
  })
})

describe('anybody else', () => {
  const urls = ['/maintenance-mode', '/maintenance-mode/on', '/maintenance-mode/off']

  test.each(urls)('is refused at %s, by GET and by POST, and changes nothing', async (url) => {
    await site.maintenance.setMode('on')
    const before = revision()
    for (const who of [{}, { 'x-user': 'staff' }, { 'x-user': 'ann' }, { 'x-user': 'unknown' }]) {
      for (const method of ['GET', 'POST']) {
        if (method === 'POST' && url === '/maintenance-mode') continue
        const headers = { 'sec-fetch-site': 'same-origin', ...who }
        expect((await site.get(url, { method, headers: { ...headers, ...browser } })).status).toBe(403)
        expect((await site.get(url, { method, headers })).status).toBe(403)
      }
    }
    expect(revision()).toBe(before)
  })

  test('is told what to do: a page for browsers, with the way to sign in', async () => {
    const page = await site.get('/maintenance-mode/on', { headers: browser })
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const text = await page.text()
    expect(text).toContain('You are not signed in. Sign in as a superuser')
    expect(text).toContain('<a href="/login">Sign in</a>')
    expect(text).not.toContain('<form')
    const known = await site.get('/maintenance-mode/on', { headers: { ...browser, 'x-user': '<b>ann' } })
    expect(await known.text()).toContain('You are signed in as &lt;b&gt;ann, but not as a superuser.')
    const unknown = await site.get('/maintenance-mode/on', { headers: { ...browser, 'x-user': 'unknown' } })
    expect(await unknown.text()).toContain('mount maintenanceControls after the session, or set getAuthenticatedUser')
  })

  test('is told what to do: problem+json for programs', async () => {
    for (const headers of [{ accept: 'application/json' }, {}]) {
      const answer = await site.get('/maintenance-mode/on', { method: 'POST', headers })
      expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
      expect(await answer.json()).toEqual({
        type: 'urn:maintenance-mode:forbidden',
        title: 'This page is for superusers',
        status: 403,
        detail: expect.stringContaining('send the setting adminToken'),
      })
    }
  })

  test('is refused where the look-up fails', async () => {
    const broken = await openSite({
      getAuthenticatedUser() {
        throw new Error('database down')
      },
    })
    expect((await broken.post('/maintenance-mode/on')).status).toBe(403)
    expect(await broken.maintenance.getMode()).toBe('off')
    await broken.close()
  })
})

describe('the adminToken', () => {
  test('switches without a user, and without a page of this site', async () => {
    const headers = { ...json, ...bearer }
    const body = JSON.stringify({ reason: 'Upgrade' })
    const on = await site.get('/maintenance-mode/on', { method: 'POST', headers, body })
    expect(on.status).toBe(200)
    expect(await on.json()).toMatchObject({ mode: 'on', window: { by: 'token', from: 'control@127.0.0.1' } })
    const lower = { authorization: `bearer ${token}`, 'sec-fetch-site': 'cross-site' }
    expect((await site.get('/maintenance-mode/off', { method: 'POST', headers: lower })).status).toBe(200)
    expect(await mode()).toBe('off')
  })

  test.each([
    ['a wrong one', 'Bearer another secret of some length'],
    ['the beginning of it', `Bearer ${token.slice(0, -1)}`],
    ['more than it', `Bearer ${token}!`],
    ['nearly none', 'Bearer x'],
  ])('%s gets 401, and changes nothing', async (_name, authorization) => {
    const headers = { authorization, 'sec-fetch-site': 'same-origin' }
    const answer = await site.get('/maintenance-mode/on', { method: 'POST', headers })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="maintenance-mode", error="invalid_token"')
    expect(await answer.json()).toMatchObject({ type: 'urn:maintenance-mode:wrong-token' })
    expect(await mode()).toBe('off')
  })

  test.each(['Basic YTpi', token, ''])('%j is none: 403', async (authorization) => {
    const headers = { authorization, 'sec-fetch-site': 'same-origin' }
    expect((await site.get('/maintenance-mode/on', { method: 'POST', headers })).status).toBe(403)
  })

  test('where none is set, no bearer opens anything', async () => {
    const bare = await openSite({ adminToken: undefined })
    for (const authorization of ['Bearer undefined', `Bearer ${token}`]) {
      expect((await bare.get('/maintenance-mode/on', { method: 'POST', headers: { authorization } })).status).toBe(401)
    }
    await bare.close()
  })

  test('a bearer of the app’s own that makes a superuser is one, from a page of this site only', async () => {
    const headers = { ...superuser, authorization: 'Bearer a.session.of.the.app' }
    expect((await site.get('/maintenance-mode/on', { method: 'POST', headers })).status).toBe(403)
    expect(await mode()).toBe('off')
    const same = { ...ownPage, ...headers }
    expect((await site.get('/maintenance-mode/on', { method: 'POST', headers: same })).status).toBe(303)
  })
})
