import { writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import express5 from 'express'
import { createMaintenance } from 'maintenance-mode'
import { fileBackend } from 'maintenance-mode/backends/file'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { maintenanceControls as expressControls } from 'maintenance-mode/express'
import { maintenanceControls as fetchControls } from 'maintenance-mode/fetch'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateBackend } from '../../src/backends/backend.js'
import { StateBackendError } from '../../src/errors.js'
import { createDocument, parseDocument } from '../../src/state/document.js'
import type { StateDocument, Window } from '../../src/state/window.js'
import { temporaryFolder } from '../backends/fixtures/child.js'
import { bearer, form, json, listen, openSite, ownPage, type Site, stop, superuser, token } from './site.js'

// It has no types of its own under this name.
const express4 = createRequire(import.meta.url)('express4') as typeof express5

let site: Site

beforeEach(async () => {
  site = await openSite()
})

afterEach(() => site.close())

async function reopen(stateBackend: StateBackend, options: Parameters<typeof openSite>[0] = {}): Promise<void> {
  await site.close()
  site = await openSite({ stateBackend, ...options })
}

function unwatched({ watch, ...kept }: StateBackend): StateBackend {
  return { ...kept, capabilities: { ...kept.capabilities, watch: false } }
}

const window: Window = {
  id: 'manual',
  origin: 'manual',
  mode: 'on',
  scope: '*',
  start: '2026-01-01T00:00:00.000Z',
  reason: 'Möbel ☕',
  by: 'token:ci',
  from: 'cli@runner',
}

const documentOf = (revision: number, more: Partial<StateDocument> = {}): string =>
  JSON.stringify({ ...createDocument('', 'the state'), revision, ...more })
const writeOf = (revision: number, more?: Partial<StateDocument>) => ({
  document: documentOf(revision, more),
  expected: revision - 1,
  next: revision,
})

const read = async () => (await site.get('/maintenance-mode/state', { headers: bearer })).json()
const put = (body: unknown, headers: Record<string, string> = { ...json, ...bearer }) =>
  site.get('/maintenance-mode/state', {
    method: 'PUT',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

describe('the state is told', () => {
  test('to superusers and to who sends a token, with where it is and what decides besides it', async () => {
    const facts = {
      address: 'memory:',
      capabilities: { compareAndSet: true, watch: true, presence: true, writable: true },
      key: '',
      absentMeansOff: true,
      pinned: null,
      pollInterval: 5000,
      drainTimeout: 60_000,
      scopes: [],
      tenants: false,
    }
    expect(await read()).toEqual({ ...facts, operator: 'token', stored: null })
    await site.maintenance.setMode('on', { note: 'ticket 4711' })
    const answer = await site.get('/maintenance-mode/state', { headers: superuser })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    const { stored, ...told } = await answer.json()
    expect(told).toEqual({ ...facts, operator: 'root' })
    expect(stored.revision).toBe(1)
    expect(parseDocument(stored.document).windows).toMatchObject([{ note: 'ticket 4711' }])
  })

  test.each([{}, { 'x-user': 'staff' }, { 'x-user': 'ann' }, { authorization: 'Bearer of the app' }])(
    'to nobody else: %j',
    async (headers) => {
      for (const url of ['/maintenance-mode/state', '/maintenance-mode/fleet']) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await site.get(url, { method, headers })
          expect(answer.status).toBeGreaterThanOrEqual(401)
          expect(await answer.text()).not.toContain('memory:')
        }
      }
    },
  )

  test('as it is stored now, also where that is damaged, or not by us', async () => {
    const backend = memoryBackend()
    await reopen(unwatched(backend))
    await backend.write(documentOf(1), { expected: 0, next: 1 })
    expect((await read()).stored).toEqual({ document: documentOf(1), revision: 1 })
    await backend.write('{"format":1,', { expected: 1, next: 2 })
    expect((await read()).stored).toEqual({ document: '{"format":1,', revision: 0 })
  })

  test('by nobody while the backend is down or does not answer: 503, with the code and the reason', async () => {
    const kept = memoryBackend()
    let answer = (): ReturnType<StateBackend['read']> => Promise.reject(new StateBackendError('The engine is down.'))
    await reopen({ ...kept, read: () => answer(), readSync: () => null })
    const down = await site.get('/maintenance-mode/state', { headers: bearer })
    expect(down.status).toBe(503)
    expect(await down.json()).toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND', detail: 'The engine is down.' })
    const asked = new Promise<void>((resolve) => {
      answer = () => {
        resolve()
        return new Promise(() => {})
      }
    })
    const silent = site.get('/maintenance-mode/state', { headers: bearer })
    await asked
    await site.clock.advance(8000)
    expect(await (await silent).json()).toMatchObject({
      code: 'ERR_MAINTENANCE_BACKEND',
      detail: 'No answer from memory: within 8 s.',
    })
  })
})

