import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createMaintenance } from 'maintenance-mode'
import { unstorageBackend } from 'maintenance-mode/backends/unstorage'
import { createStorage, type Driver, prefixStorage, type Storage } from 'unstorage'
import fsDriver from 'unstorage/drivers/fs'
import memoryDriver from 'unstorage/drivers/memory'
import redisDriver from 'unstorage/drivers/redis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { StateBackend } from '../../src/backends/backend.js'
import { serializeDocument } from '../../src/state/document.js'
import { backendSuite } from '../../src/testing/index.js'
import { documentOf } from '../state/windows.js'
import type { Engine } from './engines/engine.js'
import { redisCommand, startRedis } from './engines/redis.js'
import { temporaryFolder } from './fixtures/child.js'
import { outlivesOutage } from './polled-outage.js'
import { exported, sharingSuite } from './sharing.js'

let engine: Engine

beforeAll(async () => {
  engine = await startRedis()
})

afterAll(() => engine?.stop())

const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }
const first = serializeDocument(documentOf())
const create = { expected: 0, next: 1 }
const watchOptions = { persistent: false }

let states = 0
const newBase = (): string => `site-${++states}`

function redisStorage(base: string, more = {}): Storage {
  const place = { host: '127.0.0.1', port: engine.port, base }
  const driver = redisDriver({ ...place, maxRetriesPerRequest: 0, retryStrategy: () => 100, ...more })
  // What it says of an engine that is down.
  driver.getInstance?.().on('error', () => {})
  return createStorage({ driver })
}

interface Place {
  open(): Storage
  corrupt(text: string): Promise<unknown>
  remove(): Promise<unknown>
  outage?: { begin(): Promise<void>; end(): Promise<void> }
}

const places: Record<string, () => Place> = {
  'files that are watched': () => filesIn(temporaryFolder(), { watchOptions }),
  'files that are polled': () => filesIn(temporaryFolder()),
  Redis() {
    const base = newBase()
    return {
      open: () => redisStorage(base),
      corrupt: (text) => redisCommand(engine.port, 'SET', `${base}:maintenance-mode.json`, text),
      remove: () => redisCommand(engine.port, 'DEL', `${base}:maintenance-mode.json`),
      outage: { begin: () => engine.kill(), end: () => engine.start() },
    }
  },
  memory() {
    const driver = memoryDriver()
    return {
      open: () => createStorage({ driver }),
      corrupt: async (text) => driver.setItem?.('maintenance-mode.json', text, {}),
      remove: async () => driver.removeItem?.('maintenance-mode.json', {}),
    }
  },
  'a driver that makes objects of JSON': () => {
    const items = new Map<string, unknown>()
    const parse = (text: string): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        return text
      }
    }
    const driver = {
      name: 'parsing',
      hasItem: (key: string) => items.has(key),
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, parse(value)),
      getKeys: () => [...items.keys()],
    } as Driver
    return {
      open: () => prefixStorage(createStorage({ driver }), 'app'),
      corrupt: async (text) => items.set('app:maintenance-mode.json', text),
      remove: async () => items.delete('app:maintenance-mode.json'),
    }
  },
}

function filesIn(base: string, options = {}): Place {
  const path = join(base, 'maintenance-mode.json')
  return {
    open: () => createStorage({ driver: fsDriver({ base, ...options }) }),
    corrupt: async (text) => writeFileSync(path, text),
    remove: async () => rmSync(path),
  }
}

for (const [name, placeOf] of Object.entries(places)) {
  backendSuite(
    { describe, it },
    {
      name: `unstorage, ${name}`,
      async create() {
        const { open, corrupt, remove, outage } = placeOf()
        const made: (() => unknown)[] = []
        const make = (): StateBackend => {
          const storage = open()
          const backend = unstorageBackend({ storage })
          made.push(() => backend.close?.())
          made.push(() => storage.dispose())
          return backend
        }
        return {
          backend: make(),
          other: async () => make(),
          corrupt: async (text) => void (await corrupt(text)),
          remove: async () => void (await remove()),
          ...(outage && { outage }),
          async cleanup() {
            for (const end of made) await end()
          },
        }
      },
    },
  )
}

sharingSuite({
  'files of unstorage': () => exported('files', { STATE_FOLDER: temporaryFolder() }),
  'a Redis of unstorage': () => exported('redis', { REDIS_PORT: String(engine.port) }),
})

