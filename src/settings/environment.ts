import { messageOf, SettingError } from '../errors.js'
import { nearestName } from './nearest.js'
import { settingsTable } from './table.js'

const prefix = 'MAINTENANCE_MODE'

/** The environment variable of a setting: `MAINTENANCE_MODE_IGNORE_URLS`; that of `mode` is `MAINTENANCE_MODE` itself. */
export function variableOf(setting: string): string {
  return setting === 'mode' ? prefix : `${prefix}_${setting.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

const settings = new Map(settingsTable.map((setting) => [variableOf(setting.name), setting]))

// Kubernetes puts these into every pod when there is a Service named maintenance-mode.
const kubernetes = /^MAINTENANCE_MODE_(SERVICE_HOST|(SERVICE_)?PORT(_\w+)?)$/

/** The settings that the environment gives, still to be checked, and the variables that nothing reads. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): {
  values: Record<string, unknown>
  unknown: { variable: string; nearest: string | undefined }[]
} {
  const values: Record<string, unknown> = {}
  const unknown: { variable: string; nearest: string | undefined }[] = []
  for (const [variable, text] of Object.entries(environment)) {
    // Compose files and charts pass what is not set as an empty text.
    if (!variable.startsWith(prefix) || text === undefined || text.trim() === '') continue
    const setting = settings.get(variable)
    if (setting) {
      try {
        values[setting.name] = setting.kind.fromText(text)
      } catch (error) {
        const message = `${variable} cannot be read (${messageOf(error)}): write ${setting.kind.expects}.`
        throw new SettingError(setting.name, message, { cause: error })
      }
    } else if (variable.startsWith(`${prefix}_`) && !kubernetes.test(variable)) {
      unknown.push({ variable, nearest: nearestName(variable, [...settings.keys()]) })
    }
  }
  return { values, unknown }
}
