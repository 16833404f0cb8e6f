import { describe, expect, it } from 'vitest'
import type { Decision } from '../../src/decision/decision.js'
import type { MaintenanceOptions } from '../../src/index.js'
import type { Mode } from '../../src/state/window.js'
import { type DecidingRequest, deciding } from './deciding.js'

interface Case {
  rule: Decision['rule']
  personal: boolean
  options?: MaintenanceOptions
  request?: DecidingRequest
  mode?: Mode
  testRunner?: string
}

const url = '/place'
const everything = { isAuthenticated: true, isStaff: true, isSuperuser: true }

/** In the order of the design: what makes each rule decide about one and the same path. */
const order: Case[] = [
  { rule: 'forced-off', personal: false, request: { forced: 'off' } },
  { rule: 'forced-on', personal: false, request: { forced: 'on' } },
  { rule: 'mode-off', personal: false, mode: 'off' },
  { rule: 'control', personal: false, options: { controlUrl: url } },
  { rule: 'health', personal: false, options: { healthUrls: [`${url}/**`] } },
  { rule: 'tests', personal: false, options: { ignoreTests: true }, testRunner: 'vitest' },
  { rule: 'ip-address', personal: true, options: { ignoreIpAddresses: ['10.0.0.0/8'] }, request: { ip: '10.1.2.3' } },
  { rule: 'url', personal: false, options: { ignoreUrls: [url] } },
  { rule: 'admin-site', personal: false, options: { ignoreAdminSite: true, adminSiteUrls: [url] } },
  { rule: 'login', personal: false, options: { loginUrls: [url] } },
  { rule: 'redirect-target', personal: false, options: { redirectUrl: url } },
  { rule: 'ignore-request', personal: true, options: { ignoreRequest: () => true } },
  { rule: 'anonymous-user', personal: true, options: { ignoreAnonymousUser: true }, request: { user: null } },
  {
    rule: 'authenticated-user',
    personal: true,
    options: { ignoreAuthenticatedUser: true },
    request: { user: everything },
  },
  { rule: 'staff', personal: true, options: { ignoreStaff: true }, request: { user: everything } },
  { rule: 'superuser', personal: true, options: { ignoreSuperuser: true }, request: { user: everything } },
  { rule: 'closed', personal: false },
]

function decideTogether(...cases: Case[]): Promise<Decision> {
  const options = Object.assign({}, ...cases.map((each) => each.options))
  const request = Object.assign({ url }, ...cases.map((each) => each.request))
  const mode = cases.find((each) => each.mode)?.mode
  return deciding(options, cases.find((each) => each.testRunner)?.testRunner).decide(request, mode)
}

describe('each rule decides alone', () => {
  it.each(order)('$rule', async (each) => {
    const { rule, personal, action, mode, publicReason, window } = await decideTogether(each)
    expect({ rule, personal }).toEqual({ rule: each.rule, personal: each.personal })
    expect(action).toBe(rule === 'closed' || rule === 'forced-on' ? 'block' : 'allow')
    expect(mode).toBe(each.mode ?? 'on')
    const told = rule === 'forced-on' || mode === 'off' ? [undefined, undefined] : ['Moving', 'manual']
    expect([publicReason, window]).toEqual(told)
  })
})

describe('each rule beats those after it', () => {
  // Nobody is anonymous and signed in, no handler is forced both ways.
  const possible = ({ request: a = {} }: Case, { request: b = {} }: Case) =>
    (['user', 'forced'] as const).every((fact) => !(fact in a && fact in b) || a[fact] === b[fact])
  const pairs = order.flatMap((first, place) =>
    order
      .slice(place + 1)
      .filter((second) => possible(first, second))
      .map((second) => ({ first: first.rule, second: second.rule, cases: [first, second] })),
  )
  it.each(pairs)('$first before $second', async ({ first, cases }) => {
    expect((await decideTogether(...cases)).rule).toBe(first)
  })

  it('all at once: the first', async () => {
    const all = order.filter(({ rule }) => rule !== 'anonymous-user' && rule !== 'forced-on')
    expect((await decideTogether(...all)).rule).toBe('forced-off')
  })
})

