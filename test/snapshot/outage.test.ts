import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMaintenance } from 'maintenance-mode'
import { createTestClock } from 'maintenance-mode/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { serializeDocument } from '../../src/state/document.js'
import type { StateDocument } from '../../src/state/window.js'
import { documentOf, minute, windowOf } from '../state/windows.js'
import { type ScriptedBackend, scriptedBackend } from './scripted-backend.js'

const second = 1000
const on = documentOf(windowOf())
const off: StateDocument = { ...on, revision: 2, windows: [] }

function shared(document?: StateDocument): ScriptedBackend {
  const backend = scriptedBackend(document)
  backend.absentMeansOff = false
  return backend
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function instance(backend: ScriptedBackend, options: { localCopyPath?: string | false; pollInterval?: string } = {}) {
  const clock = createTestClock(minute(0))
  const said: string[] = []
  const logger = { warn() {}, error: (message: string) => said.push(message) }
  const maintenance = createMaintenance(
    { stateBackend: backend, logger, localCopyPath: false, ...options },
    { clock, environment: {} },
  )
  onTestFinished(() => maintenance.close())
  const now = () => `${maintenance.status().snapshot} ${maintenance.status().mode}`
  return { maintenance, clock, said, now }
}

describe('while the backend is down', () => {
  it('it is asked again after a quarter of a second, then ever later, but at least every 5 s', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => void vi.restoreAllMocks())
    const backend = shared(on)
    const { maintenance, clock, now } = instance(backend, { pollInterval: '60s' })
    await maintenance.ready()
    await clock.advance(0)
    backend.failure = new Error('down')
    backend.tell()
    await clock.advance(0)
    expect(now()).toBe('stale on')
    await clock.advance(60 * second)
    const reads: number[] = []
    for (let passed = 0; passed <= 20 * second; passed += 50) {
      const before = backend.reads
      await clock.advance(50)
      if (backend.reads > before) reads.push(passed)
    }
    const pauses = reads.slice(1).map((time, index) => time - (reads[index] as number))
    expect(new Set(pauses)).toEqual(new Set([5 * second]))
    backend.failure = undefined
    backend.store(off)
    await clock.advance(5 * second)
    expect(now()).toBe('ready off')
  })

  it('the first tries come soon', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    onTestFinished(() => void vi.restoreAllMocks())
    const backend = shared()
    backend.failure = new Error('down')
    const { maintenance, clock } = instance(backend)
    await maintenance.ready()
    const times: number[] = []
    for (let passed = 0; passed < 4 * second; passed += 50) {
      const before = backend.reads
      await clock.advance(50)
      if (backend.reads > before) times.push(passed + 50)
    }
    expect(times).toEqual([250, 750, 1750, 3750])
  })

  it('no request waits, once there has been an answer', async () => {
    const backend = shared(on)
    const { maintenance, clock } = instance(backend)
    await maintenance.ready()
    backend.hold()
    await clock.advance(5 * second)
    expect((await maintenance.decide({ url: '/' })).action).toBe('block')
    backend.store(off)
    await clock.advance(60 * second)
    expect((await maintenance.decide({ url: '/' })).action).toBe('block')
  })
})

describe('a watch that is lost', () => {
  it('is begun again soon, and what was missed meanwhile is read', async () => {
    const backend = shared(on)
    const { maintenance, clock, said, now } = instance(backend, { pollInterval: '60s' })
    await maintenance.ready()
    backend.lose(new Error('connection reset'))
    backend.store(off)
    await clock.advance(250)
    expect([now(), backend.watchers]).toEqual(['ready off', 1])
    expect(said).toEqual([expect.stringContaining('watching the state: connection reset')])
  })

  it('is tried for at least every 5 s, however seldom it is polled', async () => {
    const backend = shared(on)
    backend.watchFailure = new Error('LISTEN is not allowed')
    const { maintenance, clock, said } = instance(backend, { pollInterval: '60s' })
    await maintenance.ready()
    await clock.advance(60 * second)
    const before = backend.watchTries
    await clock.advance(20 * second)
    expect(backend.watchTries - before).toBeGreaterThanOrEqual(4)
    expect(backend.watchTries - before).toBeLessThanOrEqual(8)
    expect(said).toHaveLength(1)
  })
})

describe('what a watch tells', () => {
  it.each([
    ['a later revision of the same state', off],
    ['the same revision, edited by hand', { ...on, windows: [] }],
  ])('is taken at once, without a read, if it is %s', async (_what, told) => {
    const backend = shared(on)
    const { maintenance, clock, now } = instance(backend)
    await maintenance.ready()
    await clock.advance(0)
    const before = backend.reads
    backend.tell(serializeDocument(on))
    backend.store(told)
    backend.tell(serializeDocument(told))
    await clock.advance(0)
    expect([now(), backend.reads]).toEqual(['ready off', before])
  })

  it.each([
    ['an older revision', serializeDocument({ ...on, revision: 1, windows: [] })],
    ['another state, which may be the one of before', serializeDocument({ ...off, id: 'other', revision: 9 })],
    ['what cannot be read', '{"format":1'],
  ])('is only a reason to read, if it is %s', async (_what, told) => {
    const backend = shared({ ...on, revision: 3 })
    const { maintenance, clock, now } = instance(backend)
    await maintenance.ready()
    await clock.advance(0)
    const before = backend.reads
    backend.tell(told)
    await clock.advance(0)
    expect([now(), backend.reads]).toEqual(['ready on', before + 1])
  })
})

