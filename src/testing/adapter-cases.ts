import type { Mode } from '../state/window.js'
import { type Answered, type Ask, assertRefused, upgrade } from './adapter-client.js'
import { siteRoutes, streaming } from './adapter-site.js'
import { check, deepEqual, equal } from './assertions.js'

export type CaseMode = Extract<Mode, 'off' | 'on' | 'hold'>

/** A running fixture, and the switch of its state. */
export interface CaseContext {
  readonly url: string
  readonly ask: Ask
  /** Switches the mode, and waits until the fixture decides by it. */
  switch(mode: CaseMode, options?: { end: Date }): Promise<void>
  /** Waits until the fixture does. */
  until(mode: CaseMode): Promise<void>
}

/** Settings that a case needs beside those of every fixture: such a case has a fixture of its own. */
export type CaseSettings = 'loopback-ignored'

export interface AdapterCase {
  readonly mode: CaseMode
  readonly settings?: CaseSettings
  run(context: CaseContext): Promise<void>
}

export const adminToken = 'a-token-for-the-adapter-contract'
const staff = { headers: { cookie: 'user=staff' } }
const asBrowser = { headers: { accept: 'text/html,*/*;q=0.8' } }
const asMachine = { headers: { accept: 'application/json' } }
const asFile = { method: 'POST', headers: { accept: 'application/json', 'content-type': 'application/octet-stream' } }

const refused = async (ask: Ask, path: string, init: RequestInit = asBrowser): Promise<void> =>
  assertRefused(await ask(path, init), path, init)

const passed = async (ask: Ask, path: string, init?: RequestInit): Promise<Answered> => {
  const answered = await ask(path, init)
  equal(answered.status, 200, `${init?.method ?? 'GET'} ${path} was not let through`)
  return answered
}

const refusedWhileHeld = async (ask: Ask): Promise<void> => {
  const { status, headers } = await ask('/api/items', { ...asMachine, method: 'POST' })
  equal(status, 503)
  equal(headers.get('maintenance-mode'), 'hold')
  check(Number(headers.get('retry-after')) >= 1, 'there is no Retry-After')
}

