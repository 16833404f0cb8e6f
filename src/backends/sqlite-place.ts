import { platform } from '#platform'
import { SettingError } from '../errors.js'
import { assertKey, readBackendUrl } from './backend-url.js'

/** The file that holds a state, and which state in it. */
export interface SqlitePlace {
  /** From the root on. */
  path: string
  key: string
  address: string
}

/**
 * `sqlite:./state.db`, `sqlite:/srv/x.db` and `sqlite:///srv/x.db`.
 *
 * @throws SettingError
 */
export function sqlitePlaceOfUrl(url: string, key?: string): SqlitePlace {
  const parts = readBackendUrl(url)
  const [, , path = ''] = /^sqlite:(\/\/(?=\/))?([^?]*)/i.exec(parts.url) ?? []
  return sqlitePlace(path.startsWith('//') ? '' : decoded(path), key ?? parts.key)
}

/**
 * A relative path counts from where that of the state file does.
 *
 * @throws SettingError
 */
export function sqlitePlace(given: string, key = ''): SqlitePlace {
  if (given === '' || given === ':memory:') {
    throw new SettingError(
      'stateBackend',
      `The option \`stateBackend\` names no file of SQLite${given && ', but a database in memory, which is shared with nobody'}. Write sqlite:./state.db or sqlite:/srv/shop/state.db.`,
    )
  }
  const path = platform.resolvePath(given)
  return { path, key: assertKey(key), address: `sqlite:${path}${key && `?key=${key}`}` }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
