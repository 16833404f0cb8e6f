import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isRoot, nobody } from '../backends/fixtures/child.js'
import { ask, environment, execute, main, project, root, run, storedIn, type, write } from './fixtures/cli.js'

const config = 'maintenance-mode.config'

/** Where a command line in a folder finds the state. */
function stateOf(folder: string, line = 'status', variables: Record<string, string> = {}): string {
  const { stateBackend, error } = ask(folder, line, variables) as { stateBackend: string; error?: { message: string } }
  if (error) throw new Error(error.message)
  return stateBackend.replace(`file:${folder}/`, '')
}

describe('the config file', () => {
  const code = `export default { stateFilePath: 'configured.json' }`

  it.each([
    ['js', code],
    ['mjs', code],
    ['json', '\uFEFF{ "stateFilePath": "configured.json" }'],
    ['ts', `const stateFilePath: string = 'configured.json'\nexport default { stateFilePath }`],
    ['mts', `import type { MaintenanceOptions } from 'maintenance-mode'\n${code} satisfies MaintenanceOptions`],
  ])('is found as .%s', (extension, text) => {
    const folder = project({ [`${config}.${extension}`]: text })
    expect(stateOf(folder)).toBe('configured.json')
    expect(type(folder, 'status').output).toContain(`settings    the environment, ${folder}/${config}.${extension}\n`)
  })

  it.each([
    ['module.exports', 'module.exports = { stateFilePath: "configured.json" }'],
    [
      'what a compiler makes of a default export',
      'exports.__esModule = true; exports.default = { stateFilePath: "configured.json" }',
    ],
  ])('may be CommonJS with %s', (_, text) => {
    expect(stateOf(project({ 'package.json': {}, [`${config}.js`]: text }))).toBe('configured.json')
  })

  it('may use defineConfig and a backend object of the package', () => {
    const folder = project({
      [`${config}.js`]: `
        import { defineConfig } from 'maintenance-mode'
        import { fileBackend } from 'maintenance-mode/backends/file'
        export default defineConfig({ stateBackend: fileBackend({ path: import.meta.dirname + '/own.json' }) })`,
    })
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules/maintenance-mode'))
    expect(type(folder, 'on').code).toBe(0)
    expect(storedIn(folder, 'own.json').windows).toHaveLength(1)
  })

  it('is found from a subfolder, and paths in it count from the project', () => {
    const folder = project({ [`${config}.js`]: code, 'src/pages/index.js': '' })
    type(join(folder, 'src/pages'), 'on')
    expect(storedIn(folder, 'configured.json').revision).toBe(1)
  })

  it('is not that of another project around this one, which is said', () => {
    const folder = project({ [`${config}.js`]: code, 'packages/shop/package.json': {} })
    const shop = join(folder, 'packages/shop')
    expect(stateOf(shop)).toBe('.maintenance-mode.json')
    const { errors } = type(shop, 'status')
    expect(errors).toContain(`${folder}/${config}.js is not used, as it belongs to another project than ${shop}`)
    expect(stateOf(shop, `status --config ../../${config}.js`)).toBe('configured.json')
  })

  it('does not keep the command alive', () => {
    const folder = project({ [`${config}.js`]: `setInterval(() => {}, 1000)\n${code}` })
    expect(run(folder, ['status'], { timeout: 10_000 }).code).toBe(0)
  })

  it.each([
    ['js', 'throw new Error("DB_URL is not set")', /cannot be loaded: DB_URL is not set \(line 1\)\.\n$/],
    ['ts', '\nthrow new Error("DB_URL is not set")', /cannot be loaded: DB_URL is not set \(line 2\)\.\n$/],
    ['js', 'throw null', /cannot be loaded: null\.\n$/],
    ['mjs', 'export default { a: 1 b: 2 }', /cannot be loaded: Unexpected .*`node --check \/.*` shows where\.\n$/],
    ['json', '{ "ignoreUrls" }', /cannot be loaded: .* in JSON at position /],
    ['json', '["/api/**"]', /exports no object: write `export default/],
    ['js', 'export const ignoreUrls = []', /exports no default: write `export default/],
    ['js', 'export default { ignoreUrl: [] }', /^Unknown option `ignoreUrl`\. Did you mean `ignoreUrls`\?/],
    ['js', 'export default { stateFilePath: 5 }', /^The option `stateFilePath` is 5: write a string/],
    [
      'js',
      'export default { stateBackend: "oracle://u:secret@h" }',
      /^The option `stateBackend` has the scheme "oracle:"/,
    ],
  ])('as .%s that is wrong (%s) fails with its full path, and no stack', (extension, text, message) => {
    const folder = project({ [`${config}.${extension}`]: text })
    const { code, output, errors } = type(folder, 'on')
    expect({ code, output }).toEqual({ code: 1, output: '' })
    expect(errors).toMatch(message)
    expect(errors).toContain(`${folder}/${config}.${extension}`)
    expect(errors).not.toContain('secret')
    expect(errors.trim().split('\n')).toHaveLength(1)
  })

  it('that is named but not there fails', () => {
    const folder = project()
    const { code, errors } = type(folder, 'status --config nope.js')
    expect({ code, errors }).toEqual({
      code: 1,
      errors: expect.stringContaining(`${folder}/nope.js cannot be loaded: ENOENT`),
    })
  })

  it.skipIf(!isRoot)('that may not be read fails (needs root)', () => {
    const folder = project({ [`${config}.json`]: {} })
    chmodSync(folder, 0o755)
    chmodSync(join(folder, `${config}.json`), 0o600)
    const { code, errors } = run(folder, ['status'], { uid: nobody, gid: nobody })
    expect({ code, errors }).toEqual({
      code: 1,
      errors: expect.stringContaining(`${config}.json cannot be loaded: EACCES`),
    })
  })
})

