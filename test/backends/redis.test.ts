import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { Redis as Ioredis } from 'ioredis'
import { Redis as Iovalkey } from 'iovalkey'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { StateBackend } from '../../src/backends/backend.js'
import { type RedisBackendOptions, redisBackend } from '../../src/backends/redis.js'
import { redisNames } from '../../src/backends/redis-scripts.js'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from '../../src/index.js'
import { serializeDocument } from '../../src/state/document.js'
import { documentOf, windowOf } from '../state/windows.js'
import { type Engine, freePort } from './engines/engine.js'
import { redisCommand, startRedis } from './engines/redis.js'
import { startScript } from './fixtures/child.js'
import { missing } from './fixtures/missing-packages.js'
import { newKey, type RedisHandle, redisPackages, redisSuites } from './redis-suites.js'

vi.mock('../../src/backends/import-peer.js', async (original) =>
  (await import('./fixtures/missing-packages.js')).withMissing(original),
)
afterEach(() => missing.clear())

let engine: Engine
beforeAll(async () => {
  engine = await startRedis()
})
afterAll(() => engine?.stop())

const urlOf = (key?: string, login = ''): string =>
  `redis://${login}127.0.0.1:${engine.port}${key === undefined ? '' : `?key=${key}`}`
const command = (...words: string[]): Promise<string> => redisCommand(engine.port, ...words)

const use = (name: string): void => {
  for (const other of redisPackages) if (other !== name) missing.add(other)
}

async function nodeRedis(options: object = {}) {
  const client = createClient({ url: urlOf(), ...options })
  client.on('error', () => {})
  await client.connect()
  return client
}

function ioredis(Client: typeof Ioredis | typeof Iovalkey = Ioredis) {
  const client = new Client(engine.port, '127.0.0.1')
  client.on('error', () => {})
  return client
}

/** Every way to give a client. */
const handles: Record<string, () => Promise<RedisHandle>> = {
  ...Object.fromEntries(
    redisPackages.map((name) => [
      `${name}, by URL`,
      async () => {
        use(name)
        return { options: { url: urlOf() } }
      },
    ]),
  ),
  'a client of redis': async () => {
    const client = await nodeRedis()
    return { options: { client }, end: () => client.destroy() }
  },
  'two clients of redis, which speak RESP3': async () => {
    const [client, subscriber] = [await nodeRedis({ RESP: 3 }), await nodeRedis({ RESP: 3 })]
    return { options: { client, subscriber }, end: () => [client, subscriber].map((one) => one.destroy()) }
  },
  'a client of ioredis': async () => {
    const client = ioredis()
    return { options: { client }, end: () => client.disconnect() }
  },
  'two clients of ioredis': async () => {
    const [client, subscriber] = [ioredis(), ioredis()]
    return { options: { client, subscriber }, end: () => [client, subscriber].map((one) => one.disconnect()) }
  },
  'a client of iovalkey': async () => {
    const client = ioredis(Iovalkey)
    return { options: { client }, end: () => client.disconnect() }
  },
}

redisSuites({
  handles,
  portOf: async () => engine.port,
  outage: () => ({ begin: () => engine.kill(), end: () => engine.start() }),
})

const first = serializeDocument(documentOf())
const create = { expected: 0, next: 1 }
const nothing = (): void => {}
const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }
/** A change that is seen sooner was not seen by a poll. */
const never = '10m'

function backendOf(options: RedisBackendOptions): StateBackend {
  const backend = redisBackend(options)
  onTestFinished(async () => backend.close?.())
  return backend
}

function maintenanceOf(options: MaintenanceOptions): Maintenance {
  const maintenance = createMaintenance({ ...quiet, pollInterval: never, ...options }, { environment: {} })
  onTestFinished(() => maintenance.close())
  return maintenance
}

async function messageOf(attempt: Promise<unknown> | undefined): Promise<string> {
  const error = await attempt?.then(
    () => undefined,
    (reason: Error) => reason,
  )
  return error === undefined ? 'nothing was thrown' : `${error.message}\n${inspect(error, { depth: 9 })}`
}

