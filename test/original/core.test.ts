import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ModeOptions, PinnedModeError, StateBackendError, TimeError } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { expect, it, onTestFinished, vi } from 'vitest'
import { temporaryFolder } from '../backends/fixtures/child.js'
import { open, openFile } from './site.js'

const modes = ['off', 'on'] as const
const combinations = modes.flatMap((stored) => modes.map((inside) => [stored, inside] as const))
/** So many hours after the clock of these tests. */
const hour = (count: number): Date => new Date(Date.parse('2026-01-01T00:00:00Z') + count * 3_600_000)

it('11. set on, get on; set off, get off', async () => {
  const { maintenance } = open()
  for (const mode of [true, false]) {
    await maintenance.setMode(mode)
    expect(await maintenance.isActive()).toBe(mode)
    expect(await maintenance.getMode()).toBe(mode ? 'on' : 'off')
  }
})

it('12. a folder in the place of the state file: setting fails, getting too (here: getting says so in the status and the log)', async () => {
  const path = join(temporaryFolder(), 'state.json')
  mkdirSync(path)
  const { maintenance, said } = open({ stateBackend: `file:${path}` })
  const error = expect.stringContaining(`${path}: there is a folder in its place`)
  expect(await maintenance.ready()).toMatchObject({ mode: 'off', snapshot: 'failed', error })
  expect(said).toEqual([error])
  await expect(maintenance.setMode('on')).rejects.toThrow(StateBackendError)
})

it('13. mode: true beats a stored off', async () => {
  const stateBackend = memoryBackend()
  const { maintenance } = open({ stateBackend })
  await maintenance.setMode('on')
  await maintenance.setMode('off')
  expect(await open({ stateBackend, mode: true }).maintenance.getMode()).toBe('on')
})

it('14. mode: false beats a stored on', async () => {
  const stateBackend = memoryBackend()
  await open({ stateBackend }).maintenance.setMode('on')
  expect(await open({ stateBackend, mode: false }).maintenance.getMode()).toBe('off')
})

it('15. setting the mode while the setting is there is an error', async () => {
  for (const mode of [true, false]) {
    await expect(open({ mode }).maintenance.setMode(mode)).rejects.toThrow(PinnedModeError)
  }
})

it('16. junk in the file: getting fails (here: told by the status; the fallback counts), and what is no mode cannot be set', async () => {
  const path = join(temporaryFolder(), 'state.json')
  writeFileSync(path, 'junk')
  const maintenance = openFile(path)
  expect(await maintenance.getMode()).toBe('off')
  expect(maintenance.status()).toMatchObject({ snapshot: 'failed', error: expect.stringContaining(path) })
  for (const junk of ['junk', 1, null]) {
    await expect(maintenance.setMode(junk as never)).rejects.toThrow(
      "must be 'on', 'off', 'read-only', 'hold', true or false",
    )
  }
})

it('17. a schedule is judged by the clock', async () => {
  const { maintenance, clock } = open({ timezone: 'Europe/Rome' })
  const scheduled = async (times: ModeOptions) => {
    await maintenance.setMode('off')
    await maintenance.setMode('on', times)
    return maintenance.getMode()
  }
  expect(await scheduled({ start: hour(-1), end: hour(1) })).toBe('on')
  expect(await scheduled({ start: hour(1) })).toBe('off')
  expect(await scheduled({ start: hour(-1) })).toBe('on')
  expect(await scheduled({ end: hour(1) })).toBe('on')
  expect(await scheduled({ start: '2025-12-31T23:00:00Z', end: '2026-01-01T02:00:00+01:00' })).toBe('on')
  expect(maintenance.status().windows).toMatchObject([{ end: hour(1).toISOString() }])
  expect(await scheduled({ start: '2026-01-01 00:30', end: '2026-01-01T02:00' })).toBe('on')
  expect(maintenance.status().windows).toMatchObject([{ end: hour(1).toISOString() }])
  await clock.set(hour(1))
  expect(await maintenance.getMode()).toBe('off')
  const path = join(temporaryFolder(), 'state.json')
  writeFileSync(path, '{"start": null, "end": "2025-12-31T23:00:00+00:00"}')
  expect(await openFile(path).getMode()).toBe('off')

  expect(await scheduled({ start: hour(2), end: hour(3) })).toBe('off')
  await maintenance.setMode('off')
  await clock.set(hour(2.5))
  expect(await maintenance.getMode()).toBe('off')
})