describe('the local copy', () => {
  it('closes a site that starts while the backend is down, as it was closed before', async () => {
    const localCopyPath = join(temporaryFolder(), 'copies')
    const before = instance(shared(on), { localCopyPath })
    await before.maintenance.ready()
    await before.clock.advance(250)
    await vi.waitUntil(() => filesIn(localCopyPath).length === 1)
    await before.maintenance.close()

    const backend = shared(on)
    backend.failure = new Error('down')
    const after = instance(backend, { localCopyPath })
    await after.maintenance.ready()
    expect(after.now()).toBe('stale on')
    expect(after.said).toEqual([expect.stringContaining('down The last known state stands.')])
    backend.failure = undefined
    backend.store(off)
    await after.clock.advance(5 * second)
    expect(after.now()).toBe('ready off')
  })

  it('does not go before the stored state', async () => {
    const localCopyPath = temporaryFolder()
    const before = instance(shared(on), { localCopyPath })
    await before.maintenance.ready()
    await before.clock.advance(250)
    await vi.waitUntil(() => filesIn(localCopyPath).length === 1)
    const after = instance(shared(off), { localCopyPath })
    await after.maintenance.ready()
    expect(after.now()).toBe('ready off')
  })

  it('is for its user alone, and written again with every revision', async () => {
    const localCopyPath = join(temporaryFolder(), 'copies')
    const { maintenance, clock } = instance(shared(on), { localCopyPath })
    await maintenance.ready()
    await clock.advance(250)
    await vi.waitUntil(() => filesIn(localCopyPath).length === 1)
    await maintenance.setMode('off')
    await clock.advance(250)
    const [file = ''] = filesIn(localCopyPath)
    const path = join(localCopyPath, file)
    await vi.waitUntil(() => JSON.parse(readFileSync(path, 'utf8')).revision === 2)
    expect(statSync(localCopyPath).mode & 0o777).toBe(0o700)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is another one for every backend', async () => {
    const localCopyPath = temporaryFolder()
    const first = instance(shared(on), { localCopyPath })
    await first.maintenance.ready()
    await first.clock.advance(250)
    await vi.waitUntil(() => filesIn(localCopyPath).length === 1)
    const backend = Object.assign(shared(), { address: 'script:another' })
    backend.failure = new Error('down')
    const second = instance(backend, { localCopyPath })
    await second.maintenance.ready()
    expect(second.now()).toBe('failed off')
  })

  it.each([
    ['anybody can write to', (folder: string) => chmodSync(folder, 0o777)],
    [
      'is a link',
      (folder: string) => {
        rmSync(folder, { recursive: true })
        mkdirSync(`${folder}-elsewhere`)
        symlinkSync(`${folder}-elsewhere`, folder)
      },
    ],
  ])('is neither read nor written in a folder that %s, and the app goes on', async (_what, spoil) => {
    const localCopyPath = join(temporaryFolder(), 'copies')
    const before = instance(shared(on), { localCopyPath })
    await before.maintenance.ready()
    await before.clock.advance(250)
    await vi.waitUntil(() => filesIn(localCopyPath).length === 1)
    spoil(localCopyPath)
    const backend = shared()
    backend.failure = new Error('down')
    const { maintenance, said, now } = instance(backend, { localCopyPath })
    await maintenance.ready()
    expect(now()).toBe('failed off')
    expect(said).toEqual([
      expect.stringContaining('nobody else may write to it: set localCopyPath'),
      expect.stringContaining('stateBackendFallbackValue'),
    ])
  })

  it('that is damaged counts as none, and is said', async () => {
    const localCopyPath = temporaryFolder()
    const before = instance(shared(on), { localCopyPath })
    await before.maintenance.ready()
    await before.clock.advance(250)
    await vi.waitUntil(() => filesIn(localCopyPath).length === 1)
    writeFileSync(join(localCopyPath, filesIn(localCopyPath)[0] ?? ''), '{"format":1,"id"')
    const backend = shared()
    backend.failure = new Error('down')
    const { maintenance, said, now } = instance(backend, { localCopyPath })
    await maintenance.ready()
    expect([now(), said[0]]).toEqual(['failed off', expect.stringContaining('reading the local copy of the state')])
  })
})

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'))
  } catch {
    return []
  }
}
