import { platform } from '#platform'
import { SettingError } from '../errors.js'
import type { BackendCapabilities, StateBackend } from './backend.js'
import { readBackendUrl } from './backend-url.js'
import { lazyBackend } from './lazy.js'
import { memoryBackend } from './memory.js'
import { sqlitePlaceOfUrl } from './sqlite-place.js'

interface Served {
  capabilities: BackendCapabilities
  /** Whether this URL asks not to watch. */
  isPolled?(url: string): boolean
  /** The address in full, where the URL may have it short. */
  addressOf?(url: string): string
  load(url: string): Promise<StateBackend>
}

const shared: BackendCapabilities = { compareAndSet: true, watch: true, presence: true, writable: true }
const polled: BackendCapabilities = { ...shared, watch: false }

const redis: Served = {
  capabilities: shared,
  load: async (url) => (await import('./redis.js')).redisBackend({ url }),
}

const postgres: Served = {
  capabilities: shared,
  isPolled: (url) => /[?&]listen=false(&|$)/.test(url),
  load: async (url) => (await import('./postgres.js')).postgresBackend({ url }),
}

const nats: Served = {
  capabilities: shared,
  load: async (url) => (await import('./nats.js')).natsBackend({ url }),
}

const http: Served = {
  capabilities: { compareAndSet: false, watch: false, presence: false, writable: false },
  load: async (url) => (await import('./http.js')).httpBackend({ url }),
}

/** Every backend that a URL can name, by its scheme. What they can do is known before their code is loaded. */
const schemes: Readonly<Record<string, Served>> = {
  redis,
  rediss: redis,
  'redis+sentinel': redis,
  'rediss+sentinel': redis,
  'redis+cluster': redis,
  'rediss+cluster': redis,
  postgres,
  postgresql: postgres,
  mysql: { capabilities: polled, load: async (url) => (await import('./mysql.js')).mysqlBackend({ url }) },
  sqlite: {
    capabilities: shared,
    addressOf: (url) => sqlitePlaceOfUrl(url).address,
    load: async (url) => (await import('./sqlite.js')).sqliteBackend({ url }),
  },
  nats,
  'nats+tls': nats,
  s3: {
    capabilities: { ...polled, presence: false },
    load: async (url) => (await import('./s3.js')).s3Backend({ url }),
  },
  upstash: { capabilities: polled, load: async (url) => (await import('./upstash.js')).upstashBackend({ url }) },
  http,
  https: http,
}

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
  const { scheme, address, key } = readBackendUrl(stateBackend)
  if (scheme === 'memory') return memoryBackend()
  if (scheme === 'file') return platform.fileBackend(platform.resolvePath(pathOf(stateBackend)))
  const served = schemes[scheme]
  if (served) {
    const { load, isPolled, addressOf } = served
    const capabilities = isPolled?.(stateBackend) ? polled : served.capabilities
    const facts = { address: addressOf?.(stateBackend) ?? address, key, capabilities, absentMeansOff: false }
    return lazyBackend(facts, () => load(stateBackend))
  }
  // Only the scheme is shown: an address may hold a password.
  const known = ['file', 'memory', ...Object.keys(schemes)].map((name) => `${name}:`).join(', ')
  throw new SettingError(
    'stateBackend',
    `The option \`stateBackend\` has the scheme "${scheme}:", which no backend serves: write one of ${known}, or pass a backend object.`,
  )
}

/** `file:./x`, `file:/srv/x` and `file:///srv/x`. */
function pathOf(address: string): string {
  const path = decodeURIComponent(address.slice('file:'.length).replace(/[?#].*$/, ''))
  return path.startsWith('//') ? path.replace(/^\/\/[^/]*/, '') : path
}
