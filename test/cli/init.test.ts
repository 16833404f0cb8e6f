import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isRoot, nobody, temporaryFolder } from '../backends/fixtures/child.js'
import { ask, environment, execute, main, root, run, type, write } from './fixtures/cli.js'
import { type Files, starters } from './fixtures/starters.js'

interface Told {
  framework: string
  platform: string | null
  written: boolean
  files: { path: string; action: string; text: string }[]
  steps: { file: string | null; where: string; below: number | null; lines: string[] }[]
  notes: string[]
  checks: { state: string; settings: string[] } | null
  error?: { code: string; message: string }
}

/** A project as a starter leaves it, in a repository, with this package installed. */
function fresh(files: Files, ...packages: string[]): string {
  const folder = temporaryFolder()
  write(folder, files)
  mkdirSync(join(folder, '.git'))
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(root, join(folder, 'node_modules/maintenance-mode'))
  for (const name of packages) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  return folder
}

function askInit(folder: string, line = 'init --yes'): Told {
  return ask(folder, line) as unknown as Told
}

/** Every file with its text. */
function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(files.map((file) => [file.slice(folder.length + 1), readFileSync(file, 'utf8')]))
}

const expected: Record<keyof typeof starters, [created: string[], file: string | null, lines: string[]]> = {
  'next 16': [['maintenance-mode.config.ts', 'proxy.ts'], null, []],
  'next 15, in src, in JavaScript': [['maintenance-mode.config.mjs', 'src/middleware.js', '.gitignore'], null, []],
  nuxt: [['maintenance-mode.config.ts', '.gitignore'], 'nuxt.config.ts', [`modules: ['maintenance-mode/nuxt'],`]],
  sveltekit: [['maintenance-mode.config.ts', 'src/hooks.server.ts', '.gitignore'], null, []],
  astro: [['maintenance-mode.config.ts', 'src/middleware.ts', '.gitignore'], 'astro.config.mjs', [`output: 'server',`]],
  'react-router': [
    ['maintenance-mode.config.ts', '.gitignore'],
    'app/root.tsx',
    [
      `import { maintenanceMode } from 'maintenance-mode/react-router'`,
      `import config from '../maintenance-mode.config'`,
      '',
      'export const middleware = [maintenanceMode(config)]',
    ],
  ],
  'nestjs 12': [
    ['src/maintenance-mode.config.ts', '.gitignore'],
    'src/app.module.ts',
    [
      `import { MaintenanceModeModule } from 'maintenance-mode/nestjs'`,
      `import config from './maintenance-mode.config.js'`,
      '',
      'imports: [MaintenanceModeModule.forRoot(config)],',
    ],
  ],
  hono: [
    ['src/maintenance-mode.config.ts', '.gitignore'],
    'src/index.ts',
    [
      `import { maintenanceMode } from 'maintenance-mode/hono'`,
      `import config from './maintenance-mode.config.js'`,
      '',
      'app.use(maintenanceMode(config))',
    ],
  ],
  'hono on Cloudflare': [
    ['src/maintenance-mode.config.ts', '.gitignore'],
    'src/index.ts',
    [
      `import { maintenanceMode } from 'maintenance-mode/hono'`,
      `import config from './maintenance-mode.config.js'`,
      '',
      'app.use(maintenanceMode(config))',
    ],
  ],
  fastify: [
    ['maintenance-mode.config.mjs'],
    'app.js',
    [
      `const { maintenanceMode } = require('maintenance-mode/fastify')`,
      `const { default: config } = require('./maintenance-mode.config.mjs')`,
      '',
      'fastify.register(maintenanceMode, config)',
    ],
  ],
  'fastify in TypeScript': [
    ['src/maintenance-mode.config.ts', '.gitignore'],
    'src/app.ts',
    [
      `import { maintenanceMode } from 'maintenance-mode/fastify'`,
      `import config from './maintenance-mode.config'`,
      '',
      'fastify.register(maintenanceMode, config)',
    ],
  ],
  express: [
    ['maintenance-mode.config.mjs', '.gitignore'],
    'app.js',
    [
      `const { maintenanceMode } = require('maintenance-mode/express')`,
      `const { default: config } = require('./maintenance-mode.config.mjs')`,
      '',
      'app.use(maintenanceMode(config))',
    ],
  ],
  koa: [
    ['maintenance-mode.config.js', '.gitignore'],
    'lib/site.js',
    [
      `import { maintenanceMode } from 'maintenance-mode/koa'`,
      `import config from '../maintenance-mode.config.js'`,
      '',
      'site.use(maintenanceMode(config))',
    ],
  ],
  h3: [
    ['maintenance-mode.config.js', '.gitignore'],
    'server.mjs',
    [
      `import { maintenanceMode } from 'maintenance-mode/h3'`,
      `import config from './maintenance-mode.config.js'`,
      '',
      'app.use(maintenanceMode(config))',
    ],
  ],
  nitro: [['maintenance-mode.config.ts', 'server/middleware/0.maintenance-mode.ts', '.gitignore'], null, []],
  vite: [
    ['src/maintenance-mode.config.ts', '.gitignore'],
    null,
    [
      `import { withMaintenanceMode } from 'maintenance-mode/node'`,
      `import config from './maintenance-mode.config.js'`,
      '',
      'createServer(withMaintenanceMode(config, yours))',
    ],
  ],
  bun: [
    ['maintenance-mode.config.ts', '.gitignore'],
    'index.ts',
    [
      `import { withMaintenanceMode } from 'maintenance-mode/fetch'`,
      `import config from './maintenance-mode.config.ts'`,
      '',
      'export default { fetch: withMaintenanceMode(config, yours) }',
    ],
  ],
  deno: [
    ['maintenance-mode.config.ts', '.gitignore'],
    'main.ts',
    [
      `import { withMaintenanceMode } from 'maintenance-mode/fetch'`,
      `import config from './maintenance-mode.config.ts'`,
      '',
      'export default { fetch: withMaintenanceMode(config, yours) }',
    ],
  ],
  'node:http': [
    ['maintenance-mode.config.mjs', '.gitignore'],
    'server.js',
    [
      `const { withMaintenanceMode } = require('maintenance-mode/node')`,
      `const { default: config } = require('./maintenance-mode.config.mjs')`,
      '',
      'createServer(withMaintenanceMode(config, yours))',
    ],
  ],
}

