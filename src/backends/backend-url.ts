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
const hostSyntax = /^([^:@[\]]*|\[[^@\]]*\])(:\d+)?$/

/**
 * @throws SettingError for what is no URL, for one of which it cannot be told what is secret, and for a key of other
 * characters than letters, digits, `_`, `.` and `-`
 */
export function readBackendUrl(text: string): BackendUrl {
  const [, scheme = '', slashes = '', rest = '', query = '', fragment = ''] =
    /^([a-z][a-z0-9+.-]*):(\/\/)?([^?#]*)\??([^#]*)(.*)/is.exec(text) ?? []
  if (scheme === '') {
    throw new SettingError('stateBackend', 'The option `stateBackend` is no URL: it has no scheme.')
  }
  const parameters = query.split('&').filter((parameter) => parameter !== '')
  const keys = parameters.filter((parameter) => parameter.startsWith('key='))
  const key = assertKey(keys.at(-1)?.slice('key='.length) ?? '')
  const others = parameters.filter((parameter) => !keys.includes(parameter))
  const named = key === '' ? '' : `?key=${key}`
  const place = slashes === '' ? rest : placeOf(rest, [scheme, query, fragment])
  return {
    scheme: scheme.toLowerCase(),
    url: `${scheme}:${slashes}${rest}${others.length > 0 ? `?${others.join('&')}` : ''}`,
    address: `${scheme.toLowerCase()}:${slashes}${place}${named}`,
    key,
  }
}

/** Hosts and path, without users and passwords. Several URLs in a row are the hosts of one. */
function placeOf(rest: string, [scheme = '', query = '', fragment = '']: readonly string[]): string {
  const urls = rest.split(/,(?:[a-z][a-z0-9+.-]*:\/\/)/i)
  // A password may hold an `@` that was not encoded: what follows the last one is the host.
  const places = urls.map((url) => url.replace(/^[^/]*@/, ''))
  const mayHold = /^(https?|s3)$/i.test(scheme) ? /^[^:]*(:\d+)?\// : /^\//
  const isSure = places.every((place) => {
    const hosts = place.replace(/\/.*$/s, '').split(',')
    return hosts.every((host) => hostSyntax.test(host)) && (!place.includes('@') || mayHold.test(place))
  })
  // Of a password that holds `/`, `?` or `#`, the client would make something else, and a message would show a part.
  if (isSure && !/^[^=&]*@/.test(query) && !fragment.includes('@')) return places.join(',')
  throw new SettingError(
    'stateBackend',
    'The option `stateBackend` has a host that cannot be read. In a user or password, write "/" as %2F, "?" as %3F and "#" as %23.',
  )
}

/** @throws SettingError */
export function assertKey(key: string): string {
  if (key === '' || keySyntax.test(key)) return key
  throw new SettingError(
    'stateBackend',
    `The option \`stateBackend\` names the key ${JSON.stringify(key.slice(0, 80))}: it must be 1 to 64 letters, digits, "_", "." or "-".`,
  )
}
