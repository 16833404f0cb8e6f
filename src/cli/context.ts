import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { parseEnv } from 'node:util'
import { platform } from '#platform'
import type { StateBackend } from '../backends/backend.js'
import { openBackend } from '../backends/open.js'
import { createStateStore, type StateStore } from '../backends/store.js'
import { systemClock } from '../clock.js'
import { MaintenanceError, messageOf, SettingError } from '../errors.js'
import { findConfigFile, loadConfigFile } from '../settings/config-file.js'
import { variableOf } from '../settings/environment.js'
import { assertTimezone } from '../settings/instant.js'
import type { MaintenanceOptions, Settings } from '../settings/options.js'
import { resolveSettings } from '../settings/resolve.js'
import { isTenant } from '../settings/scope-names.js'
import type { Actor } from '../state/terms.js'
import { createReporter } from '../telemetry/warnings.js'
import { actorHere } from './actor.js'

/** The options that every command takes. */
export interface CommonOptions {
  config?: string
  envFile?: string
  stateBackend?: string
  via?: string
  token?: string
  json?: boolean
  timezone?: string
}

/** What can be closed by itself. */
export interface KnownScopes {
  parts: readonly string[]
  /** There is none where no tenants are known of; it gives `undefined` where it cannot be told here. */
  isTenant: ((name: string) => boolean | undefined) | undefined
  /** Asks the site, where the state is reached through one. @throws MaintenanceError for what is no scope */
  assert?(scope: string): Promise<void>
}

/** What every command works with: the settings that the app has too, and its state. */
export interface Context {
  settings: Pick<Settings, 'mode' | 'pollInterval' | 'drainTimeout'>
  /** What can be closed by itself, as far as the settings here tell, or those of the site. */
  scopes: KnownScopes
  /** The files that the settings come from. */
  files: string[]
  store: StateStore
  /** How long a window that is held here outlives its last renewal, in milliseconds. */
  leaseTtl: number
  /** The control URLs of the site, where the state is reached through them: its settings decide, and not those here. */
  site: string | undefined
  /** Who runs the command, for the history. */
  actor(): Actor
  /** In which times are read and written. Looked up only when it is asked for, which takes as long as all the rest. */
  timezone(): string
  now(): number
  /** The line that gives a command to the same state. */
  commandLine(command: string): string
}

const needed = [
  'mode',
  'stateBackend',
  'stateFilePath',
  'pollInterval',
  'drainTimeout',
  'leaseTtl',
  'silence',
  'scopes',
  'tenants',
] as const

/** Finds config file, `.env` and environment as the app does, and opens the state they name. */
export async function openContext(options: CommonOptions, warn: (message: string) => void): Promise<Context> {
  const { config, envFile } = findFiles(options, warn)
  if (envFile !== undefined) fillEnvironment(envFile)
  const { via } = options
  const given = config === undefined ? {} : await loadConfig(config, via === undefined ? undefined : warn)
  const files = [config, envFile].filter((file) => file !== undefined)
  const environment = { ...process.env }
  if (options.stateBackend !== undefined) environment[variableOf('stateBackend')] = options.stateBackend

  const { settings, unknownVariables } = named(files, () =>
    resolveSettings(given, environment, via === undefined ? needed : (['leaseTtl', 'silence'] as const)),
  )
  const reporter = createReporter({ warn, error: warn }, settings.silence)
  for (const { variable, nearest } of unknownVariables) {
    const meant = nearest === undefined ? '' : ` Did you mean ${nearest}?`
    reporter.warn('unknown-variable', `No setting reads the environment variable ${variable}.${meant}`)
  }

  const site = via === undefined ? undefined : await (await import('./via.js')).openSite(via, options.token)
  let timezone = options.timezone === undefined ? undefined : assertTimezone(options.timezone)
  return {
    settings: site?.settings ?? settings,
    scopes: site?.scopes ?? scopesOf(settings),
    files,
    store: createStateStore(site?.backend ?? openLocal(settings, files)),
    leaseTtl: settings.leaseTtl,
    site: via,
    actor: () => site?.actor ?? actorHere(),
    timezone() {
      timezone ??= named(files, () => resolveSettings(given, environment, ['timezone'])).settings.timezone
      return timezone
    },
    now: systemClock.now,
    commandLine: (command) => commandLine(command, options),
  }
}

/** Where the state is reached through a site, there may be no package here that the config file needs. */
async function loadConfig(file: string, warn: ((message: string) => void) | undefined): Promise<MaintenanceOptions> {
  try {
    return await loadConfigFile(file)
  } catch (error) {
    if (!warn) throw error
    warn(`maintenance-mode: ${messageOf(error)} With --via only its \`timezone\` and \`silence\` would count.`)
    return {}
  }
}

/** The state that the settings name. */
function openLocal(settings: Pick<Settings, (typeof needed)[number]>, files: readonly string[]): StateBackend {
  const backend = named(files, () => openBackend(settings))
  if (backend.address !== 'memory:' || settings.mode !== undefined) return backend
  throw new MaintenanceError(
    'ERR_MAINTENANCE_BACKEND',
    'The state is kept in the memory of the app (`memory:`), which no command can reach. Switch it in the app itself (`setMode`, or its control URLs, which `--via` goes through), or set `stateBackend` to what both can reach, such as a file.',
  )
}

/** Paths on the command line count from the working directory, as everywhere; what is searched for, from there upward. */
function findFiles(
  options: CommonOptions,
  warn: (message: string) => void,
): { config: string | undefined; envFile: string | undefined } {
  const project = platform.resolvePath('.')
  let config = options.config === undefined ? findConfigFile(process.cwd()) : resolve(options.config)
  // Another project's settings would switch another site.
  if (config !== undefined && options.config === undefined && relative(project, config).startsWith(`..${sep}`)) {
    warn(
      `maintenance-mode: ${config} is not used, as it belongs to another project than ${project}. If it is meant, give --config ${config}`,
    )
    config = undefined
  }
  const beside = config === undefined ? project : dirname(config)
  const usual = [beside, project].map((folder) => join(folder, '.env')).find((path) => existsSync(path))
  return { config, envFile: options.envFile === undefined ? usual : resolve(options.envFile) }
}

/** Into the process's own environment, since the config file reads that as well. What is there already stays. */
function fillEnvironment(file: string): void {
  try {
    for (const [name, value] of Object.entries(parseEnv(readFileSync(file, 'utf8')))) process.env[name] ??= value
  } catch (error) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_SETTING',
      `The environment file ${file} cannot be read: ${messageOf(error)}.`,
      { cause: error },
    )
  }
}

function scopesOf({ scopes, tenants }: Pick<Settings, 'scopes' | 'tenants'>): KnownScopes {
  return { parts: Object.keys(scopes ?? {}), isTenant: tenants && ((name) => isTenant(tenants, name)) }
}

/** Says in which files to look for a setting that is wrong. */
function named<Result>(files: readonly string[], read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SettingError) || files.length === 0) throw error
    const message = `${error.message} The settings come from ${files.join(' and ')}, and from the environment.`
    throw new SettingError(error.setting, message, { cause: error })
  }
}

function commandLine(command: string, options: CommonOptions): string {
  // A token is no text for a hint.
  const flags = {
    '--config': options.config,
    '--env-file': options.envFile,
    '--state-backend': options.stateBackend,
    '--via': options.via,
  }
  const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, quoted(value)]))
  const program = process.env.npm_command === 'exec' ? 'npx maintenance-mode' : 'maintenance-mode'
  return [program, command, ...given].join(' ')
}

/** As a POSIX shell takes it. */
export function quoted(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`
}
