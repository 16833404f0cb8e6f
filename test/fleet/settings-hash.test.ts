import { describe, expect, it } from 'vitest'
import { hashSettings } from '../../src/fleet/settings-hash.js'
import type { MaintenanceOptions } from '../../src/settings/options.js'
import { resolveSettings } from '../../src/settings/resolve.js'

const hashOf = (options: MaintenanceOptions = {}) =>
  hashSettings(resolveSettings({ timezone: 'UTC', ...options }, {}).settings)

describe('instances with the same settings have the same hash', () => {
  it('of eight digits', async () => {
    expect(await hashOf()).toMatch(/^[0-9a-f]{8}$/)
    expect(await hashOf()).toBe(await hashOf({ statusCode: 503 }))
  })

  it('in whatever order they were written', async () => {
    const one = await hashOf({ routes: { '/a': 'on', '/b': 'off' }, statusCode: 500 })
    expect(await hashOf({ statusCode: 500, routes: { '/b': 'off', '/a': 'on' } })).toBe(one)
  })

  it('whatever is their own affair: the name, where they keep what, and what they log', async () => {
    const own: MaintenanceOptions[] = [
      { instanceId: 'web-1' },
      { stateFilePath: '/srv/a.json' },
      { stateBackend: 'file:/srv/b.json' },
      { localCopyPath: false },
      { logger: { warn() {}, error() {} } },
      { silence: ['pinned-mode'] },
      { mode: 'on' },
    ]
    for (const options of own) expect(await hashOf(options), JSON.stringify(options)).toBe(await hashOf())
  })
})

describe('instances with other settings have another hash', () => {
  const others: [string, MaintenanceOptions, MaintenanceOptions][] = [
    ['a number', { statusCode: 503 }, { statusCode: 500 }],
    ['a list in another order', { ignoreUrls: ['/a', '/b'] }, { ignoreUrls: ['/b', '/a'] }],
    ['a regular expression', { ignoreUrls: [/^\/a/] }, { ignoreUrls: [/^\/a/i] }],
    [
      'a regular expression that reads like text',
      { ignoreIpAddresses: [/^10\..*/] },
      { ignoreIpAddresses: ['^10\\..*'] },
    ],
    ['what a function does', { ignoreRequest: () => true }, { ignoreRequest: () => false }],
    ['whether there is a function', { ignoreRequest: () => true }, {}],
    ['whether there is a token', { adminToken: 'a-long-and-secret-token' }, {}],
    ['a route', { routes: { '/a': 'on' } }, { routes: { '/a': 'off' } }],
    ['the time zone', { timezone: 'Europe/Rome' }, {}],
  ]
  it.each(others)('%s', async (_what, one, other) => {
    expect(await hashOf(one)).not.toBe(await hashOf(other))
  })

  it('but a hash tells nothing of a secret', async () => {
    expect(await hashOf({ adminToken: 'a-long-and-secret-token' })).toBe(
      await hashOf({ adminToken: 'another-secret-token' }),
    )
  })
})
