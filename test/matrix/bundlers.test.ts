import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

let project: string

async function run(command: string, ...args: string[]): Promise<string> {
  // Without the variables of the test runner, under which everything is open and builds are not for production.
  const { VITEST, NODE_ENV, ...environment } = process.env
  const env = { ...environment, npm_config_loglevel: 'error', NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1' }
  const { stdout } = await execute(command, args, { cwd: project, env, timeout: 400_000, maxBuffer: 1e8 })
  return stdout
}

function file(path: string, text: string): void {
  const place = join(project, path)
  mkdirSync(dirname(place), { recursive: true })
  writeFileSync(place, text)
}

/** The address that a server prints when it listens. */
function listening(server: ChildProcess): Promise<string> {
  let output = ''
  return new Promise((resolve, reject) => {
    server.once('exit', () => reject(new Error(`The server ended: ${output}`)))
    server.stdout?.on('data', (part) => {
      output += part
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? []
      if (url) resolve(url)
    })
  })
}

const served = (state: string): string => `
  import { createMaintenance } from 'maintenance-mode'
  import { withMaintenanceMode } from 'maintenance-mode/fetch'
  const maintenance = createMaintenance(${state})
  export const handle = withMaintenanceMode(maintenance, () => new Response('Hello'))
  console.log((await handle(new Request('http://shop.example/'))).status, maintenance.status().snapshot)
`

// Never connects: the reserved port 1 answers nobody.
const outOfReach =
  "{ stateBackend: 'redis://127.0.0.1:1', stateBackendFallbackValue: true, logger: { warn() {}, error() {} } }"

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'maintenance-mode-bundlers-'))
  const { stdout } = await execute('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: root,
  })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  file('package.json', '{ "private": true, "type": "module" }')
  const packages = ['next@16', 'react@19', 'react-dom@19', 'esbuild@0.28', 'vite@7', join(project, filename)]
  await run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', ...packages)
}, 300_000)

afterAll(() => rmSync(project, { recursive: true, force: true }))

it('is tried without any client of a state backend', () => {
  for (const name of ['redis', 'ioredis', 'pg', 'postgres', 'mysql2', '@aws-sdk/client-s3', 'unstorage', 'keyv']) {
    expect(existsSync(join(project, 'node_modules', name)), name).toBe(false)
  }
})

describe('esbuild', () => {
  it.each(['node', 'browser'])('bundles an app for the platform %s', async (platform) => {
    file('esbuild.js', served(outOfReach))
    const options = ['--bundle', '--format=esm', `--platform=${platform}`, '--outfile=out.mjs']
    await run('npx', 'esbuild', 'esbuild.js', ...options)
    expect(await run(process.execPath, 'out.mjs')).toBe('503 failed\n')
  })
})

describe('Vite', () => {
  it('bundles an app with all that it imports', async () => {
    file('entry.js', served(outOfReach))
    file('vite.config.js', "export default { ssr: { noExternal: true }, build: { ssr: 'entry.js', outDir: 'vite' } }")
    await run('npx', 'vite', 'build', '--logLevel', 'error')
    expect(await run(process.execPath, 'vite/entry.js')).toBe('503 failed\n')
  })
})

describe('Next.js', () => {
  it('builds an app whose proxy and routes are in maintenance, and answers 503', async () => {
    file('app/layout.jsx', 'export default ({ children }) => <html lang="en"><body>{children}</body></html>')
    file('app/page.jsx', 'export default () => <p>Hello</p>')
    file(
      'maintenance.js',
      `import { createMaintenance } from 'maintenance-mode'\nexport const maintenance = createMaintenance(${outOfReach})`,
    )
    file(
      'proxy.js',
      `import { withMaintenanceMode } from 'maintenance-mode/fetch'
       import { NextResponse } from 'next/server'
       import { maintenance } from './maintenance.js'
       export const proxy = withMaintenanceMode(maintenance, () => NextResponse.next())
       export const config = { matcher: '/((?!open).*)' }`,
    )
    for (const runtime of ['nodejs', 'edge']) {
      file(
        `app/open-${runtime}/route.js`,
        `import { withMaintenanceMode } from 'maintenance-mode/fetch'
         import { maintenance } from '../../maintenance.js'
         export const runtime = '${runtime}'
         export const dynamic = 'force-dynamic'
         export const GET = withMaintenanceMode(maintenance, () => new Response('Hello'))`,
      )
    }
    await run('npx', 'next', 'build')
    const { VITEST, ...environment } = process.env
    const args = ['node_modules/next/dist/bin/next', 'start', '-p', '0', '-H', '127.0.0.1']
    const server = spawn(process.execPath, args, { cwd: project, env: { ...environment, NODE_ENV: 'production' } })
    try {
      const url = await listening(server)
      for (const path of ['/', '/open-nodejs', '/open-edge']) {
        const response = await fetch(url + path)
        expect([path, response.status, response.headers.get('maintenance-mode')]).toEqual([path, 503, 'on'])
      }
    } finally {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
  }, 500_000)
})
