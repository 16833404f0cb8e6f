import { execFile } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { createMaintenance, type MaintenanceOptions } from 'maintenance-mode'
import { httpBackend } from 'maintenance-mode/backends/http'
import { afterAll, afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openBackend } from '../../src/backends/open.js'
import { serializeDocument } from '../../src/state/document.js'
import type { StateDocument } from '../../src/state/window.js'
import { backendSuite } from '../../src/testing/index.js'
import { environment, main, project } from '../cli/fixtures/cli.js'
import { documentOf, windowOf } from '../state/windows.js'
import { freePort } from './engines/engine.js'
import { type StaticServer, startStaticServer, type Validator } from './engines/http.js'

const entry = new URL('../../dist/index.js', import.meta.url).href

const server: StaticServer = await startStaticServer()
afterAll(() => server.begin())
afterEach(() => {
  server.answer = undefined
  server.validator = 'both'
})

let files = 0
const newPath = (): string => `/state-${++files}.json`

for (const validator of ['etag', 'last-modified', 'none'] satisfies Validator[]) {
  backendSuite(
    { describe, it },
    {
      name: `http, validated by ${validator}`,
      async create() {
        const path = newPath()
        server.validator = validator
        return {
          backend: httpBackend({ url: server.urlOf(path) }),
          other: async () => httpBackend({ url: server.urlOf(path) }),
          corrupt: async (text) => server.put(path, text),
          remove: async () => server.remove(path),
          outage: server,
          cleanup: async () => {},
        }
      },
    },
  )
}

const on = documentOf(windowOf({ reason: 'Disks' }))
const off: StateDocument = { ...on, revision: 2, windows: [] }
const longAgo = Date.now() - 3_600_000

/** A path with a document, and how its requests are answered. */
function placed(document: StateDocument | string = on, modified: number = longAgo) {
  const path = newPath()
  const put = (next: StateDocument | string, at = Date.now()): void =>
    server.put(path, typeof next === 'string' ? next : serializeDocument(next), at)
  put(document, modified)
  const mine = () => server.served.filter(({ url }) => url.startsWith(path))
  return { url: server.urlOf(path), path, put, mine, statuses: () => mine().map(({ status }) => status) }
}

function instance(url: string, options: MaintenanceOptions = {}) {
  const said: string[] = []
  const logger = { warn: (message: string) => said.push(message), error: (message: string) => said.push(message) }
  const maintenance = createMaintenance(
    { stateBackend: url, localCopyPath: false, pollInterval: '50ms', logger, ...options },
    { environment: {} },
  )
  onTestFinished(() => maintenance.close())
  const now = () => `${maintenance.status().snapshot} ${maintenance.status().mode}`
  return { maintenance, now, said }
}

describe('an instance', () => {
  it('follows the document that is put there, and lets it be sent only when it has changed', async () => {
    const { url, put, statuses } = placed()
    const { maintenance, now } = instance(url)
    maintenance.start()
    await vi.waitFor(() => expect(statuses().slice(0, 4)).toEqual([200, 304, 304, 304]))
    expect(now()).toBe('ready on')
    put(off, longAgo + 1000)
    await vi.waitFor(() => expect(now()).toBe('ready off'))
    await vi.waitFor(() => expect(statuses().filter((status) => status === 200)).toHaveLength(2))
  })

  it('asks nothing before it is started', async () => {
    const { url, mine } = placed()
    const { maintenance } = instance(url)
    httpBackend({ url })
    await new Promise((resolve) => setImmediate(resolve))
    expect(mine()).toEqual([])
    expect(await maintenance.getMode()).toBe('on')
  })

  it('keeps the last known state over an outage and over a document that is gone', async () => {
    const { url, path, put } = placed()
    const { maintenance, now } = instance(url)
    await maintenance.ready()
    maintenance.start()
    await server.begin()
    await vi.waitFor(() => expect(now()).toBe('stale on'))
    await server.end()
    await vi.waitFor(() => expect(now()).toBe('ready on'))
    server.remove(path)
    await vi.waitFor(() => expect(now()).toBe('stale on'))
    expect(maintenance.status().error).toBe(`The state at ${url} is gone.`)
    put(off)
    await vi.waitFor(() => expect(now()).toBe('ready off'))
  })

  it('is current within the poll interval of 5 s after the server has come back', async () => {
    const { url, put } = placed()
    const { maintenance, now } = instance(url, { pollInterval: '5s' })
    await maintenance.ready()
    maintenance.start()
    await server.begin()
    await maintenance.refresh()
    expect(now()).toBe('stale on')
    put(off)
    await server.end()
    await vi.waitFor(() => expect(now()).toBe('ready off'), { timeout: 5_500 })
  })

  it('goes on with what it knows while the server is frozen, which is noticed after 5 s', async () => {
    const { url } = placed()
    const { maintenance, now, said } = instance(url)
    await maintenance.ready()
    server.answer = () => {}
    maintenance.start()
    await vi.waitFor(() => expect(now()).toBe('stale on'), { timeout: 6_500 })
    expect(said).toEqual([expect.stringContaining(`The state at ${url} cannot be read: no answer within 5 s.`)])
  })

  it('cannot switch it, and says what to do', async () => {
    const { url } = placed()
    await expect(instance(url).maintenance.setMode('off')).rejects.toMatchObject({
      code: 'ERR_MAINTENANCE_BACKEND',
      message: `The state at ${url} is only read from here. Run \`maintenance-mode on --print > state.json\`, or \`off --print\`, and put that file there.`,
    })
  })
})

