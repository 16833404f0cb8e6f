import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMaintenance } from 'maintenance-mode'
import { describe, expect, it, onTestFinished } from 'vitest'
import { at, documentOf, leaseOf, windowOf } from '../state/windows.js'
import { ask, fromNow, project, run, stateFile, storedIn, type } from './fixtures/cli.js'

const minute = 60_000
const wallTime = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0[12]:00 \(Europe/Rome\)`

/** An app that shares the state of a folder. */
function app(folder: string) {
  const maintenance = createMaintenance({ stateFilePath: join(folder, stateFile) }, { environment: {} })
  onTestFinished(() => maintenance.close())
  return maintenance
}

/** Moves a ramp so far into the past as if it had begun so long ago. */
function letPass(folder: string, milliseconds: number): void {
  const path = join(folder, stateFile)
  const earlier = (instant: string) => new Date(Date.parse(instant) - milliseconds).toISOString()
  const document = storedIn(folder)
  const windows = document.windows.map(({ ramp, end, ...rest }) => ({
    ...rest,
    ...(end && { end: earlier(end) }),
    ...(ramp && { ramp: { from: earlier(ramp.from), until: earlier(ramp.until) } }),
  }))
  writeFileSync(path, JSON.stringify({ ...document, windows }))
}

describe('off --ramp', () => {
  it('says until when, what to type next, and leaves the site closed until then', async () => {
    const folder = project()
    type(folder, 'on --reason Disks')
    const { code, output, errors } = type(folder, 'off --ramp 10m')
    expect([code, errors]).toEqual([0, ''])
    expect(output.split('\n')).toEqual([
      expect.stringMatching(`^Maintenance mode is reopening: everybody is let in by ${wallTime}, in 10 minutes$`),
      expect.stringMatching(`^  reopening   window manual, since ${wallTime}, .+: Disks$`),
      expect.stringMatching('^  state       file:.+ \\(revision 2\\)$'),
      expect.stringMatching('^  applies to  NO INSTANCE'),
      'To open it to all at once: maintenance-mode off. To close it again: maintenance-mode on',
      '',
    ])
    expect(await app(folder).getMode()).toBe('on')
    letPass(folder, 10 * minute)
    expect(await app(folder).getMode()).toBe('off')
    expect(type(folder, 'status').output).toMatch(/^Maintenance mode is OFF\n/)
  })

  it('shows in status, with the share that is let in by now, and in the history', () => {
    const folder = project()
    type(folder, 'on')
    type(folder, 'off --ramp 10m')
    letPass(folder, 4 * minute)
    const { output } = type(folder, 'status')
    expect(output).toMatch(
      new RegExp(`^Maintenance mode is reopening: everybody is let in by ${wallTime}, in 6 minutes\n`),
    )
    expect(output).toMatch(
      /reopens +little by little since .+, 4 minutes ago; about 4\d % of the visitors are let in now/,
    )
    expect(output).not.toContain('the site reopens by itself')
    expect(type(folder, 'status --exit-code').code).toBe(10)
    const history = type(folder, 'history').output
    expect(history).toMatch(/closed the site \(on\)[\s\S]+began to reopen it/)
  })

  it('tells programs all of it', () => {
    const folder = project()
    type(folder, 'on')
    const told = ask(folder, 'off --ramp 90s')
    expect(told).toMatchObject({ mode: 'on', remaining: [], closed: [{ id: 'manual' }] })
    const reopening = Date.parse(String(told.reopening))
    expect(Math.abs(reopening - Date.now() - 90_000)).toBeLessThan(30_000)
    expect(ask(folder, 'status')).toMatchObject({
      mode: 'on',
      reopening: told.reopening,
      until: told.reopening,
      windows: [{ id: 'manual', end: told.reopening, ramp: { until: told.reopening } }],
    })
    expect(ask(folder, 'history')).toMatchObject({ history: [{ action: 'open' }, { action: 'ramp' }] })
    type(folder, 'off')
    expect(ask(folder, 'status')).toMatchObject({ mode: 'off', reopening: null })
  })

  it('is ended by a plain off, for all at once', async () => {
    const folder = project()
    type(folder, 'on')
    type(folder, 'off --ramp 10m')
    expect(type(folder, 'off').output).toMatch(/^Maintenance mode is OFF\n/)
    expect(await app(folder).getMode()).toBe('off')
    expect(storedIn(folder).windows).toEqual([])
  })

  it('is ended by on, which closes the site again and forgets the ramp', async () => {
    const folder = project()
    type(folder, 'on --reason Disks')
    type(folder, 'off --ramp 10m')
    expect(type(folder, 'on').output).toMatch(
      new RegExp(`^Maintenance mode is ON again, and no longer reopening; it had been closed since ${wallTime}`),
    )
    const [window] = storedIn(folder).windows
    expect(Object.keys(window ?? {})).toEqual(['id', 'origin', 'mode', 'scope', 'start', 'reason', 'by', 'from'])
    letPass(folder, 20 * minute)
    expect(await app(folder).getMode()).toBe('on')
  })

  it('a second time changes nothing, and says so', () => {
    const folder = project()
    type(folder, 'on')
    type(folder, 'off --ramp 10m')
    const before = readFileSync(join(folder, stateFile), 'utf8')
    const { code, output } = type(folder, 'off --ramp 1h')
    expect([code, output.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^Maintenance mode is already reopening: everybody is let in by .+, in (10|9) minutes$/),
    ])
    expect(readFileSync(join(folder, stateFile), 'utf8')).toBe(before)
  })

  it('of a site that is open has nothing to do', () => {
    const folder = project()
    expect(type(folder, 'off --ramp 10m')).toMatchObject({ code: 0, output: expect.stringContaining('already off') })
  })

  it.each([
    ['0', 'must be longer than nothing and at most 7 days'],
    ['0s', 'must be longer than nothing and at most 7 days'],
    ['400d', 'must be longer than nothing and at most 7 days'],
    ['soon', 'soon'],
    ['-5m', '-5m'],
  ])('of "%s" is refused, and the site stays as it was', (ramp, problem) => {
    const folder = project()
    type(folder, 'on')
    const before = readFileSync(join(folder, stateFile), 'utf8')
    const { code, errors } = run(folder, ['off', `--ramp=${ramp}`])
    expect([code, errors]).toEqual([2, expect.stringContaining(problem)])
    expect(readFileSync(join(folder, stateFile), 'utf8')).toBe(before)
    expect(type(folder, 'on --ramp 10m')).toMatchObject({ code: 2, errors: expect.stringContaining('--ramp') })
  })

  it('leaves what a running program holds closed, and says that this keeps the site closed', () => {
    const lease = leaseOf('deploy', { start: fromNow(-minute), leaseUntil: fromNow(10 * minute) })
    const folder = project({ [stateFile]: documentOf(windowOf({ start: fromNow(-minute) }), lease) })
    const { code, output, errors } = type(folder, 'off --ramp 10m')
    expect([code, output.split('\n')[0], errors]).toEqual([
      1,
      expect.stringMatching(/^Maintenance mode is still ON since/),
      expect.stringContaining('"lease-deploy"'),
    ])
    expect(
      storedIn(folder)
        .windows.map(({ ramp }) => ramp !== undefined)
        .sort(),
    ).toEqual([false, true])
  })

  it('reopens the occurrence of a plan that goes on; the series goes on too', async () => {
    const series = windowOf({
      id: 'nightly',
      origin: 'planned',
      start: at(0),
      recurrence: { cron: '* * * * *', timezone: 'UTC', duration: '59s' },
    })
    const once = windowOf({ id: 'once', origin: 'planned', start: fromNow(-minute), end: fromNow(60 * minute) })
    const folder = project({ [stateFile]: documentOf(series, once) })
    const { output } = type(folder, 'off --ramp 10m')
    expect(output).toMatch(/^Maintenance mode is reopening/)
    const stored = storedIn(folder).windows
    expect(stored.find(({ id }) => id === 'once')).toMatchObject({ origin: 'planned', ramp: {} })
    expect(stored.find(({ id }) => id === 'nightly')).toMatchObject({ recurrence: series.recurrence })
    expect(stored.find(({ id }) => id === 'nightly')?.ramp).toBeUndefined()
    expect(type(folder, 'schedule list').output).toMatch(/once +reopening/)
  })
})

describe('on --mode read-only', () => {
  it('says what it means, and never that all is closed', () => {
    const folder = project()
    const opened = type(folder, 'on --mode read-only').output
    expect(opened).toMatch(new RegExp(`^Maintenance mode is READ-ONLY since ${wallTime}`))
    expect(opened).toMatch(/mode +read-only: reading goes on, and what would change something is refused/)
    expect(type(folder, 'status').output).toMatch(/^Maintenance mode is READ-ONLY since/)
    expect(type(folder, 'on --mode read-only').output).toMatch(/^Maintenance mode is already read-only since/)
    expect(type(folder, 'on').output).toMatch(/^Maintenance mode is now ON; the window has been open since/)
    expect(type(folder, 'off --ramp 10m').output).toMatch(/^Maintenance mode is reopening/)
  })

  it('beside a stricter window says which one counts', () => {
    const folder = project()
    type(folder, 'on --id deploy')
    const { output } = type(folder, 'on --mode read-only')
    expect(output).toMatch(
      /^Maintenance mode is ON: window "manual" \(read-only\) is open, but the mode of another one is stricter/,
    )
  })
})
