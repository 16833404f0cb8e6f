import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ask, project, stateFile, type } from './fixtures/cli.js'

describe('history', () => {
  it('says of a new site that nothing has been switched', () => {
    expect(type(project(), 'history')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^Nothing has been switched yet\n/),
    })
  })

  it('tells who did what, when, why and from where, the latest last', () => {
    const folder = project()
    type(folder, 'on --reason Upgrading --note ticket-7', { SUDO_USER: 'ann' })
    type(folder, 'extend 10m', { SUDO_USER: 'ben' })
    type(folder, 'off', { SUDO_USER: 'ann' })
    const { code, output } = type(folder, 'history --timezone UTC')
    expect(code).toBe(0)
    const lines = output.split('\n').filter((line) => /\d\d:\d\d:\d\d/.test(line))
    expect(lines).toEqual([
      expect.stringMatching(
        /^ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d.* closed the site \(on\) +manual +ann +cli@\S+ +Upgrading; note: ticket-7$/,
      ),
      expect.stringMatching(/ moved its end +manual +ben +cli@/),
      expect.stringMatching(/ reopened +manual +ann +cli@/),
    ])
  })

  it('shows the last ones only, as many as are asked for, and as JSON for machines', () => {
    const folder = project()
    for (let i = 0; i < 3; i++) {
      type(folder, 'on')
      type(folder, 'off')
    }
    expect(type(folder, 'history --last 2').output).toMatch(/^The last 2 of 6: `--last 6` shows all that is kept\n/)
    const { history, revision } = ask(folder, 'history --last 2') as { history: { action: string }[]; revision: number }
    expect([history.map(({ action }) => action), revision]).toEqual([['open', 'close'], 6])
  })

  it('leaves out what is no entry, and refuses a number that is none', () => {
    const folder = project()
    type(folder, 'on')
    const file = join(folder, stateFile)
    const document = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify({ ...document, history: [null, 'x', { at: 'never' }, ...document.history] }))
    expect((ask(folder, 'history') as { history: unknown[] }).history).toHaveLength(1)
    expect(type(folder, 'history --last none').code).toBe(2)
  })
})