describe('the state in a storage', () => {
  it('has as many items as keys', async () => {
    const base = temporaryFolder()
    const storage = createStorage({ driver: fsDriver({ base }) })
    for (const key of ['', 'shop', '..']) {
      const backend = unstorageBackend({ storage, key })
      expect(await backend.read()).toBeUndefined()
      await backend.write(serializeDocument({ ...documentOf(), key }), create)
    }
    const names = ['maintenance-mode....json', 'maintenance-mode.json', 'maintenance-mode.shop.json']
    expect(readdirSync(base).sort()).toEqual(names)
    expect(readFileSync(join(base, 'maintenance-mode.json'), 'utf8')).toBe(first)
  })

  it('says where it is', () => {
    const [files, redis] = [createStorage({ driver: fsDriver({ base: '/srv/shop' }) }), redisStorage(newBase())]
    onTestFinished(() => redis.dispose())
    expect(unstorageBackend({ storage: files, key: 'shop' }).address).toBe('unstorage:fs:/srv/shop?key=shop')
    expect(unstorageBackend({ storage: redis }).address).toBe('unstorage:redis')
    expect(unstorageBackend({ storage: redis, address: 'unstorage:cache.internal' }).address).toBe(
      'unstorage:cache.internal',
    )
    expect(() => unstorageBackend({ storage: files, key: 'a b' })).toThrow(/names the key "a b"/)
  })

  it('is that of the original, if it is there', async () => {
    const base = temporaryFolder()
    writeFileSync(join(base, 'maintenance-mode.json'), '1')
    const stateBackend = unstorageBackend({ storage: createStorage({ driver: fsDriver({ base }) }) })
    const maintenance = createMaintenance({ ...quiet, stateBackend })
    onTestFinished(() => maintenance.close())
    expect(await maintenance.getMode()).toBe('on')
    await maintenance.setMode('off')
    expect((await stateBackend.read())?.revision).toBe(1)
  })

  it('outlives the time to live of the driver', async () => {
    const base = newBase()
    const storage = redisStorage(base, { ttl: 1 })
    onTestFinished(() => storage.dispose())
    await unstorageBackend({ storage }).write(first, create)
    expect(await redisCommand(engine.port, 'TTL', `${base}:maintenance-mode.json`)).toBe('-1')
  })

  it('leaves a damaged document where it says', async () => {
    const base = temporaryFolder()
    writeFileSync(join(base, 'maintenance-mode.json'), '{"format": 1, "id')
    const backend = unstorageBackend({ storage: createStorage({ driver: fsDriver({ base }) }) })
    const report = await backend.write(first, { ...create, replaceDamaged: true })
    const [, name = ''] =
      /^(maintenance-mode\.damaged-\w+\.json) in the same storage$/.exec(report?.keptAside ?? '') ?? []
    expect(readFileSync(join(base, name), 'utf8')).toBe('{"format": 1, "id')
  })

  it('is said to be in memory, which no command reaches, where there is no other driver', () => {
    const warnings: string[] = []
    const logger = { warn: (message: string) => void warnings.push(message), error() {} }
    const stateBackend = unstorageBackend({ storage: createStorage() })
    expect(createMaintenance({ ...quiet, logger, stateBackend }).status().stateBackend).toBe('memory:')
    expect(warnings).toEqual([expect.stringMatching(/no command reaches it.*\[memory-backend/)])
  })

  it('is decided by while the engine is down, and current again with the next poll', { timeout: 30_000 }, async () => {
    const base = newBase()
    const backendOf = () => {
      const storage = redisStorage(base)
      onTestFinished(() => storage.dispose())
      return unstorageBackend({ storage })
    }
    await outlivesOutage(engine, backendOf, 'unstorage:redis')
  })
})

describe('a driver that only reads', () => {
  const storages: Record<string, (folder: string) => Storage> = {
    'that has no way to write': (folder) => {
      const { name: _, setItem: __, setItemRaw: ___, ...driver } = fsDriver({ base: folder })
      return createStorage({ driver: { ...driver, name: 'github' } })
    },
    'that is told to': (base) => createStorage({ driver: fsDriver({ base, readOnly: true }) }),
  }

  it.each(Object.entries(storages))('%s says so, instead of doing nothing', async (_, storageOf) => {
    const folder = temporaryFolder()
    const backend = unstorageBackend({ storage: storageOf(folder) })
    expect(backend.capabilities.writable).toBe(false)
    await expect(backend.write(first, create)).rejects.toThrow(
      /^The state at unstorage:.* cannot be written: its driver only/,
    )
    expect(readdirSync(folder)).toEqual([])
    writeFileSync(join(folder, 'maintenance-mode.json'), first)
    expect((await backend.read())?.document).toBe(first)
  })

  it('without saying so is found by reading back', async () => {
    const driver = { ...memoryDriver(), name: 'kv', setItem() {}, setItemRaw() {} }
    const backend = unstorageBackend({ storage: createStorage({ driver }) })
    await expect(backend.write(first, create)).rejects.toThrow(
      /^The state at unstorage:kv was not written: what was there/,
    )
  })
})

describe('a storage', () => {
  it.each([
    ["another app's document", { ...documentOf(), key: 'other' }, /another app's: its key is "other"/],
    ['a document of a newer version', { ...documentOf(), format: 99 }, /format 99/],
    ['something else', { shop: 'settings' }, /something else than a state/],
  ])('that holds %s is not overwritten', async (_, document, message) => {
    const path = join(temporaryFolder(), 'maintenance-mode.json')
    writeFileSync(path, JSON.stringify(document))
    const storage = createStorage({ driver: fsDriver({ base: join(path, '..') }) })
    const maintenance = createMaintenance({ ...quiet, stateBackend: unstorageBackend({ storage }) })
    onTestFinished(() => maintenance.close())
    await expect(maintenance.setMode('on')).rejects.toThrow(message)
    expect(readFileSync(path, 'utf8')).toBe(JSON.stringify(document))
  })

  it('whose file cannot be read is out of reach, not empty', async () => {
    const base = temporaryFolder()
    // The driver gives the error instead of throwing it.
    writeFileSync(join(base, 'file'), '')
    const storage = createStorage({ driver: fsDriver({ base: join(base, 'file') }) })
    await expect(unstorageBackend({ storage }).read()).rejects.toThrow(/unstorage:fs:.* cannot be read: ENOTDIR/)
  })

  it('is created by writing alone', async () => {
    const base = join(temporaryFolder(), 'data')
    const backend = unstorageBackend({ storage: createStorage({ driver: fsDriver({ base }) }) })
    expect(await backend.read()).toBeUndefined()
    expect(existsSync(base)).toBe(false)
    await backend.write(first, create)
    expect(readdirSync(base)).toEqual(['maintenance-mode.json'])
  })

  it('is not disposed of, and watched by us no more, when the backend is closed', async () => {
    const base = temporaryFolder()
    const storage = createStorage({ driver: fsDriver({ base, watchOptions }) })
    const dispose = vi.spyOn(storage, 'dispose')
    const backend = unstorageBackend({ storage })
    let [ours, theirs] = [0, 0]
    await backend.watch?.(
      () => ours++,
      () => {},
    )
    const stop = await storage.watch(() => theirs++)
    onTestFinished(async () => void (await stop()))
    mkdirSync(join(base, 'other'))
    writeFileSync(join(base, 'other', 'item'), '')
    writeFileSync(join(base, 'maintenance-mode.json'), first)
    await vi.waitFor(() => expect([ours > 0, theirs > 1]).toEqual([true, true]), { timeout: 5000 })
    const before = [ours, theirs]
    await backend.close?.()
    writeFileSync(join(base, 'maintenance-mode.json'), `${first} `)
    await vi.waitFor(() => expect(theirs).toBeGreaterThan(before[1] ?? 0), { timeout: 5000 })
    expect([ours, dispose.mock.calls.length]).toEqual([before[0], 0])
  })

  it('that would keep the process alive is not watched, and one that would not keeps none alive', async () => {
    expect(unstorageBackend({ storage: createStorage({ driver: fsDriver({ base: '/srv' }) }) }).watch).toBeUndefined()
    const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
    const script = `import { createMaintenance } from ${url('../../dist/index.js')}
      import { files } from ${url('fixtures/object-backends.mjs')}
      const it = createMaintenance({ stateBackend: files, localCopyPath: false, logger: { warn() {}, error() {} } })
      it.start()
      await it.setMode('on')
      console.log(files.address, files.capabilities.watch, await it.getMode())`
    const folder = temporaryFolder()
    const env = { ...process.env, STATE_FOLDER: folder }
    const flags = ['--input-type=module', '--eval', script]
    const { stdout } = await promisify(execFile)(process.execPath, flags, { env, timeout: 10_000 })
    expect(stdout.trim()).toBe(`unstorage:fs:${folder} true on`)
  })
})
