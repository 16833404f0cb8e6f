import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { maintenanceControls, withMaintenanceMode } from 'maintenance-mode/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listen, stop } from '../admin/site.js'
import { type Ended, environment, main, project } from './fixtures/cli.js'

const adminToken = 'the secret of the site'
const variable = { MAINTENANCE_MODE_ADMIN_TOKEN: adminToken }

interface Site {
  maintenance: Maintenance
  base: string
  url: string
  close(): Promise<void>
}

let site: Site
let folder: string

/** A site of one instance, called `web-1`, whose state nothing but it can reach. */
async function openSite(options: MaintenanceOptions = {}): Promise<Site> {
  const silence = ['memory-backend', 'state-backend-in-code', 'pinned-mode']
  const maintenance = createMaintenance(
    { stateBackend: memoryBackend(), adminToken, instanceId: 'web-1', silence, ...options },
    { environment: {} },
  )
  const controls = maintenanceControls(maintenance)
  const server = createServer(
    withMaintenanceMode(maintenance, (req, res) => controls(req, res, () => res.end('the site'))),
  )
  const base = await listen(server)
  return {
    maintenance,
    base,
    url: `${base}/maintenance-mode`,
    async close() {
      await maintenance.close()
      await stop(server)
    },
  }
}

beforeEach(async () => {
  site = await openSite()
  folder = project()
})

afterEach(() => site.close())

async function pin(mode: 'on' | 'off'): Promise<void> {
  await site.close()
  site = await openSite({ mode })
}

/** The command with these words, while this process goes on to be the site. */
function run(words: readonly string[], variables: Record<string, string> = variable): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { ...environment, SUDO_USER: 'ann', ...variables } }
    const child = execFile(process.execPath, [main, ...words], options, (_error, output, errors) =>
      resolve({ code: child.exitCode, output, errors }),
    )
  })
}

const via = (line: string, variables?: Record<string, string>) =>
  run([...line.split(' '), '--via', site.url], variables)

async function viaJson(line: string, variables?: Record<string, string>): Promise<Record<string, unknown>> {
  return JSON.parse((await via(`${line} --json`, variables)).output) as Record<string, unknown>
}

const visit = async (): Promise<number> => (await fetch(site.base)).status

describe('a site is switched from afar', () => {
  it('closed, moved, looked at and opened, by nothing but its control URLs and a token', async () => {
    const secret = (await via('token create ci')).output.trim()
    const ci = { MAINTENANCE_MODE_ADMIN_TOKEN: secret }
    const state = `${site.url} → memory: (revision `

    const on = await via('on --for 30m', ci)
    expect({ code: on.code, errors: on.errors }).toEqual({ code: 0, errors: '' })
    expect(on.output).toMatch(/^Maintenance mode is ON since /)
    expect(on.output).toContain(`opened by token:ci from cli@`)
    expect(on.output).toContain(` via ${new URL(site.url).host}\n`)
    expect(on.output).toContain(`${state}2)`)
    expect(on.output).toContain(`To end it: maintenance-mode off --via ${site.url}\n`)
    expect(on.output).not.toContain(secret)
    expect(await visit()).toBe(503)

    const extended = await via('extend 15m', ci)
    expect(extended.output).toMatch(/Window "manual" now ends .* in 45 minutes\n/)
    expect(site.maintenance.status().windows).toMatchObject([{ by: 'token:ci' }])

    const status = await via('status --exit-code', ci)
    expect(status.code).toBe(10)
    expect(status.output).toContain(`${state}3)`)
    expect(status.output).toContain(`settings    those of the site at ${site.url}\n`)

    expect((await via('off', ci)).output).toMatch(/^Maintenance mode is OFF\n/)
    expect(await visit()).toBe(200)
    expect((await via('token revoke ci')).code).toBe(0)
    expect((await via('on', ci)).code).toBe(1)
    expect(await visit()).toBe(200)
    expect(readdirSync(folder)).toEqual(['package.json'])
  })

  it('and who decides by it is seen, and waited for', async () => {
    const on = await via('on --wait')
    expect({ code: on.code, output: on.output }).toEqual({
      code: 0,
      output: expect.stringMatching(/confirmed +by 1 instance, after /),
    })
    expect(await viaJson('fleet')).toMatchObject({
      instances: [{ id: 'web-1', revision: 1, mode: 'on' }],
      stateBackend: `${site.url} → memory:`,
    })
    expect(await via('off --wait --instances 2 --timeout 1s')).toMatchObject({ code: 3 })
    expect(await visit()).toBe(200)
  })

  it('in one line of JSON each, errors included', async () => {
    expect(await viaJson('on')).toMatchObject({ mode: 'on', revision: 1, window: { by: 'token' } })
    expect(await viaJson('status')).toMatchObject({ mode: 'on', stateBackend: `${site.url} → memory:` })
    expect(await viaJson('on', { MAINTENANCE_MODE_ADMIN_TOKEN: 'a wrong one' })).toEqual({
      error: { code: 'ERR_MAINTENANCE_BACKEND', message: expect.stringContaining('is wrong, or was revoked') },
    })
  })

  it('or not at all: --print writes nothing', async () => {
    const { code, output, errors } = await via('on --print')
    expect({ code, mode: JSON.parse(output).windows[0].mode }).toEqual({ code: 0, mode: 'on' })
    expect(errors).toContain(`${site.url} → memory:`)
    expect(site.maintenance.status().revision).toBeUndefined()
  })

  it('by many at once, and none is lost', async () => {
    const ids = ['a', 'b', 'c', 'd']
    const ended = await Promise.all(ids.map((id) => via(`on --id ${id}`)))
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    const { windows, revision } = site.maintenance.status()
    expect(windows.map(({ id }) => id).sort()).toEqual(ids)
    expect(revision).toBe(4)
  })
})

