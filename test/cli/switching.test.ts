import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createMaintenance } from 'maintenance-mode'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, environment, execute, fromNow, main, project, run, stateFile, storedIn, type } from './fixtures/cli.js'

/** An app that shares the state of a folder. */
function app(folder: string) {
  const maintenance = createMaintenance({ stateFilePath: join(folder, stateFile) }, { environment: {} })
  onTestFinished(() => maintenance.close())
  return maintenance
}

const wallTime = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0[12]:00 \(Europe/Rome\)`
const minutes = (count: number) => count * 60_000

describe('on and off', () => {
  it('switch what an app of the same folder decides', async () => {
    const folder = project()
    const { code } = type(folder, 'on')
    expect(code).toBe(0)
    expect(await app(folder).getMode()).toBe('on')
    expect(type(folder, 'off').code).toBe(0)
    expect(await app(folder).getMode()).toBe('off')
  })

  it('tell a person all there is to know, and what to type next', () => {
    const folder = project()
    const { output, errors } = run(folder, ['on', '--reason', 'Upgrading the database', '--for', '30m'])
    expect(errors).toBe('')
    expect(output.split('\n')).toEqual([
      expect.stringMatching(`^Maintenance mode is ON since ${wallTime}, just now$`),
      expect.stringMatching(`^  window      manual, opened by .+ from cli@${hostname()}$`),
      '  reason      Upgrading the database',
      expect.stringMatching(`^  ends        ${wallTime}, in 30 minutes: the site reopens by itself$`),
      `  state       file:${join(folder, stateFile)} (revision 1)`,
      '  applies to  NO INSTANCE has announced itself, so nobody is known to decide by this state. Is the app running, and with this state backend?',
      'To end it: maintenance-mode off',
      '',
    ])
    expect(type(folder, 'off').output.split('\n')).toEqual([
      'Maintenance mode is OFF',
      expect.stringMatching(
        `^  closed      window manual, since ${wallTime}, (just now|. seconds? ago): Upgrading the database$`,
      ),
      `  state       file:${join(folder, stateFile)} (revision 2)`,
      expect.stringMatching('^  applies to  NO INSTANCE'),
      '',
    ])
  })

  it('name the very state in the next command', () => {
    const folder = project()
    const { output } = run(folder, ['on', '--id', "Tom's", '--state-backend', 'file:other.json'])
    expect(output).toContain(`To end it: maintenance-mode off --id 'Tom'\\''s' --state-backend file:other.json\n`)
  })

  it('say that nothing had to be done, and do nothing', () => {
    const folder = project()
    expect(type(folder, 'off')).toMatchObject({ code: 0, output: expect.stringContaining('already off') })
    expect(readdirSync(folder)).toEqual(['package.json'])
    type(folder, 'on')
    const again = type(folder, 'on')
    expect(again.code).toBe(0)
    expect(again.output).toMatch(new RegExp(`^Maintenance mode is already on since ${wallTime}`))
    expect(again.output).toMatch(/updated +nothing/)
    expect(storedIn(folder).revision).toBe(1)
  })

  it('update the open window with what is given, keep the rest, and say which', () => {
    const folder = project()
    const { window: opened } = ask(folder, 'on --for 30m --reason Disks --note ticket') as { window: object }
    const { output } = type(folder, 'on --reason Memory --for 1h')
    expect(output).toMatch(/updated +end, reason/)
    const { window } = ask(folder, 'on') as { window: object }
    expect(window).toMatchObject({ ...opened, reason: 'Memory', end: expect.any(String) })
  })

  it('take a stored end away with none, and a reason with an empty one', () => {
    const folder = project()
    type(folder, 'on --for 2h --reason Disks')
    run(folder, ['on', '--expected-end', fromNow(minutes(60))])
    const emptied = run(folder, ['on', '--end', 'none', '--expected-end', 'none', '--reason', '', '--json'])
    expect(JSON.parse(emptied.output)).toMatchObject({ updated: ['end', 'expectedEnd', 'reason'] })
    const [window] = storedIn(folder).windows
    expect(Object.keys(window ?? {})).toEqual(['id', 'origin', 'mode', 'scope', 'start', 'by', 'from'])
  })

  it('open a window that starts later, which off takes back', async () => {
    const folder = project()
    const planned = run(folder, ['on', '--start', fromNow(minutes(60)), '--for', '30m'])
    expect(planned.output).toMatch(
      new RegExp(`^Maintenance mode is planned from ${wallTime}, in 1 hour \\(the site is open until then\\)`),
    )
    expect(await app(folder).getMode()).toBe('off')
    const [window] = storedIn(folder).windows
    expect(Date.parse(window?.end ?? '') - Date.parse(window?.start ?? '')).toBe(minutes(30))
    expect(type(folder, 'off').output).toMatch(/^Maintenance mode is OFF\n {2}closed +window manual, planned from/)
    expect(storedIn(folder).windows).toEqual([])
  })

  it('say it when a later start opens a site that was closed', async () => {
    const folder = project()
    type(folder, 'on')
    const { output } = run(folder, ['on', '--start', fromNow(minutes(60))])
    expect(output).toMatch(/planned from .* \(the site is open until then; it had been closed since/)
    expect(await app(folder).getMode()).toBe('off')
  })

  it('read times without an offset in the zone that is given', () => {
    const folder = project()
    const { window } = ask(folder, 'on --end 2999-01-01T02:00 --timezone Asia/Tokyo') as { window: { end: string } }
    expect(window.end).toBe('2998-12-31T17:00:00.000Z')
    expect(type(folder, 'on --timezone America/New_York').output).toContain(
      '2998-12-31 12:00:00 -05:00 (America/New_York)',
    )
  })

  it('note who did it, and from where', () => {
    const folder = project()
    type(folder, 'on', { SUDO_USER: 'alice' })
    expect(storedIn(folder).history).toMatchObject([{ action: 'open', by: 'alice', from: `cli@${hostname()}` }])
  })

  it('close one window by its id, and name what is there for an id that is not', () => {
    const folder = project()
    type(folder, 'on')
    type(folder, 'on --id disks')
    const wrong = type(folder, 'off --id disk')
    expect(wrong).toMatchObject({
      code: 1,
      errors: 'There is no window "disk" to close. There is "manual", "disks".\n',
    })
    const one = type(folder, 'off --id disks')
    expect(one.code).toBe(0)
    expect(one.output).toMatch(/^Maintenance mode is still ON since/)
    expect(storedIn(folder).windows.map(({ id }) => id)).toEqual(['manual'])
  })
})

