import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Keyv } from 'keyv'
import type { StateBackend } from 'maintenance-mode'
import { cacheBackend } from 'maintenance-mode/backends/cache'
import { fileBackend } from 'maintenance-mode/backends/file'
import { unstorageBackend } from 'maintenance-mode/backends/unstorage'
import { createStorage, prefixStorage } from 'unstorage'
import fsDriver from 'unstorage/drivers/fs-lite'
import memoryDriver from 'unstorage/drivers/memory'
import { expect, it } from 'vitest'
import { projectFolder } from '../../src/platform/node.js'
import { temporaryFolder } from '../backends/fixtures/child.js'
import { expectRefused, moduleWith, open, openFile } from './site.js'

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
    "must be 'on', 'off', 'read-only', 'hold', true or false",
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
    await expect(maintenance.setMode(junk as never)).rejects.toThrow(
      "must be 'on', 'off', 'read-only', 'hold', true or false",
    )
  }
})

it('5. default storage (here: unstorage, over files): absent is off, then on, then off', async () => {
  const base = temporaryFolder()
  const backend = (): StateBackend => unstorageBackend({ storage: createStorage({ driver: fsDriver({ base }) }) })
  await switchBothWays(backend(), backend())
  expect(readdirSync(base)).toEqual(['maintenance-mode.json'])
})

it('6. static storage (here: unstorage, with a prefix): absent is off, then on, then off', async () => {
  const storage = createStorage({ driver: memoryDriver() })
  const backend = (): StateBackend => unstorageBackend({ storage: prefixStorage(storage, 'static') })
  await switchBothWays(backend(), backend())
  expect(await storage.getKeys()).toEqual(['static:maintenance-mode.json'])
})

it('7. cache (here: Keyv): absent is off, on, off; one that fails gives the fallback, then the last known state, and a write that fails is an error', async () => {
  class Store extends Map<string, unknown> {
    down = false
    override get(name: string) {
      if (this.down) throw new Error('the cache is down')
      return super.get(name)
    }
  }
  const store = new Store()
  const backend = (): StateBackend => cacheBackend({ cache: new Keyv({ store }), address: 'cache:test' })
  store.down = true
  const { maintenance, said } = open({ stateBackend: backend() })
  expect(await maintenance.getMode()).toBe('off')
  expect(said.join()).toContain('the cache is down')
  await expect(maintenance.setMode('on')).rejects.toThrow('the cache is down')
  const fallback = open({ stateBackend: backend(), stateBackendFallbackValue: true }).maintenance
  expect(await fallback.getMode()).toBe('on')

  store.down = false
  await switchBothWays(backend(), backend())
  await maintenance.setMode('on')
  store.down = true
  expect(await maintenance.refresh()).toMatchObject({ mode: 'on', snapshot: 'stale' })
  store.down = false
  store.clear()
  expect(await maintenance.refresh()).toMatchObject({ mode: 'on', snapshot: 'stale' })
})

it('8. a named cache (here: a key): only that one is touched', async () => {
  const store = new Map()
  const backend = (key: string): StateBackend => {
    return cacheBackend({ cache: new Keyv({ store }), key, address: `cache:test?key=${key}` })
  }
  const { maintenance } = open({ stateBackend: backend('billing') })
  await maintenance.setMode('on')
  await switchBothWays(backend('shop'), backend('shop'))
  expect((await maintenance.refresh()).mode).toBe('on')
  expect([...store.keys()].map(String)).toEqual(['keyv:maintenance-mode:billing', 'keyv:maintenance-mode:shop'])
})

it('9. a named backend that does not exist is refused (here: at the start)', () => {
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
