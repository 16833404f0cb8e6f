import { describe, expect, it } from 'vitest'
import type { MaintenanceOptions } from '../../src/index.js'
import { closedSite } from '../reply/site.js'
import { deciding } from './deciding.js'

const shop = { host: 'shop.example' }

async function decided(options: MaintenanceOptions, url: string, headers = shop): Promise<string> {
  const { action, rule } = await deciding(options).decide({ url, headers })
  return action === 'allow' ? rule : action
}

describe('redirectUrl', () => {
  it('answers GET and HEAD of HTML clients with a 302 that nobody keeps', async () => {
    const { get } = await closedSite({ redirectUrl: '/closed' })
    for (const method of ['GET', 'HEAD']) {
      const response = await get('/shop?x=1', {}, method)
      expect(response.status).toBe(302)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        location: '/closed',
        'cache-control': 'no-store',
        'retry-after': '3600',
        'maintenance-mode': 'on',
        vary: 'Accept, Sec-Fetch-Dest',
      })
    }
  })

  it('sends what is not ASCII as browsers write it', async () => {
    const { get } = await closedSite({ redirectUrl: '/wartung?warum=日本' })
    const location = (await get()).headers.get('location') as string
    expect(location).toBe('/wartung?warum=%E6%97%A5%E6%9C%AC')
    expect((await get(location)).status).toBe(200)
  })

  it('answers all others with the 503', async () => {
    const { get } = await closedSite({ redirectUrl: '/closed' })
    const others: [Record<string, string>, string][] = [
      [{}, 'POST'],
      [{}, 'PUT'],
      [{}, 'OPTIONS'],
      [{ accept: 'application/json' }, 'GET'],
      [{ accept: 'image/png' }, 'GET'],
      [{ accept: '*/*', 'sec-fetch-dest': 'script' }, 'GET'],
    ]
    for (const [headers, method] of others) expect((await get('/', headers, method)).status).toBe(503)
  })

  it.each([
    '/closed',
    '/closed/',
    '/closed?why=moving',
    '/closed#why',
    '/a/../closed',
    '/',
    'http://shop.example/closed',
    'https://shop.example/closed?x=1#y',
    'http://SHOP.example:80/closed',
  ])('leads to an end within one step: %s', async (redirectUrl) => {
    const { get } = await closedSite({ redirectUrl })
    const first = await get('/somewhere')
    expect(first.status).toBe(302)
    const { pathname, search } = new URL(first.headers.get('location') as string, 'http://shop.example')
    expect((await get(pathname + search)).status).toBe(200)
  })

  it.each([
    [
      '/closed',
      ['/closed', '/closed/', '/closed?x=1'],
      ['/closed/below', '/closed-too', '/', '/x/..%2fclosed', '/closed;x'],
    ],
    ['/', ['/', '/?x=1'], ['/a', '/index.html']],
    ['/closed?why=moving', ['/closed?why=moving'], ['/closed', '/closed?why=else', '/closed?why=moving&x=1']],
  ])('%s opens exactly its own target', async (redirectUrl, open, closed) => {
    for (const url of open) expect(await decided({ redirectUrl }, url)).toBe('redirect-target')
    for (const url of closed) expect(await decided({ redirectUrl }, url)).toBe('redirect')
  })

  it('with a full address opens it on that host alone', async () => {
    const redirectUrl = 'https://shop.example/closed'
    expect(await decided({ redirectUrl }, '/closed')).toBe('redirect-target')
    expect(await decided({ redirectUrl }, '/closed', { host: 'shop.example:443' })).toBe('redirect-target')
    expect(await decided({ redirectUrl }, '/closed', { host: 'other.example' })).toBe('redirect')
    expect(await decided({ redirectUrl: 'https://status.example/closed' }, '/closed')).toBe('redirect')
  })

  it('behind a proxy that changes the host knows its own by siteUrl', async () => {
    const redirectUrl = 'https://shop.example/closed'
    const inside = { host: 'app.internal:8080' }
    expect(await decided({ redirectUrl }, '/closed', inside)).toBe('redirect')
    expect(await decided({ redirectUrl, siteUrl: 'https://shop.example' }, '/closed', inside)).toBe('redirect-target')
  })

  it('with responseType html redirects every GET', async () => {
    const { get } = await closedSite({ redirectUrl: '/closed', responseType: 'html' })
    expect((await get('/', { accept: 'application/json' })).status).toBe(302)
  })
})
