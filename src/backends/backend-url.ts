import { SettingError } from '../errors.js'

/** What every backend reads of its URL alike. */
export interface BackendUrl {
  /** The scheme, in lower case, without the colon. */
  scheme: string
  /** The URL without our own parameter, for the client. It may hold a password. */
  url: string
  /** The URL for people: no user, no password, no parameter but the key. */
  address: string
  /** Which state it is: `?key=`. Empty for the one without a key. */
  key: string
}

const keySyntax = /^[\w.-]{1,64}$/

/** @throws SettingError for what is no URL, and for a key of other characters than letters, digits, `_`, `.` and `-` */
export function readBackendUrl(text: string): BackendUrl {
  const [, scheme = '', slashes = '', rest = '', query = ''] =
    /^([a-z][a-z0-9+.-]*):(\/\/)?([^?#]*)\??([^#]*)/i.exec(text) ?? []
  if (scheme === '') {
    throw new SettingError('stateBackend', 'The option `stateBackend` is no URL: it has no scheme.')
  }
  const parameters = query.split('&').filter((parameter) => parameter !== '')
  const keys = parameters.filter((parameter) => parameter.startsWith('key='))
  const key = assertKey(decodeURIComponent(keys.at(-1)?.slice('key='.length) ?? ''))
  const others = parameters.filter((parameter) => !keys.includes(parameter))
  const named = key === '' ? '' : `?key=${key}`
  // A password may hold an `@` that was not encoded: what follows the last one is the host.
  const place = slashes === '' ? rest : rest.replace(/^[^/]*@/, '')
  return {
    scheme: scheme.toLowerCase(),
    url: `${scheme}:${slashes}${rest}${others.length > 0 ? `?${others.join('&')}` : ''}`,
    address: `${scheme.toLowerCase()}:${slashes}${place}${named}`,
    key,
  }
}

/** @throws SettingError */
export function assertKey(key: string): string {
  if (key === '' || keySyntax.test(key)) return key
  throw new SettingError(
    'stateBackend',
    `The option \`stateBackend\` names the key ${JSON.stringify(key.slice(0, 80))}: it must be 1 to 64 letters, digits, "_", "." or "-".`,
  )
}
