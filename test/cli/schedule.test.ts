import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDocument } from '../../src/state/document.js'
import type { Window } from '../../src/state/window.js'
import { ask, type Ended, environment, fromNow, project, run, stateFile, storedIn, type } from './fixtures/cli.js'

const hour = 3_600_000
const day = 24 * hour

/** `schedule` with a cron expression, whose blanks part no words. */
function cron(
  folder: string,
  expression: string,
  line = 'add --for 2h',
  variables: Record<string, string> = {},
): Ended {
  const words = ['schedule', ...line.split(' '), '--cron', expression]
  return run(folder, words, { env: { ...environment, ...variables } })
}

function store(folder: string, ...windows: Partial<Window>[]): void {
  const usual = { origin: 'planned', mode: 'on', scope: '*', by: 'ann', from: 'cli@desk' }
  const document = {
    ...createDocument('', 'the state'),
    revision: 1,
    windows: windows.map((one) => ({ ...usual, ...one })),
  }
  writeFileSync(join(folder, stateFile), JSON.stringify(document))
}

/** A daily occurrence that began an hour ago, and ends in one. */
function going(part: Partial<Window> = {}): Partial<Window> {
  const at = new Date(Date.now() - hour)
  const recurrence = { cron: `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`, timezone: 'UTC', duration: '2h' }
  return { id: 'nightly', start: fromNow(-10 * day), recurrence, ...part }
}

