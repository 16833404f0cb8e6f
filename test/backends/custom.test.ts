import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createMaintenance } from 'maintenance-mode'
import { type CustomBackendOptions, customBackend } from 'maintenance-mode/backends/custom'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { serializeDocument } from '../../src/state/document.js'
import { backendSuite, createTestClock } from '../../src/testing/index.js'
import { documentOf, windowOf } from '../state/windows.js'
import { temporaryFolder } from './fixtures/child.js'
import { exported, sharingSuite } from './sharing.js'

const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }

/** A row that operators share, and that can be in trouble. */
interface Row {
  text: string | undefined | null
  readonly copies: string[]
  readonly watchers: Set<() => void>
  down: boolean
  readonly options: CustomBackendOptions
  set(text: string | undefined | null): void
  trouble(down: boolean): void
}

function row(): Row {
  const shared: Row = {
    text: undefined,
    copies: [],
    watchers: new Set(),
    down: false,
    set(text) {
      shared.text = text
    },
    trouble(down) {
      shared.down = down
    },
    options: {
      address: 'custom:row',
      async read() {
        if (shared.down) throw new Error('the row is locked')
        return shared.text
      },
      async write(document) {
        if (shared.down) throw new Error('the row is locked')
        shared.text = document
        for (const tell of shared.watchers) tell()
      },
      watch(onChange) {
        shared.watchers.add(onChange)
        return () => shared.watchers.delete(onChange)
      },
      keepAside(text) {
        shared.copies.push(text)
        return `copy ${shared.copies.length}`
      },
    },
  }
  return shared
}

const suites: Record<string, (keyof CustomBackendOptions)[]> = {
  'two functions': ['read', 'write'],
  'all that there may be': ['read', 'write', 'address', 'watch', 'keepAside'],
}

for (const [name, given] of Object.entries(suites)) {
  backendSuite(
    { describe, it },
    {
      name: `custom, of ${name}`,
      async create() {
        const shared = row()
        const options = Object.fromEntries(given.map((option) => [option, shared.options[option]]))
        const open = () => customBackend(options as unknown as CustomBackendOptions)
        const backend = open()
        return {
          backend,
          other: async () => open(),
          corrupt: async (text) => shared.set(text),
          remove: async () => shared.set(null),
          ...(!given.includes('watch') && {
            outage: {
              begin: async () => shared.trouble(true),
              end: async () => shared.trouble(false),
            },
          }),
          cleanup: async () => backend.close?.(),
        }
      },
    },
  )
}

sharingSuite({ 'a backend of two functions': () => exported('custom', { STATE_FOLDER: temporaryFolder() }) })

const first = serializeDocument(documentOf())
const next = serializeDocument({ ...documentOf(windowOf()), revision: 2 })
const create = { expected: 0, next: 1 }
const change = { expected: 1, next: 2 }

describe('a write', () => {
  it('that the store swallows is an error, not a silent success, nor a conflict', async () => {
    const shared = row()
    const backend = customBackend({ ...shared.options, write() {} })
    await expect(backend.write(first, create)).rejects.toThrow(
      /^The state at custom:row was not written: what was there before is still there.* Is it read-only/,
    )
    shared.text = first
    await expect(backend.write(next, change)).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND' })
  })

  it('that another operator overwrites before it is seen is a conflict', async () => {
    const shared = row()
    const backend = customBackend({
      ...shared.options,
      async write(document) {
        shared.text = document
        shared.text = document.replace('"revision": 1', '"revision": 7')
      },
    })
    await expect(backend.write(first, create)).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_CONFLICT' })
  })

  it('that is seen late is done', async () => {
    const shared = row()
    let reads = 0
    const backend = customBackend({ ...shared.options, read: () => (++reads < 4 ? undefined : shared.text) })
    await backend.write(first, create)
    expect(reads).toBe(4)
  })

  it('waits for the others of its process', async () => {
    const shared = row()
    const backend = customBackend(shared.options)
    const maintenance = createMaintenance({ ...quiet, stateBackend: backend })
    onTestFinished(() => maintenance.close())
    const ids = Array.from({ length: 50 }, (_, index) => `window-${index}`)
    await Promise.all(ids.map((id) => maintenance.openWindow({ id })))
    const { revision, windows } = JSON.parse(shared.text ?? '')
    expect([revision, windows.length]).toEqual([50, 50])
  })

  it('waits for none that hangs for ever', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const shared = row()
    let hanging = true
    const write = (document: string) => (hanging ? new Promise(() => {}) : shared.set(document))
    const backend = customBackend({ ...shared.options, write })
    void backend.write(first, create)
    const second = backend.write(first, create)
    await vi.advanceTimersByTimeAsync(5_000)
    hanging = false
    await vi.advanceTimersByTimeAsync(5_100)
    await second
    expect(shared.text).toBe(first)
  })

  it('keeps the copy of a damaged document where there is a place for it', async () => {
    const shared = row()
    shared.text = '{"format": 1, "id'
    const report = await customBackend(shared.options).write(first, { ...create, replaceDamaged: true })
    expect([report, shared.copies]).toEqual([{ keptAside: 'copy 1' }, ['{"format": 1, "id']])
    shared.text = '{"format": 1, "id'
    const { keepAside: _, ...others } = shared.options
    expect(await customBackend(others).write(first, { ...create, replaceDamaged: true })).toBeUndefined()
  })
})