describe('in what a starter made', () => {
  it.each(Object.keys(starters) as (keyof typeof starters)[])('of %s, init writes, shows and checks', (name) => {
    const folder = fresh(starters[name])
    const [created, file, lines] = expected[name]
    const told = askInit(folder)
    expect(told.error).toBeUndefined()
    expect(told.files.filter(({ action }) => action === 'created').map(({ path }) => path)).toEqual(created)
    expect(told.steps.at(-1) ?? { file: null, lines: [] }).toMatchObject({ file, lines })
    expect(told.checks).toEqual({
      state: `file:${folder}/.maintenance-mode.json`,
      settings: [join(folder, created[0] as string)],
    })
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toMatch(/^\.maintenance-mode\.json\*$/m)
  })

  it.each(['next 16', 'nestjs 12', 'fastify in TypeScript', 'node:http'] as const)(
    'of %s, a second time changes nothing, and says so',
    (name) => {
      const folder = fresh(starters[name])
      askInit(folder)
      const before = contents(folder)
      const { code, output } = type(folder, 'init')
      expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^Nothing had to be written[;,]/) })
      expect(contents(folder)).toEqual(before)
    },
  )

  it('of Next.js the lines are a file of their own', () => {
    const folder = fresh(starters['next 15, in src, in JavaScript'])
    askInit(folder)
    expect(contents(folder)['src/middleware.js']).toBe(
      [
        `import { maintenanceMode } from 'maintenance-mode/next'`,
        `import maintenanceConfig from '../maintenance-mode.config.mjs'`,
        '',
        'export const middleware = maintenanceMode(maintenanceConfig)',
        '',
        `export const config = { runtime: 'nodejs' }`,
        '',
      ].join('\n'),
    )
  })

  it('of SvelteKit, where there are hooks already, they are left as they are', () => {
    const hooks = 'export const handle = ({ event, resolve }) => resolve(event)\n'
    const folder = fresh({ ...starters.sveltekit, 'src/hooks.server.ts': hooks })
    expect(askInit(folder).steps).toMatchObject([
      {
        file: 'src/hooks.server.ts',
        lines: expect.arrayContaining(['export const handle = sequence(maintenanceMode(config), yours)']),
      },
    ])
    expect(contents(folder)['src/hooks.server.ts']).toBe(hooks)
  })

  it('of React Router middleware is switched on, once', () => {
    const folder = fresh(starters['react-router'])
    expect(askInit(folder).steps[0]).toMatchObject({
      file: 'react-router.config.ts',
      lines: ['future: { v8_middleware: true },'],
    })
    write(folder, { 'react-router.config.ts': 'export default { future: { v8_middleware: true } }' })
    expect(askInit(folder).steps.map(({ file }) => file)).toEqual(['app/root.tsx'])
  })

  it('of Nitro the folder that it looks at is taken, or named', () => {
    const folder = fresh({
      ...starters.nitro,
      'nitro.config.ts': `export default defineConfig({ serverDir: './api/' })`,
    })
    const told = askInit(folder)
    expect(told.steps).toEqual([])
    expect(told.files[1]?.path).toBe('api/middleware/0.maintenance-mode.ts')
    expect(askInit(fresh({ ...starters.nitro, 'nitro.config.ts': '' })).steps).toMatchObject([
      { file: 'nitro.config.ts', lines: [`serverDir: './server',`] },
    ])
  })

  it.each([
    ['fastify', 'fastify start --ignore-watch=.maintenance-mode -w -l info -P app.js'],
    ['fastify in TypeScript', 'fastify start --ignore-watch=\\".ts$ .maintenance-mode\\" -w -l info -P dist/app.js'],
  ] as const)('of %s the watcher is told to leave the state alone', (name, script) => {
    const starter = starters[name]
    const folder = fresh(starter)
    expect(askInit(folder).files).toContainEqual(expect.objectContaining({ path: 'package.json', action: 'changed' }))
    const before = starter['package.json'].split('\n')
    const changed = contents(folder)
      ['package.json']?.split('\n')
      .filter((line) => !before.includes(line))
    expect(changed).toEqual([expect.stringContaining(`"${script}"`)])
  })

  it('of a framework that builds static files this is said', () => {
    expect(askInit(fresh(starters.vite)).notes).toEqual([expect.stringContaining('Vite builds static files')])
  })

  it('of Astro it is said what it takes to render on demand, until that is there', () => {
    const [step, ...others] = askInit(fresh(starters.astro)).steps
    expect(others).toEqual([])
    expect(step?.where).toContain('after `npx astro add node`')
    const added = { 'package.json': { dependencies: { astro: '^6.1.0', '@astrojs/node': '^10.0.0' } } }
    const told = askInit(fresh({ ...starters.astro, ...added }))
    expect(told).toMatchObject({ steps: [], notes: [expect.stringContaining('`output: "server"`')] })
    const config = { 'astro.config.mjs': `export default defineConfig({ output: 'server' })` }
    expect(askInit(fresh({ ...starters.astro, ...added, ...config }))).toMatchObject({ steps: [], notes: [] })
  })

  it('of React Router it is said what no middleware is asked for, and what a visitor in it sees', () => {
    expect(
      askInit(fresh({ ...starters['react-router'], 'react-router.config.ts': 'export default { ssr: false }' })).notes,
    ).toEqual([
      expect.stringContaining('one state file is not enough'),
      expect.stringContaining('`ssr: false`'),
      expect.stringContaining('have a route `*`'),
      expect.stringContaining('ErrorBoundary'),
    ])
  })

  it.each([
    ['hono', 'start the app (`npm run dev`)', 3000, 'hono'],
    ['nestjs 12', 'start the app (`npm run start:dev`)', 3000, 'nestjs'],
    ['express', 'start the app (`npm run start`)', 3000, 'express'],
    ['nitro', 'start the app (`npm run dev`)', 3000, 'nitro'],
    ['react-router', 'start the app (`npm run dev`)', 5173, 'react-router'],
    ['koa', 'start the app,', 3000, 'koa'],
  ] as const)(
    'of %s it is said how to start it, where it listens then, and where there is more',
    (name, start, port, page) => {
      const { output } = type(fresh(starters[name]), 'init --yes')
      expect(output).toContain(start)
      expect(output).toContain(`curl -i http://localhost:${port}/`)
      const [, more = ''] = /node_modules\/maintenance-mode\/(docs\/adapters\/\S+)/.exec(output) ?? []
      expect(more).toBe(`docs/adapters/${page}.md`)
      expect(existsSync(join(root, more))).toBe(true)
    },
  )

  it('of React Router with a server of its own, it listens where that does', () => {
    const served = {
      'package.json': { scripts: { dev: 'node server.js' }, devDependencies: { '@react-router/dev': '7.16.0' } },
    }
    const { output } = type(fresh({ ...starters['react-router'], ...served, 'pnpm-lock.yaml': '' }), 'init --yes')
    expect(output).toContain('start the app (`pnpm run dev`)')
    expect(output).toContain('curl -i http://localhost:3000/')
  })
})