describe('schedule add', () => {
  it('plans a series, and prints its next three occurrences by its clocks and in UTC', () => {
    const folder = project()
    const { code, output, errors } = cron(
      folder,
      '0 2 * * SUN#1',
      'add --for 2h --announce 7d --timezone Asia/Tokyo --reason Disks',
    )
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(output).toMatch(/^Window "plan-1" is planned\n {2}window +plan-1, planned by .+ from cli@/)
    expect(output).toMatch(/recurs +0 2 \* \* SUN#1 \(Asia\/Tokyo\), 2h each\n/)
    const lines = output.split('\n').filter((line) => line.includes('T17:00:00Z'))
    expect(lines).toHaveLength(3)
    for (const line of lines)
      expect(line).toMatch(/ \d{4}-\d\d-0[1-7] 02:00:00 \+09:00 \(Asia\/Tokyo\) {2}.* 04:00:00 \+09:00/)
    expect(output).toContain('To take it away: maintenance-mode schedule remove plan-1\n')
    expect(storedIn(folder).windows).toMatchObject([
      {
        origin: 'planned',
        recurrence: { cron: '0 2 * * SUN#1', timezone: 'Asia/Tokyo', duration: '2h', announce: '7d' },
      },
    ])
    expect(storedIn(folder).history).toMatchObject([{ action: 'plan', window: 'plan-1', reason: 'Disks' }])
  })

  it('plans a window, and gives as JSON what is stored and what is derived', () => {
    const folder = project()
    const start = fromNow(2 * day)
    const { window, phase, occurrences, overlaps } = ask(
      folder,
      `schedule add --start ${start} --for 3h --announce 3d --hold-closed --id move --note T-1`,
    ) as never
    expect(window).toMatchObject({ id: 'move', start, holdClosed: true, note: 'T-1' })
    expect({ phase, occurrences, overlaps }).toEqual({
      phase: 'announced',
      occurrences: [{ start, end: new Date(Date.parse(start) + 3 * hour).toISOString() }],
      overlaps: [],
    })
    expect(type(folder, 'status').output).toMatch(
      /^Maintenance mode is OFF\n.*move, planned by .*\n {2}phase +announced\n/,
    )
  })

  it('says what it overlaps, and is there all the same', () => {
    const folder = project()
    type(folder, 'on')
    const { code, output } = type(folder, `schedule add --start ${fromNow(day)} --for 1h`)
    expect(code).toBe(0)
    expect(output).toMatch(/overlaps +window "manual", by .+: while both are there, the strictest mode counts\n/)
  })

  it.each([
    ['a start that has passed', 'add --start 2020-01-01 --for 4h', 'is not in the future'],
    ['an end before the start', 'add --start 2999-01-02 --end 2999-01-01', 'must be after the start'],
    ['a duration of 0', 'add --start 2999-01-01 --for 0', 'is none at all'],
    ['a duration of 400 days', 'add --start 2999-01-01 --for 400d', 'longer than a year'],
    ['an unknown zone', 'add --start 2999-01-01 --for 1h --timezone Europe/Rom', 'Did you mean "Europe/Rome"?'],
    ['a city for a zone', 'add --start 2999-01-01 --for 1h --timezone new_york', 'Did you mean "America/New_York"?'],
    ['no start', 'add --for 1h', 'When does it start?'],
    ['no end', 'add --start 2999-01-01', 'How long does it take?'],
    ['an unknown flag', 'add --strat 2999-01-01', 'Did you mean --start?'],
    ['a date that is none', 'skip plan-1 2026-02-30', 'there is no day 30'],
    ['a time for a date', 'skip plan-1 2026-02-20T02:00', 'write a day such as'],
    ['no date', 'skip plan-1', 'missing required argument'],
  ])('%s is wrong usage', (_what, line, message) => {
    const folder = project()
    const { code, errors } = type(folder, `schedule ${line}`)
    expect({ code, errors }).toEqual({ code: 2, errors: expect.stringContaining(message) })
    expect(existsSync(join(folder, stateFile))).toBe(false)
  })

  it.each([
    ['0 25 * * *', 'add --for 2h', 'the hour cannot be "25"'],
    ['0 0 2 * * *', 'add --for 2h', 'it has 6 fields, and must have five'],
    ['0 2 31 2 *', 'add --for 2h', 'never comes'],
    ['0 2 * * *', 'add --for 24h', 'too long for "0 2 * * *"'],
    ['0 2 * * *', 'add --for 1h --start 2999-01-01', "cannot be used with option '--cron"],
    ['0 2 * * *', 'add --end 2999-01-01', "cannot be used with option '--cron"],
  ])('"%s" with `%s` is wrong usage: %s', (expression, line, message) => {
    const folder = project()
    expect(cron(folder, expression, line)).toMatchObject({ code: 2, errors: expect.stringContaining(message) })
    expect(readdirSync(folder)).toEqual(['package.json'])
  })

  it('fails on an id that is there, a scope that there is not, and while the mode is pinned', () => {
    const folder = project()
    const line = 'schedule add --start 2999-01-01 --for 1h'
    type(folder, `${line} --id move`)
    for (const [more, message, variables] of [
      ['--id move', 'There is already a window "move", planned by', {}],
      ['--scope billing', 'There is no scope "billing"', {}],
      ['--id other', 'pinned to "on"', { MAINTENANCE_MODE: 'on' }],
    ] as const) {
      expect(type(folder, `${line} ${more}`, variables)).toMatchObject({
        code: 1,
        errors: expect.stringContaining(message),
      })
    }
    expect(storedIn(folder).revision).toBe(1)
  })
})

describe('schedule list, edit, skip and remove', () => {
  it('say what is planned, and nothing of what is not', () => {
    const folder = project()
    expect(type(folder, 'schedule list').output).toMatch(/^Nothing is planned\n/)
    type(folder, 'on')
    cron(folder, '0 12 * * *')
    type(folder, `schedule add --start ${fromNow(day)} --for 1h`)
    const { output } = type(folder, 'schedule list')
    expect(output).toMatch(/^2 planned\n/)
    expect(output.match(/12:00:00 \+0[12]:00 \(Europe\/Rome\)/g)).toHaveLength(3)
    const { plans } = ask(folder, 'schedule list') as { plans: { id: string; occurrences: unknown[] }[] }
    expect(plans.map(({ id, occurrences }) => [id, occurrences.length])).toEqual([
      ['plan-1', 3],
      ['plan-2', 1],
    ])
  })

  it('change what is given', () => {
    const folder = project()
    cron(folder, '0 2 * * *', 'add --for 2h --reason Disks')
    expect(cron(folder, '0 3 * * *', 'edit plan-1 --announce 1d').output).toMatch(/^Window "plan-1" is planned anew\n/)
    expect(storedIn(folder).windows).toMatchObject([
      { reason: 'Disks', recurrence: { cron: '0 3 * * *', duration: '2h', announce: '1d' } },
    ])
    expect(type(folder, 'schedule edit plan-1 --for 2h').output).toMatch(/is planned so already\n/)
    expect(type(folder, 'schedule edit plan-2 --for 2h')).toMatchObject({
      code: 1,
      errors: 'There is no plan "plan-2". There is "plan-1".\n',
    })
    expect(type(folder, 'history').output).toMatch(/planned it +plan-1.*\n.*changed the plan +plan-1/)
  })

  it('skip what begins on a date, say so the second time, and refuse one on which nothing begins', () => {
    const folder = project()
    cron(folder, '0 2 1 1 *', 'add --for 2h --timezone Pacific/Auckland')
    const year = new Date(Date.now() + day).getUTCFullYear() + 1
    const first = ask(folder, `schedule skip plan-1 ${year}-01-01`) as {
      skipped: string[]
      occurrences: { start: string }[]
    }
    expect(first.skipped).toEqual([`${year - 1}-12-31T13:00:00.000Z`])
    expect(first.occurrences.map(({ start }) => start)).not.toContain(first.skipped[0])
    expect(type(folder, `schedule skip plan-1 ${year}-01-01`)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^Window "plan-1" already skips what would begin /),
    })
    expect(storedIn(folder).revision).toBe(2)
    expect(type(folder, `schedule skip plan-1 ${year}-01-02`)).toMatchObject({
      code: 1,
      errors: expect.stringMatching(
        /No occurrence of "plan-1" begins on .* by the clocks of Pacific\/Auckland\. The next one/,
      ),
    })
  })

  it('take a plan away', () => {
    const folder = project()
    cron(folder, '0 2 * * *')
    expect(type(folder, 'schedule remove plan-1')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^Plan "plan-1" is removed\n/),
    })
    expect(storedIn(folder).windows).toEqual([])
    expect(type(folder, 'schedule remove plan-1')).toMatchObject({
      code: 1,
      errors: expect.stringContaining('Nothing is planned.'),
    })
  })
})

