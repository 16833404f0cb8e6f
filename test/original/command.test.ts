import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createMaintenance } from 'maintenance-mode'
import { expect, it } from 'vitest'
import { ask, environment, fromNow, project, run, stateFile, storedIn, type } from '../cli/fixtures/cli.js'

const hour = 3_600_000
const modeOf = (folder: string): unknown => ask(folder, 'status').mode

it('35. on switches on, off switches off', async () => {
  const folder = project()
  const app = createMaintenance({ stateFilePath: join(folder, stateFile) }, { environment: {} })
  for (const mode of ['on', 'off']) {
    expect(type(folder, mode).code).toBe(0)
    expect(modeOf(folder)).toBe(mode)
    expect((await app.refresh()).mode).toBe(mode)
  }
  await app.close()
})

it('36. where the path cannot be used, on, off, reading and writing fail', () => {
  const folder = project()
  mkdirSync(join(folder, stateFile))
  for (const line of ['on', 'off', 'status', 'extend 5m']) {
    const { code, errors } = type(folder, line)
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining(join(folder, stateFile)) })
  }
})

it('37. no argument is an error', () => {
  expect(run(project(), []).code).toBe(2)
})

it('38. an unknown argument is an error', () => {
  expect(type(project(), 'onn')).toMatchObject({ code: 2, errors: expect.stringContaining("unknown command 'onn'") })
})

it('39. a schedule is set, replaced and cleared (here: a plain on keeps the end, --end none takes it away)', () => {
  const folder = project()
  expect(type(folder, `on --end ${fromNow(hour)}`).code).toBe(0)
  expect(modeOf(folder)).toBe('on')
  const later = fromNow(hour / 2)
  expect(type(folder, `on --start ${later}`).code).toBe(0)
  expect(modeOf(folder)).toBe('off')
  expect(storedIn(folder).windows).toMatchObject([{ start: later }])
  for (const line of ['on --end tomorrow', `off --end ${fromNow(hour)}`]) expect(type(folder, line).code).toBe(2)
  expect(type(folder, 'off').code).toBe(0)
  expect(storedIn(folder).windows).toEqual([])

  const end = fromNow(hour)
  type(folder, `on --end ${end}`)
  type(folder, 'on')
  expect(storedIn(folder).windows).toMatchObject([{ end }])
  type(folder, 'on --end none')
  expect(storedIn(folder).windows).toEqual([expect.not.objectContaining({ end })])
})

it('40. on and off ask nothing, and may be said again (here: there is no --interactive)', () => {
  const folder = project()
  for (const mode of ['on', 'on', 'off', 'off']) {
    expect(run(folder, [mode], { input: 'n\n' }).code).toBe(0)
    expect(modeOf(folder)).toBe(mode)
  }
  expect(run(folder, ['on', '--interactive'], { input: 'y\n' }).code).toBe(2)
  expect(modeOf(folder)).toBe('off')
})

it('41. every command says what it did, the schedule too (here: always, there is no --verbosity)', () => {
  const folder = project()
  const said = (...words: string[]) => run(folder, words, { env: { ...environment, TZ: 'UTC' } }).output
  expect(said('on')).toMatch(/^Maintenance mode is ON since/)
  expect(said('on')).toMatch(/^Maintenance mode is already on since/)
  expect(said('off')).toMatch(/^Maintenance mode is OFF\n/)
  expect(said('off')).toMatch(/^Maintenance mode is already off\n/)
  expect(said('on', '--end', '2999-01-01')).toContain('2999-01-01 00:00:00 +00:00 (UTC)')
  expect(said('off')).toMatch(/^Maintenance mode is OFF\n/)
  expect(storedIn(folder).windows).toEqual([])
  expect(type(folder, 'on --verbosity 3').code).toBe(2)
})