describe('a platform', () => {
  it.each([
    ['Vercel', 'vercel.json', 'upstash://'],
    ['Netlify', 'netlify.toml', 'upstash://'],
    ['Cloudflare', 'wrangler.toml', 'upstash://'],
    ['Heroku', 'Procfile', 'redis://'],
    ['Fly.io', 'fly.toml', 'redis://'],
    ['containers', 'Dockerfile', 'redis://'],
    ['Deno', 'deno.json', 'upstash://'],
  ])('without a disk that is shared, %s, is told where the state may be', (platform, file, backend) => {
    const folder = fresh({ ...starters.express, [file]: '' })
    const told = askInit(folder)
    expect(told).toMatchObject({
      platform,
      notes: [expect.stringMatching(/^one state file is not enough, as .*which-backend\.md/)],
    })
    expect(contents(folder)['maintenance-mode.config.mjs']).toContain(`  // stateBackend: '${backend}…',\n`)
    const shared = ask(folder, 'init --state-backend sqlite:state.db') as unknown as Told
    expect(shared.notes).toEqual([])
  })

  it('with one says nothing', () => {
    expect(askInit(fresh(starters.express))).toMatchObject({ platform: null, notes: [] })
    expect(askInit(fresh(starters.bun))).toMatchObject({ platform: 'Bun', notes: [] })
  })
})

