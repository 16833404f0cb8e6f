import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
const hasSqlite = process.getBuiltinModule?.('node:sqlite' as never) !== undefined

let folder: string

/** A folder of a project that has this package and what it depends on, and no client. */
function newProject(name: string): string {
  const project = join(folder, name)
  const modules = join(project, 'node_modules')
  mkdirSync(modules, { recursive: true })
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  // A link would find the clients that are installed for this repository.
  for (const part of ['dist', 'package.json']) {
    cpSync(join(root, part), join(modules, 'maintenance-mode', part), { recursive: true })
  }
  for (const dependency of Object.keys(dependencies)) {
    symlinkSync(join(root, 'node_modules', dependency), join(modules, dependency))
  }
  return project
}

/** Puts a package into a folder that is no more than this code. */
function install(project: string, name: string, code: string): void {
  const place = join(project, 'node_modules', name)
  mkdirSync(place, { recursive: true })
  writeFileSync(
    join(place, 'package.json'),
    JSON.stringify({ name, version: '1.0.0', type: 'module', main: 'index.js' }),
  )
  writeFileSync(join(place, 'index.js'), code)
}

interface Run {
  code: number | null
  stdout: string
  stderr: string
}

async function run(cwd: string, ...args: string[]): Promise<Run> {
  const { MAINTENANCE_MODE: _, VITEST: __, ...env } = process.env
  const child = spawn(process.execPath, args, { cwd, env, timeout: 15_000 })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text) => {
      said[name] += text
    })
  }
  const [code] = await once(child, 'close')
  return { code, ...said }
}

const commandOf = (project: string): string => join(project, 'node_modules/maintenance-mode/dist/cli/main.js')
const status = (cwd: string, url: string, installed = cwd): Promise<Run> =>
  run(cwd, commandOf(installed), 'status', '--state-backend', url)

const clients: [url: string, address: string, packages: string][] = [
  ['redis://:s3cret@localhost/0', 'redis://localhost/0', 'redis (or ioredis, iovalkey)'],
  ['redis+sentinel://localhost/name', 'redis+sentinel://localhost/name', 'redis (or ioredis, iovalkey)'],
  ['redis+cluster://localhost', 'redis+cluster://localhost', 'redis (or ioredis, iovalkey)'],
  ['postgres://app:s3cret@localhost/site', 'postgres://localhost/site', 'pg (or postgres)'],
  ['mysql://app:s3cret@localhost/site?key=shop', 'mysql://localhost/site?key=shop', 'mysql2'],
  ['nats://app:s3cret@localhost', 'nats://localhost', '@nats-io/transport-node (or nats)'],
  ['nats+tls://localhost', 'nats+tls://localhost', '@nats-io/transport-node (or nats)'],
  ['s3://bucket/state.json?region=eu-west-1', 's3://bucket/state.json', '@aws-sdk/client-s3'],
]
if (!hasSqlite) clients.push(['sqlite:./state.db', 'state.db', 'better-sqlite3 (or libsql, node:sqlite)'])

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-peers-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a client package that is not installed', () => {
  let project: string
  beforeAll(() => {
    project = newProject('without')
  })

  it.each(clients)('is named by the command line for %s', async (url, address, packages) => {
    const { code, stdout, stderr } = await status(project, url)
    const [first = ''] = packages.split(' ')
    expect(stderr).toContain(`needs the package ${packages}, which is not installed: run \`npm install ${first}\``)
    expect(stderr).toContain(address)
    expect(stdout + stderr).not.toContain('s3cret')
    expect(stderr).not.toMatch(/^ +at /m)
    expect(code).toBe(1)
  })

  it('leaves an app running, by the fallback', async () => {
    const script = `import { createMaintenance } from 'maintenance-mode'
      for (const stateBackend of ${JSON.stringify(clients.map(([url]) => url))}) {
        const said = []
        const logger = { warn: (text) => said.push(text), error: (text) => said.push(text) }
        const settings = { stateBackend, stateBackendFallbackValue: true, localCopyPath: false, logger }
        const maintenance = createMaintenance(settings)
        maintenance.start()
        console.log(JSON.stringify([await maintenance.getMode(), maintenance.status().error, said.length > 0]))
      }`
    const { code, stdout, stderr } = await run(project, '--input-type=module', '--eval', script)
    expect(stderr).toBe('')
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(
      clients.map(([, , packages]) => ['on', expect.stringContaining(`needs the package ${packages}, which`), true]),
    )
    expect(code).toBe(0)
  })
})

describe('a client package that is installed', () => {
  const used = (name: string): string => `throw new Error('the ${name} of the project was loaded')`

  it('is taken from the folder in which a command runs that is installed elsewhere', async () => {
    const elsewhere = newProject('global')
    const project = join(folder, 'app')
    install(project, 'mysql2', used('mysql2'))
    writeFileSync(join(project, 'package.json'), '{}')
    mkdirSync(join(project, 'scripts'))
    for (const cwd of [project, join(project, 'scripts')]) {
      const { code, stderr } = await status(cwd, 'mysql://localhost/site', elsewhere)
      expect(stderr).toContain('the mysql2 of the project was loaded')
      expect(code).toBe(1)
    }
  })

  it('is taken where it is the second choice', async () => {
    const project = newProject('second')
    install(project, 'ioredis', used('ioredis'))
    expect((await status(project, 'redis://localhost')).stderr).toContain('the ioredis of the project was loaded')
  })

  it('and lacks a package of its own is broken, not missing', async () => {
    const project = newProject('broken')
    install(project, 'mysql2', "import 'lru-of-mysql2'")
    const { code, stderr } = await status(project, 'mysql://localhost/site')
    expect(stderr).toMatch(
      /The package mysql2, which mysql:\/\/localhost\/site needs, cannot be loaded: .*lru-of-mysql2/,
    )
    expect(stderr).not.toContain('npm install')
    expect(code).toBe(1)
  })
})
