import type { MaintenanceOptions } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDocument } from '../../src/state/document.js'
import type { StateDocument, Window } from '../../src/state/window.js'
import { bearer, form, json, openSite, ownPage, type Site } from './site.js'

const settings: MaintenanceOptions = {
  scopes: { billing: { urls: ['/billing/**'] }, shop: { urls: ['/shop/**'] } },
  tenants: { of: (request) => request.header('x-tenant'), has: (name) => name === 'acme' || name === 'globex' },
}

let site: Site

beforeEach(async () => {
  site = await openSite(settings)
})

afterEach(() => site.close())

async function reopen(options: MaintenanceOptions): Promise<void> {
  await site.close()
  site = await openSite(options)
}

const post = (to: 'on' | 'off', body: string, headers: Record<string, string> = form) =>
  site.post(`/maintenance-mode/${to}`, { headers, body })
const mode = (scope?: string) => site.maintenance.getMode(scope)
const status = async (headers: Record<string, string> = {}) =>
  (await site.get('/maintenance-mode/status', { headers })).json()
const page = async (query = '') => (await site.get(`/maintenance-mode${query}`, { headers: ownPage })).text()
const textOf = (markup: string) => markup.replace(/<style>.*<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ')

describe('a change', () => {
  test('may name the part or the tenant, and the mode', async () => {
    expect((await post('on', 'scope=billing&mode=read-only&reason=Moving')).status).toBe(303)
    const answer = await post('on', '{"scope":"acme","mode":"hold"}', json)
    expect(await answer.json()).toMatchObject({ mode: 'hold', window: { scope: 'acme', mode: 'hold' } })
    expect(await Promise.all([mode(), mode('billing'), mode('acme'), mode('shop')])).toEqual([
      'off',
      'read-only',
      'hold',
      'off',
    ])
    expect((await (await post('off', '{"scope":"acme"}', json)).json()).closed).toMatchObject([{ scope: 'acme' }])
    expect((await (await post('off', '{}', json)).json()).closed).toEqual([])
    expect(await Promise.all([mode('acme'), mode('billing')])).toEqual(['off', 'read-only'])
  })

  test('of a form whose scope was left empty is one of the whole site', async () => {
    await post('on', 'scope=&mode=')
    expect(await mode()).toBe('on')
    await post('off', 'scope=&ramp=')
    expect(await mode()).toBe('off')
  })

  test('may reopen little by little', async () => {
    await post('on', 'scope=billing')
    const answer = await post('off', '{"scope":"billing","ramp":"10m"}', json)
    expect(await answer.json()).toMatchObject({ mode: 'on', reopening: '2026-01-01T00:10:00.000Z', remaining: [] })
    await site.clock.advance(10 * 60_000)
    expect(await mode('billing')).toBe('off')
  })

  test.each([
    ['a scope that there is not', 'on', { scope: 'biling' }, 'There is no scope "biling". Did you mean `billing`?'],
    ['a tenant that there is not', 'on', { scope: 'acm' }, 'no tenant is called so'],
    ['a scope that there is not, to reopen', 'off', { scope: 'biling' }, 'Did you mean `billing`?'],
    ['a scope that is none', 'on', { scope: 5 }, 'The scope must be a string'],
    ['no scope at all', 'on', { scope: null }, 'The scope must be a string'],
    ['a mode that is none', 'on', { mode: 'readonly' }, 'must be one of read-only, hold, on'],
    ['a mode to open', 'on', { mode: 'off' }, 'must be one of read-only, hold, on'],
    ['true for a mode', 'on', { mode: true }, 'must be one of read-only, hold, on'],
    ['a mode to reopen', 'off', { mode: 'on' }, 'Unknown field `mode`'],
    ['a ramp to close', 'on', { ramp: '10m' }, 'Unknown field `ramp`'],
    ['a ramp of no time', 'off', { ramp: '0' }, 'longer than nothing'],
    ['a ramp that is none', 'off', { ramp: 'soon' }, 'cannot be read'],
  ] as const)('%s is 400, says what, and changes nothing', async (_what, to, body, detail) => {
    const answer = await post(to, JSON.stringify(body), json)
    expect([answer.status, (await answer.json()).detail]).toEqual([400, expect.stringContaining(detail)])
    expect(site.maintenance.status().revision).toBeUndefined()
  })
})

describe('the status', () => {
  const closeAll = async () => {
    await site.maintenance.setMode('on', { scope: 'billing', reason: 'New cards', note: 'ticket 4711' })
    await site.maintenance.setMode('on', { scope: 'acme', reason: 'Acme moves' })
  }

  test('tells everybody which parts are not as the site is, and nobody who the tenants are', async () => {
    expect(await status()).toMatchObject({ mode: 'off', scopes: [] })
    await closeAll()
    const told = await status()
    expect(told).toMatchObject({ mode: 'off' })
    expect(told.scopes).toEqual([
      { scope: 'billing', mode: 'on', since: '2026-01-01T00:00:00.000Z', reason: 'New cards' },
    ])
    expect(JSON.stringify(told)).not.toMatch(/acme|4711/i)
  })

  test('tells operators of tenants too, and whose windows they are', async () => {
    await closeAll()
    expect((await status(bearer)).scopes).toMatchObject([
      { scope: 'billing', defined: true, windows: [{ note: 'ticket 4711' }] },
      { scope: 'acme', defined: true, windows: [{ scope: 'acme' }] },
    ])
  })
})

describe('the page', () => {
  test('tells which parts are not as the site is, and reopens one of them', async () => {
    await site.maintenance.setMode('read-only', { scope: 'billing', reason: 'New cards', by: 'ann' })
    const markup = await page()
    expect(textOf(markup)).toMatch(
      /The site is open .* billing is read-only .* By ann .* Why New cards .* Reopen billing/,
    )
    expect(markup).toContain('<input type="hidden" name="scope" value="billing">')
    expect((await post('off', 'scope=billing')).headers.get('location')).toBe('/maintenance-mode?done=opened')
    expect(textOf(await page('?done=opened'))).toContain('Done. The site is open for everybody.')
  })

  test('says that only a part is closed, where that is what was done', async () => {
    const answer = await post('on', 'scope=billing')
    expect(textOf(await page(`?${answer.headers.get('location')?.split('?')[1]}`))).toContain(
      'Done. Only what stands below',
    )
  })

  test('offers to close a part by name; one without parts and tenants has nothing to choose', async () => {
    expect(await page()).toMatch(/<input id="scope" name="scope" list="parts" .*<option value="billing">/s)
    await reopen({ scopes: settings.scopes ?? {} })
    expect(await page()).toMatch(/<select id="scope".*The whole site<\/option><option value="billing">billing/s)
    await reopen({})
    expect(await page()).not.toContain('name="scope"')
  })

  test('keeps the part that was chosen where it could not be done', async () => {
    await reopen({ scopes: settings.scopes ?? {} })
    const answer = await post('on', 'scope=shop&for=soon')
    expect(await answer.text()).toContain('<option value="shop" selected>')
  })

  test.each([
    ['read-only', 'The site is read-only'],
    ['hold', 'The site holds its visitors'],
    ['on', 'The site is closed'],
  ] as const)('names the mode %s', async (mode, title) => {
    await site.maintenance.setMode(mode)
    expect(await page()).toContain(`<h1>${title}</h1>`)
  })
})

describe('the state, written from afar', () => {
  const windowOf = (scope: string): Window => ({
    id: 'manual',
    origin: 'manual',
    mode: 'on',
    scope,
    start: '2026-01-01T00:00:00.000Z',
    by: 'token:ci',
    from: 'cli@runner',
  })
  const put = (revision: number, windows: Window[]) => {
    const document: StateDocument = { ...createDocument('', 'the state'), revision, windows }
    const body = { document: JSON.stringify(document), expected: revision - 1, next: revision }
    const headers = { ...json, ...bearer }
    return site.get('/maintenance-mode/state', { method: 'PUT', headers, body: JSON.stringify(body) })
  }

  test('tells which parts there are, and that there are tenants, but not which', async () => {
    const facts = await (await site.get('/maintenance-mode/state', { headers: bearer })).json()
    expect(facts).toMatchObject({ scopes: ['billing', 'shop'], tenants: true })
    expect(JSON.stringify(facts)).not.toContain('acme')
  })

  test('opens no window in a scope that there is not, which the site alone can tell of a tenant', async () => {
    const answer = await put(1, [windowOf('acm')])
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({
      code: 'ERR_MAINTENANCE_SETTING',
      detail: expect.stringContaining('There is no scope "acm"'),
    })
    expect((await put(1, [windowOf('acme')])).status).toBe(200)
    expect(await mode('acme')).toBe('on')
  })

  test('keeps, changes and closes the windows of one that there is no longer, and opens none', async () => {
    const stateBackend = memoryBackend()
    await reopen({ ...settings, stateBackend })
    expect((await put(1, [windowOf('acme')])).status).toBe(200)
    await reopen({ stateBackend })
    expect((await put(2, [{ ...windowOf('acme'), reason: 'Moving' }])).status).toBe(200)
    expect((await put(3, [windowOf('acme'), { ...windowOf('acme'), id: 'other' }])).status).toBe(400)
    expect(textOf(await page())).toContain('acme is closed There is no such part')
    expect((await put(3, [])).status).toBe(200)
  })
})
