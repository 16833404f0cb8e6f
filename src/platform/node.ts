import { channel } from 'node:diagnostics_channel'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fileBackend } from '../backends/file.js'
import { createEvents } from '../telemetry/events.js'
import { createNotifier } from '../telemetry/notifier.js'
import { detectHosting } from './hosting.js'
import { createLocalCopy } from './local-copy.js'
import type { Platform } from './platform.js'

// Not called `require`, or bundlers would look for what is loaded only when a setting names it.
const load = createRequire(import.meta.url)

export const platform: Platform = {
  environment: () => process.env,
  resolvePath: (path) => resolve(projectFolder(), path),
  readText: (path) => readFileSync(path, 'utf8'),
  loadExport(reference) {
    const [path = '', name = 'default'] = reference.split('#')
    // require() loads ES modules too, and at once: settings are checked before the app serves anything.
    const module = load(/* turbopackIgnore: true */ resolve(projectFolder(), path)) as Record<string, unknown>
    return module[name]
  },
  resolveModule(name) {
    try {
      return pathToFileURL(createRequire(join(projectFolder(), 'package.json')).resolve(name)).href
    } catch {
      return undefined
    }
  },
  hosting: detectHosting,
  localCopy: createLocalCopy,
  fileBackend: (path) => fileBackend({ path }),
  liquid: () => load('liquidjs') as typeof import('liquidjs'),
  testRunner,
  events: (maintenance) => createEvents(channel, maintenance),
  notifier: createNotifier,
  host: () => hostname(),
  process: () => String(process.pid),
}

/** The folder of the nearest package.json, upward from the working directory; that directory itself where there is none. */
export function projectFolder(from: string = process.cwd()): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (dirname(folder) === folder) return from
  }
}

function testRunner(): string | undefined {
  const { env, argv } = process
  if (env.NODE_TEST_CONTEXT || process.execArgv.includes('--test')) return 'node:test'
  if (env.VITEST) return 'vitest'
  if (env.JEST_WORKER_ID) return 'jest'
  if (env.TEST_WORKER_INDEX) return 'playwright'
  return /[\\/]_?mocha(\.c?js)?$/.test(argv[1] ?? '') ? 'mocha' : undefined
}
