import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProject, type Project } from './project.js'

let project: Project

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
  project = await createProject({ packages: ['next@16', 'react@19', 'react-dom@19', 'esbuild@0.28', 'vite@7'] })
})

afterAll(() => project?.remove())

it('is tried without any client of a state backend', () => {
  for (const name of ['redis', 'ioredis', 'pg', 'postgres', 'mysql2', '@aws-sdk/client-s3', 'unstorage', 'keyv']) {
    expect(existsSync(join(project.folder, 'node_modules', name)), name).toBe(false)
  }
})

describe('esbuild', () => {
  it.each(['node', 'browser'])('bundles an app for the platform %s', async (platform) => {
    project.file('esbuild.js', served(outOfReach))
    const options = ['--bundle', '--format=esm', `--platform=${platform}`, '--outfile=out.mjs']
    await project.run('esbuild', 'esbuild.js', ...options)
    expect(await project.run(process.execPath, 'out.mjs')).toBe('503 failed\n')
  })
})

describe('Vite', () => {
  it('bundles an app with all that it imports', async () => {
    project.file('entry.js', served(outOfReach))
    project.file(
      'vite.config.js',
      "export default { ssr: { noExternal: true }, build: { ssr: 'entry.js', outDir: 'vite' } }",
    )
    await project.run('vite', 'build', '--logLevel', 'error')
    expect(await project.run(process.execPath, 'vite/entry.js')).toBe('503 failed\n')
  })
})

describe('Next.js', () => {
  it('builds an app whose proxy and routes are in maintenance, and answers 503', async () => {
    project.file('app/layout.jsx', 'export default ({ children }) => <html lang="en"><body>{children}</body></html>')
    project.file('app/page.jsx', 'export default () => <p>Hello</p>')
    project.file(
      'maintenance.js',
      `import { createMaintenance } from 'maintenance-mode'\nexport const maintenance = createMaintenance(${outOfReach})`,
    )
    project.file(
      'proxy.js',
      `import { withMaintenanceMode } from 'maintenance-mode/fetch'
       import { NextResponse } from 'next/server'
       import { maintenance } from './maintenance.js'
       export const proxy = withMaintenanceMode(maintenance, () => NextResponse.next())
       export const config = { matcher: '/((?!open).*)' }`,
    )
    for (const runtime of ['nodejs', 'edge']) {
      project.file(
        `app/open-${runtime}/route.js`,
        `import { withMaintenanceMode } from 'maintenance-mode/fetch'
         import { maintenance } from '../../maintenance.js'
         export const runtime = '${runtime}'
         export const dynamic = 'force-dynamic'
         export const GET = withMaintenanceMode(maintenance, () => new Response('Hello'))`,
      )
    }
    await project.run('next', 'build')
    const site = await project.serve({}, 'next', 'start', '-H', '127.0.0.1')
    try {
      for (const path of ['/', '/open-nodejs', '/open-edge']) {
        const response = await fetch(site.url + path)
        expect([path, response.status, response.headers.get('maintenance-mode')]).toEqual([path, 503, 'on'])
      }
    } finally {
      await site.close()
    }
  }, 500_000)
})
