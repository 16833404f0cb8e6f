import { describe, expect, it, onTestFinished } from 'vitest'
import { createStateStore } from '../../src/backends/store.js'
import { createLastKnown } from '../../src/snapshot/last-known.js'
import { createRefresher } from '../../src/snapshot/refresher.js'
import { modeIn } from '../../src/snapshot/snapshot.js'
import { serializeDocument } from '../../src/state/document.js'
import { createReporter } from '../../src/telemetry/warnings.js'
import { createTestClock } from '../../src/testing/index.js'
import { documentOf, windowOf } from '../state/windows.js'
import { type ScriptedBackend, scriptedBackend } from './scripted-backend.js'

const minute = 60_000
const hour = 60 * minute
const start = Date.parse('2026-03-27T12:00:00Z')
const series = windowOf({
  id: 'nightly',
  origin: 'planned',
  start: '2026-03-01T00:00:00.000Z',
  recurrence: { cron: '30 2 * * *', timezone: 'Europe/Rome', duration: '45m' },
})

function refresherOf(backend: ScriptedBackend, copy?: string) {
  const clock = createTestClock(start)
  let looks = 0
  const watched = {
    ...clock,
    now() {
      looks++
      return clock.now()
    },
  }
  const seen: string[] = []
  const store = createStateStore(backend, clock)
  const reporter = createReporter({ warn: () => {}, error: () => {} }, [])
  const local = copy === undefined ? undefined : { path: 'copy', read: () => copy, write: async () => {} }
  const refresher = createRefresher({
    store,
    clock: watched,
    reporter,
    lastKnown: createLastKnown(store, local, { clock, reporter }),
    timers: true,
    maxAge: 10_000,
    pollInterval: 12 * hour,
    firstReadTimeout: 1000,
    fallback: 'off',
    onChange: (snapshot) => seen.push(`${modeIn(snapshot)} ${new Date(clock.now()).toISOString()}`),
  })
  onTestFinished(() => refresher.close())
  return { refresher, clock, seen, looks: () => looks }
}

// First in its file: what is loaded is loaded once in a process.
describe('an instance that has not loaded what a recurring window needs', () => {
  it('waits for it, where the backend could answer at once too, and never takes the site for closed', async () => {
    const backend = scriptedBackend(documentOf(series))
    backend.readSync = () => ({ document: backend.stored as string, revision: 1 })
    const { refresher, seen } = refresherOf(backend)
    refresher.start()
    expect(refresher.current.status).toBe('pending')
    await refresher.first()
    expect([refresher.current.status, modeIn(refresher.current), seen]).toEqual([
      'ready',
      'off',
      [expect.stringMatching('^off ')],
    ])
  })
})

describe('an instance flips by its timer', () => {
  it('at the start and the end of each occurrence, over the day on which clocks are set', async () => {
    const { refresher, clock, seen, looks } = refresherOf(scriptedBackend(documentOf(series)))
    refresher.start()
    await refresher.first()
    await clock.advance(72 * hour)
    expect(seen.slice(1)).toEqual([
      'on 2026-03-28T01:30:00.000Z',
      'off 2026-03-28T02:15:00.000Z',
      'on 2026-03-29T01:00:00.000Z',
      'off 2026-03-29T01:45:00.000Z',
      'on 2026-03-30T00:30:00.000Z',
      'off 2026-03-30T01:15:00.000Z',
    ])
    const before = looks()
    for (let request = 0; request < 1000; request++) expect(modeIn(refresher.current)).toBe('off')
    expect(looks()).toBe(before)
  })

  it('as soon as it is told of a plan', async () => {
    const backend = scriptedBackend(documentOf())
    const { refresher, clock, seen } = refresherOf(backend)
    refresher.start()
    await refresher.first()
    backend.tell(serializeDocument({ ...documentOf(series), revision: 2 }))
    await clock.advance(14 * hour)
    expect(seen.slice(1)).toEqual(['on 2026-03-28T01:30:00.000Z'])
  })

  it('by the last known state, over a start while the backend is down', async () => {
    const backend = scriptedBackend()
    backend.absentMeansOff = false
    backend.failure = new Error('down')
    const { refresher, clock, seen } = refresherOf(backend, serializeDocument(documentOf(series)))
    refresher.start()
    await refresher.first()
    await clock.advance(15 * hour)
    expect(refresher.current.status).toBe('stale')
    expect(seen).toEqual([
      expect.stringMatching('^off '),
      'on 2026-03-28T01:30:00.000Z',
      'off 2026-03-28T02:15:00.000Z',
    ])
  })
})