describe('the fleet is told', () => {
  test('as the backend lists it', async () => {
    const backend = memoryBackend()
    await reopen(backend, { instanceId: 'site' })
    await backend.presence?.announce({ id: 'web-2:17', text: '{"revision":3}' }, 60_000)
    const answer = await site.get('/maintenance-mode/fleet', { headers: bearer })
    const { instances } = await answer.json()
    expect(instances).toContainEqual({ id: 'web-2:17', text: '{"revision":3}', age: expect.any(Number) })
  })

  test('by nobody where the backend keeps no list', async () => {
    const { presence, ...kept } = memoryBackend()
    await reopen({ ...kept, capabilities: { ...kept.capabilities, presence: false } })
    const answer = await site.get('/maintenance-mode/fleet', { headers: bearer })
    expect(answer.status).toBe(404)
    expect((await answer.json()).detail).toBe('memory: keeps no list of instances.')
  })
})

describe('a write', () => {
  test('is done, and this instance decides by it at once, also where no backend tells it', async () => {
    await reopen(unwatched(memoryBackend()))
    const answer = await put(writeOf(1, { windows: [window] }))
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({})
    expect(site.maintenance.status()).toMatchObject({ mode: 'on', revision: 1, reason: 'Möbel ☕' })
    expect((await site.get('/')).status).toBe(503)
    expect((await put(writeOf(2))).status).toBe(200)
    expect((await site.get('/')).status).toBe(200)
    expect((await read()).stored).toEqual({ document: documentOf(2), revision: 2 })
  })

  test('says where it has put a damaged document', async () => {
    const path = join(temporaryFolder(), '.maintenance-mode.json')
    const backend = fileBackend({ path })
    await reopen(backend)
    await backend.write(documentOf(1), { expected: 0, next: 1 })
    await writeFile(path, '{"format":1,"id":"half')
    const refused = await put(writeOf(1))
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ code: 'ERR_MAINTENANCE_STATE_DAMAGED' })
    const done = await put({ ...writeOf(1), replaceDamaged: true })
    expect(await done.json()).toEqual({ keptAside: expect.stringContaining(path) })
    expect((await read()).stored.revision).toBe(1)
  })

  test.each([
    ['a superuser, even from a page of the site', { ...ownPage, ...json }],
    ['a superuser whose bearer is the app’s own', { ...superuser, ...json, authorization: 'Bearer of the app' }],
  ])('is not done for %s: no cookie can do it', async (_who, headers) => {
    const answer = await put(writeOf(1, { windows: [window] }), { ...headers, accept: 'application/json' })
    expect(answer.status).toBe(403)
    expect((await answer.json()).detail).toContain('with a bearer token only')
    expect(site.maintenance.status().revision).toBeUndefined()
  })

  test.each([
    ['no body', '', 'document'],
    ['no JSON', '{document}', 'not a JSON object'],
    ['no document', { expected: 0, next: 1 }, 'document: Invalid key'],
    ['a document that is an object', { ...writeOf(1), document: {} }, 'document: Invalid type'],
    ['an expected revision that is text', { ...writeOf(1), expected: '0' }, 'expected: Invalid type'],
    ['a negative revision', { ...writeOf(1), expected: -1, next: 0 }, 'expected: Invalid value'],
    ['a field that is not known', { ...writeOf(1), force: true }, 'force: Invalid key'],
    [
      'a document that is none',
      { ...writeOf(1), document: '{"format":1' },
      'The document cannot be read: it is not JSON',
    ],
    ['the original’s document', { ...writeOf(1), document: '1' }, 'The document has revision 0'],
    ['a revision that is not the next', { ...writeOf(3), next: 2 }, 'The document has revision 3; `next` is 2'],
    ['a revision left out', { ...writeOf(3), expected: 1 }, 'one more than `expected`, 1'],
    ['another app’s document', writeOf(1, { key: 'shop' }), 'key is "shop", and that of this site\'s state is ""'],
  ])('of %s is 400, and changes nothing', async (_what, body, detail) => {
    const answer = await put(body)
    expect(answer.status).toBe(400)
    expect((await answer.json()).detail).toContain(detail)
    expect((await read()).stored).toBeNull()
  })

  test('of a form is 400, of another type 415', async () => {
    expect((await put('document=1&expected=0&next=1', { ...bearer, ...form })).status).toBe(400)
    expect((await put(writeOf(1), { ...bearer, 'content-type': 'text/plain' })).status).toBe(415)
  })

  test('that expects another revision is 409, with the code, and changes nothing', async () => {
    await put(writeOf(1, { windows: [window] }))
    for (const stale of [writeOf(1), writeOf(3)]) {
      const answer = await put(stale)
      expect(answer.status).toBe(409)
      expect(await answer.json()).toMatchObject({
        type: 'urn:maintenance-mode:conflict',
        code: 'ERR_MAINTENANCE_CONFLICT',
      })
    }
    expect(site.maintenance.status()).toMatchObject({ mode: 'on', revision: 1 })
  })

  test('keeps its code where the backend comes with another copy of this package', async () => {
    const conflict = Object.assign(new Error('Somebody else was quicker.'), { code: 'ERR_MAINTENANCE_CONFLICT' })
    await reopen({ ...memoryBackend(), write: () => Promise.reject(conflict) })
    const answer = await put(writeOf(1))
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({ code: conflict.code, detail: conflict.message })
  })

  test('of a newer format, or on top of one, is refused: this version would not understand all of it', async () => {
    const backend = memoryBackend()
    await reopen(backend)
    const newer = await put(writeOf(1, { format: 2 }))
    expect(newer.status).toBe(409)
    expect(await newer.json()).toMatchObject({ code: 'ERR_MAINTENANCE_STATE_NEWER' })
    expect(await backend.read()).toBeUndefined()
    await backend.write(documentOf(1, { format: 2 }), { expected: 0, next: 1 })
    expect(await (await put(writeOf(2))).json()).toMatchObject({ code: 'ERR_MAINTENANCE_STATE_NEWER' })
    expect((await backend.read())?.revision).toBe(1)
  })

  test('to a backend that is down is 503, and says so where it may have been made all the same', async () => {
    const kept = memoryBackend()
    let begun = (): void => {}
    const writing = new Promise<void>((resolve) => {
      begun = resolve
    })
    let write: StateBackend['write'] = () => Promise.reject(new StateBackendError('The engine is down.'))
    await reopen({ ...kept, write: (document, condition) => write(document, condition) })
    const down = await put(writeOf(1))
    expect(down.status).toBe(503)
    expect(await down.json()).toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND', detail: 'The engine is down.' })
    write = () => {
      begun()
      return new Promise(() => {})
    }
    const silent = put(writeOf(1))
    await writing
    await site.clock.advance(8000)
    expect((await (await silent).json()).detail).toContain('The change may have been made all the same.')
  })

  test('by another method is 405, which names the right ones', async () => {
    const answer = await site.get('/maintenance-mode/state', { method: 'POST', headers: bearer })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('GET, HEAD, PUT')
  })
})