describe('off and a plan', () => {
  // It began with the minute, up to 60 seconds before.
  it('ends the occurrence that goes on, and leaves what is to come', () => {
    const folder = project()
    store(folder, going())
    expect(type(folder, 'status --exit-code')).toMatchObject({
      code: 10,
      output: expect.stringMatching(
        /^Maintenance mode is ON since .* 1 hour(?: 1 minute)? ago\n(.*\n)* {2}phase +active\n(.*\n)* {2}ends .* in (?:1 hour|59 minutes)/,
      ),
    })
    const { code, output } = type(folder, 'off')
    expect(code).toBe(0)
    expect(output).toMatch(/^Maintenance mode is OFF\n {2}closed +window nightly, since .*1 hour(?: 1 minute)? ago\n/)
    expect(output).toMatch(/starts .*, in (?:23 hours|22 hours 59 minutes)/)
    expect(type(folder, 'status --exit-code').code).toBe(0)
    expect(storedIn(folder).windows).toMatchObject([{ id: 'nightly' }])
  })

  it('reopens what is held closed after its end', () => {
    const folder = project()
    store(folder, { id: 'move', start: fromNow(-2 * hour), end: fromNow(-hour), holdClosed: true })
    expect(type(folder, 'status').output).toMatch(
      /phase +verifying\n(.*\n)* {2}ends .*1 hour ago: it stays closed until `off`\n/,
    )
    expect(type(folder, 'off').code).toBe(0)
    expect(storedIn(folder).windows).toEqual([])
  })

  it('leaves what has not begun, and says how it is taken away', () => {
    const folder = project()
    type(folder, `schedule add --start ${fromNow(day)} --for 1h --id move`)
    expect(type(folder, 'off')).toMatchObject({ code: 0, output: expect.stringContaining('already off') })
    expect(type(folder, 'off --id move')).toMatchObject({
      code: 1,
      errors: expect.stringContaining(
        'has not begun, so there is nothing to close: maintenance-mode schedule remove move',
      ),
    })
    expect(storedIn(folder).windows).toHaveLength(1)
  })

  it('reopens after a series that cannot be understood, which says so', () => {
    const folder = project()
    store(folder, going({ recurrence: { cron: 'nightly', timezone: 'Nowhere', duration: '2h' } }))
    expect(type(folder, 'status').output).toMatch(
      /Maintenance mode is ON(.*\n)* {2}recurs +nightly .*does not understand it, so it counts as on until `off`\n/,
    )
    expect(type(folder, 'schedule list').code).toBe(0)
    expect(type(folder, 'off').code).toBe(0)
    expect(type(folder, 'status --exit-code').code).toBe(0)
  })

  it('extend changes no series', () => {
    const folder = project()
    store(folder, going())
    expect(type(folder, 'extend nightly 1h')).toMatchObject({
      code: 1,
      errors: expect.stringContaining('`schedule edit nightly --for`'),
    })
  })
})