describe('a version', () => {
  it.each([
    [
      'express',
      '~4.15.0',
      /^Express ~4\.15\.0 is older than what is supported: \^4\.16 \|\| \^5\..*npm install express@4`/,
    ],
    ['next', '15.4.1', /^Next\.js 15\.4\.1 is older .* \^15\.5 \|\| \^16\..*next@15`/],
    ['fastify', '^4.0.0', /^Fastify \^4\.0\.0 is older .*fastify@5`/],
    ['koa', '2.16.0', /^Koa 2\.16\.0 is older/],
    ['nitropack', '^2.12.0', /^Nitro \^2\.12\.0 is older/],
    ['@nestjs/core', '^10.0.0', /^NestJS \^10\.0\.0 is older/],
  ])('of %s that is too old, %s, stops it before anything is written', (name, version, message) => {
    const folder = fresh({ 'package.json': { dependencies: { [name]: version } } })
    const before = contents(folder)
    const { code, output, errors } = type(folder, 'init --yes')
    expect({ code, output, errors }).toEqual({ code: 1, output: '', errors: expect.stringMatching(message) })
    expect(contents(folder)).toEqual(before)
  })

  it.each([
    ['express', '^4.15.0'],
    ['express', '~4.16.1'],
    ['express', 'latest'],
    ['next', '^15.0.0'],
    ['hono', 'workspace:*'],
  ])('of %s that may be right, %s, does not', (name, version) => {
    expect(askInit(fresh({ 'package.json': { dependencies: { [name]: version } } })).error).toBeUndefined()
  })

  it('that is newer than what is tested is said, and tried', () => {
    const folder = fresh({ 'package.json': { dependencies: { fastify: '^6.0.0' } } })
    expect(askInit(folder).notes).toEqual(['Fastify ^6.0.0 is newer than what is tested: ^5'])
  })

  it('is that which is installed, from a workspace above too', () => {
    const folder = fresh({
      'node_modules/koa/package.json': { version: '2.15.0' },
      'shop/package.json': { dependencies: { koa: '>=2' } },
    })
    expect(type(join(folder, 'shop'), 'init --yes').errors).toContain('Koa 2.15.0 is older')
  })
})

describe('.gitignore', () => {
  it.each([
    ['without a newline at its end', 'dist', 'dist\n.maintenance-mode.json*\n'],
    ['with CRLF', 'dist\r\nlogs\r\n', 'dist\r\nlogs\r\n.maintenance-mode.json*\r\n'],
    ['with CRLF, and none at its end', 'dist\r\nlogs', 'dist\r\nlogs\r\n.maintenance-mode.json*\r\n'],
    ['that is empty', '', '.maintenance-mode.json*\n'],
    [
      'that names it in a comment only',
      '# .maintenance-mode.json\n',
      '# .maintenance-mode.json\n.maintenance-mode.json*\n',
    ],
    ['that covers it', 'a\n/.maintenance-mode.json \nb', 'a\n/.maintenance-mode.json \nb'],
  ])('%s', (_, before, after) => {
    const folder = fresh({ ...starters.express, '.gitignore': before })
    expect(askInit(folder).error).toBeUndefined()
    expect(contents(folder)['.gitignore']).toBe(after)
  })

  it('is not begun outside of a repository, but appended to', () => {
    const folder = temporaryFolder()
    write(folder, starters.express)
    type(folder, 'init --yes')
    expect(existsSync(join(folder, '.gitignore'))).toBe(false)
    write(folder, { '.gitignore': 'dist\n' })
    type(folder, 'init --yes')
    expect(contents(folder)['.gitignore']).toBe('dist\n.maintenance-mode.json*\n')
  })

  it('is the nearest one of the repository, from a package within it', () => {
    const folder = fresh({ 'package.json': {}, '.gitignore': 'dist\n' })
    write(join(folder, 'apps/shop'), starters.express)
    const told = askInit(join(folder, 'apps/shop'))
    expect(told.files.map(({ path, action }) => [path, action])).toEqual([
      ['maintenance-mode.config.mjs', 'created'],
      ['../../.gitignore', 'appended'],
    ])
    expect(contents(folder)['.gitignore']).toBe('dist\n.maintenance-mode.json*\n')
    expect(Object.keys(contents(folder)).filter((name) => name.includes('config'))).toEqual([
      'apps/shop/maintenance-mode.config.mjs',
    ])
  })
})

describe('nothing is written', () => {
  it.each([
    ['with --print', 'init --print', 0],
    ['with --print, as JSON', 'init --print --json', 0],
    ['where there is no terminal to ask on', 'init', 2],
    ['where there is none, as JSON', 'init --json', 2],
  ])('%s, and all that would be is shown', (_, line, code) => {
    const folder = fresh(starters.fastify)
    const before = contents(folder)
    const ended = type(folder, line)
    expect(ended).toMatchObject({ code, errors: '' })
    for (const text of ['maintenance-mode.config.mjs', '.maintenance-mode.json*', '--ignore-watch=.maintenance-mode']) {
      expect(ended.output).toContain(text)
    }
    if (line.includes('--json')) {
      expect(JSON.parse(ended.output)).toMatchObject({
        written: false,
        files: [
          {
            path: 'maintenance-mode.config.mjs',
            action: 'would-create',
            text: expect.stringContaining('defineConfig({'),
          },
          { path: '.gitignore', action: 'would-append', text: '.maintenance-mode.json*\n' },
          { path: 'package.json', action: 'would-change' },
        ],
      })
    } else {
      expect(ended.output).toContain(code === 2 ? 'with --yes' : 'Nothing is written')
    }
    expect(contents(folder)).toEqual(before)
  })

  it('with both --print and --yes, which contradict each other', () => {
    expect(type(fresh(starters.express), 'init --print --yes')).toMatchObject({ code: 2, output: '' })
  })

  it('outside of a project', () => {
    const folder = temporaryFolder()
    const { code, errors } = type(folder, 'init --yes')
    expect({ code, errors }).toEqual({
      code: 2,
      errors: expect.stringContaining(`There is no package.json in ${folder}`),
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('where package.json cannot be read', () => {
    const { code, errors } = type(fresh({ 'package.json': '{ "name": }' }), 'init --yes')
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringMatching(/^\/.*package\.json cannot be read: /) })
  })

  it.skipIf(!isRoot)('where nothing may be written (needs root)', () => {
    const folder = fresh(starters.express)
    chmodSync(folder, 0o555)
    const { code, errors } = run(folder, ['init', '--yes'], { uid: nobody, gid: nobody })
    expect({ code, errors }).toEqual({
      code: 1,
      errors: expect.stringMatching(/config\.mjs cannot be written: EACCES.*Nothing has been written/),
    })
    expect(existsSync(join(folder, 'maintenance-mode.config.mjs'))).toBe(false)
  })

  it('with --via', () => {
    expect(type(fresh(starters.express), 'init --via https://shop.example/x --yes')).toMatchObject({
      code: 2,
      output: '',
    })
  })
})

describe('on a terminal', () => {
  const answered = (folder: string, answer: string) =>
    spawnSync('script', ['-qec', `${process.execPath} ${main} init`, '/dev/null'], {
      cwd: folder,
      env: environment,
      input: answer,
      encoding: 'utf8',
      timeout: 20_000,
    })

  it.each(['y\n', '\n', 'yes\n'])('it asks, and writes after %j', (answer) => {
    const folder = fresh(starters.express)
    const { status, stdout } = answered(folder, answer)
    expect(stdout).toContain('Write maintenance-mode.config.mjs, write .gitignore? [Y/n]')
    expect(status).toBe(0)
    expect(existsSync(join(folder, 'maintenance-mode.config.mjs'))).toBe(true)
  })

  it.each(['n\n', 'what?\n', '\u0004'])('it asks, and writes nothing after %j', (answer) => {
    const folder = fresh(starters.express)
    const before = contents(folder)
    expect(answered(folder, answer)).toMatchObject({ status: 0, stdout: expect.stringContaining('Nothing is written') })
    expect(contents(folder)).toEqual(before)
  })
})

describe('what is wrong at the end fails it, with what to do', () => {
  it('where the package is not installed', () => {
    const folder = temporaryFolder()
    write(folder, { ...starters.express, 'pnpm-lock.yaml': '' })
    const { code, output, errors } = type(folder, 'init --yes')
    expect({ code, errors }).toEqual({
      code: 1,
      errors: `maintenance-mode is not installed in ${folder}: \`pnpm add maintenance-mode\`, and run \`init\` again.\n`,
    })
    expect(output).toContain('pnpm exec maintenance-mode on --for 5m')
  })

  it.each([
    [
      'a config file that was there and is wrong',
      { 'maintenance-mode.config.json': { ignoreUrl: [] } },
      'Did you mean `ignoreUrls`?',
    ],
    [
      'a value of a setting that only the app reads',
      { 'maintenance-mode.config.json': { statusCode: 'x' } },
      '`statusCode`',
    ],
    ['a state that is damaged', { '.maintenance-mode.json': '{' }, '.maintenance-mode.json'],
  ])('%s', (_, files, message) => {
    const folder = fresh({ ...starters.express, ...files })
    const { code, errors } = type(folder, 'init --yes')
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringContaining(message) })
  })
})

