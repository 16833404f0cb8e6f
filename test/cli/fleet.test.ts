import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileBackend } from '../../src/backends/file.js'
import { type InstanceRecord, toPresence } from '../../src/fleet/instance.js'
import { version } from '../../src/version.js'
import { startInstance } from '../fleet/instances.js'
import { ready } from '../fleet/presence.js'
import { ask, environment, execute, main, project, run, stateFile, storedIn, type } from './fixtures/cli.js'

const second = 1000
const urlOf = (folder: string) => `file:${join(folder, stateFile)}`
const listIn = (folder: string) => join(folder, `${stateFile}.instances`)

/** Puts an instance in the list that announced itself so long ago. It decides by what is stored, unless it says otherwise. */
async function put(folder: string, told: Partial<InstanceRecord> & { id: string }, age = 0): Promise<void> {
  const { id, revision, windows } = existsSync(join(folder, stateFile))
    ? storedIn(folder)
    : { id: undefined, revision: undefined, windows: [] }
  const mode = windows.length > 0 ? 'on' : 'off'
  const { presence } = fileBackend({ path: join(folder, stateFile) })
  const before = existsSync(listIn(folder)) ? readdirSync(listIn(folder)) : []
  await presence?.announce(toPresence({ ...ready, version, document: id, revision, mode, ...told }), 120 * second)
  const [file = ''] = readdirSync(listIn(folder)).filter((name) => !before.includes(name))
  const then = Date.now() / 1000 - age / 1000
  if (age > 0) utimesSync(join(listIn(folder), file), then, then)
}

/** A state that was switched on, and these instances. */
async function fleet(...instances: [Partial<InstanceRecord> & { id: string }, age?: number][]): Promise<string> {
  const folder = project()
  type(folder, 'on')
  for (const [told, age] of instances) await put(folder, told, age)
  return folder
}

/** A folder whose config file has a file backend with something changed. */
function configured(changes: string): string {
  const folder = project()
  const module = join(main, '../../backends/file.js')
  const source = `import { fileBackend } from ${JSON.stringify(module)}
const backend = fileBackend({ path: ${JSON.stringify(join(folder, stateFile))} })
export default { stateBackend: { ...backend, ${changes} }, pollInterval: '1s' }`
  writeFileSync(join(folder, 'maintenance-mode.config.js'), source)
  return folder
}

const none = 'NO INSTANCE has announced itself, so nobody is known to decide by this state.'