describe('what the server is asked', () => {
  it('is by ETag, else by date; not for what has changed just now', async () => {
    const { url, put, mine } = placed()
    const backend = httpBackend({ url })
    const conditions = () => {
      const { 'if-none-match': etag, 'if-modified-since': since } = mine().at(-1)?.headers ?? {}
      return [etag?.replace(/\d+/, 'n'), since]
    }
    await backend.read()
    expect(conditions()).toEqual([undefined, undefined])
    await backend.read()
    expect(conditions()).toEqual(['"n"', undefined])
    server.validator = 'last-modified'
    put(on, longAgo)
    await backend.read()
    await backend.read()
    expect(conditions()).toEqual([undefined, new Date(longAgo).toUTCString()])
    put(off)
    await backend.read()
    await backend.read()
    expect(conditions()).toEqual([undefined, undefined])
  })

  it('carries headers, user, password and parameters, of which nothing is shown', async () => {
    const { url, path, mine } = placed({ ...on, key: 'shop' })
    const secret = url.replace('http://', 'http://us%C3%A9r:p%40ss@')
    const backend = openBackend({ stateBackend: `${secret}?key=shop&token=s3cret`, stateFilePath: '' })
    expect([backend.address, backend.key]).toEqual([`${url}?key=shop`, 'shop'])
    await backend.read()
    expect(mine()).toMatchObject([{ url: `${path}?token=s3cret` }])
    expect(Buffer.from(mine()[0]?.headers.authorization?.slice(6) ?? '', 'base64').toString()).toBe('usér:p@ss')
    await httpBackend({ url: secret, headers: { Authorization: 'Bearer t' } }).read()
    expect(mine().at(-1)?.headers).toMatchObject({ authorization: 'Bearer t', accept: 'application/json' })

    server.answer = (_request, response) => void response.writeHead(401).end()
    await expect(backend.read()).rejects.toThrow(
      `The state at ${url}?key=shop cannot be read: the server answers 401. It wants to know who asks`,
    )
  })

  it('goes through the fetch that is given', async () => {
    const asked: string[] = []
    const backend = httpBackend({
      url: 'https://cdn.example/state.json',
      async fetch(url) {
        asked.push(String(url))
        return new Response(serializeDocument(on))
      },
    })
    expect(await backend.read()).toMatchObject({ revision: 1 })
    expect(asked).toEqual(['https://cdn.example/state.json'])
  })
})

