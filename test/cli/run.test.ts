import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, environment, main, project, run, stateFile, storedIn, type } from './fixtures/cli.js'
import { isAlive, kill, start, startLine, talking } from './fixtures/running.js'

const node = (script: string): string[] => ['node', '-e', script]
const onLinux = process.platform === 'linux'

/** Runs to its end, with nothing on the standard input. */
const ran = (folder: string, words: readonly string[], variables: Record<string, string> = {}) =>
  run(folder, ['run', ...words], { env: { ...environment, SUDO_USER: 'ann', ...variables } })

const actions = (folder: string): string[] => storedIn(folder).history.map(({ action }) => action)
const modeIn = (folder: string): unknown => ask(folder, 'status').mode

describe('run', { timeout: 60_000 }, () => {
  it('closes the site, runs the command, and reopens', async () => {
    const folder = project()
    const { code, output, errors } = ran(folder, [
      '--reason',
      'Migrating',
      '--',
      ...node(`console.log(require('fs').readFileSync(${JSON.stringify(join(folder, stateFile))}, 'utf8'))`),
    ])
    expect(code).toBe(0)
    const [during] = JSON.parse(output).windows
    expect(during).toMatchObject({ origin: 'leased', mode: 'on', reason: 'Migrating', by: 'ann', onLapse: 'keep' })
    expect(errors).toMatch(/^Maintenance mode is ON\n {2}window +run-[0-9a-f]{8}, held by ann from cli@/)
    expect(errors).toMatch(/\nMaintenance mode is OFF\n {2}command +node … ended with 0, after \d+m?s\n/)
    expect(modeIn(folder)).toBe('off')
    expect(storedIn(folder).history).toMatchObject([
      { action: 'open', window: during.id, reason: 'Migrating', note: 'node …', by: 'ann', from: during.from },
      { action: 'close', window: during.id, by: 'ann', from: during.from },
    ])
  })

  it('takes what is said of a window, and closes a part of the site alone', () => {
    const folder = project({ 'maintenance-mode.config.json': { scopes: { billing: { urls: ['/billing/**'] } } } })
    const words =
      '--scope billing --mode read-only --id deploy --for 1h --expected-end 2999-01-01T00:00Z --note Why --on-failure reopen'
    const refused = ran(folder, [...words.split(' '), '--', 'true'])
    expect(refused).toMatchObject({ code: 2, errors: expect.stringContaining('is after the end') })
    const { code, output } = ran(folder, [
      ...words.replace('2999-01-01T00:00Z', 'none').split(' '),
      '--',
      'cat',
      stateFile,
    ])
    expect(code).toBe(0)
    const window = { id: 'deploy', scope: 'billing', mode: 'read-only', note: 'Why', onLapse: 'reopen' }
    expect(JSON.parse(output).windows).toMatchObject([{ ...window, end: expect.any(String) }])
    expect(storedIn(folder).windows).toEqual([])
  })

  it.each([
    ['that is the default', [], 'on'],
    ['asked for', ['--on-failure', 'keep'], 'on'],
    ['not wanted', ['--on-failure', 'reopen'], 'off'],
  ])('a command that fails leaves the site closed, which is %s', (_, words, mode) => {
    const folder = project()
    expect(ran(folder, [...words, '--', 'sh', '-c', 'exit 7']).code).toBe(7)
    expect(modeIn(folder)).toBe(mode)
  })

  it('what a failure left closed says how to reopen, and a plain `off` does it at once', () => {
    const folder = project()
    const { code, errors } = ran(folder, ['--reason', 'Migrating', '--', 'sh', '-c', 'exit 3'])
    const { id } = storedIn(folder).windows[0] ?? { id: '' }
    expect(code).toBe(3)
    expect(errors).toContain('Maintenance mode is still ON, as the command failed\n  command  sh … ended with 3, after')
    expect(errors).toContain(
      `\nTo reopen: maintenance-mode off\nTo try again behind the same window: run --id ${id} …\n`,
    )
    const status = type(folder, 'status').output
    expect(status).toContain(`window      ${id}, held by ann from`)
    expect(status).toMatch(/\n {2}since +20.*\n {2}kept +.*maintenance-mode off\n/)
    expect(status).toContain('note        sh …: ended with 3\n')
    expect(type(folder, 'off')).toMatchObject({ code: 0, output: expect.stringMatching(/^Maintenance mode is OFF\n/) })
    expect(type(folder, 'history').output).toMatch(
      /left it closed .* ann +cli@.* Migrating; note: sh …: ended with 3\n/,
    )
  })

  it('tries again behind the same window', () => {
    const folder = project()
    ran(folder, ['--id', 'deploy', '--', 'false'])
    expect(modeIn(folder)).toBe('on')
    expect(ran(folder, ['--id', 'deploy', '--', 'true']).code).toBe(0)
    expect(modeIn(folder)).toBe('off')
    expect(actions(folder)).toEqual(['open', 'keep', 'open', 'close'])
  })

  it('closes nothing but its own: what others hold, or have closed by hand, stays', async () => {
    const folder = project()
    type(folder, 'on --id by-hand')
    const other = start(folder, ['--id', 'other', '--', ...talking()])
    await other.command()
    const { code, errors } = ran(folder, ['--id', 'mine', '--', 'true'])
    expect(code).toBe(0)
    expect(errors).toMatch(
      /Maintenance mode is still ON\n {2}command .*\n {2}window +by-hand.*(\n.*)*\n {2}window +other, held by/,
    )
    expect(storedIn(folder).windows.map(({ id }) => id)).toEqual(['by-hand', 'other'])
    kill(other.pid, 'SIGUSR2')
    expect((await other.ended).code).toBe(0)
    expect(storedIn(folder).windows.map(({ id }) => id)).toEqual(['by-hand'])
  })

  it('status tells who holds what, since when, until when and why', async () => {
    const folder = project()
    const running = start(folder, ['--reason', 'Moving', '--note', 'JIRA-1', '--', ...talking()])
    await running.command()
    const { output } = type(folder, 'status')
    expect(output).toMatch(
      new RegExp(
        `window +run-\\w+, held by ann from cli@\\S+, holder [^ ]+:${running.pid}:\\w+\\n +since +20\\S+ .*\\n +renewed +until 20.*\`off\`\\n +reason +Moving\\n +note +JIRA-1\\n`,
      ),
    )
    expect(type(folder, 'off')).toMatchObject({
      code: 1,
      errors: expect.stringContaining('The site is still closed by'),
    })
    expect(isAlive(running.pid)).toBe(true)
  })

  it('goes on where somebody else closes its window, and says by whom', async () => {
    const folder = project()
    const running = start(folder, ['--', ...talking(5)], { MAINTENANCE_MODE_LEASE_TTL: '1s' })
    await running.command()
    expect(type(folder, 'off --all', { SUDO_USER: 'bob' }).code).toBe(0)
    await running.says(/^maintenance-mode: The window "run-\w+" is no longer there: .* The command goes on\.$/m)
    kill(running.pid, 'SIGUSR2')
    const { code, errors } = await running.ended
    expect(code).toBe(5)
    expect(errors).toMatch(/was no longer there when the command ended: closed by bob from cli@\S+\n/)
    expect(errors).toContain('To close the site: maintenance-mode on\n')
    expect(modeIn(folder)).toBe('off')
  })

  it('whose time is over says so, and not that whoever opened it has closed it', () => {
    const { code, errors } = ran(project(), ['--for', '3s', '--no-wait', '--', 'sleep', '4'])
    expect(code).toBe(0)
    expect(errors).toMatch(/was no longer there when the command ended: its time was over\n/)
  })

  it('tells all of it to programs in one line, on the standard error', () => {
    const folder = project()
    const { code, output, errors } = ran(folder, ['--json', '--', 'sh', '-c', 'echo out; exit 4'])
    expect([code, output]).toEqual([4, 'out\n'])
    const { windows, revision } = storedIn(folder)
    expect(JSON.parse(errors)).toMatchObject({
      exitCode: 4,
      signal: null,
      started: true,
      window: windows[0]?.id,
      scope: '*',
      release: 'kept',
      mode: 'on',
      revision,
      remaining: windows,
      stateBackend: `file:${join(folder, stateFile)}`,
    })
  })

  it('gives the command the environment that it was given, without what the environment file adds', () => {
    const folder = project({ '.env': 'MAINTENANCE_MODE_LEASE_TTL=5s\nDATABASE_URL=of-the-app\n' })
    const { output } = ran(folder, ['--', ...node('console.log(process.env.DATABASE_URL, process.env.TZ)')])
    expect(output).toBe('undefined Europe/Rome\n')
  })
})

