import { platform } from '#platform'
import { type MaintenanceError, messageOf, SettingError } from '../errors.js'
import type { Presence, StateBackend, StoredState } from './backend.js'
import { assertKey, readBackendUrl } from './backend-url.js'
import { comparedAccess, type Slot } from './compared.js'
import { backendFailure } from './failure.js'
import { announceScript, redisHint, redisNames, swapScript, toSightings } from './redis-scripts.js'
import { askWeb, webHint } from './web-request.js'

/** A Redis of Upstash, over its REST API. */
export interface UpstashBackendOptions {
  /**
   * `upstash://eu1-shop-12345.upstash.io`, or what Upstash calls UPSTASH_REDIS_REST_URL, which is also the default. The token
   * may stand before the host (`upstash://:token@host`); `?key=shop` names the state. `http:` for an emulator.
   */
  url?: string
  /** Default: that of the URL, else UPSTASH_REDIS_REST_TOKEN (or KV_REST_API_TOKEN) of the environment. */
  token?: string
  /** Which state it is, where several apps share the database. Default: the one without a key. */
  key?: string
  /** Asks. Default: the global one. */
  fetch?: typeof fetch
}

type Command = readonly (string | number)[]

interface Reply {
  result?: unknown
  error?: string
}

/**
 * Keeps the state in a Redis of Upstash, by nothing but `fetch`, so that it can be read and written from the edge. Under the
 * same names as the backend `redis`, which may share it.
 *
 * @example
 * ```ts
 * upstashBackend({ url: 'upstash://eu1-shop-12345.upstash.io' })
 * ```
 *
 * @throws SettingError for what is no URL, and where there is none
 */
export function upstashBackend(options: UpstashBackendOptions = {}): StateBackend {
  const { base, address, key, password } = readOptions(options)
  const names = redisNames(key)

  /** Asks for one command, or with a path for several. */
  async function ask(command: Command | readonly Command[], path = ''): Promise<unknown> {
    const token = options.token ?? (password || tokenOf(platform.environment()))
    if (token === undefined) {
      throw new Error('there is no token. Set UPSTASH_REDIS_REST_TOKEN, or give the option `token`')
    }
    const { status, text } = await askWeb(
      {
        url: base + path,
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(command),
      },
      options.fetch,
    )
    const reply = parseReply(text)
    if (status !== 200) throw new Error(`the server answers ${status}${said(reply)}`)
    return Array.isArray(reply) ? reply.map(resultOf) : resultOf(reply)
  }

  const failure = (doing: string, error: unknown): MaintenanceError =>
    backendFailure(address, doing, error, hintFor(messageOf(error)) ?? webHint(error))
  const script = (source: string, name: string, ...values: Command): Promise<unknown> =>
    ask(['EVAL', source, 1, name, ...values])
  const seen = async <Result>(work: Promise<Result>): Promise<Result> =>
    work.catch((error) => {
      throw failure('asked for its instances', error)
    })

  const presence: Presence = {
    announce: ({ id, text }, ttl) => seen(script(announceScript, names.instances, id, ttl, text).then(Number)),
    list: () =>
      seen(
        ask([['HGETALL', names.instances], ['TIME']], '/pipeline').then((replies) => {
          const [entries, time] = replies as [string[], string[]]
          return toSightings(pairs(entries), time)
        }),
      ),
    leave: async (id) => void (await seen(ask(['HDEL', names.instances, id]))),
  }

  const slot: Slot<string> = {
    async load() {
      const text = await ask(['GET', names.state])
      return typeof text === 'string' ? { text, token: text } : undefined
    },
    async swap(text, token) {
      const read = token === undefined ? [] : [token]
      return (await script(swapScript, names.state, text, names.state, ...read)) === 1
    },
    async keepAside(text) {
      const name = names.damaged()
      await ask(['SET', name, text])
      return `${name} (GET it from ${address})`
    },
  }
  const access = comparedAccess(address, slot, failure)
  let last: StoredState | undefined

  return {
    address,
    key,
    capabilities: { compareAndSet: true, watch: false, presence: true, writable: true },
    absentMeansOff: false,
    async read() {
      last = await access.read()
      return last
    },
    write(document, condition) {
      const { expected } = condition
      if (expected === 0 || last?.revision !== expected) return access.write(document, condition)
      // Read just now: asked once more, over a network, it would often lose to other writers. It is compared when it is set.
      const loaded = { text: last.document, token: last.document }
      return comparedAccess(address, { ...slot, load: async () => loaded }, failure).write(document, condition)
    },
    presence,
  }
}

type Environment = Readonly<Record<string, string | undefined>>

const urlOf = (environment: Environment): string | undefined =>
  environment.UPSTASH_REDIS_REST_URL || environment.KV_REST_API_URL

const tokenOf = (environment: Environment): string | undefined =>
  environment.UPSTASH_REDIS_REST_TOKEN || environment.KV_REST_API_TOKEN || undefined

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

function readOptions(options: UpstashBackendOptions): { base: string; address: string; key: string; password: string } {
  const given = options.url ?? urlOf(platform.environment())
  if (given === undefined) {
    throw new SettingError(
      'stateBackend',
      'The backend `upstash` has no `url`: give it, or set UPSTASH_REDIS_REST_URL.',
    )
  }
  const read = readBackendUrl(given.replace(/^https?:/i, 'upstash:'))
  const key = assertKey(options.key ?? read.key)
  const address = read.address.replace(/\?key=.*$/, '') + (key === '' ? '' : `?key=${key}`)
  try {
    const { hostname, host, pathname, protocol, password, username } = new URL(given.replace(/^upstash:/i, 'https:'))
    // What answers on this machine is an emulator, which has no certificate.
    const scheme = /^upstash:/i.test(given) && loopback.test(hostname) ? 'http:' : protocol
    const base = `${scheme}//${host}${pathname.replace(/\/+$/, '')}`
    return { base, address, key, password: decodeURIComponent(password || username) }
  } catch {
    // Why it cannot be read would show the token.
    throw new SettingError('stateBackend', `The option \`stateBackend\` is no URL that can be read: ${address}`)
  }
}

/** `undefined` for what is not of this API: a page, for one. */
function parseReply(text: string): Reply | Reply[] | undefined {
  try {
    const reply = JSON.parse(text) as Reply | Reply[] | null
    return reply ?? undefined
  } catch {
    return undefined
  }
}

function said(reply: Reply | Reply[] | undefined): string {
  return reply && !Array.isArray(reply) && reply.error !== undefined ? ` (${reply.error})` : ''
}

function resultOf({ result, error }: Reply = {}): unknown {
  if (error !== undefined) throw new Error(error)
  if (result === undefined) throw new Error('the answer is not one of its REST API')
  return result
}

/** A hash comes as a list: field, value, field, value. */
function pairs(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index] ?? '', list[2 * index + 1] ?? ''])
}

const hints: readonly (readonly [said: RegExp, hint: string])[] = [
  [
    /answers 401|WRONGPASS/,
    'The token is not the one of this database: take UPSTASH_REDIS_REST_TOKEN of its REST API, not the password of Redis.',
  ],
  [/NOPERM/, 'That token may only read: who switches, and every instance that is to be seen, needs the other one.'],
  [
    /answers 429|max .*(requests?|limit)/i,
    'It is asked more often than its plan allows: give a longer `pollInterval`.',
  ],
  [/answers 404|REST API/, 'Is that the address of the REST API?'],
]

function hintFor(message: string): string | undefined {
  return hints.find(([said]) => said.test(message))?.[1] ?? redisHint(message)
}