describe('an address that has no state', () => {
  const answering =
    (status: number, body = '', headers: Record<string, string> = {}) =>
    (request: IncomingMessage, response: ServerResponse) =>
      void (request.url === '/login'
        ? response.writeHead(200).end('<form></form>')
        : response.writeHead(status, headers).end(body))
  const half = (request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200, { 'content-length': 9 }).write('{')
    setTimeout(() => request.socket.destroy(), 20)
  }
  const failed = 'ERR_MAINTENANCE_BACKEND'
  const damaged = 'ERR_MAINTENANCE_STATE_DAMAGED'

  it.each([
    ['401', answering(401), failed, 'the server answers 401. It wants to know who asks'],
    ['403', answering(403), failed, 'the server answers 403. It may not be read so.'],
    ['429', answering(429), failed, 'the server answers 429. It is asked too often: give a longer `pollInterval`.'],
    ['500', answering(500, '<h1>Oops</h1>'), failed, 'the server answers 500. It has a fault; it is asked again.'],
    ['304 unasked', answering(304), failed, 'the server answers 304. Is the address right?'],
    ['a page', answering(200, '\n<!doctype html>'), damaged, 'is a web page, and no state. Is the address right'],
    ['a log-in', answering(302, '', { location: '/login' }), damaged, 'is a web page, from 127.0.0.1:'],
    ['a film', answering(200, 'x'.repeat(5_000_000)), failed, 'it is longer than 4 MB. So it is no state'],
    ['a half', half, failed, 'other side closed'],
    ['no HTTP', (request: IncomingMessage) => request.socket.end('220 smtp\r\n'), failed, 'cannot be read: '],
  ] as const)('%s', async (_what, answer, code, message) => {
    const { url } = placed()
    server.answer = answer
    await expect(httpBackend({ url }).read()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(`(The state|What is) at ${url} `),
    })
    await expect(httpBackend({ url }).read()).rejects.toThrow(message)
  })

  it('ends a film after the first 4 MB', async () => {
    const { url } = placed()
    let sent = 0
    const cut = new Promise((resolve) => {
      server.answer = (_request, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536
        }
        response.on('drain', more).on('close', resolve)
        more()
      }
    })
    await expect(httpBackend({ url }).read()).rejects.toThrow('longer than 4 MB')
    await cut
    expect(sent).toBeLessThan(20_000_000)
  })

  it.each([
    ['http', 'Nothing answers there: is it running, and are host and port right?'],
    ['https', 'Nothing answers there'],
  ])('%s: where nothing listens', async (scheme, hint) => {
    const url = `${scheme}://127.0.0.1:${await freePort()}/state.json`
    await expect(httpBackend({ url }).read()).rejects.toThrow(`The state at ${url} cannot be read: `)
    await expect(httpBackend({ url }).read()).rejects.toThrow(hint)
  })

  it('a host without an address, and https where http is spoken', async () => {
    await expect(httpBackend({ url: 'https://no-such-host.invalid/x' }).read()).rejects.toThrow(
      /cannot be read: getaddrinfo (ENOTFOUND|EAI_AGAIN) no-such-host\.invalid\. The host has no address/,
    )
    const url = `https://127.0.0.1:${server.port}/state.json`
    await expect(httpBackend({ url }).read()).rejects.toThrow('It speaks no TLS there: is it http: instead of https:?')
  })

  it.each(['http://', 'https://[::g]/', 'http://me:%@host/', 'http://me:secret@host:99999/'])(
    '%s is no URL, which is said without its secrets',
    async (url) => {
      expect(() => httpBackend({ url })).toThrow(/The option `stateBackend` is no URL that can be read: (?!.*secret)/)
    },
  )

  it("another app's document, junk, and one of a newer version", async () => {
    const { url, put } = placed({ ...on, key: 'blog' })
    const { maintenance, now } = instance(url, { stateBackendFallbackValue: true })
    expect(await maintenance.ready()).toMatchObject({
      snapshot: 'failed',
      mode: 'on',
      error: expect.stringContaining('is another app\'s: its key is "blog", not ""'),
    })
    put('It works!')
    expect(await maintenance.refresh()).toMatchObject({ error: expect.stringContaining('it is not JSON') })
    put(JSON.stringify({ ...on, format: 2 }))
    await maintenance.refresh()
    expect(now()).toBe('ready on')
  })
})

describe('the command line', () => {
  const run = async (url: string, line: string) => {
    const folder = project()
    const flags = [main, ...line.split(' '), '--state-backend', url]
    const ended = await promisify(execFile)(process.execPath, flags, { cwd: folder, env: environment }).then(
      ({ stdout, stderr }) => ({ code: 0, output: stdout, errors: stderr }),
      ({ code, stdout, stderr }) => ({ code: code as number, output: stdout as string, errors: stderr as string }),
    )
    return ended
  }

  it('prints the document that switches, once it is put there', async () => {
    const { url, path, put } = placed()
    server.remove(path)
    const { maintenance } = instance(url)
    for (const mode of ['on', 'off'] as const) {
      const { code, output, errors } = await run(url, `${mode} --print`)
      expect({ code, errors }).toEqual({ code: 0, errors: expect.stringContaining(`put what is printed at ${url}\n`) })
      put(output)
      expect(await maintenance.refresh()).toMatchObject({ mode, snapshot: 'ready', revision: mode === 'on' ? 1 : 2 })
      expect(await run(url, 'status')).toMatchObject({
        code: 0,
        output: expect.stringContaining(`${url} (revision ${mode === 'on' ? 1 : 2})`),
      })
    }
  })

  it('prints a first document for a site that has a page for every address', async () => {
    const { url } = placed('<!doctype html>')
    const { code, output, errors } = await run(url, 'on --print')
    expect({ code, document: JSON.parse(output) }).toMatchObject({ code: 0, document: { revision: 1 } })
    expect(errors).toContain('what is stored cannot be read, so what is printed begins anew')
  })

  it('does not switch by itself, and says how', async () => {
    const { url } = placed()
    const { code, errors } = await run(url, 'off')
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining('`off --print`, and put that file') })
  })
})

it('a script that reads a state by URL ends by itself', async () => {
  const { url } = placed()
  const source = `
    import { createMaintenance } from ${JSON.stringify(entry)}
    const maintenance = createMaintenance({ stateBackend: ${JSON.stringify(url)}, localCopyPath: false })
    maintenance.start()
    console.log(await maintenance.getMode())`
  const flags = ['--input-type=module', '--eval', source]
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: project(), timeout: 10_000 })
  expect(stdout).toBe('on\n')
})
