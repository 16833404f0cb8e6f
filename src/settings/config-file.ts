import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MaintenanceError, messageOf } from '../errors.js'
import type { MaintenanceOptions } from './options.js'

/** In the order in which they are looked for within a folder. In `src` it is compiled with the app. */
const names = ['', 'src/'].flatMap((folder) =>
  ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `${folder}maintenance-mode.config.${extension}`),
)

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
  const text = readFileSync(path, 'utf8')
  switch (extname(path)) {
    case '.json':
      return JSON.parse(text.replace(/^\uFEFF/, ''))
    case '.ts':
    case '.mts': {
      const { createJiti } = await import('jiti')
      // No cache on disk: in a folder for temporary files, others could put code there.
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
  const { name, stack = '' } = (error ?? {}) as Partial<Error>
  const line = stack.split(path)[1]?.match(/^:(\d+)/)?.[1]
  // What Node says of a syntax error has no place, unless Node itself runs the file.
  const place = line !== undefined ? ` (line ${line})` : ''
  const hint = name === 'SyntaxError' && !path.endsWith('.json') ? `; \`node --check ${path}\` shows where` : ''
  return `${messageOf(error).replace(/\.$/, '')}${place || hint}.`
}
