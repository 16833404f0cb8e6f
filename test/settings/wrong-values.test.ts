import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createMaintenance, SettingError } from '../../src/index.js'
import { settingsTable } from '../../src/settings/table.js'

const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-settings-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const brokenTemplate = join(folder, 'broken.html')
writeFileSync(brokenTemplate, '{% if maintenance_mode %}never closed')

const circular: Record<string, unknown> = { password: 'hunter2hunter2hunter2' }
circular.self = circular

const flag: [unknown, string][] = [
  ['False', 'write false, without quotes'],
  ['yes', 'write true, without quotes'],
  ['maybe', 'write true or false'],
  [1, 'write true or false'],
  [[], 'write true or false'],
]
const callback: [unknown, string][] = [
  [true, 'write a function, or ./file.js#exportName'],
  ['myFunction', 'write a function, or ./file.js#exportName'],
  [`${folder}/none.js#found`, 'Cannot find module'],
]
const length: [unknown, string][] = [
  ['soon', 'The duration "soon" cannot be read'],
  ['-5s', 'a duration cannot be negative'],
  ['1month', 'have no fixed length'],
  [0, 'write a duration'],
  [Number.NaN, 'is NaN: write a duration'],
  [true, "write a duration such as '90s'"],
  [['5s'], 'write a duration'],
]
const list: [unknown, string][] = [
  ['/a/**', `write a list: ['/a/**']`],
  [[5], 'write a list of strings or regular expressions'],
  [[''], 'write a list of strings or regular expressions'],
  [{}, 'write a list of strings or regular expressions'],
]
const urls: [unknown, string][] = [
  ...list,
  [['healthz'], 'has no leading slash: write "/healthz"'],
  [['^/(a'], 'is no regular expression'],
  [['https://example.com/a'], 'is a full URL'],
  [['get /a'], 'no HTTP method in capitals'],
]
const mode: [unknown, string][] = [
  ['False', 'write false, without quotes'],
  ['maybe', "write 'off', 'on', 'read-only' or 'hold'"],
  [0, "write 'off', 'on', 'read-only' or 'hold'"],
  ['readonly', "write 'off', 'on', 'read-only' or 'hold'"],
]
const statusCode: [unknown, string][] = [
  ['503', 'write a status with a body, from 200 to 599'],
  [99, 'write a status'],
  [600, 'write a status'],
  [204, 'write a status with a body'],
  [503.5, 'write a status'],
]
const text: [unknown, string][] = [
  ['', 'write a string that is not empty'],
  [5, 'write a string that is not empty'],
]

