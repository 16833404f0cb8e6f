import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseDocument } from '../../src/state/document.js'
import type { StateDocument } from '../../src/state/window.js'
import { ask, environment, project, run, stateFile, storedIn, type, write } from './fixtures/cli.js'

/** What is printed by itself on the standard output, as the instances read it. */
function printed(folder: string, line: string): StateDocument {
  const { code, output } = type(folder, line)
  expect(code).toBe(0)
  return parseDocument(output)
}

describe('--print', () => {
  it('prints the document that on and off would write, and writes nothing', () => {
    const folder = project()
    type(folder, 'on --id first')
    const before = readFileSync(join(folder, stateFile), 'utf8')
    const on = printed(folder, 'on --print --reason Disks --for 30m')
    expect(on).toMatchObject({ id: storedIn(folder).id, revision: 2, windows: [{ id: 'first' }, { reason: 'Disks' }] })
    const off = printed(folder, 'off --id first --print')
    expect(off).toMatchObject({ id: on.id, revision: 2, windows: [] })
    expect(readFileSync(join(folder, stateFile), 'utf8')).toBe(before)
    expect(readdirSync(folder).sort()).toEqual([stateFile, 'package.json'])
  })

  it('gives, put in its place, what the command itself would have done', () => {
    const folder = project()
    write(folder, { [stateFile]: printed(folder, 'on --reason Disks --print') })
    expect(ask(folder, 'status')).toMatchObject({ mode: 'on', revision: 1, reason: 'Disks' })
    write(folder, { [stateFile]: printed(folder, 'off --print') })
    expect(ask(folder, 'status')).toMatchObject({ mode: 'off', revision: 2 })
  })

  it('tells people on the standard error that nothing is changed, where to put it, and what it will do', () => {
    const folder = project()
    const { errors } = run(folder, ['on', '--print', '--reason', 'New disks'])
    expect(errors.split('\n').slice(0, 4)).toEqual([
      `Nothing is changed yet: put what is printed at file:${join(folder, stateFile)}`,
      expect.stringMatching(/^ {2}then +Maintenance mode is ON since /),
      expect.stringMatching(/^ {2}window +manual, opened by /),
      '  reason      New disks',
    ])
    expect(errors).toContain('\nTo end it: maintenance-mode off --print\n')
  })

  it.each(['off --print', 'off --print --json'])('%s prints a document of its own where nothing is stored', (line) => {
    expect(printed(project(), line)).toMatchObject({ revision: 1, windows: [] })
  })

  it('prints what is stored, letter for letter, where nothing has to be changed', () => {
    const folder = project({ [stateFile]: '0' })
    expect(type(folder, 'off --print')).toMatchObject({ code: 0, output: '0' })
    type(folder, 'on --note x')
    const { output, errors } = type(folder, 'on --note x --print')
    expect(output).toBe(readFileSync(join(folder, stateFile), 'utf8'))
    expect(errors).toMatch(/then +Maintenance mode is already on.*updated +nothing/s)
  })

  it('begins anew where what is stored is damaged, and says so', () => {
    // What `maintenance-mode on --print > the state itself` leaves to read.
    const folder = project({ [stateFile]: '' })
    const { code, output, errors } = type(folder, 'on --print')
    expect({ code, document: parseDocument(output) }).toMatchObject({ code: 0, document: { revision: 1 } })
    expect(errors).toMatch(/damaged +what is stored cannot be read, so what is printed begins anew/)
    expect(readFileSync(join(folder, stateFile), 'utf8')).toBe('')
  })

  it('fails as the command does where windows of others stay, also for programs', () => {
    const folder = project()
    type(folder, 'on')
    const [window] = storedIn(folder).windows
    const leased = { origin: 'leased', id: 'deploy', holder: 'ci', leaseUntil: '2999-01-01T00:00:00Z' }
    write(folder, { [stateFile]: { ...storedIn(folder), windows: [window, { ...window, ...leased }] } })
    for (const line of ['off --print', 'off --print --json']) {
      const { code, output, errors } = type(folder, line)
      expect({ code, windows: parseDocument(output).windows }).toMatchObject({ code: 1, windows: [{ id: 'deploy' }] })
      expect(errors).toMatch(/The site is still closed by "deploy".*off --id deploy --print closes it/)
    }
  })

  it.each([
    ['a mode that is pinned', { MAINTENANCE_MODE: 'off' }, {}, /^The mode is pinned to "off"/],
    ['the state of a newer version', {}, { format: 2 }, /has format 2/],
    ["another app's state", {}, { key: 'blog' }, /is another app's: its key is "blog"/],
  ])('prints nothing for %s', (_what, variables, other, message) => {
    const folder = project()
    type(folder, 'on')
    write(folder, { [stateFile]: { ...storedIn(folder), ...other } })
    const { code, output, errors } = run(folder, ['on', '--print', '--note', 'x'], {
      env: { ...environment, ...variables },
    })
    expect({ code, output, errors }).toEqual({ code: 1, output: '', errors: expect.stringMatching(message) })
  })
})