describe('the state in Redis', () => {
  it.each(redisPackages)('is shared by nothing but a URL, and heard of at once (%s)', async (name) => {
    use(name)
    const key = newKey()
    const [one, two] = [0, 1].map(() => maintenanceOf({ stateBackend: urlOf(key) })) as [Maintenance, Maintenance]
    two.start()
    expect(await two.getMode()).toBe('off')
    expect(two.status().stateBackend).toBe(`redis://127.0.0.1:${engine.port}?key=${key}`)
    for (const reason of ['first', 'Wartung ☕', 'long '.repeat(190)]) {
      await one.setMode('on', { reason })
      await vi.waitFor(() => expect(two.status()).toMatchObject({ mode: 'on', reason }), { interval: 5 })
    }
    await one.setMode('off')
    await vi.waitFor(() => expect(two.status().mode).toBe('off'), { interval: 5 })
  })

  it('is not read for a change that is told', async () => {
    const key = newKey()
    const instances = [0, 1, 2].map(() => maintenanceOf({ stateBackend: urlOf(key) }))
    const writer = backendOf({ url: urlOf(key) })
    await writer.write(serializeDocument({ ...documentOf(), key }), create)
    for (const instance of instances) {
      instance.start()
      expect(await instance.getMode()).toBe('off')
    }
    // Watching begins with a read of its own.
    await vi.waitFor(async () => expect(await command('PUBSUB', 'NUMSUB', redisNames(key).state)).toMatch(/\n3$/))
    await Promise.all(instances.map((instance) => instance.refresh()))
    const reads = async () => Number(/cmdstat_get:calls=(\d+)/.exec(await command('INFO', 'commandstats'))?.[1])
    const before = await reads()
    await writer.write(serializeDocument({ ...documentOf(windowOf()), key, revision: 2 }), { expected: 1, next: 2 })
    await vi.waitFor(() => expect(instances.map((one) => one.status().mode)).toEqual(['on', 'on', 'on']))
    // One to compare, and that of the script.
    expect((await reads()) - before).toBe(2)
  })

  it('is one of many on a server, and in its databases', async () => {
    const keys = ['', 'shop', 'Shop', 'x'.repeat(64)]
    const instances = [
      ...keys.map((key) => maintenanceOf({ stateBackend: urlOf(key || undefined) })),
      maintenanceOf({ stateBackend: `${urlOf()}/3` }),
    ]
    const modes = () => instances.map((instance) => instance.status().mode)
    for (const instance of instances) instance.start()
    for (const [index, key] of keys.entries()) {
      await maintenanceOf({ stateBackend: backendOf({ url: urlOf(), key }) }).setMode('on')
      const expected = instances.map((_, other) => (other <= index ? 'on' : 'off'))
      await vi.waitFor(() => expect(modes()).toEqual(expected), { interval: 5 })
    }
    const stored = (await command('--scan', '--pattern', '{maintenance-mode*}')).split('\n')
    for (const key of keys) expect(stored).toContain(key ? `{maintenance-mode:${key}}` : '{maintenance-mode}')
    await maintenanceOf({ stateBackend: `${urlOf()}/3` }).setMode('on')
    await vi.waitFor(() => expect(modes()[4]).toBe('on'))
    expect(await command('-n', '3', 'EXISTS', '{maintenance-mode}')).toBe('1')
    await command('DEL', '{maintenance-mode}')
    await command('-n', '3', 'DEL', '{maintenance-mode}')
  })

  it('is changed by many at once without a loss', { timeout: 60_000 }, async () => {
    const url = urlOf(newKey())
    const processes = Array.from({ length: 4 }, () => startScript('contend.mjs', [url, 25]))
    await Promise.all(processes.map((child) => child.says('ready')))
    for (const child of processes) child.process.stdin?.write('go')
    for (const child of processes) expect(await child.ended).toContain('done')
    const { document = '', revision } = (await backendOf({ url }).read()) ?? {}
    const { history, windows } = JSON.parse(document)
    expect({ revision, windows }).toEqual({ revision: 200, windows: [] })
    const changes = history.map((entry: { action: string; window: string }) => entry.action + entry.window)
    expect(new Set(changes).size).toBe(200)
  })

  it('is kept aside where it says when it is damaged', async () => {
    const key = newKey()
    await command('SET', redisNames(key).state, '{"format":1,')
    const { keptAside = '' } = await maintenanceOf({ stateBackend: urlOf(key) }).setMode('on')
    expect(keptAside).toContain(`(GET it from redis://127.0.0.1:${engine.port}?key=${key})`)
    expect(await command('GET', keptAside.split(' ')[0] ?? '')).toBe('{"format":1,')
  })

  it('stays as it is where it is of somebody else, or newer', async () => {
    const [blog, list, text, newer] = [newKey(), newKey(), newKey(), newKey()]
    const states = [blog, list, text, newer].map((key) => redisNames(key).state) as [string, string, string, string]
    const foreign = serializeDocument({ ...documentOf(), key: 'blog' })
    const document = JSON.stringify({ ...documentOf(windowOf()), key: newer, format: 99 })
    await command('SET', states[0], foreign)
    await command('RPUSH', states[1], 'a')
    await command('SET', states[2], 'session of ann')
    await command('SET', states[3], document)
    const change = (key: string, mode: 'on' | 'off' = 'on') =>
      messageOf(maintenanceOf({ stateBackend: urlOf(key) }).setMode(mode))
    expect(await change(blog)).toContain(`another app's: its key is "blog", not "${blog}"`)
    expect(await change(list)).toMatch(/cannot be read: WRONGTYPE .*\. Something else has this name there: use another/)
    expect(await change(text)).toContain('is something else than a state')
    expect(await change(newer, 'off')).toContain('ERR_MAINTENANCE_STATE_NEWER')
    expect(await maintenanceOf({ stateBackend: urlOf(newer) }).getMode()).toBe('on')
    expect(await command('GET', states[0])).toBe(foreign.trim())
    expect(await command('LRANGE', states[1], '0', '9')).toBe('a')
    expect(await command('GET', states[2])).toBe('session of ann')
    expect(await command('GET', states[3])).toBe(document)
  })

  it('needs no more rights than the docs say', async () => {
    const page = readFileSync(new URL('../../docs/backends/redis.md', import.meta.url), 'utf8')
    const [, rule = ''] = /```text\nuser app (.*)\n```/.exec(page) ?? []
    expect(await command('ACL', 'SETUSER', 'app', 'reset', ...rule.split(' '))).toBe('OK')
    onTestFinished(async () => void (await command('ACL', 'DELUSER', 'app')))
    for (const name of redisPackages) {
      use(name)
      const url = urlOf(newKey(), 'app:secret@').replace('?', '/3?')
      const told: unknown[] = []
      const backend = backendOf({ url })
      await backend.watch?.(
        (stored) => told.push(stored),
        (error) => told.push(error),
      )
      await backend.write(first, create)
      expect((await backend.read())?.revision).toBe(1)
      await vi.waitFor(() => expect(told).toEqual([{ document: first, revision: 1 }]))
      expect(await backend.presence?.announce({ id: 'web-1', text: '{}' }, 60_000)).toBeGreaterThan(0)
      expect(await backend.presence?.list()).toHaveLength(1)
      await backend.presence?.leave('web-1')
      await command('-n', '3', 'SET', redisNames(backend.key ?? '').state, '{"format":1,')
      expect(await backend.write(first, { ...create, replaceDamaged: true })).toHaveProperty('keptAside')
      missing.clear()
    }
  })

  it.each(['publish', 'multi'])('is written also by who may not %s', async (forbidden) => {
    await command('ACL', 'SETUSER', 'mute', 'reset', 'on', 'nopass', '~*', '&*', '+@all', `-${forbidden}`)
    onTestFinished(async () => void (await command('ACL', 'DELUSER', 'mute')))
    const backend = backendOf({ url: urlOf(newKey(), 'mute:any@') })
    await backend.write(first, create)
    expect((await backend.read())?.revision).toBe(1)
  })

  it('forgets instances that were not announced again, and their hash with the last of them', async () => {
    const key = newKey()
    const { instances } = redisNames(key)
    const { presence } = backendOf({ url: urlOf(key) })
    await presence?.announce({ id: 'gone', text: '{}' }, 1)
    await presence?.announce({ id: 'web-1', text: '{}' }, 60_000)
    await presence?.announce({ id: 'web-2', text: '{}' }, 1)
    await vi.waitFor(async () => expect((await presence?.list())?.map(({ id }) => id)).toEqual(['web-1']))
    expect(Number(await command('PTTL', instances))).toBeGreaterThan(50_000)
    // As if the last tidying were more than a minute ago.
    await command('HSET', instances, '', '1')
    await presence?.announce({ id: 'web-1', text: '{}' }, 60_000)
    expect((await command('HKEYS', instances)).split('\n').sort()).toEqual(['web-1'])
  })
})

