import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { browser, openSite, type Site, superuser } from './site.js'

let site: Site

beforeEach(async () => {
  site = await openSite()
})

afterEach(() => site.close())

const on = (headers: Record<string, string>) =>
  site.get('/maintenance-mode/on', { method: 'POST', headers: { ...superuser, ...headers } })

describe('a change', () => {
  test.each([
    ['Sec-Fetch-Site: same-origin', () => ({ 'sec-fetch-site': 'same-origin' })],
    ['an Origin that is the Host', () => ({ origin: site.base })],
    ['an Origin that is the Host, by another scheme', () => ({ origin: `https://${site.host}` })],
  ])('is made for %s', async (_name, headers) => {
    expect((await on(headers())).status).toBe(200)
    expect(await site.maintenance.getMode()).toBe('on')
  })

  test.each([
    ['https://shop.example', 'shop.example:443', 200],
    ['https://shop.example', 'SHOP.example', 200],
    ['http://[::1]:8080', '[::1]:8080', 200],
    ['http://shop.example', 'shop.example:443', 403],
    ['http://shop.example', 'evil@shop.example', 403],
    ['http://shop.example', 'evil.example/@shop.example', 403],
  ])('with the Origin %s and the Host %s gets %s', async (origin, host, status) => {
    const headers = { ...superuser, origin, host }
    const got = await new Promise((resolve) => {
      request(`${site.base}/maintenance-mode/on`, { method: 'POST', headers }, (res) => resolve(res.statusCode)).end()
    })
    expect(got).toBe(status)
  })

  test.each([
    ['no header at all', () => ({}), 'neither the header Sec-Fetch-Site nor Origin'],
    ['Sec-Fetch-Site: cross-site', () => ({ 'sec-fetch-site': 'cross-site' }), '"cross-site"'],
    ['Sec-Fetch-Site: same-site', () => ({ 'sec-fetch-site': 'same-site' }), '"same-site"'],
    ['Sec-Fetch-Site: none', () => ({ 'sec-fetch-site': 'none' }), '"none"'],
    ['cross-site, whatever the Origin', () => ({ 'sec-fetch-site': 'cross-site', origin: site.base }), '"cross-site"'],
    ['another host', () => ({ origin: 'http://evil.example' }), '"http://evil.example"'],
    ['another port', () => ({ origin: 'http://127.0.0.1:1' }), '"http://127.0.0.1:1"'],
    ['no port', () => ({ origin: 'http://127.0.0.1' }), 'Origin is'],
    ['a host that begins like this one', () => ({ origin: `${site.base}.evil.example` }), 'Origin is'],
    ['this host as a user name', () => ({ origin: `http://${site.host}@evil.example` }), 'Origin is'],
    ['this host with a user name', () => ({ origin: `http://evil@${site.host}` }), 'Origin is'],
    ['another scheme', () => ({ origin: `ftp://${site.host}` }), 'Origin is'],
    ['Origin: null', () => ({ origin: 'null' }), 'Origin is "null"'],
    ['an Origin that is none', () => ({ origin: site.host }), 'Origin is'],
  ])('is refused for %s, and says why', async (_name, headers, why) => {
    const answer = await on(headers())
    expect(answer.status).toBe(403)
    const problem = await answer.json()
    expect(problem).toMatchObject({ type: 'urn:maintenance-mode:other-origin', status: 403 })
    expect(problem.detail).toContain(why)
    expect((await on({ ...browser, ...headers() })).headers.get('content-type')).toContain('text/html')
    expect(await site.maintenance.getMode()).toBe('off')
  })

  test('is made for the Origin of siteUrl, where a proxy changes the Host', async () => {
    const behind = await openSite({ siteUrl: 'https://shop.example/' })
    const post = (origin: string) =>
      behind.get('/maintenance-mode/on', { method: 'POST', headers: { ...superuser, origin } })
    expect((await post('https://evil.example')).status).toBe(403)
    expect((await post('https://shop.example')).status).toBe(200)
    await behind.close()
  })
})

describe('after a change', () => {
  const back = async (referer: string | undefined) => {
    const headers = referer === undefined ? {} : { referer }
    const answer = await site.post('/maintenance-mode/on', { headers })
    expect(answer.status).toBe(303)
    return answer.headers.get('location')
  }

  test('a browser goes back to the page of this site it came from', async () => {
    expect(await back(`${site.base}/admin/shop?tab=2#top`)).toBe('/admin/shop?tab=2')
    expect(await back(`${site.base}/`)).toBe('/')
  })

  test('from a control page it goes to the control page, which tells what was done', async () => {
    expect(await back(`${site.base}/maintenance-mode`)).toBe('/maintenance-mode?done=closed')
    expect(await back(`${site.base}/maintenance-mode/on`)).toBe('/maintenance-mode?done=updated')
    const answer = await site.post('/maintenance-mode/off', { headers: { referer: `${site.base}/maintenance-mode` } })
    expect(answer.headers.get('location')).toBe('/maintenance-mode?done=opened')
  })

  test.each([
    ['nothing', () => undefined],
    ['another host', () => 'http://evil.example/'],
    ['another port', () => 'http://127.0.0.1:1/admin'],
    ['another host in the path', () => `${site.base}//evil.example/`],
    ['another host behind a backslash', () => `${site.base}/\\evil.example/`],
    ['another host behind dot segments', () => `${site.base}/.//evil.example/`],
    ['another scheme', () => `javascript://${site.host}/%0aalert(1)`],
    ['a name and password', () => `http://root:secret@${site.host}/admin`],
    ['this host as a name', () => `http://${site.host}@evil.example/`],
    ['only a path', () => '/admin'],
    ['nonsense', () => 'http://['],
  ])('it never goes elsewhere: Referer is %s', async (_name, referer) => {
    expect(await back(referer())).toBe('/maintenance-mode?done=closed')
  })
})