describe('the token', () => {
  it('comes from --token before the environment, and from the environment file', async () => {
    const wrong = { MAINTENANCE_MODE_ADMIN_TOKEN: 'a wrong one' }
    expect((await run(['status', '--via', site.url, '--token', adminToken], wrong)).code).toBe(0)
    expect((await via('status', wrong)).code).toBe(1)
    folder = project({ '.env': `MAINTENANCE_MODE_ADMIN_TOKEN="${adminToken}"`, 'ci.env': '' })
    expect((await via('status', {})).code).toBe(0)
    expect((await via('status --env-file ci.env', {})).code).toBe(2)
  })

  it.each([
    ['a wrong one', async () => 'mm_wrong-and-never-seen'],
    [
      'one that was revoked',
      async () => {
        const secret = (await via('token create ci')).output.trim()
        await via('token revoke ci')
        return secret
      },
    ],
  ])('%s opens nothing, and is not shown', async (_what, make) => {
    const secret = await make()
    const lines = ['on', 'off', 'extend 5m', 'status', 'fleet', 'token list']
    const ended = await Promise.all(lines.map((line) => via(line, { MAINTENANCE_MODE_ADMIN_TOKEN: secret })))
    for (const { code, output, errors } of ended) {
      expect({ code, output }).toEqual({ code: 1, output: '' })
      expect(errors).toContain('The bearer token that was sent opens nothing here: it is wrong, or was revoked.')
      expect(errors).not.toContain(secret)
    }
    expect(site.maintenance.status().mode).toBe('off')
  })

  it('that has expired opens nothing, and is named', async () => {
    const secret = (await via('token create ci --for 1s')).output.trim()
    const created = Date.now()
    while (Date.now() < created + 1000) await new Promise((resolve) => setTimeout(resolve, 50))
    const { code, errors } = await via('on', { MAINTENANCE_MODE_ADMIN_TOKEN: secret })
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining('The token "ci" has expired') })
  })
})