it('a config file in src, where it is compiled with the app, is found by every command', () => {
  const folder = fresh({ ...starters.hono, 'src/maintenance-mode.config.json': { stateFilePath: 'own.json' } })
  expect(ask(folder, 'status')).toMatchObject({ stateBackend: `file:${folder}/own.json` })
  expect(askInit(folder).files[0]).toMatchObject({ path: 'src/maintenance-mode.config.json', action: 'kept' })
})

it('a config file in TypeScript is compiled with the app, declarations included, and moves nothing', () => {
  const compilerOptions = { module: 'nodenext', strict: true, declaration: true, outDir: 'dist', types: [] }
  const folder = fresh({ ...starters['nestjs 12'], 'tsconfig.json': { compilerOptions, include: ['src'] } })
  askInit(folder)
  write(folder, {
    'src/app.module.ts': '',
    'src/main.ts': `import config from './maintenance-mode.config.js'\nexport default config\n`,
  })
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  expect(execute(process.execPath, [compiler, '--rootDir', 'src'], { cwd: folder })).toMatchObject({
    code: 0,
    output: '',
  })
  expect(readdirSync(join(folder, 'dist'))).toEqual(expect.arrayContaining(['main.js', 'maintenance-mode.config.js']))
})

it('watchers that cannot be told are named', () => {
  const folder = fresh({
    'package.json': {
      type: 'module',
      scripts: { dev: 'node --watch-path=. app.js', fine: 'node --watch-path=./src app.js' },
    },
    'ecosystem.config.cjs': `module.exports = { apps: [{ watch: true, ignore_watch: ['logs'] }] }`,
  })
  expect(askInit(folder).notes).toEqual([
    expect.stringContaining('the script "dev" watches the whole folder'),
    expect.stringContaining('ecosystem.config.cjs has an `ignore_watch` of its own'),
  ])
})