describe('on, off and status tell which instances decide', () => {
  it('by name', async () => {
    const folder = await fleet([{ id: 'web-10' }], [{ id: 'web-2' }])
    for (const line of ['status', 'on', 'extend 5m', 'off']) {
      expect(type(folder, line).output, line).toMatch(/\n {2}applies to +2 instances: web-2, web-10\n/)
    }
    const { instances } = ask(folder, 'status')
    expect(instances).toMatchObject([{ id: 'web-2', host: 'host', age: expect.any(Number) }, { id: 'web-10' }])
  })

  it('and say loudly that there is none', async () => {
    const folder = project()
    for (const line of ['status', 'on', 'off']) expect(type(folder, line).output).toContain(`applies to  ${none}`)
    expect(ask(folder, 'status')).toMatchObject({ instances: [] })
    await put(folder, { id: 'web-1' }, 16 * second)
    expect(type(folder, 'status').output).toContain(`applies to  ${none}`)
  })

  it('and which are lost or pinned', async () => {
    const folder = await fleet(
      [{ id: 'web-1' }],
      [{ id: 'web-2' }, 40 * second],
      [{ id: 'web-3', pinned: true, mode: 'off' }],
    )
    const { output } = type(folder, 'status')
    expect(output).toContain('applies to  2 instances: web-1, web-3\n')
    expect(output).toContain('pinned      web-3 to "off": by its setting `mode`\n')
    expect(output).toMatch(/lost {8}web-2, last heard of 4\ds ago\n/)
  })

  it('the first ten by name, and how many more there are', async () => {
    const folder = await fleet(...Array.from({ length: 12 }, (_, index): [{ id: string }] => [{ id: `web-${index}` }]))
    expect(type(folder, 'status').output).toMatch(/12 instances: web-0, web-1, .*, web-9 and 2 more\n/)
  })

  it('and do not fail where the list cannot be read', async () => {
    const folder = project()
    writeFileSync(listIn(folder), 'a file in the place of the folder')
    const { code, output } = type(folder, 'on')
    expect(code).toBe(0)
    expect(output).toMatch(
      /applies to +Every process on this machine that reads this file decides by it; who they are cannot be told \(.*ENOTDIR/,
    )
    expect(ask(folder, 'status')).toMatchObject({ mode: 'on', instances: null })
    expect(type(folder, 'fleet')).toMatchObject({
      code: 1,
      output: '',
      errors: expect.stringContaining('cannot be read'),
    })
  })
})

it('on, off and status wait 2 s at most for a list that does not come', () => {
  const folder = configured('presence: { ...backend.presence, list: () => new Promise(() => {}) }')
  const began = performance.now()
  const { code, output } = type(folder, 'status')
  expect(performance.now() - began).toBeLessThan(8 * second)
  expect(code).toBe(0)
  expect(output).toMatch(/decides by it; who they are cannot be told \(No answer from file:.* within 2s\.\)/)
})

describe('fleet', () => {
  it('shows every instance, with what is odd about it', async () => {
    const folder = await fleet(
      [{ id: 'web-1', clockDifference: 12 }],
      [{ id: 'web-2', process: '18', clockDifference: -3000, inFlight: { count: 17, oldest: [] } }],
      [{ id: 'web-3', version: '0.0.1', settings: 'ffffffff', inFlight: undefined }],
      [{ id: 'web-4', revision: 0 }],
      [{ id: 'web-5', document: 'other' }],
      [{ id: 'web-6', pinned: true, snapshot: 'pinned', mode: 'off' }],
      [{ id: 'web-7', pinned: true, snapshot: 'pinned', mode: 'on' }],
      [{ id: 'web-8' }, 40 * second],
    )
    const { code, output, errors } = type(folder, 'fleet')
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    const lines = output
      .replaceAll(/\d+m?s ago/g, 'n ago')
      .replaceAll(/ +/g, ' ')
      .split('\n')
    expect(lines).toEqual([
      '8 instances, 7 to look at',
      ` state file:${join(folder, stateFile)} (revision 1)`,
      ' instance host process version mode revision snapshot in flight heard clock settings remarks',
      ` web-1 host 17 ${version} on 1 ready 0 n ago +12ms 01234567`,
      ` web-2 host 18 ${version} on 1 ready 17 n ago -3s 01234567 clock`,
      ' web-3 host 17 0.0.1 on 1 ready - n ago - ffffffff other version, other settings',
      ` web-4 host 17 ${version} on 0 ready 0 n ago - 01234567 behind`,
      ` web-5 host 17 ${version} on 1 ready 0 n ago - 01234567 other state`,
      ` web-6 host 17 ${version} off 1 pinned 0 n ago - 01234567 pinned, contradicts`,
      ` web-7 host 17 ${version} on 1 pinned 0 n ago - 01234567 pinned`,
      ` web-8 host 17 ${version} on 1 ready 0 n ago - 01234567 lost`,
      '',
    ])
  })

  it('has its columns one below the other', async () => {
    const folder = await fleet([{ id: 'a' }], [{ id: 'much-longer' }])
    const [head = '', ...lines] = type(folder, 'fleet').output.split('\n').slice(2, -1)
    for (const line of lines) expect(line.indexOf('host ')).toBe(head.indexOf('host '))
  })

  it('is content with a fleet as it should be', async () => {
    const folder = await fleet([{ id: 'web-1' }])
    expect(type(folder, 'fleet').output).toMatch(/^1 instance, all as they should be\n/)
    expect(ask(folder, 'fleet')).toEqual({
      document: storedIn(folder).id,
      revision: 1,
      mode: 'on',
      stateBackend: urlOf(folder),
      instances: [
        {
          ...ready,
          version,
          document: storedIn(folder).id,
          clockDifference: null,
          age: expect.any(Number),
          verdict: 'confirmed',
          reason: null,
          remarks: [],
        },
      ],
    })
  })

  it('finds only the loss odd where all are lost', async () => {
    const folder = await fleet([{ id: 'web-1' }, 20 * second])
    expect(ask(folder, 'fleet')).toMatchObject({ instances: [{ id: 'web-1', verdict: 'lost', remarks: ['lost'] }] })
  })

  it('says loudly that there is no instance', () => {
    const folder = project()
    const { code, output } = type(folder, 'fleet')
    expect(code).toBe(0)
    expect(output.startsWith(none)).toBe(true)
    expect(ask(folder, 'fleet')).toMatchObject({ instances: [], revision: 0, mode: 'off' })
    expect(readdirSync(folder)).toEqual(['package.json'])
  })

  it('shows instances also where the state cannot be read', async () => {
    const folder = await fleet([{ id: 'web-1' }])
    writeFileSync(join(folder, stateFile), '{"format":1')
    const { code, output } = type(folder, 'fleet')
    expect(code).toBe(0)
    expect(output).toMatch(/state +The stored state is damaged.*\n +instance .*\n +web-1 +host/)
  })

  it.skipIf(!existsSync('/usr/bin/script'))('has colours on a terminal alone (needs script)', async () => {
    const folder = await fleet([{ id: 'web-1' }], [{ id: 'web-2', version: '0.0.1' }])
    expect(type(folder, 'fleet', { FORCE_COLOR: '1' }).output).not.toContain('\u001b')
    const { output } = execute('script', ['-qec', `${process.execPath} ${main} fleet`, '/dev/null'], {
      cwd: folder,
      env: { ...environment, TERM: 'xterm' },
    })
    expect(output).toMatch(/\u001b\[31mweb-2 /)
    expect(output).not.toMatch(/\u001b\[31mweb-1 /)
  })

  it('lets nothing that an instance says steer the terminal', async () => {
    const folder = await fleet([{ id: 'web-1', host: 'a\u001b[2Jb\nc' }])
    expect(type(folder, 'fleet').output).toMatch(/web-1 +a \[2Jb c /)
  })
})

describe('--wait', () => {
  it('ends with 3 where there is nobody, and the mode stays as asked', () => {
    const folder = project()
    const { code, output, errors } = type(folder, 'on --wait --timeout 1s')
    expect({ code, errors }).toEqual({
      code: 3,
      errors: 'Not confirmed within 1s: no live instance has announced itself. The change stands.\n',
    })
    expect(output).toMatch(/^Maintenance mode is ON since/)
    expect(ask(folder, 'status')).toMatchObject({ mode: 'on' })
  })

  it('names who has not, and prints all of the report as JSON', async () => {
    const folder = await fleet([{ id: 'web-1' }], [{ id: 'web-2', revision: 0 }])
    const { code, output, errors } = type(folder, 'on --wait --timeout 1s --json')
    expect({ code, errors }).toEqual({ code: 3, errors: '' })
    expect(JSON.parse(output)).toMatchObject({
      mode: 'on',
      revision: 1,
      fleet: {
        result: 'unconfirmed',
        waited: expect.any(Number),
        problem: 'Not confirmed within 1s: web-2 decides by revision 0.',
        instances: [
          { id: 'web-1', verdict: 'confirmed', reason: null },
          { id: 'web-2', verdict: 'waiting', reason: 'decides by revision 0' },
        ],
      },
      error: {
        code: 'ERR_MAINTENANCE_NOT_CONFIRMED',
        message: 'Not confirmed within 1s: web-2 decides by revision 0. The change stands.',
      },
    })
  })

  it('names what is still running where, without anything that would steer the terminal', async () => {
    const oldest = [
      { method: 'GET', path: '/report\u001b[2J', age: 12 * second },
      { method: 'POST', path: '/upload', age: 4 * second },
    ]
    const folder = await fleet([{ id: 'web-1', inFlight: { count: 3, draining: 100, oldest } }], [{ id: 'web-2' }])
    expect(type(folder, 'on --wait --timeout 3s')).toMatchObject({
      code: 3,
      errors: expect.stringMatching(
        /^Waiting for 3 requests in flight: web-1 3 …\nNot confirmed within 3s: web-1 still has 3 requests in flight: GET \/report \[2J \(\d+s\), POST \/upload \(\d+s\) and 1 more\. The change stands\.\n$/,
      ),
    })
    const patient = { MAINTENANCE_MODE_DRAIN_TIMEOUT: '1s' }
    expect(type(folder, 'on --wait', patient)).toMatchObject({
      code: 3,
      errors: expect.stringMatching(/^Not confirmed: web-1 still has 3 requests in flight/),
    })
  })

  it('waits for no requests that an instance cannot count, and says so; nor for any with off', async () => {
    const folder = await fleet([{ id: 'web-1', inFlight: undefined }])
    expect(type(folder, 'on --wait')).toMatchObject({
      code: 0,
      output: expect.stringMatching(
        /\n {2}but +web-1 cannot count its requests in flight: some may still be running\n/,
      ),
    })
    await put(folder, { id: 'web-1', revision: 9, inFlight: { count: 3, draining: 100, oldest: [] } })
    expect(type(folder, 'off --wait')).toMatchObject({ code: 0, errors: '' })
  })

  it('is not held up by the lost, ends with 3 for them, and with 0 if they are to be ignored', async () => {
    const folder = await fleet([{ id: 'web-1' }], [{ id: 'web-2' }, 16 * second])
    const began = performance.now()
    expect(type(folder, 'on --wait')).toMatchObject({
      code: 3,
      errors: expect.stringMatching(/^Not confirmed: web-2 is lost: last heard of \d+s ago\. The change stands\.\n$/),
    })
    const mild = type(folder, 'on --wait --ignore-lost')
    expect(mild).toMatchObject({ code: 0, errors: '' })
    expect(mild.output).toMatch(/confirmed +by 1 instance, after \d+ms\n/)
    expect(performance.now() - began).toBeLessThan(10 * second)
  })

  it('ends with 1 if something else still decides, whatever the fleet says', async () => {
    const folder = await fleet([{ id: 'web-1' }])
    const { code, errors } = type(folder, 'off --id none --wait --timeout 1s')
    expect({ code, errors }).toEqual({
      code: 1,
      errors: expect.stringMatching(/^There is no window "none" to close\. There is "manual"\.\n$/),
    })
  })

  it('takes extend as well', async () => {
    const folder = await fleet([{ id: 'web-1' }])
    expect(type(folder, 'extend 5m --wait --timeout 1s')).toMatchObject({
      code: 3,
      errors: expect.stringContaining('web-1 decides by revision 1'),
    })
  })

  it.skipIf(!existsSync('/usr/bin/script'))(
    'tells on a terminal whom it waits for, and leaves nothing of that there (needs script)',
    async () => {
      const folder = await fleet([{ id: 'web-1' }], [{ id: 'web-2', revision: 0 }])
      const { output } = execute(
        'script',
        ['-qec', `${process.execPath} ${main} on --wait --timeout 1s`, '/dev/null'],
        {
          cwd: folder,
          env: { ...environment, TERM: 'xterm' },
        },
      )
      expect(output).toMatch(/\rWaiting for 1 of 2 instances: web-2 …\u001b\[K.*\r\u001b\[K\S*Maintenance mode/s)
    },
  )

  it.each([
    ['on --timeout 3s', "option '--timeout' needs '--wait'"],
    ['off --ignore-lost', "option '--ignore-lost' needs '--wait'"],
    ['extend 5m --instances 2', "option '--instances' needs '--wait'"],
    ['on --wait --instances 0', "option '--instances <n>' argument '0' is invalid"],
    ['on --wait --instances two', "option '--instances <n>' argument 'two' is invalid"],
    ['off --wait --timeout 0', 'The timeout "0" is none at all'],
    ['on --wait --timeout soon', 'The duration "soon" cannot be read'],
    ['on --wait --print', "option '--print' cannot be used with option '--wait'"],
    ['status --wait', "unknown option '--wait'"],
    ['fleet web-1', "too many arguments for 'fleet'"],
  ])('%s ends with 2, and changes nothing', (line, message) => {
    const folder = project()
    const { code, output, errors } = type(folder, line)
    expect({ code, message: output + errors }).toEqual({ code: 2, message: expect.stringContaining(message) })
    expect(readdirSync(folder)).toEqual(['package.json'])
  })
})

describe('a backend that keeps no list of instances', () => {
  const listless = () => configured('presence: undefined, capabilities: { ...backend.capabilities, presence: false }')

  it('is waited for as long as a change can stay unseen, which is said', () => {
    const folder = listless()
    const began = performance.now()
    const { code, output } = type(folder, 'on --wait')
    expect(performance.now() - began).toBeGreaterThanOrEqual(second)
    expect(code).toBe(0)
    expect(output).toContain('; this backend keeps no list of them.\n')
    expect(output).toMatch(
      /confirmed +nothing was seen, as this backend keeps no list of instances; but as long was waited as a change can stay unseen, 1s \(pollInterval\) and one answer of the backend\n/,
    )
    expect(ask(folder, 'off --wait')).toMatchObject({ instances: null, fleet: { result: 'unseen', instances: [] } })
  })

  it('confirms nothing where a number of instances was asked for', () => {
    const { code, errors } = type(listless(), 'on --wait --instances 1')
    expect({ code, errors }).toEqual({
      code: 3,
      errors: expect.stringMatching(/^Not confirmed: file:.* keeps no list of instances, so none of 1 was seen\./),
    })
  })

  it('has no fleet to show', () => {
    const { code, output, errors } = type(listless(), 'fleet')
    expect({ code, output }).toEqual({ code: 1, output: '' })
    expect(errors).toContain('keeps no list of instances')
  })
})

it('a process that runs is seen by its folder alone, without any setting', async () => {
  const folder = project()
  const instance = await startInstance(urlOf(folder), 'web-1')
  await expect.poll(() => run(folder, ['fleet', '--json']).output).toContain('"id": "web-1"')
  await instance.close()
  expect(type(folder, 'fleet').output.startsWith(none)).toBe(true)
  expect(readdirSync(folder)).toEqual(['package.json'])
})
