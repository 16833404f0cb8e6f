import { describe, expect, it } from 'vitest'
import type { MaintenanceOptions } from '../../src/index.js'
import { type DecidingRequest, deciding } from './deciding.js'

/** The rule that decides in mode read-only. */
const rule = (request: DecidingRequest, options: MaintenanceOptions = {}) =>
  deciding(options).rule(request, 'read-only')

describe('in mode read-only', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'QUERY'])('%s passes', async (method) => {
    expect(await deciding().decide({ method }, 'read-only')).toMatchObject({
      action: 'allow',
      rule: 'read-only',
      mode: 'read-only',
      personal: false,
    })
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPPATCH', 'LOCK', 'get-and-set'])('%s is refused', async (method) => {
    expect(await deciding().decide({ method }, 'read-only')).toMatchObject({ action: 'block', rule: 'closed' })
  })

  it('nothing of it counts in other modes', async () => {
    const { rule } = deciding({ writableUrls: ['/login'] })
    expect([await rule({}, 'on'), await rule({ url: '/login', method: 'POST' }, 'on')]).toEqual(['closed', 'closed'])
    expect(await rule({}, 'hold')).toBe('closed')
  })

  it('what is in writableUrls may be written to, and nothing beside it', async () => {
    const options = { writableUrls: ['/login', 'POST /cart/*/pay', 'api.example.com/**'] }
    const post = (url: string, headers = {}) => rule({ url, method: 'POST', headers }, options)
    expect(await post('/login')).toBe('writable-url')
    expect(await post('/login/')).toBe('writable-url')
    expect(await post('/cart/7/pay?now')).toBe('writable-url')
    expect(await post('/x', { host: 'api.example.com' })).toBe('writable-url')
    expect(await rule({ url: '/cart/7/pay', method: 'PUT' }, options)).toBe('closed')
    for (const url of ['/logins', '/', '/a/../login', '//login', '/login%2f..%2forders', '/%6cogin/x']) {
      expect([url, await post(url)]).toEqual([url, 'closed'])
    }
  })

  it('what is in writingUrls is refused, however it is written', async () => {
    const options = { writingUrls: ['/cart/add', 'GET /unsubscribe/*'] }
    for (const url of [
      '/cart/add',
      '/cart/add?id=1',
      '/cart/%61dd',
      '/cart//add',
      '/cart/x/../add',
      '/unsubscribe/7',
    ]) {
      expect([url, await rule({ url }, options)]).toEqual([url, 'closed'])
    }
    expect([await rule({ url: '/cart' }, options), await rule({ url: '/cart/address' }, options)]).toEqual([
      'read-only',
      'read-only',
    ])
  })

  it('who is in both may write: the exemption is the more specific word', async () => {
    expect(await rule({ url: '/out' }, { writingUrls: ['/**'], writableUrls: ['/out'] })).toBe('writable-url')
  })

  it('a method that is overridden counts, wherever an app may look for it', async () => {
    const over = (name: string, method: string) => rule({ headers: { [name]: method } })
    for (const name of ['X-HTTP-Method-Override', 'x-http-method', 'X-Method-Override']) {
      for (const method of ['DELETE', 'put', ' Post ', 'GET, DELETE', '', 'anything']) {
        expect([name, method, await over(name, method)]).toEqual([name, method, 'closed'])
      }
      expect(await over(name, 'HEAD')).toBe('read-only')
    }
    for (const url of [
      '/?_method=DELETE',
      '/orders?id=1&_method=put',
      '/?%5Fmeth%6fd=DELETE',
      '/?_method=GET&_method=PUT',
    ]) {
      expect([url, await rule({ url })]).toEqual([url, 'closed'])
    }
    expect([await rule({ url: '/?_method=GET' }), await rule({ url: '/?method=DELETE' })]).toEqual([
      'read-only',
      'read-only',
    ])
    // A write stays one, whatever it says it is.
    expect(await rule({ method: 'POST', headers: { 'x-http-method-override': 'GET' } })).toBe('closed')
  })

  it('where an adapter knows the operation, that counts, and no method and no writable URL', async () => {
    const options = { writableUrls: ['/graphql'], writingUrls: ['/jobs/**'] }
    expect(await rule({ url: '/graphql', method: 'POST', writes: false }, options)).toBe('read-only')
    expect(await rule({ url: '/graphql', method: 'POST', writes: true }, options)).toBe('closed')
    expect(await rule({ url: '/graphql', method: 'GET', writes: true }, options)).toBe('closed')
    expect(await rule({ url: '/jobs/graphql', writes: false }, options)).toBe('closed')
    expect(await rule({ url: '/graphql', method: 'POST' }, options)).toBe('writable-url')
  })

  it('exempt people may write, and only such answers are theirs alone', async () => {
    const { decide } = deciding({ ignoreIpAddresses: ['10.0.0.1'], ignoreStaff: true })
    const user = { isAuthenticated: true, isStaff: true, isSuperuser: false }
    const decided = async (request: DecidingRequest) => {
      const { rule, personal } = await decide(request, 'read-only')
      return [rule, personal]
    }
    expect(await decided({ method: 'POST', ip: '10.0.0.1' })).toEqual(['ip-address', true])
    expect(await decided({ method: 'POST', user })).toEqual(['staff', true])
    expect(await decided({ method: 'POST', ip: '10.0.0.2' })).toEqual(['closed', false])
    expect(await decided({ method: 'GET', ip: '10.0.0.1', user })).toEqual(['read-only', false])
  })

  it('control URLs and health checks come before it, and a route that is forced on stays closed', async () => {
    const options: MaintenanceOptions = { routes: { '/beta/**': 'on', '/hook': 'off' } }
    expect(await rule({ url: '/maintenance-mode/off', method: 'POST' }, options)).toBe('control')
    expect(await rule({ url: '/healthz' }, options)).toBe('health')
    expect(await rule({ url: '/healthz', method: 'POST' }, options)).toBe('closed')
    expect(await rule({ url: '/beta/x' }, options)).toBe('forced-on')
    expect(await rule({ url: '/hook', method: 'POST' }, options)).toBe('forced-off')
  })

  it('nobody is redirected: people can read', async () => {
    const { decide } = deciding({ redirectUrl: '/status', writingUrls: ['/cart/add'] })
    const action = async (request: DecidingRequest) => (await decide(request, 'read-only')).action
    expect(await action({ url: '/' })).toBe('allow')
    expect(await action({ url: '/cart/add' })).toBe('block')
    expect(await action({ url: '/cart', method: 'POST' })).toBe('block')
    expect((await decide({ url: '/' }, 'on')).action).toBe('redirect')
  })

  it('the request of a user that is refused is looked at once, that of a reader never', async () => {
    let asked = 0
    const options = {
      ignoreRequest: () => {
        asked++
        return undefined
      },
    }
    await rule({}, options)
    expect(asked).toBe(0)
    await rule({ method: 'POST' }, options)
    expect(asked).toBe(1)
  })
})
