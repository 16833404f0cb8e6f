import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createMaintenance, type MaintenanceOptions } from 'maintenance-mode'
import { upstashBackend } from 'maintenance-mode/backends/upstash'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openBackend } from '../../src/backends/open.js'
import { redisNames } from '../../src/backends/redis-scripts.js'
import { serializeDocument } from '../../src/state/document.js'
import type { StateDocument } from '../../src/state/window.js'
import { backendSuite } from '../../src/testing/index.js'
import { environment, main, project } from '../cli/fixtures/cli.js'
import { documentOf, windowOf } from '../state/windows.js'
import { freePort } from './engines/engine.js'
import { startUpstash, type Upstash } from './engines/upstash.js'
import { startScript } from './fixtures/child.js'
import { outageSuite } from './outages.js'

const entry = new URL('../../dist/index.js', import.meta.url).href

let upstash: Upstash
beforeAll(async () => {
  upstash = await startUpstash()
}, 60_000)
afterAll(() => upstash.stop())
afterEach(() => {
  upstash.answer = undefined
  vi.unstubAllEnvs()
})

let keys = 0
const newKey = (): string => `key-${++keys}`
const urlOf = (key: string, token: string = upstash.token): string =>
  `upstash://:${token}@127.0.0.1:${upstash.port}?key=${key}`
const stateOf = (key: string): string => redisNames(key).state
const addressOf = (key: string): string => `upstash://127.0.0.1:${upstash.port}?key=${key}`

backendSuite(
  { describe, it },
  {
    name: 'upstash',
    async create() {
      const key = newKey()
      const { redis } = upstash
      return {
        backend: upstashBackend({ url: urlOf(key) }),
        other: async () => upstashBackend({ url: urlOf(key) }),
        corrupt: async (text) => void (await redis.set(stateOf(key), text)),
        remove: async () => void (await redis.del(stateOf(key))),
        outage: { begin: () => upstash.kill(), end: () => upstash.start() },
        cleanup: async () => {},
      }
    },
  },
)

outageSuite({
  name: 'upstash',
  start: startUpstash,
  urlOf: (port) => `upstash://:${upstash.token}@127.0.0.1:${port}`,
})

const on = documentOf(windowOf())
const off: StateDocument = { ...on, revision: 2, windows: [] }
const minute = 60_000

function instance(url: string, options: MaintenanceOptions = {}) {
  const maintenance = createMaintenance(
    { stateBackend: url, localCopyPath: false, pollInterval: '50ms', logger: { warn() {}, error() {} }, ...options },
    { environment: {} },
  )
  onTestFinished(() => maintenance.close())
  return maintenance
}

describe('instances and the command line', () => {
  it('share the state by the URL and a token of the environment', async () => {
    const key = newKey()
    vi.stubEnv('UPSTASH_REDIS_REST_TOKEN', upstash.token)
    const url = addressOf(key)
    const instances = [instance(url), instance(url)]
    for (const one of instances) {
      expect(await one.getMode()).toBe('off')
      one.start()
    }
    for (const mode of ['on', 'off']) {
      const { stdout } = await promisify(execFile)(process.execPath, [main, mode, '--state-backend', url], {
        cwd: project(),
        env: { ...environment, UPSTASH_REDIS_REST_TOKEN: upstash.token },
      })
      expect(stdout).toContain(`${url} (revision ${mode === 'on' ? 1 : 2})`)
      for (const one of instances) await vi.waitFor(() => expect(one.status()).toMatchObject({ mode }))
    }
  })

  it('lose nothing when 4 processes open and close 100 windows at once', { timeout: 120_000 }, async () => {
    const url = urlOf(newKey())
    const processes = Array.from({ length: 4 }, () => startScript('contend.mjs', [url, 25]))
    await Promise.all(processes.map((child) => child.says('ready')))
    for (const child of processes) child.process.stdin?.write('go')
    for (const child of processes) expect(await child.ended).toContain('done')
    const { document = '', revision } = (await upstashBackend({ url }).read()) ?? {}
    const { windows, history } = JSON.parse(document) as StateDocument
    expect({ revision, windows, changes: history.length }).toEqual({ revision: 200, windows: [], changes: 200 })
  })

  it('a script that does nothing else ends by itself', async () => {
    const source = `
      import { createMaintenance } from ${JSON.stringify(entry)}
      const maintenance = createMaintenance({ stateBackend: ${JSON.stringify(urlOf(newKey()))}, localCopyPath: false })
      maintenance.start()
      await maintenance.setMode('on')
      console.log(await maintenance.getMode())`
    const flags = ['--input-type=module', '--eval', source]
    const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: project(), timeout: 10_000 })
    expect(stdout).toBe('on\n')
  })
})

