import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isRoot, nobody } from '../backends/fixtures/child.js'
import { ask, environment, fromNow, main, project, run, stateFile, storedIn, type, write } from './fixtures/cli.js'

describe('wrong usage ends with 2, changes nothing, and says what is wrong', () => {
  it.each([
    ['on --scop billing', "unknown option '--scop' (Did you mean --scope?)"],
    ['onn', "unknown command 'onn' (Did you mean on?)"],
    ['status --jsn', "unknown option '--jsn' (Did you mean --json?)"],
    ['--jsn status', "unknown option '--jsn' (Did you mean --json?)"],
    ['on billing', "too many arguments for 'on'"],
    ['off now', "too many arguments for 'off'"],
    ['extend a b 5m', "too many arguments for 'extend'"],
    ['extend', "missing required argument 'duration'"],
    ['extend manual', 'The duration "manual" cannot be read'],
    ['extend 0', 'The duration "0" is none at all'],
    ['on --reason', "option '--reason <text>' argument missing"],
    ['on --reason --for 30m', 'That is another option, so the value is missing.'],
    ['on --reason --json', "option '--reason <text>' argument missing"],
    ['status --config', "option '--config <file>' argument missing"],
    ['on --mode closed', 'Allowed choices are on, read-only, hold.'],
    ['on --for banana', 'The duration "banana" cannot be read'],
    ['on --for 0', 'The duration "0" is none at all'],
    ['on --for -5m', 'a duration cannot be negative'],
    ['on --end banana', 'The time "banana" cannot be read'],
    ['on --end 2020-01-01', 'The end (2019-12-31T23:00:00.000Z)'],
    ['on --start 2999-01-02 --end 2999-01-01', 'must be after the start'],
    ['on --expected-end 2020-01-01', 'The expected end (2019-12-31T23:00:00.000Z)'],
    ['on --for 30m --end 2999-01-01', "'--for <duration>' cannot be used with option '--end <time>'"],
    ['on --timezone Europe/Roma', 'The time zone "Europe/Roma" is unknown'],
    ['off --end 2999-01-01', "unknown option '--end'"],
    ['on --start ', 'The time "" cannot be read: it is empty'],
  ])('%s', (line, message) => {
    const folder = project()
    const { code, output, errors } = type(folder, line)
    expect({ code, message: output + errors }).toEqual({ code: 2, message: expect.stringContaining(message) })
    expect(readdirSync(folder)).toEqual(['package.json'])
  })

  it('no command at all: with the help, which leads with the four words', () => {
    const { code, output, errors } = run(project(), [])
    expect({ code, output }).toEqual({ code: 2, output: '' })
    expect(errors).toMatch(/the mode .* a window .* a rule .* the\s+state backend/s)
  })

  it('as JSON where that was asked for', () => {
    expect(ask(project(), 'on --scop billing')).toEqual({
      error: { code: 'ERR_MAINTENANCE_USAGE', message: expect.stringContaining("unknown option '--scop'") },
    })
  })
})

it('whoever reads what is said may go away: the command goes on, and ends as it would', () => {
  const line = `set -o pipefail; ${process.execPath} ${main} on --wait --timeout 1s --instances 1 2>&1 | true`
  const { status } = spawnSync('bash', ['-c', line], { cwd: project(), env: environment })
  expect(status).toBe(3)
})

it('help and version are printed, and end with 0', () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
  const folder = project()
  expect(type(folder, '--version')).toEqual({ code: 0, output: `${version}\n`, errors: '' })
  for (const line of ['-h', '--help', 'help']) expect(type(folder, line).output).toContain('Commands:\n  on ')
  for (const line of ['on -h', 'on --help', 'help on']) {
    const { code, output } = type(folder, line)
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/--reason <text>.*--config <file>/s) })
  }
})

describe('a mode that a setting pins', () => {
  const pinned = { MAINTENANCE_MODE: 'true' }

  it('is shown, whatever is stored', () => {
    const folder = project()
    expect(type(folder, 'status --exit-code', pinned)).toMatchObject({
      code: 10,
      output: expect.stringMatching(/^Maintenance mode is ON\n {2}pinned +by the setting `mode` \(MAINTENANCE_MODE\)/),
    })
    expect(ask(folder, 'status', pinned)).toMatchObject({ mode: 'on', pinned: true })
    type(folder, 'on')
    expect(type(folder, 'status', { MAINTENANCE_MODE: 'false' }).output).toMatch(/^Maintenance mode is OFF\n/)
  })

  it.each(['on', 'off', 'extend 5m'])('is not switched by %s', (line) => {
    const folder = project()
    expect(ask(folder, line, pinned)).toMatchObject({ error: { code: 'ERR_MAINTENANCE_PINNED' } })
    const { code, errors } = type(folder, line, pinned)
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringMatching(/^The mode is pinned to "on"/) })
    expect(readdirSync(folder)).toEqual(['package.json'])
  })
})