describe('its exit code is the command’s', { timeout: 60_000 }, () => {
  it.each([0, 1, 2, 42, 125, 255])('%i', (code) => {
    expect(ran(project(), ['--', 'sh', '-c', `exit ${code}`]).code).toBe(code)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGKILL', 137],
    ['SIGTERM', 143],
  ])('of one that %s ends: %i', (signal, code) => {
    const folder = project()
    const ended = ran(folder, ['--', ...node(`process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000)`)])
    expect(ended).toMatchObject({ code, errors: expect.stringContaining(`was ended by ${signal}, after`) })
    expect(storedIn(folder).windows).toMatchObject([{ note: `node …: was ended by ${signal}` }])
  })

  it('127 where it is not found, for which no visitor is refused', () => {
    const folder = project()
    for (const command of ['no-such-command', './no-such-file', '']) {
      const { code, errors } = ran(folder, ['--', command])
      expect({ code, errors }).toEqual({
        code: 127,
        errors: `The command "${command}" is not found. Nothing was changed.\n`,
      })
    }
    expect(existsSync(join(folder, stateFile))).toBe(false)
  })

  it('126 where it cannot be executed, and the window is closed again', () => {
    const folder = project({ data: 'no program' })
    const { code, errors } = ran(folder, ['--', './data'])
    expect(code).toBe(126)
    expect(errors).toContain('The command "./data" cannot be executed (spawn ./data EACCES).')
    expect(actions(folder)).toEqual(['open', 'close'])
  })

  it.each([
    ['no --', ['npm', 'run', 'migrate'], /^the command to run stands after '--': maintenance-mode run --reason/],
    ['no command', ['--'], /^the command to run stands after '--'/],
    ['words before --', ['npm', '--', 'run'], /^the command to run stands after '--'/],
    ['a value that is missing', ['--reason', '--', 'true'], /^option '--reason <text>' argument missing/],
    ['an unknown flag', ['--reson', 'x', '--', 'true'], /Did you mean --reason/],
    ['a time to start at', ['--start', '02:00', '--', 'true'], /^unknown option '--start'/],
    ['a policy that there is not', ['--on-failure', 'retry', '--', 'true'], /Allowed choices are keep, reopen/],
    ['waiting and not', ['--no-wait', '--timeout', '5s', '--', 'true'], /cannot be used with option '--no-wait'/],
    ['no time at all', ['--timeout', '0', '--', 'true'], /^The timeout "0" is none at all/],
  ])('2 for %s, and nothing is changed', (_, words, message) => {
    const folder = project()
    expect(ran(folder, words)).toMatchObject({ code: 2, output: '', errors: expect.stringMatching(message) })
    expect(existsSync(join(folder, stateFile))).toBe(false)
  })

  it('125 where the site cannot be closed', () => {
    const folder = project()
    for (const [variables, message] of [
      [{ MAINTENANCE_MODE_STATE_BACKEND: 'redis://127.0.0.1:1' }, /127\.0\.0\.1:1/],
      [{ MAINTENANCE_MODE: 'off' }, /pinned to "off"/],
      [{ MAINTENANCE_MODE_LEASE_TTL: 'soon' }, /MAINTENANCE_MODE_LEASE_TTL/],
    ] as [Record<string, string>, RegExp][]) {
      const ended = ran(folder, ['--', 'touch', 'started'], variables)
      expect(ended).toMatchObject({ code: 125, output: '', errors: expect.stringMatching(message) })
    }
    expect(existsSync(join(folder, 'started'))).toBe(false)
    const json = ran(folder, ['--json', '--scope', 'nowhere', '--', 'touch', 'started'])
    expect(json.output).toBe('')
    expect(JSON.parse(json.errors)).toMatchObject({ error: { code: 'ERR_MAINTENANCE_SETTING' } })
  })
})