describe('a custom backend', () => {
  it.each([
    ["another app's document", { ...documentOf(), key: 'other' }, /another app's: its key is "other"/],
    ['a document of a newer version', { ...documentOf(), format: 99 }, /format 99/],
    ['something else', { shop: 'settings' }, /something else than a state/],
  ])('does not overwrite %s', async (_, document, message) => {
    const shared = row()
    shared.text = JSON.stringify(document)
    const maintenance = createMaintenance({ ...quiet, stateBackend: customBackend(shared.options) })
    onTestFinished(() => maintenance.close())
    await expect(maintenance.setMode('on')).rejects.toThrow(message)
    expect(shared.text).toBe(JSON.stringify(document))
  })

  it('keeps apart what has other keys', async () => {
    const shared = row()
    const [shop, blog] = ['shop', 'blog'].map((key) => customBackend({ ...shared.options, key }))
    const maintenance = createMaintenance({ ...quiet, stateBackend: shop })
    const other = createMaintenance({ ...quiet, stateBackend: blog })
    onTestFinished(async () => void (await Promise.all([maintenance.close(), other.close()])))
    await maintenance.setMode('on')
    await expect(other.setMode('on')).rejects.toThrow(/another app's: its key is "shop", not "blog"/)
    expect(() => customBackend({ ...shared.options, key: 'a b' })).toThrow(/names the key "a b"/)
  })

  it('says where what it read is no text', async () => {
    const read = () => Buffer.from(first) as unknown as string
    const backend = customBackend({ read, write() {} })
    await expect(backend.read()).rejects.toThrow(/^What is read at custom: is no text \(\[object Uint8Array\]\)/)
  })

  it('tells what its functions threw', async () => {
    const shared = row()
    shared.down = true
    const backend = customBackend(shared.options)
    await expect(backend.read()).rejects.toThrow('The state at custom:row cannot be read: the row is locked.')
    await expect(backend.write(first, create)).rejects.toThrow('at custom:row cannot be written: the row is locked.')
  })

  it('ends its watches when it is closed', async () => {
    const shared = row()
    const backend = customBackend(shared.options)
    const watch = () =>
      backend.watch?.(
        () => {},
        () => {},
      )
    const stop = await watch()
    await watch()
    expect(shared.watchers.size).toBe(2)
    await stop?.()
    await stop?.()
    expect(shared.watchers.size).toBe(1)
    await backend.close?.()
    expect(shared.watchers.size).toBe(0)
  })

  it('warns once that two operators can collide, unless it is told not to', () => {
    const warnings: string[] = []
    const logger = { warn: (message: string) => void warnings.push(message), error() {} }
    const stateBackend = customBackend(row().options)
    createMaintenance({ stateBackend, logger, silence: ['state-backend-in-code'] })
    expect(warnings).toEqual([
      expect.stringMatching(/custom:row .*two operators.*overwrite each other.*\[no-compare-and-set/),
    ])
    createMaintenance({ stateBackend, logger, silence: ['state-backend-in-code', 'no-compare-and-set'] })
    createMaintenance({ stateBackend, logger, silence: ['state-backend-in-code', 'pinned-mode'], mode: 'on' })
    createMaintenance({ stateBackend: 'memory:', logger, silence: ['memory-backend'] })
    expect(warnings).toHaveLength(1)
  })

  it('is polled while its store is down, and is current again with the next poll', async () => {
    const shared = row()
    const clock = createTestClock()
    const { watch: _, ...options } = shared.options
    const stateBackend = customBackend(options)
    const maintenance = createMaintenance({ ...quiet, stateBackend }, { clock, environment: {} })
    onTestFinished(() => maintenance.close())
    shared.text = serializeDocument(documentOf(windowOf({ start: new Date(clock.now()).toISOString() })))
    maintenance.start()
    await clock.advance(0)
    shared.down = true
    await clock.advance(60_000)
    expect(maintenance.status()).toMatchObject({ mode: 'on', snapshot: 'stale' })
    shared.down = false
    shared.text = serializeDocument({ ...documentOf(), revision: 2 })
    await clock.advance(5_000)
    expect(maintenance.status()).toMatchObject({ mode: 'off', snapshot: 'ready' })
  })

  it('keeps no process alive', async () => {
    const entry = (path: string) => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url).href)
    const file = join(temporaryFolder(), 'state.json')
    writeFileSync(file, first)
    onTestFinished(() => rmSync(file, { force: true }))
    const script = `import { readFileSync, writeFileSync } from 'node:fs'
      import { createMaintenance } from ${entry('index.js')}
      import { customBackend } from ${entry('backends/custom.js')}
      const file = ${JSON.stringify(file)}
      const stateBackend = customBackend({ read: () => readFileSync(file, 'utf8'), write: (text) => writeFileSync(file, text) })
      const it = createMaintenance({ stateBackend, localCopyPath: false, logger: { warn() {}, error() {} } })
      it.start()
      await it.setMode('on')`
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { timeout: 10_000 })
    expect(JSON.parse(readFileSync(file, 'utf8')).windows).toHaveLength(1)
  })
})
