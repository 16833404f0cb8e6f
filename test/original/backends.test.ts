import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type StateBackend, StateConflictError, type StoredState, type WriteCondition } from 'maintenance-mode'
import { fileBackend } from 'maintenance-mode/backends/file'
import { expect, it } from 'vitest'
import { projectFolder } from '../../src/platform/node.js'
import { temporaryFolder } from '../backends/fixtures/child.js'
import { expectRefused, moduleWith, open, openFile } from './site.js'

const capabilities = { compareAndSet: true, watch: false, presence: false, writable: true }

/** A backend of one's own: values by name, as caches and storages keep them. */
class OwnBackend implements StateBackend {
  readonly address: string
  readonly capabilities = capabilities
  readonly absentMeansOff = false
  readonly #storage: Map<string, StoredState>

  constructor(storage: Map<string, StoredState>, name = 'maintenance_mode') {
    this.address = `own:${name}`
    this.#storage = storage
  }

  async read(): Promise<StoredState | undefined> {
    return this.#storage.get(this.address)
  }

  async write(document: string, { expected, next }: WriteCondition): Promise<undefined> {
    if ((this.#storage.get(this.address)?.revision ?? 0) !== expected)
      throw new StateConflictError('Somebody was faster.')
    this.#storage.set(this.address, { document, revision: next })
  }
}

async function switchBothWays(stateBackend: StateBackend, other: StateBackend): Promise<void> {
  const { maintenance } = open({ stateBackend })
  const elsewhere = open({ stateBackend: other }).maintenance
  expect(await maintenance.getMode()).toBe('off')
  for (const mode of ['on', 'off'] as const) {
    await maintenance.setMode(mode)
    expect(await maintenance.getMode()).toBe(mode)
    expect((await elsewhere.refresh()).mode).toBe(mode)
  }
}

it('1. local file: absent is off, then on, then off (here: reading creates nothing)', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'state.json')
  expect(await openFile(path).getMode()).toBe('off')
  expect(readdirSync(folder)).toEqual([])
  await switchBothWays(fileBackend({ path }), fileBackend({ path }))
})

it('2. a schedule with an end alone is stored and read back equal, and a later off replaces it', async () => {
  const path = join(temporaryFolder(), 'state.json')
  const end = '2026-01-02T00:00:00.000Z'
  writeFileSync(path, `{"start": null, "end": "${end}"}`)
  expect((await openFile(path).ready()).windows).toMatchObject([{ mode: 'on', end }])
  const maintenance = openFile(path)
  await maintenance.setMode(false)
  expect((await openFile(path).ready()).windows).toEqual([])
  await maintenance.setMode(true, { end })
  expect((await openFile(path).ready()).windows).toMatchObject([{ mode: 'on', end }])
  await maintenance.setMode(true, { end: null })
  expect((await openFile(path).ready()).windows).toEqual([expect.not.objectContaining({ end })])
})

it('3. schedules that cannot be meant are refused, written or stored (here: no times at all are a plain on)', async () => {
  const path = join(temporaryFolder(), 'state.json')
  const maintenance = openFile(path)
  for (const none of [{}, { start: null, end: null }]) {
    await maintenance.setMode('off')
    const { window } = await maintenance.setMode('on', none as object)
    expect(window).toMatchObject({ start: '2026-01-01T00:00:00.000Z' })
    expect(window).not.toHaveProperty('end')
  }
  await expect(maintenance.setMode('on', { until: '2026-01-02' } as object)).rejects.toThrow('Unknown option `until`')
  await expect(maintenance.setMode({ end: '2026-01-02' } as never)).rejects.toThrow(
    "must be 'on', 'off', true or false",
  )
  for (const stored of ['{}', '{"start": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}', '{"start":null}']) {
    writeFileSync(path, stored)
    expect(await openFile(path).ready()).toMatchObject({ snapshot: 'failed', error: expect.stringContaining(path) })
  }
})