describe('input and output are the command’s own', { timeout: 120_000 }, () => {
  it('to the last byte, through pipes that are read slowly, while `run` has things to say', async () => {
    const folder = project()
    // dd gives up at once where its output would have to be waited for.
    const script = 'dd if=/dev/zero bs=65536 count=64 >&2 2> dd && cat && echo end'
    const running = start(folder, ['--', 'sh', '-c', script], { MAINTENANCE_MODE_LEASE_TTL: '1s' })
    running.process.stdin?.write('what is typed, ')
    running.process.stderr?.pause()
    await expect.poll(() => existsSync(join(folder, stateFile)), { timeout: 20_000 }).toBe(true)
    type(folder, 'off --all')
    await new Promise((resolve) => setTimeout(resolve, 1500))
    running.process.stderr?.resume()
    running.process.stdin?.end('and more\n')
    const { code, output, errors } = await running.ended
    expect(code).toBe(0)
    expect(output).toContain('what is typed, and more\nend\n')
    expect(errors.replaceAll(/[^\0]/g, '').length).toBe(64 * 65_536)
    expect(errors).toContain('is no longer there')
  })

  it('and whoever reads them may go away', async () => {
    const folder = project()
    spawnSync(
      'sh',
      ['-c', `"${process.execPath}" "${main}" run -- sh -c 'echo one; sleep 0.2; exit 6' 2>&1 | true; exit 0`],
      { cwd: folder, env: environment },
    )
    await expect.poll(() => actions(folder)).toEqual(['open', 'keep'])
  })
})

