import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = (name: string): string => join(root, 'node_modules/.bin', name)

// What has been built is packed: building again would take it from under the other tests.
const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination']

const { exports: exported } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object }
const backends = Object.keys(exported)
  .filter((path) => path.startsWith('./backends/'))
  .map((path) => path.slice('./backends/'.length))

let project: string
let tarball: string

async function run(command: string, ...args: string[]): Promise<string> {
  const environment = { ...process.env, npm_config_loglevel: 'error', VITEST: undefined, NO_COLOR: '1' }
  const { stdout } = await execute(command, args, { cwd: project, env: environment, timeout: 120_000 })
  return stdout
}

/** A file of the user's project, run by node. */
function runFile(name: string, code: string): Promise<string> {
  writeFileSync(join(project, name), code)
  return run(process.execPath, name)
}

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'maintenance-mode-pack-'))
  const { stdout } = await execute('npm', [...pack, project], { cwd: root })
  tarball = join(project, (JSON.parse(stdout) as { filename: string }[])[0]?.filename as string)
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  await run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball)
}, 180_000)

afterAll(() => rmSync(project, { recursive: true, force: true }))

describe('the packed tarball in an empty project', () => {
  it('works from an ES module', async () => {
    const out = await runFile(
      'app.mjs',
      `import { createMaintenance } from 'maintenance-mode'
       import { withMaintenanceMode } from 'maintenance-mode/node'
       import 'maintenance-mode/express'
       import 'maintenance-mode/log-filters'
       import 'maintenance-mode/testing'
       for (const name of ${JSON.stringify(backends)}) await import('maintenance-mode/backends/' + name)
       const maintenance = createMaintenance()
       withMaintenanceMode(maintenance, () => {})
       console.log(await maintenance.getMode())
       await maintenance.close()`,
    )
    expect(out).toBe('off\n')
  })

  it('works from require()', async () => {
    const out = await runFile(
      'app.cjs',
      `const { createMaintenance } = require('maintenance-mode')
       const { maintenanceMode } = require('maintenance-mode/express')
       const { fileBackend } = require('maintenance-mode/backends/file')
       const { withMaintenanceMode } = require('maintenance-mode/fetch')
       const maintenance = createMaintenance()
       console.log(maintenanceMode(maintenance).name, typeof fileBackend, typeof withMaintenanceMode)
       maintenance.close()`,
    )
    expect(out).toBe('maintenanceMode function function\n')
  })

  it('works from TypeScript, without the types of any framework', async () => {
    writeFileSync(
      join(project, 'app.mts'),
      `import { createServer } from 'node:http'
       import { createMaintenance, defineConfig, type Decision, type MaintenanceUser } from 'maintenance-mode'
       import { attachMaintenanceMode, withMaintenanceMode } from 'maintenance-mode/node'
       import { withMaintenanceMode as withFetch } from 'maintenance-mode/fetch'
       ${backends.map((name) => `import type {} from 'maintenance-mode/backends/${name}'`).join('\n')}
       const user: MaintenanceUser = { isAuthenticated: true, isStaff: false, isSuperuser: false }
       const maintenance = createMaintenance(defineConfig({ getAuthenticatedUser: () => user, retryAfter: '10m' }))
       const server = createServer(withMaintenanceMode(maintenance, (_req, res) => void res.end()))
       attachMaintenanceMode(server, maintenance)
       const handler: (request: Request) => Response | Promise<Response> = withFetch(maintenance, () => new Response())
       const decision: Promise<Decision> = maintenance.decide({ url: '/' })
       void [handler, decision]
       // @ts-expect-error an option that is not there
       createMaintenance({ ignoreUrl: [] })`,
    )
    await run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', '@types/node@20')
    const options = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--target',
      'es2022',
      '--module',
      'nodenext',
    ]
    expect(await run(bin('tsc'), ...options, '--types', 'node', 'app.mts')).toBe('')
  }, 60_000)

  it('has a command that npx finds', async () => {
    expect(await run('npx', '--no-install', 'maintenance-mode', 'on', '--reason', 'Packed')).toContain('Packed')
    expect(await run('npx', '--no-install', 'maintenance-mode', 'status')).toContain('Packed')
    expect(JSON.parse(await run('npx', '--no-install', 'maintenance-mode', 'off', '--json'))).toMatchObject({
      mode: 'off',
    })
  })

  it('runs no script when it is installed', async () => {
    const installed = JSON.parse(await run('npm', 'query', ':attr(scripts, [postinstall])')) as unknown[]
    expect(installed).toEqual([])
  })

  it('passes publint and are-the-types-wrong', async () => {
    expect(await run(bin('publint'), 'run', tarball, '--strict')).toContain('All good')
    await run(bin('attw'), tarball, '--profile', 'esm-only', '--no-color')
  }, 60_000)
})
