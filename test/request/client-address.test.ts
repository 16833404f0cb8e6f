import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SettingError } from '../../src/errors.js'
import { compileTrustedPeer, compileTrustProxy, type TrustProxy } from '../../src/request/client-address.js'
import { millisecondsOf } from './speed.js'

function client(trustProxy: TrustProxy, peer: string | undefined, forwardedFor?: string, forwarded?: string) {
  const headers: Record<string, string | undefined> = { 'x-forwarded-for': forwardedFor, forwarded }
  return compileTrustProxy(trustProxy)(peer, (name) => headers[name.toLowerCase()])
}

const proxies = ['loopback', '10.0.0.0/8', '2001:db8:1::/48']

describe('compileTrustProxy', () => {
  it.each([undefined, false, 0, []])('believes no header without a trusted proxy (%j)', (trustProxy) => {
    expect(client(trustProxy as TrustProxy, '192.0.2.9', '1.1.1.1', 'for=1.1.1.1')).toBe('192.0.2.9')
    expect(client(trustProxy as TrustProxy, undefined, '1.1.1.1')).toBeUndefined()
    const unread = () => {
      throw new Error('was read')
    }
    expect(compileTrustProxy(trustProxy as TrustProxy)('::1', unread)).toBe('::1')
  })

  it.each<[number, string | undefined, string | undefined]>([
    [1, '203.0.113.7', '203.0.113.7'],
    [1, 'spoofed, 6.6.6.6, 203.0.113.7', '203.0.113.7'],
    [2, '6.6.6.6, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    [3, '203.0.113.7, 10.0.0.2', '203.0.113.7'],
    [1, '203.0.113.7:4711', '203.0.113.7'],
    [1, ' [2001:DB8::1]:4711 ', '2001:db8::1'],
    [1, '2001:db8::1', '2001:db8::1'],
    [1, '::ffff:203.0.113.7', '203.0.113.7'],
    [1, '6.6.6.6,unknown', undefined],
    [1, '6.6.6.6,', undefined],
    [1, '6.6.6.6, unix:', undefined],
    [2, '203.0.113.7, garbage', undefined],
    [2, 'garbage, 10.0.0.2', undefined],
    [1, 'garbage, 203.0.113.7', '203.0.113.7'],
    [1, '203.0.113.07', undefined],
    [1, undefined, '10.0.0.1'],
    [1, '  ', '10.0.0.1'],
    [1, ',', undefined],
  ])('with %j proxies in front, X-Forwarded-For %j comes from %j', (count, header, expected) => {
    expect(client(count, '10.0.0.1', header)).toBe(expected)
  })

  it('trusts by position where the proxy calls through a unix socket', () => {
    expect(client(1, undefined, '203.0.113.7')).toBe('203.0.113.7')
    expect(client(1, undefined)).toBeUndefined()
    expect(client(proxies, undefined, '203.0.113.7')).toBeUndefined()
  })

  it.each<[string, string | undefined, string | undefined]>([
    ['10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['::ffff:10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', '6.6.6.6, 203.0.113.7, 10.0.0.3, 127.0.0.1', '203.0.113.7'],
    ['10.0.0.1', '6.6.6.6, [2001:db8:1::9]:80', '6.6.6.6'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', 'garbage, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['10.0.0.1', '203.0.113.7, garbage, 10.0.0.2', undefined],
    ['10.0.0.1', '203.0.113.7, , 10.0.0.2', undefined],
    ['10.0.0.1', 'garbage, 10.0.0.2', undefined],
    ['192.0.2.9', '203.0.113.7', '192.0.2.9'],
    ['garbage', '203.0.113.7', 'garbage'],
  ])('with trusted addresses, %s that sends X-Forwarded-For %j speaks for %j', (peer, header, expected) => {
    expect(client(proxies, peer, header)).toBe(expected)
  })

  it.each<[string, string | undefined]>([
    ['for=203.0.113.7', '203.0.113.7'],
    ['For=203.0.113.7;proto=https;by=10.0.0.1', '203.0.113.7'],
    ['proto=https; for="203.0.113.7:80"', '203.0.113.7'],
    ['for="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for="\\2\\03.0.113.7"', '203.0.113.7'],
    ['for="a,b;c", for=203.0.113.7', '203.0.113.7'],
    ['for=6.6.6.6, for=203.0.113.7, for=10.0.0.2', '203.0.113.7'],
    ['for=6.6.6.6 ,\tfor=203.0.113.7', '203.0.113.7'],
    ['for=unknown', undefined],
    ['for=_hidden, for=10.0.0.2', undefined],
    ['for=203.0.113.7, proto=https', undefined],
    ['for=203.0.113.7, for=', undefined],
    ['for=6.6.6.6;for=203.0.113.7', undefined],
    ['for=6.6.6.6;for=7.7.7.7;for=203.0.113.7', undefined],
    ['for=203.0.113.7,', undefined],
    ['for="203.0.113.7', undefined],
    ['for=", for=203.0.113.7', undefined],
    ['for=203.0.113.7 x', undefined],
    ['203.0.113.7', undefined],
    ['for = 203.0.113.7', undefined],
    [';', undefined],
  ])('reads Forwarded: %s as %s', (header, expected) => {
    expect(client(proxies, '10.0.0.1', undefined, header)).toBe(expected)
    if (!header.includes('for=10.')) expect(client(1, '10.0.0.1', undefined, header)).toBe(expected)
  })

  it('cannot tell who the client is when the two headers disagree', () => {
    for (const trustProxy of [1, proxies]) {
      expect(client(trustProxy, '10.0.0.1', '203.0.113.7', 'for="203.0.113.7:1"')).toBe('203.0.113.7')
      expect(client(trustProxy, '10.0.0.1', '2001:db8:0::1', 'for="[2001:DB8::1]"')).toBe('2001:db8::1')
      expect(client(trustProxy, '10.0.0.1', '203.0.113.7', 'for=6.6.6.6')).toBeUndefined()
      expect(client(trustProxy, '10.0.0.1', '203.0.113.7', 'for=unknown')).toBeUndefined()
      expect(client(trustProxy, '10.0.0.1', 'unknown', 'for=203.0.113.7')).toBeUndefined()
    }
  })

  it('is not moved by anything a client writes to the left', () => {
    const junk = fc.string({ unit: fc.constantFrom(...'for=1.2:[]"\\;_ ,%u'), maxLength: 40 })
    fc.assert(
      fc.property(junk, (spoofed) => {
        for (const trustProxy of [1, proxies]) {
          expect(client(trustProxy, '10.0.0.1', `${spoofed}, 203.0.113.7`)).toBe('203.0.113.7')
          expect([undefined, '203.0.113.7']).toContain(
            client(trustProxy, '10.0.0.1', undefined, `${spoofed}, for=203.0.113.7`),
          )
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('takes no longer for headers made to hurt', () => {
    const walk = (): void => {
      for (const header of [
        ' '.repeat(16_000),
        'for= '.repeat(3000),
        `for="${'\\"'.repeat(8000)}`,
        ','.repeat(16_000),
        `${'\t'.repeat(16_000)}x`,
      ]) {
        client(1, '10.0.0.1', header, header)
        client(proxies, '10.0.0.1', `${'10.0.0.1,'.repeat(1600)}x`, header)
      }
    }
    expect(millisecondsOf(walk)).toBeLessThan(500)
  })

  it.each([-1, 1.5, Number.NaN, true, 'loopback', {}])('refuses %j', (trustProxy) => {
    expect(() => compileTrustProxy(trustProxy as TrustProxy)).toThrow(SettingError)
    expect(() => compileTrustedPeer(trustProxy as TrustProxy)).toThrow('write how many proxies stand in front')
  })
})

describe('compileTrustedPeer', () => {
  it('says whether the connection comes from a trusted proxy', () => {
    expect(compileTrustedPeer(false)('10.0.0.1')).toBe(false)
    expect(compileTrustedPeer([])('10.0.0.1')).toBe(false)
    expect(compileTrustedPeer(1)(undefined)).toBe(true)
    expect(compileTrustedPeer(proxies)('::ffff:10.0.0.1')).toBe(true)
    expect(compileTrustedPeer(proxies)('192.0.2.9')).toBe(false)
    expect(compileTrustedPeer(proxies)(undefined)).toBe(false)
  })
})
