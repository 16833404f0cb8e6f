import { MaintenanceError } from '../errors.js'
import { detectHosting } from './hosting.js'
import type { Platform } from './platform.js'

/** Runtimes without files: edge functions, workers, browsers. What needs a file is given in code there. */
export const platform: Platform = {
  environment() {
    const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
    return process?.env ?? {}
  },
  resolvePath: (path) => path,
  readText: (path) => noFiles(`the text of ${path}`),
  loadExport: (reference) => noFiles(`the function ${reference}`),
  resolveModule: () => undefined,
  // Of an edge function nothing is left running between requests.
  hosting: (environment) => detectHosting(environment) ?? { name: 'this edge runtime', timers: false },
  localCopy: () => undefined,
  fileBackend: () => noFiles('a state backend'),
  // By its path: not every bundler for the edge takes the file that its package names for browsers.
  liquid: async () => (await import('liquidjs/dist/liquid.browser.mjs' as string)) as typeof import('liquidjs'),
  testRunner: () => undefined,
  events: () => undefined,
  notifier: () => undefined,
  host: () => 'edge',
  process: () => crypto.randomUUID().slice(0, 8),
}

function noFiles(what: string): never {
  throw new MaintenanceError('ERR_MAINTENANCE_SETTING', `This runtime has no files: give ${what} in code.`)
}