describe('the lines, added where it says,', () => {
  const listen = `listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
  const served: Record<string, [Files, ...string[]]> = {
    'Express in CommonJS': [
      {
        'package.json': { main: 'app.js', dependencies: { express: '5' } },
        'app.js': `const express = require('express')\nconst site = express()\nsite.get('/', (req, res) => res.send('Hello'))\nsite.${listen}\n`,
      },
      'express',
    ],
    'Express in ES modules': [
      {
        'package.json': { type: 'module', main: 'app.js', dependencies: { express: '5' } },
        'app.js': `import express from 'express'\nexport const app = express()\napp.get('/', (req, res) => res.send('Hello'))\napp.${listen}\n`,
      },
      'express',
    ],
    Koa: [
      {
        'package.json': { type: 'module', main: 'app.js', dependencies: { koa: '3' } },
        'app.js': `import Koa from 'koa'\nconst app = new Koa()\napp.use((context) => { context.body = 'Hello' })\napp.${listen}\n`,
      },
      'koa',
    ],
    Fastify: [
      {
        'package.json': { main: 'app.js', dependencies: { fastify: '5' } },
        'app.js': `const app = require('fastify')({ logger: false })\napp.get('/', async () => 'Hello')\napp.listen({ port: 0 }, () => console.log(app.server.address().port))\n`,
      },
      'fastify',
    ],
    Hono: [
      {
        'package.json': { type: 'module', main: 'app.js', dependencies: { hono: '4' } },
        'app.js': `import { serve } from '@hono/node-server'\nimport { Hono } from 'hono'\nconst app = new Hono()\napp.get('/', (c) => c.text('Hello'))\nserve({ fetch: app.fetch, port: 0 }, ({ port }) => console.log(port))\n`,
      },
      'hono',
      '@hono',
    ],
  }

  it.each(Object.entries(served))('close and reopen a site of %s', async (_, [files, ...packages]) => {
    const folder = fresh(files, ...packages)
    const [step] = askInit(folder).steps
    const path = join(folder, step?.file as string)
    const text = readFileSync(path, 'utf8').split('\n')
    const [above, below] = (step?.lines ?? []).join('\n').split('\n\n') as [string, string]
    write(dirname(path), {
      'app.js': [above, ...text.slice(0, step?.below as number), below, ...text.slice(step?.below as number)].join(
        '\n',
      ),
    })
    expect(askInit(folder).steps).toEqual([])

    const app = spawn(process.execPath, [path], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(async () => {
      app.kill('SIGKILL')
      await once(app, 'close')
    })
    const [port] = await once(app.stdout, 'data')
    const statusOf = async () => (await fetch(`http://127.0.0.1:${Number(port)}/`)).status
    expect(await statusOf()).toBe(200)
    expect(type(folder, 'on --for 5m').code).toBe(0)
    await expect.poll(statusOf).toBe(503)
    expect(type(folder, 'off').code).toBe(0)
    await expect.poll(statusOf).toBe(200)
  })
})