/** Every setting, with what cannot be meant, and what is said of it. */
const wrong: Record<string, [unknown, string][]> = {
  mode,
  stateBackend: [
    ['', 'write a URL'],
    [7, 'write a URL such as'],
    ['./state.json', 'has no scheme'],
    ['oracle://user:hunter2hunter2@db', 'has the scheme "oracle:", which no backend serves'],
    ['redis://user:hunter2hunter2@db?key=no/slash', 'must be 1 to 64 letters, digits'],
    [{ url: 'redis://user:hunter2hunter2@db' }, 'or a backend object'],
    [{ read() {}, write() {} }, 'or a backend object'],
    [circular, 'or a backend object'],
  ],
  stateBackendFallbackValue: mode,
  stateFilePath: text,
  pollInterval: length,
  firstReadTimeout: length,
  leaseTtl: length,
  maxAge: length,
  localCopyPath: [
    ['', 'write the path of a folder, or false'],
    [true, 'write the path of a folder, or false'],
  ],
  instanceId: [
    ['', 'write a name of 1 to 100 letters'],
    ['web 1', 'write a name of 1 to 100 letters'],
  ],
  ignoreAdminSite: flag,
  adminSiteUrls: urls,
  ignoreAnonymousUser: flag,
  ignoreAuthenticatedUser: flag,
  ignoreStaff: flag,
  ignoreSuperuser: flag,
  getAuthenticatedUser: callback,
  logoutAuthenticatedUser: flag,
  logoutStaffUser: flag,
  logoutSuperuser: flag,
  ignoreIpAddresses: [
    ...list,
    [['010.0.0.1'], '010.0.0.1'],
    [['127.1'], '127.1'],
    [['300.1.1.1'], '300.1.1.1'],
    [['10.0.0.0/33'], '10.0.0.0/33'],
    [['10.0.0.1/8'], '10.0.0.0/8'],
    [['localhost'], 'localhost'],
    [['^(10'], '^(10'],
  ],
  getClientIpAddress: callback,
  trustProxy: [
    [true, 'write the number of proxies in front (1)'],
    ['loopback', `write a list: ['loopback']`],
    [-1, 'write the number of proxies'],
    [1.5, 'write the number of proxies'],
    [['127.1'], '127.1'],
    [['loopbakc'], 'is no address'],
  ],
  ignoreUrls: urls,
  ignoreRequest: callback,
  ignoreTests: flag,
  healthUrls: urls,
  loginUrls: urls,
  routes: [
    [{ '/a': true }, 'write an object of patterns'],
    [{ '/a': 'read-only' }, 'write an object of patterns'],
    [['/a'], 'write an object of patterns'],
    [[], 'write an object of patterns'],
    [new Map([['/a', 'on']]), 'write an object of patterns'],
    [{ a: 'on' }, 'has no leading slash'],
  ],
  redirectUrl: [
    ['maintenance', "write a path such as '/maintenance' or an absolute http(s) address"],
    ['//evil.example', 'write a path'],
    ['/\\evil.example', 'write a path'],
    ['ftp://example.com', 'write a path'],
    ['https://', 'write a path'],
    ['/a b', 'write a path'],
    ['/a\r\nSet-Cookie: x=1', 'write a path'],
    [true, 'write a path'],
  ],
  siteUrl: [
    ['example.com', "write the site's own address"],
    ['https://[', "write the site's own address"],
    [5, "write the site's own address"],
  ],
  responseType: [
    ['JSON', "write 'auto', 'html', 'json', or a function of the request"],
    [5, "write 'auto', 'html', 'json', or a function of the request"],
  ],
  template: [
    ['', 'write the path of a template file'],
    [5, 'write the path of a template file'],
    [join(folder, 'none.html'), `${join(folder, 'none.html')} cannot be read: ENOENT`],
    [folder, 'cannot be read: EISDIR'],
    ['<p>{% if maintenance_mode %}', 'cannot be understood: tag {% if maintenance_mode %} not closed'],
    ['{{ reason | shout }} {% nonsense %}', 'cannot be understood: tag "nonsense" not found'],
    [brokenTemplate, 'cannot be understood'],
  ],
  getContext: callback,
  statusCode,
  readOnlyStatusCode: statusCode,
  writableUrls: urls,
  writingUrls: urls,
  holdTimeout: length,
  holdLimit: [
    [0, 'write a whole number, at least 1'],
    [1.5, 'write a whole number, at least 1'],
    ['10', 'write a whole number, at least 1'],
  ],
  drainTimeout: length,
  drainStreams: [
    ['End', "write 'leave' or 'end'"],
    [true, "write 'leave' or 'end'"],
  ],
  scopes: [
    ['billing', 'write an object of parts by name'],
    [['billing'], 'write an object of parts by name'],
    [new Map([['billing', { urls: ['/a'] }]]), 'write an object of parts by name'],
    [{ '*': { urls: ['/a'] } }, 'write an object of parts by name'],
    [{ 'my part': { urls: ['/a'] } }, 'write an object of parts by name'],
    [{ billing: {} }, 'write an object of parts by name'],
    [{ billing: ['/billing'] }, 'write an object of parts by name'],
    [{ billing: { urls: '/billing' } }, 'write an object of parts by name'],
    [{ billing: { paths: ['/billing'] } }, 'write an object of parts by name'],
    [{ billing: { urls: ['billing'] } }, 'has no leading slash: write "/billing"'],
    [{ billing: { hosts: ['https://pay.example.com'] } }, 'write an object of parts by name'],
    [{ billing: { hosts: ['pay.example.com:443'] } }, 'has a port'],
  ],
  tenants: [
    [() => 'acme', 'write an object with of(request), the name of its tenant, and has(name)'],
    [{ of: () => 'acme' }, 'write an object with of(request)'],
    [['acme'], 'write an object with of(request)'],
    [`${folder}/none.js#tenants`, 'Cannot find module'],
  ],
  retryAfter: [
    ['soon', 'The duration "soon" cannot be read'],
    [-1, 'a duration cannot be negative'],
    [true, 'or false for no header'],
  ],
  reply: callback,
  controlUrl: [
    ['/', "write a path below the root, such as '/maintenance-mode'"],
    ['maintenance', 'write a path below the root'],
    ['/maintenance/', 'write a path below the root'],
    ['/**', 'write a path below the root'],
    ['/a/..', 'write a path below the root'],
    ['/a?b', 'write a path below the root'],
    [5, 'write a path below the root'],
  ],
  adminToken: [
    ['hunter2', 'write a secret of at least 16 characters'],
    [1234567890123456, 'write a secret of at least 16 characters'],
  ],
  notify: [
    ['hooks.example.com/x', 'write the URL of a webhook'],
    ['ftp://hooks.example.com', 'write the URL of a webhook'],
    [{ url: 'https://hooks.example.com', secret: 'hunter2' }, 'write the URL of a webhook'],
    [[5], 'write the URL of a webhook'],
  ],
  timezone: [
    ['Europe/Rom', 'The time zone "Europe/Rom" is unknown'],
    ['IST', 'is unknown'],
    ['+01:00', 'is unknown'],
    [1, 'write an IANA time zone'],
  ],
  logger: [
    ['console', 'write an object with warn and error'],
    [{ warn() {} }, 'write an object with warn and error'],
    [circular, 'write an object with warn and error'],
  ],
  silence: [
    ['pinned-mode', `write a list: ['pinned-mode']`],
    [['pined-mode'], 'there is no warning "pined-mode". Did you mean `pinned-mode`?'],
    [[5], 'write a list of names of warnings'],
  ],
}