it('4. junk in the file cannot be read, and junk cannot be written', async () => {
  const path = join(temporaryFolder(), 'state.json')
  writeFileSync(path, 'junk')
  const maintenance = openFile(path)
  expect(await maintenance.ready()).toMatchObject({ snapshot: 'failed', error: expect.stringContaining('damaged') })
  for (const junk of [2, 'junk']) {
    await expect(maintenance.setMode(junk as never)).rejects.toThrow("must be 'on', 'off', true or false")
  }
})

it('5. a backend of your own over a storage: absent is off, on, off (shared backends come later)', async () => {
  const storage = new Map<string, StoredState>()
  await switchBothWays(new OwnBackend(storage), new OwnBackend(storage))
})

it('6. a backend of your own that is a plain object: absent is off, on, off (shared backends come later)', async () => {
  let stored: StoredState | undefined
  const backend: StateBackend = {
    address: 'static:',
    capabilities,
    absentMeansOff: true,
    read: async () => stored,
    async write(document, { next }) {
      stored = { document, revision: next }
      return undefined
    },
  }
  await switchBothWays(backend, backend)
})

it('7. a backend that fails: the fallback, then the last known state (here: a write that fails is an error; shared backends come later)', async () => {
  class DownCache extends Map<string, StoredState> {
    down = true
    override get(name: string) {
      if (this.down) throw new Error('the cache is down')
      return super.get(name)
    }
  }
  const cache = new DownCache()
  const { maintenance, said } = open({ stateBackend: new OwnBackend(cache) })
  expect(await maintenance.getMode()).toBe('off')
  expect(said.join()).toContain('the cache is down')
  await expect(maintenance.setMode('on')).rejects.toThrow('the cache is down')
  const fallback = open({ stateBackend: new OwnBackend(cache), stateBackendFallbackValue: true }).maintenance
  expect(await fallback.getMode()).toBe('on')

  cache.down = false
  await switchBothWays(new OwnBackend(cache), new OwnBackend(cache))
  await maintenance.setMode('on')
  cache.down = true
  expect(await maintenance.refresh()).toMatchObject({ mode: 'on', snapshot: 'stale' })
  cache.down = false
  cache.clear()
  expect(await maintenance.refresh()).toMatchObject({ mode: 'on', snapshot: 'stale' })
})

it('8. two names in one storage: only the one that is meant is touched (shared backends come later)', async () => {
  const storage = new Map<string, StoredState>()
  const { maintenance } = open({ stateBackend: new OwnBackend(storage) })
  await maintenance.setMode('on')
  await switchBothWays(new OwnBackend(storage, 'shop'), new OwnBackend(storage, 'shop'))
  expect((await maintenance.refresh()).mode).toBe('on')
  expect([...storage.keys()]).toEqual(['own:maintenance_mode', 'own:shop'])
})

it('9. a named backend that does not exist is refused (here: at the start; shared backends come later)', () => {
  const path = moduleWith('exports.shop = {}')
  expectRefused('stateBackend', {}, { MAINTENANCE_MODE_STATE_BACKEND: `${path}#billing` })
  expectRefused('stateBackend', { stateBackend: 'shop' })
})

it('10. what is no backend is refused (here: at the start)', () => {
  const path = moduleWith('exports.Base = class {}; exports.empty = { address: "empty:", capabilities: {} }')
  expectRefused('stateBackend', { stateBackend: 'unknown://localhost' })
  for (const name of ['Base', 'empty']) {
    expectRefused('stateBackend', {}, { MAINTENANCE_MODE_STATE_BACKEND: `${path}#${name}` })
  }
  for (const unrelated of [new Map(), Map, () => 'on']) expectRefused('stateBackend', { stateBackend: unrelated })
  expect(() => fileBackend({ path: 'state.json' })).toThrow('must be given in full')
  const { maintenance } = open({ stateBackend: 'file:./state.json' })
  expect(maintenance.status().stateBackend).toBe(`file:${join(projectFolder(), 'state.json')}`)
})
