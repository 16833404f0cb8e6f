// What a fresh clone needs before anything can run: installed packages, a build, and for the tests a browser.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const changed = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

/** Runs a command in the clone, its output shown. What fails has said why: end with its code. */
export function run(command, ...args) {
  runIn(root, command, ...args)
}

export function runIn(folder, command, ...args) {
  const { status } = spawnSync(command, args, { cwd: folder, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

export function ensureInstalled() {
  if (changed(join(root, 'node_modules/.package-lock.json')) >= changed(join(root, 'package-lock.json'))) return
  console.log('Installing the packages …')
  // Not `npm ci`: it stops where a registry lacks the optional binaries of another platform.
  run('npm', 'install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error')
  ensureCompiled()
  // So that `npx maintenance-mode` runs what is built here, at once, and not a copy that npx makes of it.
  const command = join(root, 'node_modules/.bin/maintenance-mode')
  if (!existsSync(command)) symlinkSync('../../dist/cli/main.js', command)
}

/** better-sqlite3 comes as source where no binary of it can be downloaded. Without it its tests fail, and nothing else. */
function ensureCompiled() {
  const loads = () =>
    spawnSync('node', ['-e', "new (require('better-sqlite3'))(':memory:')"], { cwd: root, stdio: 'ignore' }).status ===
    0
  if (loads()) return
  console.log('Compiling better-sqlite3, which takes a minute …')
  const headers = join(process.execPath, '../..')
  const env = { npm_config_nodedir: headers, ...process.env }
  const nodedir = existsSync(join(headers, 'include/node/node.h')) ? env : process.env
  spawnSync('npm', ['rebuild', '--loglevel=error', 'better-sqlite3'], { cwd: root, stdio: 'inherit', env: nodedir })
}

export function ensureBuilt() {
  const sources = readdirSync(join(root, 'src'), { recursive: true }).map((name) => join(root, 'src', name))
  const newest = Math.max(changed(join(root, 'tsconfig.build.json')), ...sources.map(changed))
  if (changed(join(root, 'dist/cli/main.js')) > newest) return
  console.log('Building …')
  run('npm', 'run', '--silent', 'build')
}

/** The path of a Chromium; installed from Debian's packages where there is none and we may. */
export function ensureChromium() {
  const places = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  const find = () => places.find((path) => path && existsSync(path))
  if (!find()) ensureDebian('chromium')
  const path = find()
  if (path) return path
  throw new Error('The browser tests need a Chromium: install one and set CHROMIUM_PATH.')
}

/** Installs Debian packages where this is Debian and we are root; else says what to install. */
export function ensureDebian(...packages) {
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) {
    throw new Error(`The tests need these Debian packages: ${packages.join(' ')}. Install them and run again.`)
  }
  console.log(`Installing ${packages.join(', ')} …`)
  run('apt-get', 'update', '-qq')
  run('apt-get', 'install', '-qq', '-y', '--no-install-recommends', ...packages)
}
