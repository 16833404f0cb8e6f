import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.js'
import { createMaintenance, defineConfig, type MaintenanceOptions, SettingError } from '../../src/index.js'
import { variableOf } from '../../src/settings/environment.js'
import { resolveSettings } from '../../src/settings/resolve.js'
import { settingsTable } from '../../src/settings/table.js'

const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-environment-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'mine.mjs')
writeFileSync(
  file,
  `export const letIn = () => true
export default { warn() {}, error() {} }
export class Backend {
  address = 'mine:'
  capabilities = { compareAndSet: true, watch: false, presence: false, writable: true }
  async read() { return this.secret }
  async write() {}
  secret = undefined
}
export const backend = new Backend()
export const page = () => '<p>Back soon'
export const tenants = { of: () => 'acme', has: (name) => name === 'acme' }
`,
)

/** What a setting becomes when its variable has this text. */
function read(name: string, text: string, options: MaintenanceOptions = {}): unknown {
  const { settings } = resolveSettings(options, { [variableOf(name)]: text })
  return (settings as unknown as Record<string, unknown>)[name]
}

function refusalOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(SettingError)
    return (error as Error).message
  }
  throw new Error('Nothing was wrong.')
}

describe('the name of a variable', () => {
  it.each([
    ['mode', 'MAINTENANCE_MODE'],
    ['ignoreUrls', 'MAINTENANCE_MODE_IGNORE_URLS'],
    ['stateBackendFallbackValue', 'MAINTENANCE_MODE_STATE_BACKEND_FALLBACK_VALUE'],
  ])('of %s is %s', (name, variable) => {
    expect(variableOf(name)).toBe(variable)
  })

  it('is another one for every setting', () => {
    expect(new Set(settingsTable.map(({ name }) => variableOf(name))).size).toBe(settingsTable.length)
  })
})

describe('a value from the environment', () => {
  it.each(['true', 'TRUE', 'True', '1', 'yes', 'Yes', 'on', 'ON', ' on '])('%j is true', (text) => {
    expect([read('ignoreStaff', text), read('mode', text)]).toEqual([true, 'on'])
  })

  it.each(['false', 'False', 'FALSE', '0', 'no', 'off', 'Off\n'])('%j is false', (text) => {
    expect([read('ignoreStaff', text, { ignoreStaff: true }), read('mode', text)]).toEqual([false, 'off'])
  })

  it.each([
    ['/a', ['/a']],
    ['/a, /b/** ,,/c', ['/a', '/b/**', '/c']],
    ['["/a", "^/b{1,2}$"]', ['/a', '^/b{1,2}$']],
    [' [] ', []],
  ])('%j is a list', (text, list) => {
    expect(read('ignoreUrls', text)).toEqual(list)
  })

  it.each([
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['PT1H', 3_600_000],
    ['45', 45_000],
  ])('%j is a duration', (text, length) => {
    expect([read('leaseTtl', text), read('retryAfter', text)]).toEqual([length, length])
  })

  it.each([
    ['retryAfter', 'false', 0],
    ['retryAfter', '0', 0],
    ['trustProxy', '2', 2],
    ['trustProxy', 'false', false],
    ['trustProxy', 'loopback,10.0.0.0/8', ['loopback', '10.0.0.0/8']],
    ['statusCode', '418', 418],
    ['routes', '{"/beta/**":"on"}', { '/beta/**': 'on' }],
    ['mode', 'read-only', 'read-only'],
    ['mode', 'hold', 'hold'],
    ['scopes', '{"billing":{"urls":["/billing/**"]}}', { billing: { urls: ['/billing/**'], hosts: [] } }],
    ['holdLimit', '10', 10],
    ['drainStreams', 'end', 'end'],
    ['redirectUrl', '/closed#why', '/closed#why'],
    ['redirectUrl', '/wartung?warum=日', '/wartung?warum=%E6%97%A5'],
    ['timezone', 'europe/rome', 'Europe/Rome'],
    ['adminToken', '/sixteen.letters#token', '/sixteen.letters#token'],
  ])('of %s may be %j', (name, text, value) => {
    expect(read(name, text)).toEqual(value)
  })

  it('that is empty counts as not given, as compose files pass what is not set', () => {
    for (const { name } of settingsTable) {
      expect(read(name, ' '), name).toEqual((resolveSettings({}, {}).settings as never)[name])
    }
  })

  it('may name what a file exports, where functions and objects are wanted', async () => {
    expect(read('ignoreRequest', `${file}#letIn`)).toBeInstanceOf(Function)
    expect(read('template', `${file}#page`)).toBeInstanceOf(Function)
    expect(read('logger', `${file}#default`)).toHaveProperty('warn')
    expect(read('tenants', `${file}#tenants`)).toHaveProperty('has')
    const backend = read('stateBackend', `${file}#backend`) as { constructor: unknown; read(): Promise<unknown> }
    expect(backend.constructor).not.toBe(Object)
    expect(await backend.read()).toBeUndefined()
  })

  it.each([
    ['MAINTENANCE_MODE_IGNORE_REQUEST', `${file}#letOut`, 'the file has no export "letOut"'],
    ['MAINTENANCE_MODE_IGNORE_REQUEST', './none.js#letIn', "Cannot find module '"],
    ['MAINTENANCE_MODE_IGNORE_REQUEST', 'letIn', 'write a function, or ./file.js#exportName'],
    ['MAINTENANCE_MODE_IGNORE_URLS', '["/a"', 'write a list of strings or regular expressions'],
    ['MAINTENANCE_MODE_ROUTES', '/beta', 'write an object of patterns'],
    ['MAINTENANCE_MODE_IGNORE_STAFF', 'False!', 'is the string "False!": write true or false'],
    ['MAINTENANCE_MODE_IGNORE_STAFF', 'constructor', 'write true or false'],
    ['MAINTENANCE_MODE_TRUST_PROXY', 'true', 'write the number of proxies in front (1)'],
    ['MAINTENANCE_MODE_STATUS_CODE', '5o3', 'is the string "5o3": write a status'],
    ['MAINTENANCE_MODE', 'maybe', "write 'off', 'on', 'read-only' or 'hold'"],
    ['MAINTENANCE_MODE_SCOPES', '{"billing":["/billing"]}', 'write an object of parts by name'],
    ['MAINTENANCE_MODE_TIMEZONE', 'Mars/Olympus', 'The time zone "Mars/Olympus" is unknown'],
  ])('that cannot be meant stops the start: %s=%s', (variable, text, say) => {
    const message = refusalOf(() => resolveSettings({}, { [variable]: text }))
    expect(message).toContain(variable)
    expect(message).toContain(say)
    expect(message).not.toContain('\n')
  })
})

