import { afterEach, beforeEach, expect, test } from 'vitest'
import { bearer, openSite, type Site, superuser } from './site.js'

let site: Site

beforeEach(async () => {
  site = await openSite()
})

afterEach(() => site.close())

const status = (headers: Record<string, string> = {}) => site.get('/maintenance-mode/status', { headers })

test('tells everybody the mode, since when, until when and why, and nothing more', async () => {
  expect(await (await status()).json()).toEqual({ mode: 'off', announcements: [] })
  await site.maintenance.setMode('on', { reason: 'Upgrade', note: 'secret', expectedEnd: '2026-01-01T00:30:00Z' })
  for (const who of [{}, { 'x-user': 'ann' }, { 'x-user': 'staff' }, { authorization: 'Bearer of the app' }]) {
    const answer = await status(who)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(await answer.json()).toEqual({
      mode: 'on',
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-01-01T00:30:00.000Z',
      reason: 'Upgrade',
      announcements: [expect.objectContaining({ window: 'manual', phase: 'active', reason: 'Upgrade' })],
    })
  }
})

test.each([
  ['a superuser', superuser],
  ['the adminToken', bearer],
])('tells %s everything, and pages of other sites only what is public', async (_name, headers) => {
  await site.maintenance.setMode('on', { reason: 'Upgrade', note: 'ticket 4711', by: 'ann', from: 'cli@web-1' })
  const details = await status(headers)
  expect(await details.json()).toEqual({
    mode: 'on',
    since: '2026-01-01T00:00:00.000Z',
    reason: 'Upgrade',
    pinned: false,
    windows: [expect.objectContaining({ by: 'ann', from: 'cli@web-1', note: 'ticket 4711' })],
    scopes: [],
    announcements: [expect.objectContaining({ window: 'manual' })],
    held: 0,
    revision: 1,
    snapshot: 'ready',
    stateBackend: 'memory:',
    checkedAt: '2026-01-01T00:00:00.000Z',
  })
  expect(details.headers.get('access-control-allow-origin')).toBeNull()
  expect((await status()).headers.get('access-control-allow-origin')).toBe('*')
  expect((await status()).headers.get('access-control-allow-credentials')).toBeNull()
})

test('is not kept, and HEAD has no body', async () => {
  const answer = await site.get('/maintenance-mode/status', { method: 'HEAD' })
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(await answer.text()).toBe('')
})