describe('extend', () => {
  it('moves the end of the window later', () => {
    const folder = project()
    const { window: before } = ask(folder, 'on --for 30m') as { window: { end: string } }
    const { code, output } = type(folder, 'extend 15m')
    expect(code).toBe(0)
    expect(output).toMatch(new RegExp(`^Window "manual" now ends ${wallTime}, in 45 minutes\n`))
    expect(Date.parse(storedIn(folder).windows[0]?.end ?? '') - Date.parse(before.end)).toBe(minutes(15))
  })

  it('takes the id of the window before the duration', () => {
    const folder = project()
    type(folder, 'on --id disks --for 30m')
    expect(type(folder, 'extend disks 15m').output).toMatch(/^Window "disks" now ends/)
    expect(type(folder, 'extend 15m')).toMatchObject({
      code: 1,
      errors: 'There is no window "manual" to extend. There is "disks".\n',
    })
  })

  it('sets what visitors are told where the window has an open end', () => {
    const folder = project()
    type(folder, 'on')
    expect(type(folder, 'extend 20m').output).toMatch(/^Window "manual" is now expected to end .*, in 20 minutes\n/)
    expect(storedIn(folder).windows[0]).not.toHaveProperty('end')
  })
})

describe('what others have opened', () => {
  it('stays closed after a plain off, which fails and says how to close it', async () => {
    const folder = project()
    await app(folder).openWindow({ id: 'migration', reason: 'Migrating' })
    type(folder, 'on')
    const { code, output, errors } = type(folder, 'off')
    expect(code).toBe(1)
    expect(output).toMatch(/^Maintenance mode is still ON since/)
    expect(errors).toContain('The site is still closed by "migration" (by code from code@')
    expect(errors).toContain(
      '`off` leaves alone: maintenance-mode off --id migration closes it, maintenance-mode off --all',
    )
    expect(ask(folder, 'off')).toMatchObject({
      mode: 'on',
      remaining: [{ id: 'migration' }],
      error: { code: 'ERR_MAINTENANCE_WINDOW', message: errors.trim() },
    })
    expect(type(folder, 'off --all').code).toBe(0)
    expect(await app(folder).getMode()).toBe('off')
  })

  it('keeps the site open although on was said, which fails and says so', async () => {
    const folder = project()
    await app(folder).openWindow({ mode: 'off', id: 'smoke-test' })
    const { code, output, errors } = type(folder, 'on')
    expect(code).toBe(1)
    expect(output).toMatch(/^Maintenance mode is OFF: window "manual" is open, but another one keeps the site open\n/)
    expect(errors).toMatch(
      /^The site is still open, as window "smoke-test" \(by code from code@.*off --id smoke-test\n$/,
    )
    expect(await app(folder).getMode()).toBe('off')
  })
})

describe('status', () => {
  it('says that it is off where nothing is stored, and stores nothing', () => {
    const folder = project()
    expect(type(folder, 'status')).toEqual({
      code: 0,
      errors: '',
      output: `Maintenance mode is OFF
  state       file:${join(folder, stateFile)} (nothing is stored yet)
  applies to  NO INSTANCE has announced itself, so nobody is known to decide by this state. Is the app running, and with this state backend?
  settings    the environment
`,
    })
    expect(readdirSync(folder)).toEqual(['package.json'])
  })

  it('shows every window: what closes the site, what is suspended, and what is planned', async () => {
    const folder = project()
    run(folder, ['on', '--id', 'later', '--start', fromNow(minutes(120)), '--reason', 'Disks'])
    run(folder, ['on', '--reason', 'Memory', '--expected-end', fromNow(minutes(29.5))])
    const { output } = type(folder, 'status')
    expect(output).toMatch(new RegExp(`^Maintenance mode is ON since ${wallTime}`))
    expect(output).toMatch(/window +manual, .*\n +reason +Memory\n +expected .*, in 29 minutes: what visitors are told/)
    expect(output).toMatch(/window +later, .*\n +starts .*, in 2 hours\n +reason +Disks/)
    await app(folder).openWindow({ mode: 'off', id: 'smoke-test' })
    expect(type(folder, 'status').output).toMatch(
      /^Maintenance mode is OFF\n +window +smoke-test, .*keeps the site open\n/,
    )
    expect(ask(folder, 'status')).toMatchObject({
      mode: 'off',
      windows: [],
      suspensions: [{ id: 'smoke-test' }],
      planned: [{ id: 'later' }],
    })
  })

  it('ends with 10 when it is not off, if asked for', () => {
    const folder = project()
    expect(type(folder, 'status --exit-code').code).toBe(0)
    type(folder, 'on')
    expect(type(folder, 'status --exit-code').code).toBe(10)
    expect(type(folder, 'status').code).toBe(0)
  })

  it('reads the state of django-maintenance-mode', () => {
    const folder = project({ [stateFile]: '1' })
    expect(type(folder, 'status').output).toMatch(/^Maintenance mode is ON\n/)
    expect(type(folder, 'off').output).toMatch(/closed +window manual, open\n/)
    expect(readFileSync(join(folder, stateFile), 'utf8')).toContain('"revision": 1')
  })
})

describe('output', () => {
  it('is one JSON object with the same keys whatever happened, if asked for', () => {
    const folder = project()
    const change = ['mode', 'revision', 'window', 'alreadySince', 'reopening', 'closed', 'keptAside', 'fleet']
    change.push('remaining', 'instances', 'stateBackend')
    const opened = ask(folder, 'on --for 30m')
    expect(Object.keys(opened)).toEqual([...change, 'updated'])
    expect(opened).toMatchObject({
      mode: 'on',
      revision: 1,
      window: { id: 'manual', end: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) },
      alreadySince: null,
      stateBackend: `file:${join(folder, stateFile)}`,
    })
    expect(Object.keys(ask(folder, 'extend 5m'))).toEqual(change)
    const on = ask(folder, 'status')
    expect(on).toMatchObject({ mode: 'on', pinned: false, reason: null, revision: 2, settings: [] })
    expect(Object.keys(ask(folder, 'off'))).toEqual(change)
    expect(Object.keys(ask(folder, 'status'))).toEqual(Object.keys(on))
  })

  it('has no colours where it is not read on a terminal', () => {
    const folder = project()
    const env = { ...environment, FORCE_COLOR: '1', CI: 'true', TERM: 'xterm' }
    expect(run(folder, ['status'], { env }).output).not.toContain('\u001b')
  })

  it.skipIf(!existsSync('/usr/bin/script'))('has colours on a terminal, unless NO_COLOR is set (needs script)', () => {
    const folder = project()
    const onTerminal = (variables: Record<string, string>) =>
      execute('script', ['-qec', `${process.execPath} ${main} status`, '/dev/null'], {
        cwd: folder,
        env: { ...environment, TERM: 'xterm', ...variables },
      }).output
    expect(onTerminal({})).toContain('\u001b[32mMaintenance mode is OFF\u001b[39m')
    expect(onTerminal({ NO_COLOR: '1' })).toMatch(/^Maintenance mode is OFF\r\n/)
  })

  it('lets nothing that is stored steer the terminal', () => {
    const folder = project()
    run(folder, ['on', '--reason', 'Disks\u001b[2J\nand more'])
    expect(type(folder, 'status').output).toMatch(/reason +Disks \[2J and more\n/)
  })
})
