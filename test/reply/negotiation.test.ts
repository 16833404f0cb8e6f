import { describe, expect, it } from 'vitest'
import type { MaintenanceOptions } from '../../src/index.js'
import { type Representation, wantedRepresentation } from '../../src/request/representation.js'
import { millisecondsOf } from '../request/speed.js'
import { closedSite } from './site.js'

function wanted(url: string, headers: Record<string, string | undefined>): Representation {
  return wantedRepresentation({ url, header: (name) => headers[name.toLowerCase()] })
}

const chrome = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'

describe('what a client is answered in', () => {
  it.each<[string, string, Record<string, string | undefined>, Representation]>([
    ['a browser', '/', { accept: chrome, 'sec-fetch-dest': 'document' }, 'html'],
    ['a browser below /api', '/api/orders', { accept: chrome, 'sec-fetch-dest': 'document' }, 'html'],
    ['a frame', '/', { accept: chrome, 'sec-fetch-dest': 'iframe' }, 'html'],
    ['curl', '/', { accept: '*/*' }, 'html'],
    ['curl below /api', '/api/orders', { accept: '*/*' }, 'json'],
    ['curl at /api itself', '/api?x=1', { accept: '*/*' }, 'json'],
    ['curl beside it', '/apiary', { accept: '*/*' }, 'html'],
    ['a client that says nothing', '/', {}, 'html'],
    ['a client that says nothing below /api', '/api/x', { accept: '' }, 'json'],
    ['axios', '/', { accept: 'application/json, text/plain, */*' }, 'json'],
    ['fetch() in a browser', '/cart', { accept: '*/*', 'sec-fetch-dest': 'empty' }, 'html'],
    ['fetch() in a browser below /api', '/api/cart', { accept: '*/*', 'sec-fetch-dest': 'empty' }, 'json'],
    ['a client of problem details', '/', { accept: 'application/problem+json' }, 'json'],
    ['a client of another JSON', '/', { accept: 'application/vnd.api+json' }, 'json'],
    ['an image', '/logo.png', { accept: 'image/avif,image/webp,*/*;q=0.8', 'sec-fetch-dest': 'image' }, 'text'],
    ['a script', '/app.js', { accept: '*/*', 'sec-fetch-dest': 'script' }, 'text'],
    ['a script below /api', '/api/app.js', { accept: '*/*', 'sec-fetch-dest': 'script' }, 'text'],
    ['a style', '/app.css', { accept: 'text/css,*/*;q=0.1', 'sec-fetch-dest': 'style' }, 'text'],
    ['a font', '/a.woff2', { accept: '*/*', 'sec-fetch-dest': 'font' }, 'text'],
    ['who wants text', '/', { accept: 'text/plain' }, 'text'],
    ['who wants XML', '/', { accept: 'application/xml' }, 'text'],
    ['who likes JSON better', '/', { accept: 'text/html;q=0.5, application/json' }, 'json'],
    ['who likes HTML better', '/api/x', { accept: 'application/json;q=0.5, text/html;q=0.9' }, 'html'],
    ['who refuses HTML', '/', { accept: 'text/html;q=0, application/json;q=0.1' }, 'json'],
    ['capitals', '/', { accept: 'Application/JSON' }, 'json'],
  ])('%s (%s) %o: %s', (_who, url, headers, representation) => {
    expect(wanted(url, headers)).toBe(representation)
  })

  it.each(['garbage', ';;;,,,', 'text/html;q=lots', '\\', '/', 'text/', '*', '🚧'])(
    'garbage (%j) breaks nothing',
    (accept) => {
      expect(['html', 'json', 'text']).toContain(wanted('/', { accept }))
    },
  )

  it('10 KB of Accept are read quickly, and thousands of different ones remembered by nobody', () => {
    const long = `${'application/x-thing;q=0.1,'.repeat(400)}application/json`
    const took = millisecondsOf(() => {
      expect(wanted('/', { accept: long })).toBe('json')
      for (let index = 0; index < 5000; index++) expect(wanted('/', { accept: `text/x-${index}` })).toBe('text')
    })
    expect(took).toBeLessThan(1000)
  })
})

describe('the setting responseType', () => {
  const typeOf = async (options: MaintenanceOptions, path = '/', accept = chrome) => {
    const site = await closedSite(options)
    const { headers } = await site.get(path, { accept })
    return { type: headers.get('content-type'), said: site.said }
  }

  it.each([
    ['html', 'application/json', 'text/html; charset=utf-8'],
    ['json', chrome, 'application/problem+json; charset=utf-8'],
    ['auto', 'text/plain', 'text/plain; charset=utf-8'],
  ] as const)('%s answers %j with %s', async (responseType, accept, type) => {
    expect((await typeOf({ responseType }, '/', accept)).type).toBe(type)
  })

  it('as a function chooses for each request, auto included', async () => {
    const responseType: MaintenanceOptions['responseType'] = ({ url }) => (url.startsWith('/v1') ? 'json' : 'auto')
    expect((await typeOf({ responseType }, '/v1/x')).type).toMatch('problem+json')
    expect((await typeOf({ responseType }, '/')).type).toMatch('text/html')
  })

  it.each<[string, () => unknown, string]>([
    ['returns another word', () => 'xml', "responseType returned xml: return 'auto', 'html' or 'json'."],
    ['returns a promise', async () => 'json', 'responseType returned [object Promise]'],
    ['returns one that rejects', () => Promise.reject(new Error('x')), 'responseType returned [object Promise]'],
    [
      'throws',
      () => {
        throw new Error('not today')
      },
      'responseType: not today',
    ],
  ])('that %s is reported once, and the client’s wish counts', async (_what, responseType, say) => {
    const { type, said } = await typeOf({ responseType: responseType as () => 'json' })
    expect(type).toMatch('text/html')
    expect(said).toEqual([expect.stringContaining(say)])
  })
})
