import { platform } from '#platform'
import { SettingError } from '../errors.js'
import type { StateBackend } from './backend.js'
import { memoryBackend } from './memory.js'

const schemes = "'file:…' or 'memory:'"

/**
 * The state backend that the settings name. Connects to nothing.
 *
 * @throws SettingError for an address that no backend of this version serves
 */
export function openBackend(settings: {
  stateBackend: string | StateBackend | undefined
  stateFilePath: string
}): StateBackend {
  const { stateBackend, stateFilePath } = settings
  if (stateBackend === undefined) return platform.fileBackend(platform.resolvePath(stateFilePath))
  if (typeof stateBackend === 'object') return stateBackend
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(stateBackend)?.[1]?.toLowerCase()
  if (scheme === 'memory') return memoryBackend()
  if (scheme === 'file') return platform.fileBackend(platform.resolvePath(pathOf(stateBackend)))
  const problem =
    scheme === undefined ? 'has no scheme' : `has the scheme "${scheme}:", which this version does not serve`
  // Only the scheme is shown: an address may hold a password.
  throw new SettingError(
    'stateBackend',
    `The option \`stateBackend\` ${problem}: write ${schemes}, or pass a backend object.`,
  )
}

/** `file:./x`, `file:/srv/x` and `file:///srv/x`. */
function pathOf(address: string): string {
  const path = decodeURIComponent(address.slice('file:'.length).replace(/[?#].*$/, ''))
  return path.startsWith('//') ? path.replace(/^\/\/[^/]*/, '') : path
}