describe('in the database', () => {
  it('is a string per key, whose changes are told on its channel', async () => {
    const [first, second] = [newKey(), newKey()]
    const told: unknown[] = []
    const subscriber = upstash.redis.duplicate()
    onTestFinished(() => subscriber.disconnect())
    await subscriber.subscribe(stateOf(first))
    subscriber.on('message', (channel, document) => told.push([channel, document]))
    const document = serializeDocument({ ...on, key: first })
    await upstashBackend({ url: urlOf(first) }).write(document, { expected: 0, next: 1 })
    expect(await upstashBackend({ url: urlOf(second) }).read()).toBeUndefined()
    expect(await upstash.redis.get(stateOf(first))).toBe(document)
    await vi.waitFor(() => expect(told).toEqual([[stateOf(first), document]]))
    await upstash.redis.del(stateOf(''))
    await upstashBackend({ url: urlOf('') }).write(serializeDocument(on), { expected: 0, next: 1 })
    expect(await upstash.redis.get(stateOf(''))).toBe(serializeDocument(on))
  })

  it('a damaged document is kept aside where it says', async () => {
    const key = newKey()
    await upstash.redis.set(stateOf(key), '{"format":1,')
    const { keptAside } = await instance(urlOf(key)).setMode('on')
    expect(keptAside).toMatch(`(GET it from ${addressOf(key)})`)
    expect(await upstash.redis.get(keptAside?.split(' ')[0] ?? '')).toBe('{"format":1,')
  })

  it('the instances are forgotten as a whole, when nobody is left who announces', async () => {
    const key = newKey()
    const { presence } = upstashBackend({ url: urlOf(key) })
    await presence?.announce({ id: 'long', text: 'a b\nc' }, 2 * minute)
    await presence?.announce({ id: 'short', text: '' }, minute)
    const left = await upstash.redis.pttl(redisNames(key).instances)
    expect(left).toBeGreaterThan(1.9 * minute)
    expect(left).toBeLessThanOrEqual(2 * minute)
    expect(await presence?.list()).toMatchObject([{ text: 'a b\nc' }, { text: '' }])
  })

  it('what belongs to somebody else stays as it is', async () => {
    const [blog, hash, text, newer] = [newKey(), newKey(), newKey(), newKey()]
    await upstash.redis.set(stateOf(blog), serializeDocument({ ...on, key: 'blog' }))
    await expect(instance(urlOf(blog)).setMode('on')).rejects.toThrow(
      `The state at ${addressOf(blog)} is another app's: its key is "blog", not "${blog}".`,
    )
    await upstash.redis.hset(stateOf(hash), 'a', 'b')
    await expect(instance(urlOf(hash)).setMode('on')).rejects.toThrow(
      /cannot be read: .*WRONGTYPE.* Something else has this name there: use another key/,
    )
    expect(await upstash.redis.hgetall(stateOf(hash))).toEqual({ a: 'b' })
    await upstash.redis.set(stateOf(text), 'session of ann')
    await expect(instance(urlOf(text)).setMode('on')).rejects.toThrow('is something else than a state')
    expect(await upstash.redis.get(stateOf(text))).toBe('session of ann')
    const document = JSON.stringify({ ...on, key: newer, format: 2 })
    await upstash.redis.set(stateOf(newer), document)
    expect(await instance(urlOf(newer)).getMode()).toBe('on')
    await expect(instance(urlOf(newer)).setMode('off')).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_STATE_NEWER' })
    expect(await upstash.redis.get(stateOf(newer))).toBe(document)
  })
})