describe('precedence', () => {
  it('is the environment, then the option, then the default', () => {
    expect(resolveSettings({}, {}).settings.statusCode).toBe(503)
    expect(resolveSettings({ statusCode: 500 }, {}).settings.statusCode).toBe(500)
    expect(read('statusCode', '418', { statusCode: 500 })).toBe(418)
  })

  it('of null and undefined is none: the default counts', () => {
    const { settings } = resolveSettings({ statusCode: undefined, ignoreUrls: null as never }, {})
    expect([settings.statusCode, settings.ignoreUrls]).toEqual([503, []])
  })

  it('leaves a backend object as it is, methods of its class included', () => {
    const stateBackend = defineConfig({ stateBackend: memoryBackend() }).stateBackend
    expect(resolveSettings({ stateBackend }, {}).settings.stateBackend).toBe(stateBackend)
  })
})

describe('a variable that no setting reads', () => {
  it('is told with the nearest name, and stops nothing', () => {
    const environment = { MAINTENANCE_MODE_IGNORE_URL: '/a', MAINTENANCE_MODE_PORTAL: '1', MAINTENANCE_MODES: 'x' }
    const { unknownVariables } = resolveSettings({}, environment)
    expect(unknownVariables[0]).toEqual({
      variable: 'MAINTENANCE_MODE_IGNORE_URL',
      nearest: 'MAINTENANCE_MODE_IGNORE_URLS',
    })
    expect(unknownVariables.map(({ variable }) => variable)).toContain('MAINTENANCE_MODE_PORTAL')
    expect(unknownVariables).toHaveLength(2)
  })

  it('is of no interest where Kubernetes has put it there', () => {
    const environment = {
      MAINTENANCE_MODE_SERVICE_HOST: '10.0.0.1',
      MAINTENANCE_MODE_SERVICE_PORT: '80',
      MAINTENANCE_MODE_SERVICE_PORT_HTTP: '80',
      MAINTENANCE_MODE_PORT: 'tcp://10.0.0.1:80',
      MAINTENANCE_MODE_PORT_80_TCP: 'tcp://10.0.0.1:80',
      MAINTENANCE_MODE_PORT_80_TCP_ADDR: '10.0.0.1',
    }
    expect(resolveSettings({}, environment).unknownVariables).toEqual([])
  })
})

describe('start-up warnings', () => {
  const warningsOf = (options: MaintenanceOptions, environment: Record<string, string> = {}) => {
    const said: string[] = []
    createMaintenance({ logger: { warn: (message) => said.push(message), error() {} }, ...options }, { environment })
    return said.map((message) => /\[([a-z-]+), see/.exec(message)?.[1])
  }

  it.each<[string, MaintenanceOptions, Record<string, string>]>([
    ['pinned-mode', { mode: false }, {}],
    ['memory-backend', { stateBackend: 'memory:' }, {}],
    ['state-backend-in-code', { stateBackend: { ...memoryBackend(), address: 'mine:' } }, {}],
    ['unknown-variable', {}, { MAINTENANCE_MODE_IGNORE_URL: '/a' }],
    ['no-login-url', { ignoreStaff: true }, {}],
    ['status-code', { statusCode: 200 }, {}],
  ])('%s, once, unless it is silenced', (name, options, environment) => {
    expect(warningsOf(options, environment)).toEqual([name])
    expect(warningsOf({ ...options, silence: [name] }, environment)).toEqual([])
  })

  it('are none for settings that surprise nobody', () => {
    expect(warningsOf({ ignoreStaff: true, loginUrls: ['/login'] })).toEqual([])
    expect(warningsOf(defineConfig({ stateBackend: { ...memoryBackend(), address: 'mine:' } }))).toEqual([])
  })

  it('break nothing where the logger is broken', () => {
    const logger = {
      warn() {
        throw new Error('closed')
      },
      error() {},
    }
    expect(() => createMaintenance({ mode: 'on', logger }, { environment: {} })).not.toThrow()
  })
})
