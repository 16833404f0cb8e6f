import type { Settings } from '../settings/options.js'
import { settingsTable } from '../settings/table.js'

/** What each instance may have to itself; a pinned mode shows by itself. */
const own: ReadonlySet<string> = new Set([
  'mode',
  'stateBackend',
  'stateFilePath',
  'localCopyPath',
  'instanceId',
  'logger',
  'silence',
])

/** Eight digits that are the same in all instances with the same settings, whatever order these were written in. */
export async function hashSettings(settings: Settings): Promise<string> {
  const told = settingsTable
    .filter(({ name }) => !own.has(name))
    .map(({ name, kind }) => {
      const value = settings[name as keyof Settings]
      // Of a secret only whether there is one: a hash of a weak one can be guessed.
      return [name, kind.secret ? value !== undefined : canonical(value)]
    })
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(told)))
  return [...new Uint8Array(digest).subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function canonical(value: unknown): unknown {
  if (typeof value === 'function' || value instanceof RegExp) return String(value)
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, part]) => [name, canonical(part)] as const)
  return entries.sort(([a], [b]) => (a < b ? -1 : 1))
}