describe('a state that no command reaches', () => {
  it.each(['on', 'off', 'extend 5m', 'status'])('%s fails where it is in the memory of the app', (line) => {
    const { code, output, errors } = type(project(), line, { MAINTENANCE_MODE_STATE_BACKEND: 'memory:' })
    expect({ code, output }).toEqual({ code: 1, output: '' })
    expect(errors).toMatch(/^The state is kept in the memory of the app \(`memory:`\), which no command can reach/)
  })

  it.each(['on', 'off', 'extend 5m', 'status'])('%s fails where a folder has the name of the state file', (line) => {
    const folder = project()
    mkdirSync(join(folder, stateFile))
    const { code, errors } = type(folder, line)
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining(join(folder, stateFile)) })
    expect(errors).toContain('there is a folder in its place (EISDIR)')
  })

  it.skipIf(!isRoot)('on fails where the folder may not be written (needs root)', () => {
    const folder = project()
    chmodSync(folder, 0o755)
    const { code, errors } = run(folder, ['on'], { uid: nobody, gid: nobody })
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining(join(folder, stateFile)) })
    expect(errors).toContain(`permission denied (EACCES) for user id ${nobody}`)
  })

  it.skipIf(!isRoot)('a user id without a name or a home can switch (needs root)', () => {
    const folder = project()
    chmodSync(folder, 0o777)
    expect(run(folder, ['on'], { uid: 54321, gid: 54321 }).code).toBe(0)
    expect(storedIn(folder).windows).toMatchObject([{ by: 'uid 54321' }])
  })
})

describe('a damaged state', () => {
  it('fails status and extend, which name the file and leave it as it is', () => {
    const folder = project({ [stateFile]: '{"format":1,' })
    for (const line of ['status', 'extend 5m']) {
      const { code, output, errors } = type(folder, line)
      expect({ code, output }).toEqual({ code: 1, output: '' })
      expect(errors).toContain(join(folder, stateFile))
    }
    expect(ask(folder, 'status')).toMatchObject({ error: { code: 'ERR_MAINTENANCE_STATE_DAMAGED' } })
    expect(readFileSync(join(folder, stateFile), 'utf8')).toBe('{"format":1,')
  })

  it.each(['on', 'off'])('is put aside by %s, which says where', (line) => {
    const folder = project({ [stateFile]: '{"format":1,' })
    const { code, output } = type(folder, line)
    expect(code).toBe(0)
    const kept = /damaged +what was stored could not be read; a copy is kept at (.+)/.exec(output)?.[1] ?? ''
    expect(kept.startsWith(`${join(folder, stateFile)}.damaged-`)).toBe(true)
    expect(readFileSync(kept, 'utf8')).toBe('{"format":1,')
    expect(ask(folder, 'status')).toMatchObject({ mode: line, revision: 1 })
  })
})

describe('a state that a newer version has written', () => {
  it('is shown, but not switched', () => {
    const folder = project()
    type(folder, 'on')
    write(folder, { [stateFile]: { ...storedIn(folder), format: 2 } })
    expect(type(folder, 'status')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^Maintenance mode is ON since.*format +2: a newer maintenance-mode wrote it/s),
    })
    for (const line of ['on --reason Disks', 'off', 'extend 5m']) {
      const { code, errors } = type(folder, line)
      expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining('has format 2') })
    }
    expect(storedIn(folder)).toMatchObject({ format: 2, revision: 1 })
  })

  it('counts as on with a mode that this version does not know', () => {
    const folder = project()
    type(folder, 'on')
    const { windows, ...document } = storedIn(folder)
    write(folder, { [stateFile]: { ...document, windows: [{ ...windows[0], mode: 'dimmed', start: fromNow(-1000) }] } })
    expect(type(folder, 'status').output).toMatch(/^Maintenance mode is ON since.*mode "dimmed", which counts as on/s)
  })
})

it('the stack of an error is there for those who ask', () => {
  const env = { ...environment, DEBUG: 'express:*,maintenance-mode' }
  const folder = project({ [stateFile]: 'junk' })
  expect(run(folder, ['status'], { env }).errors).toMatch(/\n {4}at .+\.js/)
  expect(type(folder, 'status').errors).not.toMatch(/\n {4}at /)
})
