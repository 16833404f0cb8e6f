import { memoryBackend } from 'maintenance-mode/backends/memory'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateBackend } from '../../src/backends/backend.js'
import { createStateStore, type StateStore } from '../../src/backends/store.js'
import { StateBackendError } from '../../src/errors.js'
import type { MaintenanceOptions } from '../../src/settings/options.js'
import { createSecret, createToken, hashSecret, revokeToken } from '../../src/state/token.js'
import { bearer, openSite, type Site } from './site.js'

let site: Site
let store: StateStore
let reads: number
/** In whose place the state is read. */
let reading: (() => ReturnType<StateBackend['read']>) | undefined

const actor = { by: 'ann', from: 'cli@web-1' }
const minute = 60_000

/** A site whose state backend tells of no change. Nothing polls, as its clock stands. */
async function open(options: MaintenanceOptions = {}): Promise<void> {
  await site?.close()
  const { watch, readSync, presence, capabilities, ...kept } = memoryBackend()
  const stateBackend: StateBackend = {
    ...kept,
    capabilities: { ...capabilities, watch: false, presence: false },
    read() {
      reads++
      return reading ? reading() : kept.read()
    },
  }
  store = createStateStore({ ...kept, capabilities })
  site = await openSite({ stateBackend, ...options })
  await site.maintenance.ready()
  reads = 0
}

beforeEach(async () => {
  reading = undefined
  await open()
})

afterEach(() => site.close())

async function create(name = 'ci', lifetime?: number): Promise<string> {
  const secret = createSecret()
  const hash = await hashSecret(secret)
  const now = site.clock.now()
  const expires = lifetime === undefined ? undefined : now + lifetime
  await store.commit((document) => createToken(document, { id: `id-${name}`, name, hash, expires }, actor, now))
  return secret
}

const on = (secret: string) =>
  site.get('/maintenance-mode/on', { method: 'POST', headers: { authorization: `Bearer ${secret}` } })
const off = (secret: string) =>
  site.get('/maintenance-mode/off', { method: 'POST', headers: { authorization: `Bearer ${secret}` } })

describe('a stored token', () => {
  test('opens the control URLs at once, wherever it was made, and is named in the state', async () => {
    const secret = await create('ci')
    const answer = await on(secret)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ window: { by: 'token:ci', from: 'control@127.0.0.1' } })
    const details = await site.get('/maintenance-mode/status', { headers: { authorization: `Bearer ${secret}` } })
    expect(await details.json()).toMatchObject({ stateBackend: 'memory:' })
  })

  test('that is known opens them also while the state cannot be read', async () => {
    const secret = await create()
    await site.maintenance.refresh()
    reading = () => Promise.reject(new StateBackendError('The engine is down.'))
    await site.maintenance.refresh()
    expect((await site.get('/maintenance-mode', { headers: { authorization: `Bearer ${secret}` } })).status).toBe(200)
  })

  test('opens nothing from the instant on at which it expires, and that is said to who has it', async () => {
    const secret = await create('ci', minute)
    await site.clock.advance(minute - 1)
    expect((await on(secret)).status).toBe(200)
    await site.clock.advance(1)
    const answer = await off(secret)
    expect(answer.status).toBe(401)
    expect((await answer.json()).detail).toContain('The token "ci" has expired (2026-01-01T00:01:00.000Z).')
    expect(await site.maintenance.getMode()).toBe('on')
  })

  test('opens nothing once this instance knows that it was revoked', async () => {
    const secret = await create()
    expect((await on(secret)).status).toBe(200)
    await store.commit((document) => revokeToken(document, 'ci'))
    await site.maintenance.refresh()
    expect((await off(secret)).status).toBe(401)
    expect(await site.maintenance.getMode()).toBe('on')
  })

  test('needs no adminToken beside it, and does not take its place', async () => {
    await open({ adminToken: undefined })
    const secret = await create()
    expect((await on(secret)).status).toBe(200)
    expect((await site.get('/maintenance-mode/off', { method: 'POST', headers: bearer })).status).toBe(401)
  })
})