describe('Redis that cannot be used', () => {
  let secured: Engine
  let replica: Engine
  beforeAll(async () => {
    secured = await startRedis('--requirepass', 'p@ss')
    replica = await startRedis('--replicaof', '127.0.0.1', String(engine.port))
  })
  afterAll(async () => {
    await secured?.stop()
    await replica?.stop()
  })

  const addresses: [string, () => Promise<string> | string, RegExp][] = [
    [
      'the password is wrong',
      () => `redis://app:s3cret@127.0.0.1:${secured.port}`,
      /: WRONGPASS .*Give the right user/,
    ],
    ['no password is given', () => `redis://127.0.0.1:${secured.port}`, /: NOAUTH .* It wants a password/],
    ['a password is given to one without', () => urlOf(undefined, ':s3cret@'), /It wants no password: leave it out/],
    ['there is no such database', () => `${urlOf()}/99`, /DB index is out of range\. There is no database of that num/],
    ['nothing listens', async () => `redis://:s3cret@127.0.0.1:${await freePort()}`, /ECONNREFUSED.* Nothing answers/],
    ['the host has no address', () => 'redis://:s3cret@no-such-host.invalid', /The host has no address/],
  ]
  for (const name of redisPackages) {
    it.each(addresses)(`is told with what to do where %s (${name})`, async (_, address, expected) => {
      use(name)
      const url = await address()
      const backend = backendOf({ url })
      const attempts = [backend.read, () => backend.write(first, create), () => backend.watch?.(nothing, nothing)]
      for (const attempt of attempts) {
        const message = await messageOf(attempt())
        expect(message).toMatch(/^The state at rediss?:\/\/[\w.-]+(:\d+)?(\/\d+)? cannot be (read|written|watched): /)
        expect(message).toMatch(expected)
        expect(message).not.toMatch(/s3cret|p@ss/)
      }
      expect(await command('-n', '0', 'EXISTS', '{maintenance-mode}')).toBe('0')
    })
  }

  it.each(redisPackages)('is told where it is a replica, or full (%s)', async (name) => {
    use(name)
    const key = newKey()
    const url = `redis://127.0.0.1:${replica.port}?key=${key}`
    const backend = backendOf({ url })
    expect(await backend.read()).toBeUndefined()
    expect(await messageOf(backend.write(first, create))).toMatch(/READONLY.*That is a replica.*address of the primary/)
    await command('CONFIG', 'SET', 'maxmemory', '1')
    const message = await messageOf(backendOf({ url: urlOf(key) }).write(first, create))
    await command('CONFIG', 'SET', 'maxmemory', '0')
    expect(message).toMatch(/cannot be written: .*OOM.* Its memory is full/)
    expect(await backendOf({ url: urlOf(key) }).read()).toBeUndefined()
  })

  it.each([
    ['neither a URL nor a client', {}],
    ['a URL of another scheme', { url: 'valkey://localhost' }],
    ['no host', { url: 'redis:///0' }],
    ['several hosts without a word what they are', { url: 'redis://one,two' }],
    ['a database that is no number', { url: 'redis://localhost/shop' }],
    ['sentinels without a name', { url: 'redis+sentinel://one,two' }],
    ['a database of a cluster', { url: 'redis+cluster://one,two/1' }],
    ['a host that cannot be read', { url: 'redis://one:six' }],
    ['a password that cannot be read', { url: 'redis://:50%@localhost' }],
    ['a parameter that it does not know', { url: 'redis://localhost?tls=true' }],
    ['a key of other characters', { url: 'redis://localhost', key: 'a b' }],
    ['a client and a key of other characters', { client: new Ioredis({ lazyConnect: true }), key: 'a b' }],
  ])('is a mistake in the settings where there is %s', (_, options) => {
    expect(() => redisBackend(options)).toThrow(expect.objectContaining({ code: 'ERR_MAINTENANCE_SETTING' }))
  })

  it('is said without the password, whatever it holds', () => {
    for (const password of ['p@ss', 'p:ss', 'p%2Fss', 'p,ss']) {
      const { address } = redisBackend({ url: `redis+sentinel://app:${password}@one,two:1/shop?key=a` })
      expect(address).toBe('redis+sentinel://one,two:1/shop?key=a')
      expect(() => redisBackend({ url: `redis://app:${password}@one/nine` })).not.toThrow(/p(@|:|%2F|,|\\\/)ss/)
    }
  })
})