describe('precedence', () => {
  it('is flag, environment, .env, config file, default', () => {
    const folder = project()
    expect(stateOf(folder)).toBe('.maintenance-mode.json')
    write(folder, { [`${config}.json`]: { stateFilePath: 'config.json' } })
    expect(stateOf(folder)).toBe('config.json')
    write(folder, { '.env': 'MAINTENANCE_MODE_STATE_FILE_PATH=dotenv.json' })
    expect(stateOf(folder)).toBe('dotenv.json')
    const variables = { MAINTENANCE_MODE_STATE_FILE_PATH: 'environment.json' }
    expect(stateOf(folder, 'status', variables)).toBe('environment.json')
    expect(stateOf(folder, 'status --state-backend file:flag.json', variables)).toBe('flag.json')
  })

  it('of time zones is flag, environment, config file, the process', () => {
    const folder = project()
    const ends = (line: string, variables = {}) => /ends .*?\((.+?)\)/.exec(type(folder, line, variables).output)?.[1]
    expect(ends('on --for 1h')).toBe('Europe/Rome')
    write(folder, { [`${config}.json`]: { timezone: 'Asia/Tokyo' } })
    expect(ends('status')).toBe('Asia/Tokyo')
    const variables = { MAINTENANCE_MODE_TIMEZONE: 'Asia/Kolkata' }
    expect(ends('status', variables)).toBe('Asia/Kolkata')
    expect(ends('on --timezone America/Lima', variables)).toBe('America/Lima')
  })
})

describe('.env', () => {
  it('is that beside the config file, else that of the project, or the one that is named', () => {
    const line = (path: string) => `MAINTENANCE_MODE_STATE_FILE_PATH=${path}.json`
    const folder = project({
      '.env': line('of-project'),
      'deploy/settings.json': {},
      'elsewhere/production.env': line('named'),
    })
    expect(stateOf(folder, 'status --config deploy/settings.json')).toBe('of-project.json')
    write(folder, { 'deploy/.env': line('beside') })
    expect(stateOf(folder, 'status --config deploy/settings.json')).toBe('beside.json')
    expect(stateOf(folder)).toBe('of-project.json')
    expect(stateOf(folder, 'status --env-file elsewhere/production.env')).toBe('named.json')
    expect(ask(folder, 'status --config deploy/settings.json')).toMatchObject({
      settings: [`${folder}/deploy/settings.json`, `${folder}/deploy/.env`],
    })
  })

  it('is there for the config file, and for the time zone', () => {
    const folder = project({
      '.env': '# the shop\nexport STATE="from-env.json" # shared\nTZ=Asia/Tokyo\n',
      [`${config}.js`]: 'export default { stateFilePath: process.env.STATE }',
    })
    const { output, errors } = execute(process.execPath, [main, 'on', '--end', '2999-01-01T02:00'], {
      cwd: folder,
      env: { PATH: environment.PATH },
    })
    expect(errors).toBe('')
    expect(output).toContain(`file:${folder}/from-env.json`)
    expect(output).toContain('2999-01-01 02:00:00 +09:00 (Asia/Tokyo)')
  })
})

describe('variables that nothing reads', () => {
  it('are a warning with the nearest name, which can be silenced, and never in the way of JSON', () => {
    const folder = project({
      '.env': 'MAINTENANCE_MODE_STATE_FILE_PTH=x.json\nMAINTENANCE_MODE_PORT=tcp://10.0.0.1:80',
    })
    const { code, output, errors } = type(folder, 'status --json')
    expect({ code, mode: JSON.parse(output).mode }).toEqual({ code: 0, mode: 'off' })
    expect(errors).toMatch(/MAINTENANCE_MODE_STATE_FILE_PTH\. Did you mean MAINTENANCE_MODE_STATE_FILE_PATH\?/)
    expect(errors).not.toContain('MAINTENANCE_MODE_PORT')
    expect(type(folder, 'status', { MAINTENANCE_MODE_SILENCE: 'unknown-variable' }).errors).toBe('')
  })
})

describe('what a setting names', () => {
  it('is loaded if it is the state backend, and nothing else is', () => {
    const folder = project({
      'state.cjs': `
        let stored
        exports.backend = { address: 'test:state', capabilities: {}, read: async () => stored, write: async () => {} }`,
      'rules.cjs': 'throw new Error("loaded")',
      [`${config}.json`]: { ignoreRequest: './rules.cjs#ignore', getContext: './nowhere.js#context' },
    })
    expect(stateOf(folder, 'status', { MAINTENANCE_MODE_STATE_BACKEND: './state.cjs#backend' })).toBe('test:state')
  })
})

it('npx finds the command of the project, and two projects in one tree do not mix', () => {
  const folder = project({ 'shop/package.json': {}, 'shop/src/index.js': '', 'blog/package.json': {} })
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync(main, join(folder, 'node_modules/.bin/maintenance-mode'))
  const npx = (place: string, command: string) =>
    execute('npx', ['--no', 'maintenance-mode', command], {
      cwd: join(folder, place),
      env: { ...environment, HOME: folder, npm_config_update_notifier: 'false' },
    })
  const opened = npx('shop/src', 'on')
  expect(opened.code).toBe(0)
  expect(opened.output).toContain(`file:${folder}/shop/.maintenance-mode.json`)
  expect(opened.output).toContain('To end it: npx maintenance-mode off\n')
  expect(ask(join(folder, 'blog'), 'status')).toMatchObject({ mode: 'off' })
  expect(ask(join(folder, 'shop'), 'status')).toMatchObject({ mode: 'on' })
})