describe('the settings of the site decide', () => {
  it('and so do its parts and tenants, whose names it checks itself', async () => {
    await site.close()
    const has = (name: string) => name === 'acme'
    site = await openSite({ scopes: { billing: { urls: ['/billing/**'] } }, tenants: { of: () => 'acme', has } })
    const here = { ...variable, MAINTENANCE_MODE_SCOPES: '{"local":{"urls":["/local"]}}' }
    expect((await via('on --scope billing', here)).output).toMatch(/^Maintenance mode of "billing" is ON/)
    expect(await via('on --scope acme', here)).toMatchObject({ code: 0 })
    expect(await visit()).toBe(503)
    expect(await viaJson('status')).toMatchObject({ mode: 'off', scopes: [{ scope: 'billing' }, { scope: 'acme' }] })
    for (const line of ['on --scope acm', 'off --scope acm', 'extend 5m --scope acm', 'on --scope local']) {
      const { code, errors } = await via(line, here)
      expect({ code, errors }, line).toEqual({ code: 1, errors: expect.stringContaining('There is no scope "') })
      expect(errors).not.toContain('acme')
    }
    expect((await via('on --scope biling')).errors).toContain('Did you mean `billing`?')
    expect((await via('off --scope acme')).code).toBe(0)
    expect(await visit()).toBe(200)
  })

  it('and none of what is set here about the state', async () => {
    const here = {
      MAINTENANCE_MODE: 'on',
      MAINTENANCE_MODE_STATE_BACKEND: './nowhere.js#none',
      MAINTENANCE_MODE_POLL_INTERVAL: 'never',
    }
    expect(await via('on', { ...variable, ...here })).toMatchObject({ code: 0, errors: '' })
    expect(await visit()).toBe(503)
  })

  it('also where the config file needs what is not installed here, which is said', async () => {
    folder = project({ 'maintenance-mode.config.js': "import 'not-installed'\nexport default {}" })
    const { code, errors } = await via('on')
    expect({ code, errors }).toEqual({ code: 0, errors: expect.stringMatching(/cannot be loaded.*With --via only/s) })
    expect((await run(['on'])).code).toBe(1)
  })

  it('so a mode that is pinned there is not switched from here', async () => {
    await pin('on')
    expect((await via('status')).output).toMatch(/^Maintenance mode is ON\n {2}pinned /)
    for (const line of ['on', 'off', 'extend 5m']) {
      expect(await via(line)).toMatchObject({ code: 1, errors: expect.stringMatching(/^The mode is pinned to "on"/) })
    }
    expect(await viaJson('off')).toMatchObject({ error: { code: 'ERR_MAINTENANCE_PINNED' } })
  })

  it('but tokens are made and revoked there as ever', async () => {
    await pin('off')
    const secret = (await via('token create ci')).output.trim()
    const ci = { MAINTENANCE_MODE_ADMIN_TOKEN: secret }
    expect((await via('token list', ci)).output).toContain('ci ')
    expect((await via('token revoke ci', ci)).code).toBe(0)
    expect((await via('token list')).output).toMatch(/^No tokens\n/)
  })
})

describe('what fails says where, and what to do', () => {
  it('a site that is down', async () => {
    const { url } = site
    await site.close()
    const { code, errors } = await run(['on', '--via', url])
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringMatching(/ECONNREFUSED.*Nothing answers there/) })
    expect(errors).toContain(`The state at ${url} cannot be read`)
    site = await openSite()
  })

  it('an address at which the site has no control URLs', async () => {
    const { code, errors } = await run(['on', '--via', `${site.base}/control`])
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining('with something else than a state') })
    await via('on')
    expect((await run(['off', '--via', `${site.base}/control`])).errors).toContain('is down for maintenance at that')
    expect(await visit()).toBe(503)
  })

  it.each([
    ['status --via https://shop.example/maintenance-mode', {}, 'MAINTENANCE_MODE_ADMIN_TOKEN in the environment'],
    ['status --via https://shop.example --token=', {}, 'or as --token'],
    ['status --token x', {}, "option '--token' needs '--via'"],
    ['token list --token x', {}, "option '--token' needs '--via'"],
    [
      'on --via https://shop.example --state-backend file:x',
      variable,
      "cannot be used with option '--state-backend <url>'",
    ],
    ['on --via http://shop.example', variable, 'in the clear'],
    ['on --via shop.example', variable, 'such as https://shop.example/maintenance-mode'],
    ['on --vai https://shop.example', variable, 'Did you mean --via?'],
  ])('%s is wrong usage', async (line, variables, message) => {
    const { code, output, errors } = await run(line.split(' '), variables as Record<string, string>)
    expect({ code, output, errors }).toEqual({ code: 2, output: '', errors: expect.stringContaining(message) })
    expect(errors).not.toContain(adminToken)
  })
})