describe('what is asked', () => {
  const asked = async (options: Parameters<typeof upstashBackend>[0], variables: Record<string, string> = {}) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
    let seen: unknown[] = []
    const backend = upstashBackend({
      ...options,
      async fetch(url, init) {
        seen = [url, new Headers(init?.headers).get('authorization'), init?.body]
        return Response.json({ result: null })
      },
    })
    expect(await backend.read()).toBeUndefined()
    return [backend.address, ...seen]
  }
  const get = JSON.stringify(['GET', stateOf('')])
  const getShop = JSON.stringify(['GET', stateOf('shop')])

  it.each([
    [{ url: 'upstash://eu1.upstash.io', token: 't' }, 'upstash://eu1.upstash.io', 'https://eu1.upstash.io', get],
    [{ url: 'upstash://:t@eu1.upstash.io/' }, 'upstash://eu1.upstash.io/', 'https://eu1.upstash.io', get],
    [{ url: 'upstash://t@h:8079?key=shop' }, 'upstash://h:8079?key=shop', 'https://h:8079', getShop],
    [{ url: 'upstash://default:t@localhost:80' }, 'upstash://localhost:80', 'http://localhost:80', get],
    [{ url: 'https://h/rest/', token: 't', key: 'shop' }, 'upstash://h/rest/?key=shop', 'https://h/rest', getShop],
    [{ url: 'http://srh', token: 't', key: '' }, 'upstash://srh', 'http://srh', get],
  ])('%j', async (options, address, url, body) => {
    expect(await asked(options, { UPSTASH_REDIS_REST_TOKEN: 'other' })).toEqual([address, url, 'Bearer t', body])
  })

  it('comes from the environment where it is not given', async () => {
    const variables = { UPSTASH_REDIS_REST_URL: 'https://eu1.upstash.io', UPSTASH_REDIS_REST_TOKEN: 'u' }
    expect(await asked({}, variables)).toEqual(['upstash://eu1.upstash.io', 'https://eu1.upstash.io', 'Bearer u', get])
    vi.unstubAllEnvs()
    const vercel = { KV_REST_API_URL: 'https://kv.upstash.io', KV_REST_API_TOKEN: 'k' }
    expect(await asked({}, vercel)).toEqual(['upstash://kv.upstash.io', 'https://kv.upstash.io', 'Bearer k', get])
  })

  it('is nothing without a URL, or by one that cannot be read, which is said without its token', () => {
    expect(() => upstashBackend()).toThrow('has no `url`: give it, or set UPSTASH_REDIS_REST_URL.')
    expect(() => upstashBackend({ url: 'upstash://:secret@h:99999' })).toThrow(/no URL that can be read: upstash:\/\/h/)
    expect(() => upstashBackend({ url: 'upstash://h?key=a/b' })).toThrow('names the key "a/b"')
  })

  it('is nothing before the first use', async () => {
    const before = upstash.asked.length
    instance(urlOf(newKey()))
    openBackend({ stateBackend: urlOf(newKey()), stateFilePath: '' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(upstash.asked.length).toBe(before)
  })
})

describe('what fails says what to do, and no token', () => {
  const fails = async (attempt: Promise<unknown> | undefined, message: string | RegExp) => {
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND' })
    await expect(attempt).rejects.toThrow(message)
    await expect(attempt).rejects.not.toThrow(/token-(of-the-shop|that-reads|wrong)/)
  }

  it('without a token, and with a wrong one', async () => {
    const key = newKey()
    await fails(
      upstashBackend({ url: addressOf(key) }).read(),
      `The state at ${addressOf(key)} cannot be read: there is no token. Set UPSTASH_REDIS_REST_TOKEN, or`,
    )
    await fails(
      upstashBackend({ url: urlOf(key, 'token-wrong') }).read(),
      /the server answers 401 \(WRONGPASS .*\)\. The token is not the one of this database: take UPSTASH_REDIS_REST_T/,
    )
  })

  it('with a token that has a line break', async () => {
    const backend = upstashBackend({ url: addressOf(newKey()), token: 'token-wrong\nand more' })
    await fails(backend.read(), 'the header Authorization has characters that none may have: is there a line break')
  })

  it('with a token that may only read: it reads', async () => {
    const key = newKey()
    const reader = upstashBackend({ url: urlOf(key, upstash.readOnlyToken) })
    const document = serializeDocument({ ...on, key })
    await upstashBackend({ url: urlOf(key) }).write(document, { expected: 0, next: 1 })
    expect(await reader.read()).toEqual({ document, revision: 1 })
    const write = reader.write(serializeDocument(off), { expected: 1, next: 2 })
    await fails(write, /cannot be written: .*NOPERM .*'eval'.*That token may only read/)
    await fails(reader.presence?.announce({ id: 'a', text: '' }, minute), /cannot be asked for its instances: .*NOPERM/)
    expect(await reader.presence?.list()).toEqual([])
  })

  it.each([
    [429, '{"error":"Too many requests"}', '429 (Too many requests). It is asked more often than its plan allows'],
    [400, '{"error":"ERR max requests limit exceeded. Limit: 500000"}', 'than its plan allows: give a longer `pollInt'],
    [404, '<h1>Not found</h1>', 'the server answers 404. Is that the address of the REST API?'],
    [502, '<h1>Bad gateway</h1>', 'cannot be read: the server answers 502.'],
    [200, '<h1>Welcome</h1>', 'the answer is not one of its REST API. Is that the address of the REST API?'],
    [200, '{}', 'the answer is not one of its REST API'],
  ])('answered with %i %s', async (status, body, message) => {
    upstash.answer = { status, body }
    const backend = upstashBackend({ url: urlOf(newKey()) })
    await fails(backend.read(), message)
    await fails(backend.presence?.list(), message.replace('be read', 'be asked for its instances'))
  })

  it('where nothing listens, and where no such database is', async () => {
    const url = `upstash://:t@127.0.0.1:${await freePort()}`
    await fails(upstashBackend({ url }).read(), /cannot be read: connect ECONNREFUSED .* Nothing answers there/)
    await fails(upstashBackend({ url: 'upstash://:t@gone.invalid' }).read(), /The host has no address/)
  })
})
