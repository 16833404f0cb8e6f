import { join } from 'node:path'
import { createMaintenance, type MaintenanceOptions } from 'maintenance-mode'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { fileBackend } from '../../src/backends/file.js'
import { type InstanceRecord, toPresence } from '../../src/fleet/instance.js'
import { version } from '../../src/version.js'
import { ready } from '../fleet/presence.js'
import { ask, fromNow, project, stateFile, storedIn, type } from './fixtures/cli.js'

const scopes = { billing: { urls: ['/billing/**'] }, shop: { hosts: ['shop.example.com'] } }
const config = { 'maintenance-mode.config.json': { scopes } }
const tenantFiles = {
  'tenants.mjs': `const names = new Set(['acme', 'globex'])
export const tenants = { of: (request) => request.header('x-tenant'), has: (name) => names.has(name) }`,
  'maintenance-mode.config.json': { scopes, tenants: './tenants.mjs#tenants' },
}

/** The app of a folder, which knows these settings from its code. */
async function app(folder: string, options: MaintenanceOptions = {}) {
  const settings = { stateFilePath: join(folder, stateFile), instanceId: 'web-1', ...options }
  const maintenance = createMaintenance(settings, { environment: {} })
  onTestFinished(() => maintenance.close())
  maintenance.start()
  const { presence } = fileBackend({ path: join(folder, stateFile) })
  await vi.waitFor(async () => expect(await presence?.list()).toHaveLength(1), 15_000)
  return maintenance
}

/** An instance in the list of those that decide. */
async function announce(folder: string, told: Partial<InstanceRecord>): Promise<void> {
  const { presence } = fileBackend({ path: join(folder, stateFile) })
  await presence?.announce(toPresence({ ...ready, version, id: 'web-1', ...told }), 120_000)
}

describe('a part of the site', () => {
  it('is closed, extended and opened by its name, and nothing else is', async () => {
    const folder = project(config)
    const opened = type(folder, 'on --scope billing --mode read-only --expected-end 2999-01-01')
    expect(opened.output).toMatch(
      /^Maintenance mode of "billing" is READ-ONLY since .*window +manual, .*scope "billing"/s,
    )
    expect(opened.output).toContain('To end it: maintenance-mode off --scope billing\n')
    const maintenance = await app(folder, { scopes })
    expect([await maintenance.getMode(), await maintenance.getMode('billing')]).toEqual(['off', 'read-only'])
    expect(type(folder, 'extend 5m --scope billing').output).toMatch(
      /^Window "manual" in scope "billing" is now expected/,
    )
    expect(type(folder, 'extend 5m')).toMatchObject({
      code: 1,
      errors: expect.stringContaining('no window "manual" to extend. There is "manual" in scope "billing".'),
    })
    expect(type(folder, 'off --id manual')).toMatchObject({
      code: 1,
      errors: expect.stringContaining('There is "manual" in scope "billing".'),
    })
    expect(type(folder, 'off')).toMatchObject({
      code: 0,
      output: expect.stringMatching(
        /already off\n.*still +"billing" is READ-ONLY: maintenance-mode off --scope billing reopens/s,
      ),
    })
    expect(type(folder, 'off --scope billing').output).toMatch(
      /^Maintenance mode of "billing" is OFF\n +closed +window/,
    )
  })

  it('is planned, and what is planned is listed with it', () => {
    const folder = project(config)
    const line = `schedule add --start ${fromNow(3_600_000)} --for 1h --scope billing`
    expect(type(folder, line).output).toMatch(/^Window "plan-1" in scope "billing" is planned from/)
    expect(type(folder, `schedule add --start ${fromNow(3_600_000)} --for 1h --scope shop`).output).not.toContain(
      'overlaps',
    )
    expect(type(folder, 'schedule list').output).toContain('plan-1 (scope "billing")')
    expect(type(folder, 'schedule remove plan-1').errors).toContain('There is "plan-1" in scope "billing"')
    expect(type(folder, 'schedule remove plan-1 --scope billing').code).toBe(0)
  })

  it('that is not as the site is stands in the status, and counts for --exit-code', () => {
    const folder = project(config)
    expect(type(folder, 'status --exit-code').code).toBe(0)
    type(folder, 'on --scope billing --reason Cards')
    const { code, output } = type(folder, 'status --exit-code')
    expect(code).toBe(10)
    expect(output).toMatch(
      /^Maintenance mode is OFF; ON for "billing"\n +scope +"billing" is ON since .*\n +window +manual/,
    )
    expect(output).toMatch(/reason +Cards/)
    expect(output).not.toContain('unknown')
    expect(ask(folder, 'status')).toMatchObject({
      mode: 'off',
      windows: [],
      suspended: [],
      scopes: [{ scope: 'billing', mode: 'on', reason: 'Cards', windows: [{ scope: 'billing' }] }],
    })
  })

  it('stays closed with the whole site, and `off` for it alone says what to do', () => {
    const folder = project(config)
    type(folder, 'on')
    expect(type(folder, 'off --scope billing')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^Maintenance mode of "billing" is still ON/),
      errors: expect.stringMatching(/^"billing" is still closed by "manual" .*: maintenance-mode off closes it/),
    })
  })
})

