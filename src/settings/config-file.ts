import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MaintenanceError } from '../errors.js'
import type { MaintenanceOptions } from './options.js'

/** In the order in which they are looked for within a folder. */
const names = ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `maintenance-mode.config.${extension}`)

/** The nearest config file, from `folder` upward. */
export function findConfigFile(folder: string): string | undefined {
  for (let current = folder; ; current = dirname(current)) {
    const found = names.map((name) => join(current, name)).find((path) => existsSync(path))
    if (found !== undefined || dirname(current) === current) return found
  }
}

/**
 * What a config file exports, still to be checked.
 *
 * @throws MaintenanceError that names the file when it cannot be read, throws, or exports no object
 */
export async function loadConfigFile(path: string): Promise<MaintenanceOptions> {
  const exported = await load(path).catch((error) => {
    throw failure(path, `cannot be loaded: ${reasonOf(error, path)}`, error)
  })
  if (typeof exported === 'object' && exported !== null && !Array.isArray(exported)) return exported
  const what = exported === undefined ? 'exports no default' : 'exports no object'
  throw failure(path, `${what}: write \`export default { … }\` (in JSON, the object itself).`)
}

async function load(path: string): Promise<unknown> {
  switch (extname(path)) {
    case '.json':
      return JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''))
    case '.ts':
    case '.mts': {
      const { createJiti } = await import('jiti')
      // No cache on disk: it would lie in a folder that others may write, or belong to whoever came first.
      return defaultOf(await createJiti(path, { fsCache: false, interopDefault: false }).import(path))
    }
    default:
      return defaultOf(await import(pathToFileURL(path).href))
  }
}

/** The default export; in what a compiler made of one for CommonJS it lies a level deeper. */
function defaultOf(module: unknown): unknown {
  const { default: exported } = module as { default?: unknown }
  const { __esModule: compiled, default: inner } = (exported ?? {}) as { __esModule?: unknown; default?: unknown }
  return compiled ? inner : exported
}

function failure(path: string, problem: string, cause?: unknown): MaintenanceError {
  return new MaintenanceError('ERR_MAINTENANCE_SETTING', `The config file ${path} ${problem}`, { cause })
}

function reasonOf(error: unknown, path: string): string {
  const { message = String(error), stack = '', name } = error as Partial<Error>
  const line = stack.slice(stack.indexOf(path) + path.length).match(/^:(\d+)/)?.[1]
  const place = line !== undefined && stack.includes(path) ? ` (line ${line})` : ''
  return `${name === 'SyntaxError' ? 'it has a syntax error, ' : ''}${message.replace(/\.$/, '')}${place}.`
}