describe('forced routes', () => {
  it('are closed whatever would let a request through, and whatever the mode is', async () => {
    const { rule } = deciding({
      routes: { '/beta/**': 'on' },
      ignoreUrls: ['/**'],
      healthUrls: ['/beta/health'],
      ignoreRequest: () => true,
      ignoreAuthenticatedUser: true,
    })
    for (const mode of ['off', 'on', 'hold'] as const) {
      expect(await rule({ url: '/beta/health', user: everything }, mode)).toBe('forced-on')
      expect(await rule({ url: '/', user: everything }, mode)).not.toBe('forced-on')
    }
  })

  it.each([
    '/beta',
    '/beta/',
    '//beta',
    '/BETA/x',
    '/%62eta/x',
    '/x/../beta/x',
    '/x/%2e%2e/beta',
    '/./beta',
    '/beta;v=1/x',
    '/beta\\x',
    '/beta%2fx',
    '/beta/%252e%252e/x',
    '/beta?x=1',
  ])('stay closed in odd spellings: %s', async (spelt) => {
    const { rule } = deciding({ routes: { '/beta/**': 'on', '/open': 'off' }, ignoreUrls: ['/**'] })
    expect(await rule({ url: spelt }, 'off')).toBe('forced-on')
  })

  it('off are open in their own spelling alone', async () => {
    const { rule } = deciding({ routes: { '/webhooks/**': 'off' } })
    expect(await rule({ url: '/webhooks/pay', method: 'POST' })).toBe('forced-off')
    for (const odd of [
      '/admin/..%2fwebhooks/pay',
      '/webhooks/%2e%2e/admin',
      '/webhooks;/../admin',
      '/webhooks\\..\\admin',
    ]) {
      expect(await rule({ url: odd })).toBe('closed')
    }
  })

  it('off beats on where both are said', async () => {
    const { rule } = deciding({ routes: { '/api/**': 'on', '/api/open': 'off' } })
    expect([await rule({ url: '/api/open' }), await rule({ url: '/api/shut' })]).toEqual(['forced-off', 'forced-on'])
    expect(await rule({ url: '/api/shut', forced: 'off' })).toBe('forced-off')
    expect(await rule({ url: '/', forced: 'on' }, 'off')).toBe('forced-on')
  })
})

describe('paths that are open', () => {
  it('for health are so for GET and HEAD alone', async () => {
    const { rule } = deciding()
    const rules = ['GET', 'HEAD', 'POST', 'OPTIONS'].map((method) => rule({ url: '/healthz', method }))
    expect(await Promise.all(rules)).toEqual(['health', 'health', 'closed', 'closed'])
    expect([await rule({ url: '/up/' }), await rule({ url: '/up/x' })]).toEqual(['health', 'closed'])
  })

  it('for control are those below it too, and none beside it', async () => {
    const { rule } = deciding({ controlUrl: '/ops/mm' })
    const urls = ['/ops/mm', '/ops/mm/on', '/ops/mmm', '/ops', '/maintenance-mode']
    expect(await Promise.all(urls.map((at) => rule({ url: at })))).toEqual([
      'control',
      'control',
      'closed',
      'closed',
      'closed',
    ])
  })

  it('for the log-in take every method', async () => {
    const { rule } = deciding({ loginUrls: ['/login/**'] })
    expect(await rule({ url: '/login/code', method: 'POST' })).toBe('login')
  })

  it('for the admin are open only if that is wanted', async () => {
    expect(await deciding().rule({ url: '/admin' })).toBe('closed')
    expect(await deciding({ ignoreAdminSite: true }).rule({ url: '/admin/users' })).toBe('admin-site')
  })

  it('say which pattern it was', async () => {
    const { reason } = await deciding({ ignoreUrls: ['/a', 'GET /b/**'] }).decide({ url: '/b/c' })
    expect(reason).toBe('ignoreUrls has GET /b/**')
  })
})

describe('ignoreTests', () => {
  it('opens while a test runner runs, and only then', async () => {
    expect(await deciding({ ignoreTests: true }, 'mocha').rule()).toBe('tests')
    expect(await deciding({ ignoreTests: true }).rule()).toBe('closed')
    expect(await deciding({}, 'mocha').rule()).toBe('closed')
  })
})

describe('ignoreRequest', () => {
  it.each<[string, () => unknown, string]>([
    ['true', () => true, 'ignore-request'],
    ['true later', async () => true, 'ignore-request'],
    ['what is merely truthy', () => 'yes', 'closed'],
    ['false', () => false, 'closed'],
    ['nothing', async () => undefined, 'closed'],
    ['an error', () => JSON.parse('{'), 'closed'],
    ['an error later', async () => Promise.reject(new Error('no')), 'closed'],
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library, and a bad one.
    ['a thenable that throws', () => ({ then: () => JSON.parse('{') }), 'closed'],
  ])('that says %s', async (_what, ignoreRequest, rule) => {
    const it = deciding({ ignoreRequest: ignoreRequest as () => boolean })
    expect([await it.rule(), await it.rule()]).toEqual([rule, rule])
    expect(it.said.length).toBe(/error|throws/.test(_what) ? 1 : 0)
  })

  it('that never answers is waited for one second, and has no opinion', async () => {
    const { rule, clock, said } = deciding({ ignoreRequest: () => new Promise(() => {}) })
    const answer = rule()
    await clock.advance(1000)
    expect(await answer).toBe('closed')
    expect(said).toEqual([expect.stringContaining('ignoreRequest gave no answer within 1000 ms')])
  })

  it('that says no late has said no, and nothing is left behind', async () => {
    const { rule, clock } = deciding({ ignoreRequest: async () => false })
    expect([await rule(), clock.timers]).toEqual(['closed', 0])
  })
})

describe('what is handed out for many requests', () => {
  it('is one object that nobody can change', async () => {
    const { decide } = deciding({ routes: { '/beta': 'on' } })
    for (const url of ['/', '/beta']) {
      const decision = await decide({ url })
      expect(Object.isFrozen(decision)).toBe(true)
      expect(Reflect.set(decision, 'action', 'allow')).toBe(false)
    }
  })
})