const quiet = { stateBackend: 'memory:', logger: { warn() {}, error() {} } }

function refusalOf(options: object): SettingError {
  try {
    createMaintenance({ ...quiet, ...options }, { environment: {} })
  } catch (error) {
    if (error instanceof SettingError) return error
    throw error
  }
  throw new Error(`Nothing was wrong with ${Object.keys(options)}.`)
}

describe('a value that cannot be meant stops the start', () => {
  it('has a case for every setting', () => {
    expect(Object.keys(wrong).sort()).toEqual(settingsTable.map(({ name }) => name).sort())
  })

  const cases = Object.entries(wrong).flatMap(([name, values]) => values.map(([value, say]) => ({ name, value, say })))
  it.each(cases)('$name: $value', ({ name, value, say }) => {
    const { message, setting } = refusalOf({ [name]: value })
    expect(setting).toBe(name)
    expect(message).toContain(`\`${name}\``)
    expect(message).toContain(say)
    expect(message).not.toMatch(/hunter2|\n|undefined|\[object/)
    expect(message.length).toBeLessThan(500)
  })
})

describe('an option that is none stops the start', () => {
  it.each([
    ['ignoreUrl', 'Unknown option `ignoreUrl`. Did you mean `ignoreUrls`?'],
    ['ignore_urls', 'Did you mean `ignoreUrls`?'],
    ['REDIRECTURL', 'Did you mean `redirectUrl`?'],
    ['stateFileName', 'Did you mean `stateFilePath`?'],
    ['frobnicate', 'Unknown option `frobnicate`. The settings are listed in docs/settings.md.'],
  ])('%s', (name, say) => {
    expect(refusalOf({ [name]: true }).message).toContain(say)
  })

  it.each([null, 'on', 5])('options that are %j', (options: unknown) => {
    expect(() => createMaintenance(options as object, { environment: {} })).toThrow('The options must be an object')
  })
})

describe('settings that contradict each other stop the start', () => {
  it.each([
    [{ redirectUrl: '/closed', responseType: 'json' }, 'redirectUrl', 'take one of the two away'],
    [{ controlUrl: '/up' }, 'controlUrl', 'one path cannot answer both'],
    [{ redirectUrl: '/closed', routes: { '/closed': 'on' } }, 'redirectUrl', '`routes` forces on ("/closed")'],
    [{ redirectUrl: '/CLOSED?x=1', routes: { '/**': 'on' } }, 'redirectUrl', 'nobody would see it'],
    [
      { redirectUrl: 'https://a.example/x', siteUrl: 'https://a.example', routes: { 'a.example/**': 'on' } },
      'redirectUrl',
      'redirect elsewhere',
    ],
  ])('%o', (options, name, say) => {
    const { setting, message } = refusalOf(options)
    expect(setting).toBe(name)
    expect(message).toContain(say)
  })

  it.each([
    { redirectUrl: '/closed', routes: { '/**': 'on', '/closed': 'off' } },
    { redirectUrl: 'https://status.example/', routes: { '/**': 'on' } },
    { redirectUrl: '/closed', responseType: 'html' },
  ] as const)('but not %o', (options) => {
    expect(() => createMaintenance({ ...quiet, ...options }, { environment: {} })).not.toThrow()
  })
})
