import { platform } from '#platform'
import { messageOf, SettingError } from '../errors.js'
import { readEnvironment, variableOf } from './environment.js'
import { systemTimezone } from './instant.js'
import { didYouMean } from './nearest.js'
import type { MaintenanceOptions, Settings } from './options.js'
import { settingsTable } from './table.js'

/** The settings, checked, and where they came from. */
export interface ResolvedSettings<Name extends keyof Settings = keyof Settings> {
  settings: Pick<Settings, Name>
  /** `MAINTENANCE_MODE_…` variables that no setting reads, with the nearest name. */
  unknownVariables: { variable: string; nearest: string | undefined }[]
}

const known = new Set(settingsTable.map((setting) => setting.name))
const reference = /^\.{0,2}[\\/].*#[\w$]+$/

/**
 * The environment goes before options, options before defaults.
 *
 * @param only What the caller needs: the others are not checked, nor are the files loaded that they name.
 * @throws SettingError for an unknown option, or a value that cannot be meant.
 */
export function resolveSettings<Name extends keyof Settings = keyof Settings>(
  options: MaintenanceOptions,
  environment: Readonly<Record<string, string | undefined>>,
  only?: readonly Name[],
): ResolvedSettings<Name> {
  if (typeof options !== 'object' || options === null) {
    throw new SettingError(
      'options',
      `The options must be an object, such as { ignoreStaff: true }; got ${show(options)}.`,
    )
  }
  for (const name of Object.keys(options)) {
    if (!known.has(name)) {
      throw new SettingError(
        name,
        `Unknown option \`${name}\`.${didYouMean(name, [...known])} The settings are listed in docs/settings.md.`,
      )
    }
  }
  const { values, unknown } = readEnvironment(environment)
  const settings: Record<string, unknown> = {}
  for (const { name, kind, default: fallback } of settingsTable) {
    if (only && !only.includes(name as Name)) continue
    const option = (options as Record<string, unknown>)[name]
    const fromEnvironment = values[name] !== undefined
    const given = fromEnvironment ? values[name] : (option ?? undefined)
    const value = given ?? fallback
    if (value === undefined) continue
    try {
      settings[name] = kind.parse(kind.loads ? loaded(value) : value)
    } catch (error) {
      const where = fromEnvironment ? `The variable ${variableOf(name)}` : `The option \`${name}\``
      throw new SettingError(name, `${where} is ${kind.secret ? 'not usable' : show(given)}: ${sentenceOf(error)}.`, {
        cause: error,
      })
    }
  }
  if (!only || only.includes('timezone' as Name)) settings.timezone ??= systemTimezone()
  settings.logger ??= console
  refuseContradictions(settings)
  return { settings: settings as unknown as Pick<Settings, Name>, unknownVariables: unknown }
}

/** What `./file.js#exportName` names, so that an environment or a JSON file can give functions and backends. */
function loaded(value: unknown): unknown {
  if (typeof value !== 'string' || !reference.test(value)) return value
  const found = platform.loadExport(value)
  if (found === undefined) throw new Error(`the file has no export "${value.slice(value.lastIndexOf('#') + 1)}"`)
  return found
}

/** Settings that are right alone and cannot be meant together. */
function refuseContradictions({ redirectUrl, responseType, controlUrl, healthUrls }: Partial<Settings>): void {
  if (redirectUrl !== undefined && responseType === 'json') {
    throw new SettingError(
      'redirectUrl',
      "The option `redirectUrl` redirects clients that want HTML, and with `responseType: 'json'` there are none: take one of the two away.",
    )
  }
  if (controlUrl !== undefined && healthUrls?.includes(controlUrl)) {
    throw new SettingError(
      'controlUrl',
      `The option \`controlUrl\` is "${controlUrl}", and so is one of the \`healthUrls\`: one path cannot answer both. Move one of them.`,
    )
  }
}

/** The first line is what is wrong; that of a missing module is followed by who asked for it. */
function sentenceOf(error: unknown): string {
  return (messageOf(error).split('\n', 1)[0] as string).replace(/\.$/, '')
}

function show(value: unknown): string {
  if (typeof value === 'string') return `the string ${JSON.stringify(cut(value))}`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'number') return String(value)
  if (value instanceof RegExp) return `the regular expression ${value}`
  try {
    return cut(JSON.stringify(value) ?? String(value))
  } catch {
    return 'an object'
  }
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