describe('a name that is none', () => {
  it.each([
    'on',
    'off',
    'extend 5m',
    'schedule add --start 2999-01-01 --for 1h',
    'schedule remove x',
    'schedule skip x 2999-01-01',
  ])('is an error of `%s` with the nearest name, and changes nothing', (line) => {
    const folder = project(config)
    type(folder, 'on')
    const { code, errors } = type(folder, `${line} --scope biling`)
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining('Did you mean `billing`?') })
    expect(storedIn(folder)).toMatchObject({ revision: 1, windows: [{ scope: '*' }] })
  })

  it.each(['on', 'off', 'extend 5m'])(
    'is one where no scope is defined at all: `%s` must not touch the whole site',
    (line) => {
      const folder = project()
      type(folder, 'on')
      const { code, errors } = type(folder, `${line} --scope billing`)
      expect(code).toBe(1)
      expect(errors).toContain('There is no scope "billing". No part is defined')
      expect(errors).toContain('name it in the config file that this command reads, or give --via')
      expect(storedIn(folder)).toMatchObject({ revision: 1 })
    },
  )

  it.each(['bill', 'billing.cards', 'Billing', 'bil*'])(
    'is never taken for the beginning or a spelling of one: %s',
    (name) => {
      expect(type(project(config), `on --scope ${name}`).code).toBe(1)
    },
  )
})

describe('what only the code of the app knows', () => {
  it('is announced by its instances', async () => {
    const folder = project()
    await app(folder, { scopes })
    expect(type(folder, 'on --scope billing').code).toBe(0)
    expect(type(folder, 'on --scope biling').errors).toContain('Did you mean `billing`?')
  })

  it('counts while an instance is there that has it', async () => {
    const folder = project()
    await announce(folder, { scopes: ['kiosk'] })
    expect(type(folder, 'on --scope kiosk').code).toBe(0)
    expect(type(folder, 'on --scope billing').code).toBe(1)
  })

  it('tenants: their names are in no list, and what to do is said', async () => {
    const folder = project()
    await app(folder, { scopes, tenants: { of: () => 'acme', has: (name) => name === 'acme' } })
    expect(type(folder, 'on --scope billing').code).toBe(0)
    const { code, errors } = type(folder, 'on --scope acme')
    expect(code).toBe(1)
    expect(errors).toContain('Whether a tenant is called so cannot be told here')
    expect(errors).toContain('Put the setting `tenants` into the config file that this command reads, or give --via')
  })

  it('tenants of a config file are known by name', () => {
    const folder = project(tenantFiles)
    expect(type(folder, 'on --scope acme').output).toMatch(/^Maintenance mode of "acme" is ON/)
    const { code, errors } = type(folder, 'on --scope acm')
    expect(code).toBe(1)
    expect(errors).toContain('no tenant is called so')
    expect(errors).not.toMatch(/acme|globex/)
  })

  it('tenants whose function fails are an error that says so', () => {
    const folder = project({
      ...tenantFiles,
      'tenants.mjs': `export const tenants = { of() {}, has() { throw new Error('no database') } }`,
    })
    const { code, errors } = type(folder, 'on --scope acme')
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining('`tenants.has` failed: no database') })
    expect(type(folder, 'on --scope billing').code).toBe(0)
    expect(type(folder, 'status').code).toBe(0)
  })
})

describe('a scope that is no longer defined', () => {
  it('is told of, can be closed, and nothing more is opened in it', async () => {
    const folder = project(config)
    type(folder, 'on --scope billing')
    const later = project({ [stateFile]: JSON.stringify(storedIn(folder)) })
    await announce(later, { scopes: ['shop'] })
    expect(type(later, 'status').output).toMatch(/unknown +no setting defines "billing", so its windows close nothing/)
    expect(ask(later, 'status')).toMatchObject({ scopes: [{ scope: 'billing', defined: false }] })
    expect(type(later, 'on --scope billing --id other').code).toBe(1)
    expect(type(later, 'extend 5m --scope billing').code).toBe(0)
    expect(type(later, 'off --scope billing').code).toBe(0)
    expect(storedIn(later).windows).toEqual([])
  })
})