describe.skipIf(process.platform === 'win32')('a signal', { timeout: 120_000 }, () => {
  /** What the command was told, with the signal that ended it left out. */
  const heard = (output: string): string[] => output.trim().split(/\r?\n/).slice(1)

  it.each(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1'] as const)(
    '%s that reaches `run` alone is passed on, once; it stays until the command has ended',
    async (signal) => {
      const folder = project()
      const running = start(folder, ['--', ...talking(9)])
      await running.command()
      kill(running.pid, signal)
      await running.says(`${signal}\n`)
      expect(modeIn(folder)).toBe('on')
      kill(running.pid, 'SIGUSR2')
      const { code, output } = await running.ended
      expect([code, heard(output)]).toEqual([9, [signal]])
    },
  )

  it.each(['SIGHUP', 'SIGINT', 'SIGTERM'] as const)(
    '%s that reaches the whole group, as from a terminal, comes to the command once, and again when it is sent again',
    async (signal) => {
      const running = start(project(), ['--', ...talking()])
      await running.command()
      kill(-running.pid, signal)
      await running.says(`${signal}\n`)
      // As launchers do, npm for one, which were sent it as well.
      kill(running.pid, signal)
      await new Promise((resolve) => setTimeout(resolve, 1500))
      kill(-running.pid, signal)
      await running.says(`${signal}\n${signal}\n`)
      kill(running.pid, 'SIGUSR2')
      const { code, output } = await running.ended
      expect([code, heard(output)]).toEqual([0, [signal, signal]])
    },
  )

  it.runIf(onLinux)('that a terminal sends, by Ctrl-C, comes to the command once', async () => {
    const folder = project()
    const words = [process.execPath, main, 'run', '--', ...talking(3)].map((word) => `'${word}'`)
    const terminal = startLine(folder, ['script', '-qec', `exec ${words.join(' ')}`, '/dev/null'])
    const pid = await terminal.says(/pid (\d+)\r\n/)
    terminal.process.stdin?.write('\x03')
    await terminal.says('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 500))
    kill(Number(pid[1]), 'SIGUSR2')
    const { code, output } = await terminal.ended
    expect(code).toBe(3)
    expect(output.match(/SIGINT/g)).toHaveLength(1)
  })

  it.runIf(onLinux)('to the group comes to a command that has left for a group of its own', async () => {
    const running = start(project(), ['--', 'setsid', ...talking()])
    const command = await running.command()
    onTestFinished(() => kill(command, 'SIGKILL'))
    kill(-running.pid, 'SIGTERM')
    await running.says('SIGTERM\n')
    kill(command, 'SIGUSR2')
    expect((await running.ended).code).toBe(0)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s that ends the command: %i, and the site stays closed', async (signal, code) => {
    const folder = project()
    const running = start(folder, ['--', 'sh', '-c', 'echo pid $$; exec sleep 1000'])
    await running.command()
    kill(running.pid, signal)
    expect((await running.ended).code).toBe(code)
    expect(modeIn(folder)).toBe('on')
    expect(type(folder, 'off').code).toBe(0)
  })

  it('SIGKILL lets the command go on, and the lease lapse: the site stays closed, and `off` reopens', async () => {
    const folder = project()
    const running = start(folder, ['--', ...talking()], { MAINTENANCE_MODE_LEASE_TTL: '6s' })
    const command = await running.command()
    kill(running.pid, 'SIGKILL')
    expect(type(folder, 'off')).toMatchObject({ code: 1 })
    const lapsed = () => type(folder, 'status').output
    await expect.poll(lapsed, { timeout: 20_000 }).toContain('whose program has stopped')
    expect(isAlive(command)).toBe(true)
    expect(type(folder, 'off')).toMatchObject({ code: 0 })
  })

  it('SIGKILL with `--on-failure reopen` reopens when the lease has lapsed', async () => {
    const folder = project()
    const variables = { MAINTENANCE_MODE_LEASE_TTL: '6s' }
    const running = start(folder, ['--on-failure', 'reopen', '--', ...talking()], variables)
    await running.command()
    kill(running.pid, 'SIGKILL')
    expect(modeIn(folder)).toBe('on')
    await expect.poll(() => modeIn(folder), { timeout: 20_000 }).toBe('off')
    type(folder, 'on')
    expect(actions(folder)).toEqual(['open', 'lapse', 'open'])
  })
})

describe('a lost backend', { timeout: 120_000 }, () => {
  /** A file backend that is lost while there is a file `lost`. */
  function losable(): { folder: string; lose(): void; find(): void } {
    const folder = project()
    const module = join(main, '../../backends/file.js')
    writeFileSync(
      join(folder, 'maintenance-mode.config.js'),
      `import { existsSync } from 'node:fs'
import { fileBackend } from ${JSON.stringify(module)}
const backend = fileBackend({ path: ${JSON.stringify(join(folder, stateFile))} })
const lost = async () => { if (existsSync(${JSON.stringify(join(folder, 'lost'))})) throw new Error('connection refused') }
export default {
  stateBackend: {
    ...backend,
    readSync: undefined,
    read: () => lost().then(backend.read),
    write: (...words) => lost().then(() => backend.write(...words)),
  },
  leaseTtl: '2s',
}`,
    )
    return {
      folder,
      lose: () => writeFileSync(join(folder, 'lost'), ''),
      find: () => rmSync(join(folder, 'lost')),
    }
  }

  it.each([
    [0, ['open', 'close']],
    [7, ['open', 'keep']],
  ])('that comes back: the command, which ends with %i, goes on, and its end is told', async (code, told) => {
    const { folder, lose, find } = losable()
    const running = start(folder, ['--id', 'deploy', '--', ...talking(code)])
    await running.command()
    lose()
    await running.says(/^maintenance-mode: renewing the window "deploy": .*connection refused/m)
    kill(running.pid, 'SIGUSR2')
    await running.says(/^maintenance-mode: the window "deploy" cannot be closed yet: .*connection refused/m)
    find()
    expect(await running.ended).toMatchObject({ code })
    expect(actions(folder)).toEqual(told)
  })

  it.each([
    ['keep', 'To reopen: maintenance-mode off --id deploy\n'],
    ['reopen', 'It reopens by itself within 2s; or: maintenance-mode off --id deploy\n'],
  ])('that does not come back: the exit code is the command’s, and how to reopen is told (%s)', async (policy, how) => {
    const { folder, lose } = losable()
    const running = start(folder, ['--id', 'deploy', '--on-failure', policy, '--', ...talking(0)])
    await running.command()
    lose()
    kill(running.pid, 'SIGUSR2')
    const { code, errors } = await running.ended
    expect(code).toBe(0)
    expect(errors).toContain('The window "deploy" may still be open\n')
    expect(errors).toContain('The window "deploy" could not be closed: ')
    expect(errors).toContain(how)
  })

  it('is not waited for any longer than whoever started it wants', async () => {
    const { folder, lose } = losable()
    const running = start(folder, ['--', ...talking(0)], { MAINTENANCE_MODE_LEASE_TTL: '1h' })
    await running.command()
    lose()
    kill(running.pid, 'SIGUSR2')
    await running.says('cannot be closed yet')
    kill(running.pid, 'SIGINT')
    expect(await running.ended).toMatchObject({ code: 0, errors: expect.stringContaining('Stopped by SIGINT') })
  })
})