/** What every adapter is held to, by the names that the support table has. */
export const adapterCases: Readonly<Record<string, AdapterCase>> = {
  'while off, everything is answered by the app': {
    mode: 'off',
    async run({ ask }) {
      for (const { method, under, path, forced, answer } of siteRoutes) {
        if (forced === 'on' || path === '/stream' || path === '/locals' || path === '/upload') continue
        const answered = await ask(under + path, { method })
        const expected = await answer(new Request(`http://localhost${under}${path}`, { method }))
        equal(answered.status, expected.status, `${method} ${under}${path}`)
        equal(answered.text, await expected.text(), `${method} ${under}${path}`)
        const cached = expected.headers.get('cache-control')
        if (cached) equal(answered.headers.get('cache-control'), cached, `${under}${path}`)
      }
      equal((await ask('/nothing')).status, 404)
      const uploaded = await passed(ask, '/upload', { ...asFile, body: new Uint8Array(100_000) })
      deepEqual(JSON.parse(uploaded.text), { bytes: 100_000 })
    },
  },
  'a page is refused': { mode: 'on', run: ({ ask }) => refused(ask, '/') },
  'an API is refused with problem details': { mode: 'on', run: ({ ask }) => refused(ask, '/api/items', asMachine) },
  'a write is refused': {
    mode: 'on',
    run: ({ ask }) => refused(ask, '/api/items', { ...asMachine, method: 'POST' }),
  },
  'an upload is refused': {
    mode: 'on',
    run: ({ ask }) => refused(ask, '/upload', { ...asFile, body: new Uint8Array(1_000_000) }),
  },
  'HEAD is refused without a body': {
    mode: 'on',
    async run({ ask }) {
      const answered = await ask('/', { ...asBrowser, method: 'HEAD' })
      equal(answered.text, '')
      const { headers, status } = await ask('/', asBrowser)
      equal(answered.status, status)
      equal(answered.headers.get('content-type'), headers.get('content-type'))
      check(Number(answered.headers.get('retry-after')) >= 1, 'there is no Retry-After')
    },
  },
  'a CORS preflight is refused': {
    mode: 'on',
    run: ({ ask }) => refused(ask, '/api/items', { ...asMachine, method: 'OPTIONS' }),
  },
  'a nested route is refused': { mode: 'on', run: ({ ask }) => refused(ask, '/nested/page') },
  'rules see the whole path below a prefix': {
    mode: 'on',
    async run({ ask }) {
      await refused(ask, '/mounted/page')
      await passed(ask, '/mounted/open')
    },
  },
  'what is not there is refused': { mode: 'on', run: ({ ask }) => refused(ask, '/nothing') },
  'a static file is refused': { mode: 'on', run: ({ ask }) => refused(ask, '/assets/app.css') },
  'health checks reach the app': {
    mode: 'on',
    async run({ ask }) {
      await passed(ask, '/healthz')
      await passed(ask, '/healthz', { method: 'HEAD' })
    },
  },
  'a route that is forced off is open': {
    mode: 'on',
    async run({ ask }) {
      check((await passed(ask, '/open')).text.includes('<h1>Open</h1>'), 'it is not the app that answers')
      await passed(ask, '/nested/open')
    },
  },
  'a route that is forced on is closed while off': {
    mode: 'off',
    run: async ({ ask }) => equal((await ask('/closed')).status, 503),
  },
  'the setting routes forces off and on': {
    mode: 'off',
    settings: 'loopback-ignored',
    async run({ ask, switch: set }) {
      equal((await ask('/routed/closed')).status, 503)
      await set('on')
      equal((await ask('/routed/closed')).status, 503)
      await passed(ask, '/routed/open')
      await set('off')
    },
  },
  'who signs in as staff gets through': {
    mode: 'on',
    async run({ ask }) {
      const { status, headers } = await ask('/login?as=staff', { method: 'POST' })
      equal(status, 204)
      const cookie = (headers.get('set-cookie') ?? '').split(';')[0] ?? ''
      const answered = await passed(ask, '/whoami', { headers: { cookie } })
      equal((JSON.parse(answered.text) as { id: string }).id, 'staff')
      const home = await passed(ask, '/', { headers: { cookie } })
      equal(home.headers.get('cache-control'), 'private, no-store', 'a cache may give it to others')
      await refused(ask, '/whoami', { headers: { ...asMachine.headers, cookie: 'user=customer' } })
    },
  },
  'templates are told': {
    mode: 'off',
    async run({ ask, switch: set }) {
      const told = async () => JSON.parse((await passed(ask, '/locals', staff)).text) as unknown
      deepEqual(await told(), { maintenance_mode: false, maintenance_mode_bypassed: false })
      await set('on')
      deepEqual(await told(), { maintenance_mode: true, maintenance_mode_bypassed: true })
    },
  },
  'the client’s address is the framework’s': {
    mode: 'on',
    settings: 'loopback-ignored',
    run: async ({ ask }) => void (await passed(ask, '/')),
  },
  'a forwarded address is not believed': {
    mode: 'on',
    run: ({ ask }) => refused(ask, '/', { headers: { ...asBrowser.headers, 'x-forwarded-for': '203.0.113.7' } }),
  },
  'WebSockets are refused with a 503': {
    mode: 'off',
    async run({ url, switch: set }) {
      equal(await upgrade(url), 101, 'while off')
      await set('on')
      equal(await upgrade(url), 503, 'while on')
    },
  },
  'control URLs switch': {
    mode: 'on',
    async run({ ask, until }) {
      const headers = { authorization: `Bearer ${adminToken}`, accept: 'application/json' }
      const told = await passed(ask, '/maintenance-mode/status', { headers })
      equal((JSON.parse(told.text) as { mode: string }).mode, 'on')
      equal((await ask('/maintenance-mode/off', { method: 'POST' })).status, 403, 'without a token')
      await passed(ask, '/maintenance-mode/off', { method: 'POST', headers })
      await until('off')
    },
  },
  'an answer that is under way is not cut off': {
    mode: 'off',
    async run({ url, switch: set }) {
      const { body } = await fetch(`${url}/stream`)
      const parts = (body as ReadableStream<Uint8Array>).getReader()
      let text = new TextDecoder().decode((await parts.read()).value)
      await set('on')
      for (let part = await parts.read(); !part.done; part = await parts.read())
        text += new TextDecoder().decode(part.value)
      check(text.includes(`part ${streaming.parts}\n`), `it ended after "${text.slice(-20)}"`)
    },
  },
  'a GET waits while the mode is hold and is answered once it ends; a POST is refused at once': {
    mode: 'hold',
    async run({ ask, switch: set }) {
      const answered: string[] = []
      const waiting = ['GET', 'HEAD'].map(async (method) => {
        const { status } = await ask('/nested/page', { method })
        answered.push(`${method} ${status}`)
      })
      // Each is a round trip of its own: what does not wait would be answered by then.
      for (let sent = 0; sent < 5; sent++) await refusedWhileHeld(ask)
      deepEqual(answered, [])
      await set('off')
      await Promise.all(waiting)
      deepEqual(answered.sort(), ['GET 200', 'HEAD 200'])
    },
  },
  'it comes back at the end of the window': {
    mode: 'on',
    async run({ ask, switch: set, until }) {
      await set('on', { end: new Date(Date.now() + 2500) })
      equal((await ask('/nested/page')).status, 503)
      await until('off')
      await passed(ask, '/nested/page')
    },
  },
}