describe('where the mode is pinned', () => {
  const tokens = [{ id: 'a' }]

  beforeEach(() => reopen(memoryBackend(), { mode: 'on' }))

  test('the state says so, and a write is refused', async () => {
    expect((await read()).pinned).toBe('on')
    const answer = await put(writeOf(1, { windows: [window] }))
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({ code: 'ERR_MAINTENANCE_PINNED' })
    expect((await read()).stored).toBeNull()
  })

  test('tokens come and go as ever, and nothing else along with them', async () => {
    expect((await put(writeOf(1, { tokens }))).status).toBe(200)
    expect((await put(writeOf(2))).status).toBe(200)
    const answer = await put(writeOf(3, { tokens, windows: [window] }))
    expect(await answer.json()).toMatchObject({ code: 'ERR_MAINTENANCE_PINNED' })
    expect(await (await put(writeOf(3, { tokens, id: 'another state' }))).json()).toMatchObject({
      code: 'ERR_MAINTENANCE_PINNED',
    })
    expect((await read()).stored.revision).toBe(2)
  })
})

describe('the body', () => {
  const megabyte = 1024 * 1024
  const padded = (length: number): string => {
    const text = JSON.stringify(writeOf(1))
    return text + ' '.repeat(length - text.length)
  }

  test('of who may is read up to 1 MB; more is 413', async () => {
    expect((await put(padded(megabyte + 1))).status).toBe(413)
    expect((await read()).stored).toBeNull()
    expect((await put(padded(megabyte))).status).toBe(200)
  })

  test('of nobody else is read', async () => {
    let pulled = 0
    const endless = new ReadableStream({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(64 * 1024).fill(32))
      },
    })
    const controls = fetchControls(site.maintenance)
    const request = new Request('https://shop.example/maintenance-mode/state', {
      method: 'PUT',
      headers: { ...json, authorization: 'Bearer a wrong one' },
      body: endless,
      duplex: 'half',
    } as RequestInit)
    expect((await controls(request))?.status).toBe(401)
    expect(pulled).toBeLessThanOrEqual(1)
  })
})

