import { SettingError, StateBackendError, StateDamagedError } from '../errors.js'
import type { StateBackend, StoredState } from './backend.js'
import { readBackendUrl } from './backend-url.js'
import { toStored } from './compared.js'
import { backendFailure } from './failure.js'
import { askWeb, type WebAnswer, webHint } from './web-request.js'

/** A document behind a URL. */
export interface HttpBackendOptions {
  /**
   * Where the document is: `https://cdn.example/shop/maintenance.json`. User and password are sent as they are meant, and
   * never shown. `?key=shop` names the state that is expected there.
   */
  url: string
  /** Sent with every request: an `Authorization`, for one. */
  headers?: Readonly<Record<string, string>>
  /** Asks. Default: the global one. */
  fetch?: typeof fetch
}

/** The last answer, and by what the server knows whether it still holds. */
interface Held {
  stored: StoredState
  condition: Record<string, string>
}

/**
 * Reads a document from a URL, and writes nothing: what `maintenance-mode on --print` prints is put there. An instance
 * asks every `pollInterval`, and takes the document again only when it has changed.
 *
 * @example
 * ```ts
 * httpBackend({ url: 'https://cdn.example/shop/maintenance.json' })
 * ```
 *
 * @throws SettingError for what is no URL
 */
export function httpBackend(options: HttpBackendOptions): StateBackend {
  const { address, key, url: given } = readBackendUrl(options.url)
  const { url, authorization } = withoutCredentials(given, address)
  const more = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])
  const usual = { accept: 'application/json', 'cache-control': 'no-cache' }
  const headers = { ...usual, ...(authorization && { authorization }), ...Object.fromEntries(more) }
  let held: Held | undefined

  return {
    address,
    key,
    capabilities: { compareAndSet: false, watch: false, presence: false, writable: false },
    absentMeansOff: false,
    async read() {
      const before = held
      const request = { url, headers: { ...headers, ...before?.condition } }
      const answer = await askWeb(request, options.fetch).catch((error) => {
        throw backendFailure(address, 'read', error, webHint(error))
      })
      if (answer.status === 304 && before) return before.stored
      held = undefined
      if (answer.status === 404 || answer.status === 410) return undefined
      if (answer.status !== 200) throw refused(address, answer.status)
      if (/^\s*</.test(answer.text)) throw webPage(address, answer)
      const stored = toStored(answer.text)
      held = { stored, condition: conditionOf(answer.headers) }
      return stored
    },
    async write() {
      throw new StateBackendError(
        `The state at ${address} is only read from here. Run \`maintenance-mode on --print > state.json\`, or \`off --print\`, and put that file there.`,
      )
    },
  }
}

/** `fetch` takes no URL with a password. */
function withoutCredentials(given: string, address: string): { url: string; authorization?: string } {
  try {
    const url = new URL(given)
    const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    url.username = ''
    url.password = ''
    if (user === ':') return { url: url.href }
    const bytes = String.fromCharCode(...new TextEncoder().encode(user))
    return { url: url.href, authorization: `Basic ${btoa(bytes)}` }
  } catch {
    // Why it cannot be read would show the password.
    throw new SettingError('stateBackend', `The option \`stateBackend\` is no URL that can be read: ${address}`)
  }
}

/** What the server is to compare. What has changed in this very second may change in it once more, without being told by it. */
function conditionOf(headers: Headers): Record<string, string> {
  const etag = headers.get('etag')
  const modified = headers.get('last-modified')
  const age = Date.parse(headers.get('date') ?? '') - Date.parse(modified ?? '')
  if (modified !== null && !(age >= 2000)) return {}
  if (etag !== null) return { 'If-None-Match': etag }
  return modified === null ? {} : { 'If-Modified-Since': modified }
}

function refused(address: string, status: number): Error {
  return backendFailure(address, 'read', new Error(`the server answers ${status}`), hintOf(status))
}

function hintOf(status: number): string | undefined {
  if (status === 401) return 'It wants to know who asks: give user and password in the URL, or `headers`.'
  if (status === 403) return 'It may not be read so. An object storage says that of what is not there, too.'
  if (status === 429) return 'It is asked too often: give a longer `pollInterval`.'
  return status >= 500 ? 'It has a fault; it is asked again.' : 'Is the address right?'
}

/** An app that answers with its first page whatever it does not know, or a log-in. */
function webPage(address: string, { redirectedTo }: WebAnswer): Error {
  const where = redirectedTo === undefined ? '' : `, from ${new URL(redirectedTo).host}, where it sent us`
  return new StateDamagedError(
    `What is at ${address} is a web page${where}, and no state. Is the address right, is the document there, and may it be read without signing in?`,
  )
}