it('18. schedules that make no sense are refused', async () => {
  const { maintenance } = open()
  const refused: [boolean, object, string][] = [
    [false, { end: hour(1) }, '`off` takes no end'],
    [true, { start: hour(2), end: hour(2) }, 'must be after the start'],
    [true, { start: hour(3), end: hour(2) }, 'must be after the start'],
    [true, { start: hour(-2), end: hour(-1) }, 'is not in the future'],
    [true, { end: 'tomorrow' }, 'The time "tomorrow" cannot be read'],
    [true, { end: 1_767_225_600 }, 'a plain number may count seconds or milliseconds'],
    [true, { end: {} }, 'it is neither a Date nor text'],
  ]
  for (const [mode, times, message] of refused) {
    const attempt = maintenance.setMode(mode, times)
    await expect(attempt).rejects.toThrow(TimeError)
    await expect(attempt).rejects.toThrow(message)
  }
  expect(maintenance.status().revision).toBeUndefined()
})

it('19. off around a block lifts an active schedule, which stands again afterwards', async () => {
  const { maintenance } = open()
  await maintenance.setMode('on', { start: hour(-1), end: hour(1) })
  expect(await maintenance.during('off', () => maintenance.getMode())).toBe('off')
  expect(await maintenance.getMode()).toBe('on')
  expect(maintenance.status().windows).toMatchObject([{ start: hour(-1).toISOString(), end: hour(1).toISOString() }])
})

it('20. schedules work without a time zone in the settings (here: that of the process)', async () => {
  vi.stubEnv('TZ', 'Asia/Tokyo')
  onTestFinished(() => void vi.unstubAllEnvs())
  const { maintenance, clock } = open()
  await maintenance.setMode('on', { start: '2026-01-01T08:00', end: '2026-01-01T10:00' })
  expect(await maintenance.getMode()).toBe('on')
  expect(maintenance.status().until).toEqual(hour(1))
  await clock.set(hour(1))
  expect(await maintenance.getMode()).toBe('off')
})

it('21. around a block the mode is the one that is asked for, and afterwards the stored one', async () => {
  for (const [stored, inside] of combinations) {
    const { maintenance } = open()
    await maintenance.setMode(stored)
    expect(await maintenance.during(inside, () => maintenance.getMode())).toBe(inside)
    expect(await maintenance.getMode()).toBe(stored)
  }
})

it('22. the same around a function (here: by wrapping it)', async () => {
  for (const [stored, inside] of combinations) {
    const { maintenance } = open()
    await maintenance.setMode(stored)
    const upgrade = (to: number) => maintenance.during(inside, async () => [to, await maintenance.getMode()])
    expect(await upgrade(2)).toEqual([2, inside])
    expect(await upgrade(3)).toEqual([3, inside])
    expect(await maintenance.getMode()).toBe(stored)
  }
})

it('23. on for a block: on inside, then the stored mode', async () => {
  for (const stored of modes) {
    const { maintenance } = open()
    await maintenance.setMode(stored)
    {
      await using _window = await maintenance.openWindow()
      expect(await maintenance.getMode()).toBe('on')
    }
    expect(await maintenance.getMode()).toBe(stored)
  }
})

it('24. off for a block: off inside, then the stored mode', async () => {
  for (const stored of modes) {
    const { maintenance } = open()
    await maintenance.setMode(stored)
    {
      await using _window = await maintenance.openWindow({ mode: 'off' })
      expect(await maintenance.getMode()).toBe('off')
    }
    expect(await maintenance.getMode()).toBe(stored)
  }
})