describe('through the other adapters', () => {
  test('fetch', async () => {
    const controls = fetchControls(site.maintenance)
    const ask = (init: RequestInit) =>
      controls(new Request('https://shop.example/maintenance-mode/state', { ...init, headers: { ...json, ...bearer } }))
    const written = await ask({ method: 'PUT', body: JSON.stringify(writeOf(1, { windows: [window] })) })
    expect(written?.status).toBe(200)
    expect(await (await ask({}))?.json()).toMatchObject({ stored: { revision: 1 } })
    expect((await ask({ method: 'PUT', body: ' '.repeat(1024 * 1024 + 1) }))?.status).toBe(413)
  })

  describe.each([
    ['Express 5', express5],
    ['Express 4', express4],
  ])('%s', (_name, express) => {
    test.each([
      ['no body parser', []],
      ['one for JSON', [express.json()]],
      ['one for text', [express.text({ type: '*/*' })]],
      ['one for bytes', [express.raw({ type: '*/*' })]],
    ])('with %s before it', async (_parsers, parsers) => {
      const silence = ['memory-backend', 'state-backend-in-code']
      const maintenance = createMaintenance(
        { stateBackend: memoryBackend(), adminToken: token, silence },
        { environment: {} },
      )
      const app = express().use([...parsers, expressControls(maintenance)]) as RequestListener
      const server = createServer(app)
      const url = `${await listen(server)}/maintenance-mode/state`
      const headers = { ...json, ...bearer }
      try {
        const body = JSON.stringify(writeOf(1, { windows: [window] }))
        expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200)
        expect(maintenance.status()).toMatchObject({ mode: 'on', reason: 'Möbel ☕' })
        const { stored } = await (await fetch(url, { headers })).json()
        expect(stored).toEqual({ document: documentOf(1, { windows: [window] }), revision: 1 })
        expect((await fetch(url, { method: 'PUT', headers, body: '{}' })).status).toBe(400)
      } finally {
        await maintenance.close()
        await stop(server)
      }
    })
  })
})
