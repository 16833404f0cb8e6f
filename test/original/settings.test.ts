import type { MaintenanceOptions } from 'maintenance-mode'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { expectRefused, open, openSite, statusFor } from './site.js'

// What docs/coming-from-django.md says of settings, and the original's own tests say nothing of.

/** What a visitor of a closed site gets. */
async function visit(options: MaintenanceOptions, path = '/', init?: RequestInit) {
  const { visitor, said } = await openSite({ mode: true, ...options })
  return { ...(await (await visitor())(path, init)), said }
}

const fails = (): never => {
  throw new Error('on purpose')
}

it('mode: the text "False" is off in the environment, and an error in code', async () => {
  expect(await open({}, { MAINTENANCE_MODE: 'False' }).maintenance.getMode()).toBe('off')
  expectRefused('mode', { mode: 'False' })
})

it('getClientIpAddress: what throws, or returns no text, matches nothing', async () => {
  for (const getClientIpAddress of [fails, () => ['127.0.0.1'] as never]) {
    expect((await visit({ getClientIpAddress, ignoreIpAddresses: ['127.0.0.1', /.*/] })).status).toBe(503)
  }
})

it('getContext: is given the request, and a failure is reported and gives no values', async () => {
  const template = '<p>{{ path }}</p>'
  expect((await visit({ template, getContext: ({ url }) => ({ path: url }) }, '/api/orders')).body).toBe(
    '<p>/api/orders</p>',
  )
  const { body, said } = await visit({ template, getContext: fails })
  expect(body).toBe('<p></p>')
  expect(said).toEqual([expect.stringContaining('getContext: on purpose')])
})

it('adminSiteUrls: where the admin is', async () => {
  expect(await statusFor(undefined, { ignoreAdminSite: true, adminSiteUrls: ['/api/**'] }, '/api/orders')).toBe(200)
})

it('ignoreIpAddresses: a plain address matches itself only, a RegExp the whole of it, a range what is in it', async () => {
  const status = (entry: string | RegExp) => statusFor(undefined, { ignoreIpAddresses: [entry] })
  expect(await status('127.0.0.10')).toBe(503)
  expect(await status(/127\.0\.0/)).toBe(503)
  expect(await status('^127\\.0\\.0\\.')).toBe(503)
  expect(await status(/127\.0\.0\.\d+/)).toBe(200)
  expect(await status('127.0.0.0/8')).toBe(200)
  expectRefused('ignoreIpAddresses', { ignoreIpAddresses: '127.0.0.1' })
})

it('ignoreUrls: a path is one path, and a list is a list', async () => {
  expect(await statusFor(undefined, { ignoreUrls: ['/api/'] }, '/api/orders')).toBe(503)
  expectRefused('ignoreUrls', { ignoreUrls: [/api/] })
  expectRefused('ignoreUrls', { ignoreUrls: '/api/**' })
})

describe('ignoreTests', () => {
  it.each([
    ['node:test', 'NODE_TEST_CONTEXT'],
    ['jest', 'JEST_WORKER_ID'],
    ['playwright', 'TEST_WORKER_INDEX'],
    ['mocha', undefined],
  ])('knows %s', async (runner, variable) => {
    const [, script] = process.argv
    onTestFinished(() => {
      vi.unstubAllEnvs()
      process.argv[1] = script as string
    })
    vi.stubEnv('VITEST', '')
    if (variable) vi.stubEnv(variable, '1')
    else process.argv[1] = '/project/node_modules/mocha/lib/cli/_mocha'
    const { maintenance } = open({ mode: true, ignoreTests: true })
    expect(await maintenance.decide({ url: '/' })).toMatchObject({
      rule: 'tests',
      reason: expect.stringContaining(runner),
    })
  })
})

describe('redirectUrl', () => {
  it('redirects GET and HEAD of HTML clients, which keep nothing of it; all others get the 503', async () => {
    const redirectUrl = '/redirect'
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await visit({ redirectUrl }, '/', { method })
      expect([status, headers.get('cache-control')]).toEqual([302, 'no-store'])
    }
    expect((await visit({ redirectUrl }, '/', { method: 'POST' })).status).toBe(503)
    expect((await visit({ redirectUrl }, '/', { headers: { accept: 'application/json' } })).status).toBe(503)
  })

  it('opens exactly its own target, given as a path or as a full address of this site', async () => {
    for (const redirectUrl of ['/redirect', 'http://127.0.0.1/redirect']) {
      expect((await visit({ redirectUrl }, '/redirect')).status).toBe(200)
      expect((await visit({ redirectUrl }, '/redirect/below')).status).toBe(302)
    }
  })
})

it('responseType: auto is the default, and answers as the client asks', async () => {
  const typeFor = async (accept: string) => (await visit({}, '/', { headers: { accept } })).headers.get('content-type')
  expect(await typeFor('text/html')).toContain('text/html')
  expect(await typeFor('application/json')).toContain('application/problem+json')
})

describe('retryAfter', () => {
  it('counts where no end is known, and can be left out', async () => {
    const header = async (options: MaintenanceOptions) => (await visit(options)).headers.get('retry-after')
    expect(await header({})).toBe('3600')
    expect(await header({ retryAfter: '10m' })).toBe('600')
    expect(await header({ retryAfter: 0 })).toBeNull()
    expectRefused('retryAfter', { retryAfter: 'Wed, 21 Oct 2026 07:28:00 GMT' })
  })

  it('gives way to a known end', async () => {
    const { maintenance, visitor } = await openSite({ retryAfter: '1h' })
    await maintenance.setMode('on', { end: '2026-01-01T00:10:00Z' })
    const seconds = Number((await (await visitor())('/')).headers.get('retry-after'))
    expect(seconds).toBeGreaterThanOrEqual(600)
    expect(seconds).toBeLessThanOrEqual(660)
  })
})

it('statusCode: 200 to 599, one that has a body; below 400 is a warning', async () => {
  expect((await visit({ statusCode: 500 })).status).toBe(500)
  for (const statusCode of [199, 204, 600, 503.5]) expectRefused('statusCode', { statusCode })
  expect((await visit({ statusCode: 200 })).said).toEqual([expect.stringContaining('[status-code')])
})

it('template: Liquid, escaped; a function renders whatever it likes', async () => {
  const getContext = () => ({ shop: '<Tea>' })
  expect((await visit({ template: '<p>{{ shop }}</p>', getContext })).body).toBe('<p>&lt;Tea&gt;</p>')
  expect((await visit({ template: ({ shop }) => `<p>${shop}</p>`, getContext })).body).toBe('<p><Tea></p>')
  expectRefused('template', { template: 'nowhere/503.html' })
})
