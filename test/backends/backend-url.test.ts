import { describe, expect, it } from 'vitest'
import { readBackendUrl } from '../../src/backends/backend-url.js'

const addressOf = (url: string): string => readBackendUrl(url).address

function refusal(url: string): string {
  try {
    return `not refused: ${addressOf(url)}`
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_MAINTENANCE_SETTING', setting: 'stateBackend' })
    return (error as Error).message
  }
}

describe('the address of a state backend', () => {
  it.each([
    ['redis://cache.internal', 'redis://cache.internal'],
    ['redis://:s3cret@cache.internal:6379/0', 'redis://cache.internal:6379/0'],
    ['REDISS://app:s3cret@Cache', 'rediss://Cache'],
    ['redis://app:s3@cret@cache', 'redis://cache'],
    ['redis://app:s3:cret@cache', 'redis://cache'],
    ['redis://app:s3%2Fcret@cache', 'redis://cache'],
    ['redis://s3cret@cache', 'redis://cache'],
    ['redis:///run/redis.sock', 'redis:///run/redis.sock'],
    ['mysql://app:s3cret@[fe80::1]:3306/site', 'mysql://[fe80::1]:3306/site'],
    ['postgres://app:s3cret@/site?host=/run/postgresql', 'postgres:///site'],
    ['postgres://db/site?sslmode=require&user=app&password=s3cret', 'postgres://db/site'],
    ['postgres://db/site%40home', 'postgres://db/site%40home'],
    ['redis:///run/@app/redis.sock', 'redis:///run/@app/redis.sock'],
    ['redis+sentinel://app:s3cret@one:26379,two/name', 'redis+sentinel://one:26379,two/name'],
    ['nats://app:s3cret@one:4222,two:4222', 'nats://one:4222,two:4222'],
    ['nats://app:s3cret@one:4222,nats://app:s3@cret@two', 'nats://one:4222,two'],
    ['https://app:s3cret@cdn.example:8443/@shop/state.json?token=s3cret', 'https://cdn.example:8443/@shop/state.json'],
    ['s3://bucket/@states/shop.json?endpoint=https://s3cret', 's3://bucket/@states/shop.json'],
    ['sqlite:./data/@shop.db', 'sqlite:./data/@shop.db'],
    ['sqlite:C:\\data\\state.db', 'sqlite:C:\\data\\state.db'],
    ['memory:', 'memory:'],
  ])('of %s is %s', (url, address) => {
    expect(addressOf(url)).toBe(address)
    expect(addressOf(`${url}${url.includes('?') ? '&' : '?'}key=shop`)).toBe(`${address}?key=shop`)
  })

  it.each([
    'redis://app:s3/cret@cache:6379',
    'redis://app:/s3cret@cache',
    'redis://app:5/cret@cache',
    'redis://:s3/cret@cache',
    'nats://s3/cret@one',
    'redis://app:s3?cret@cache',
    'redis://app:5?cret@cache',
    'redis://app:s3#cret@cache',
    'redis://app:5#cret@cache',
    'redis://app:s3cret',
    'nats://app:s3cret@one,nats://app:s3/cret@two',
    'https://app:s3/cret@cdn.example/state.json',
  ])('of %s, which may have a secret anywhere, is refused and not shown', (url) => {
    const message = refusal(url)
    expect(message).toContain('write "/" as %2F')
    expect(message).not.toMatch(/s3|cret|5/)
  })
})

describe('the URL for the client', () => {
  it.each([
    ['redis://app:s3cret@cache:6379/0?key=shop', 'redis://app:s3cret@cache:6379/0'],
    ['postgres://db/site?key=shop&sslmode=require', 'postgres://db/site?sslmode=require'],
    ['postgres://db/site?sslmode=require&key=shop&options=-c%20x', 'postgres://db/site?sslmode=require&options=-c%20x'],
    ['mysql://db/site?apikey=1', 'mysql://db/site?apikey=1'],
  ])('of %s is %s', (given, url) => {
    expect(readBackendUrl(given).url).toBe(url)
  })
})

describe('the key of a state', () => {
  it.each([
    ['redis://cache', ''],
    ['redis://cache?key=', ''],
    ['redis://cache?key=shop', 'shop'],
    ['redis://cache?key=a&key=b', 'b'],
    ['redis://cache?db=1&key=Shop_2.eu-west', 'Shop_2.eu-west'],
    [`redis://cache?key=${'k'.repeat(64)}`, 'k'.repeat(64)],
  ])('in %s is "%s"', (url, key) => {
    expect(readBackendUrl(url).key).toBe(key)
  })

  it.each(['a:b', 'a/b', 'a b', '%61', '%zz', '*', 'ä', "'", 'k'.repeat(65)])('is never %s', (key) => {
    expect(refusal(`redis://app:s3cret@cache?key=${key}`)).toMatch(/names the key .* it must be 1 to 64 letters/)
  })
})

describe('what is no URL', () => {
  it.each(['', 'cache.internal', '//cache', './state.json', '1redis://app:s3cret@cache', ' '])(
    'is refused: "%s"',
    (text) => {
      expect(refusal(text)).toMatch(/is no URL/)
    },
  )
})
