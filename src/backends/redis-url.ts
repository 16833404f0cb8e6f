import { SettingError } from '../errors.js'
import { readBackendUrl } from './backend-url.js'

export interface RedisServer {
  host: string
  port: number
}

/** Where a URL says that the state is. */
export interface RedisPlace {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /** The sentinels, or some servers of the cluster. */
  readonly servers: readonly RedisServer[]
  readonly tls: boolean
  readonly username: string
  readonly password: string
  readonly database: string
  /** The name by which the sentinels know the servers. */
  readonly group: string
}

const kinds: Readonly<Record<string, RedisPlace['kind']>> = {
  redis: 'single',
  rediss: 'single',
  'redis+sentinel': 'sentinel',
  'rediss+sentinel': 'sentinel',
  'redis+cluster': 'cluster',
  'rediss+cluster': 'cluster',
}

const forms: Readonly<Record<RedisPlace['kind'], string>> = {
  single: 'redis://user:password@host:6379/0',
  sentinel: 'redis+sentinel://user:password@host1:26379,host2/name',
  cluster: 'redis+cluster://user:password@host1:6379,host2',
}

/** @throws SettingError for what is no URL of a Redis */
export function readRedisUrl(text: string): { place: RedisPlace; address: string; key: string } {
  const { scheme, url, address, key } = readBackendUrl(text)
  const kind = kinds[scheme]
  const wrong = (what: string): Error =>
    new SettingError(
      'stateBackend',
      `The option \`stateBackend\`, ${address}, ${what}: write it like ${forms[kind ?? 'single']}.`,
    )
  if (!kind) throw wrong('names no Redis')
  const [, user = '', password = '', hosts = '', path = '', query = ''] =
    /^[^:]+:\/\/(?:([^:]*)(?::(.*))?@)?([^/@?]*)\/?([^?]*)\??(.*)$/.exec(url) ?? []
  if (query !== '') throw wrong('has a parameter that means nothing; for what a URL cannot say, pass a client')
  const servers = hosts.split(',').map((host) => readServer(host, kind === 'sentinel' ? 26379 : 6379))
  if (!servers.every((server) => server !== undefined)) throw wrong('names no host, or one that cannot be read')
  if (kind === 'single' && servers.length > 1) throw wrong('names several hosts')
  const [first = '', second = ''] = path.split('/')
  const [group, database] = kind === 'sentinel' ? [first, second] : ['', first]
  if (kind === 'sentinel' && group === '') throw wrong('does not say by which name the sentinels know the servers')
  if (kind === 'cluster' && database !== '') throw wrong('names a database, which a cluster does not have')
  if (!/^\d*$/.test(database)) throw wrong('names a database that is no number')
  try {
    const login = { username: decodeURIComponent(user), password: decodeURIComponent(password) }
    return { place: { kind, servers, tls: scheme.startsWith('rediss'), ...login, database, group }, address, key }
  } catch {
    throw wrong('has a user or a password with a "%" that is not written %25')
  }
}

function readServer(text: string, defaultPort: number): RedisServer | undefined {
  const [, bracketed, host = bracketed, port = defaultPort] =
    /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d+))?$/i.exec(text) ?? []
  return host === undefined ? undefined : { host, port: Number(port) }
}