describe('nothing is opened', () => {
  test.each([
    ['by its digest', async (secret: string) => hashSecret(secret)],
    ['by its digest under the prefix', async (secret: string) => `mm_${(await hashSecret(secret)).slice(0, 43)}`],
    ['by its beginning', async (secret: string) => secret.slice(0, -1)],
    ['by more than it', async (secret: string) => `${secret}A`],
    ['by another one', async () => createSecret()],
    ['by its name', async () => 'ci'],
  ])('%s', async (_what, given) => {
    const secret = await create()
    const answer = await on(await given(secret))
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('invalid_token')
    expect(await site.maintenance.getMode()).toBe('off')
  })

  test.each([
    ['a field of a later version, which may narrow it', { may: ['status'] }],
    ['an expiry that is no time', { expires: 'soon' }],
    ['an expiry that is a number', { expires: 4_000_000_000_000 }],
    ['no name', { name: undefined }],
    ['a name that steers a terminal', { name: 'ci\u001b[2J' }],
  ])('by a token with %s, and the state is as sound as ever', async (_what, change) => {
    const secret = await create()
    await store.commit((document) => ({
      document: {
        ...document,
        tokens: [...document.tokens.map((token) => ({ ...(token as object), ...change })), 7, null],
      },
      result: undefined,
    }))
    expect((await on(secret)).status).toBe(401)
    await site.clock.advance(1000)
    const other = await create('other')
    expect((await on(other)).status).toBe(200)
    expect((await store.read())?.tokens).toHaveLength(4)
  })
})

describe('tokens that are not known', () => {
  test('have the state read at most once a second, however many they are', async () => {
    await Promise.all(Array.from({ length: 30 }, () => on(createSecret())))
    expect((await on(createSecret())).status).toBe(401)
    expect(reads).toBe(1)
    await site.clock.advance(1000)
    await Promise.all(Array.from({ length: 30 }, () => on(createSecret())))
    expect(reads).toBe(2)
  })

  test('that cannot be ours never have it read', async () => {
    for (const secret of ['mm_short', createSecret().slice(1), 'x'.repeat(46)]) {
      expect((await on(secret)).status).toBe(401)
    }
    expect(reads).toBe(0)
  })

  test('are not called wrong while the state cannot be read, and nothing is told of why', async () => {
    reading = () => Promise.reject(new StateBackendError('The engine at 10.0.0.7 is down.'))
    const answer = await on(createSecret())
    expect(answer.status).toBe(503)
    expect(await answer.json()).toEqual({
      type: 'urn:maintenance-mode:unreadable',
      title: 'The state cannot be read',
      status: 503,
      detail: 'It cannot be told just now whether this token is right. Try again.',
    })
  })

  test('wait a second for an answer, and no longer', async () => {
    let asked = (): void => {}
    const arrived = new Promise<void>((resolve) => {
      asked = resolve
    })
    reading = () => {
      asked()
      return new Promise(() => {})
    }
    const answer = on(createSecret())
    await arrived
    await site.clock.advance(1000)
    expect((await answer).status).toBe(503)
  })
})

describe('where the mode is pinned', () => {
  beforeEach(() => open({ mode: 'on' }))

  const page = async (secret: string) =>
    (await site.get('/maintenance-mode', { headers: { authorization: `Bearer ${secret}` } })).status

  test('tokens open as ever, and are looked up once a second', async () => {
    const secret = await create()
    expect(await page(secret)).toBe(200)
    expect(await page(secret)).toBe(200)
    expect(reads).toBe(1)
    await site.clock.advance(1000)
    reading = () => Promise.reject(new StateBackendError('The engine is down.'))
    expect(await page(secret)).toBe(200)
    expect(await page(createSecret())).toBe(503)
  })

  test('a revoked one opens nothing a second later', async () => {
    const secret = await create()
    expect(await page(secret)).toBe(200)
    await store.commit((document) => revokeToken(document, 'ci'))
    await site.clock.advance(1000)
    expect(await page(secret)).toBe(401)
  })
})
