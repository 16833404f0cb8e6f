import * as v from 'valibot'
import { SettingError, StateBackendError } from '../errors.js'
import { type Mode, modes } from '../state/window.js'
import type { PresenceSighting, StateBackend, StoredState, WriteReport } from './backend.js'
import { backendFailure } from './failure.js'
import { viaFailure } from './via-failure.js'
import { askWeb, type WebRequest, webHint } from './web-request.js'

interface ViaOptions {
  /** The control URLs of a site: `https://shop.example/maintenance-mode`. */
  url: string
  /** Its `adminToken`, or a token that was made for it. */
  token: string
  /** Asks. Default: the global one. */
  fetch?: typeof fetch
}

/** The state of a site, and what decides there besides it. */
interface ViaBackend extends StateBackend {
  readonly site: {
    /** The mode that the setting `mode` pins there. */
    readonly pinned: Mode | undefined
    /** The parts that its settings define. */
    readonly scopes: readonly string[]
    /** Whether there are tenants. */
    readonly tenants: boolean
    /** Asks it. @throws MaintenanceError for the name of a scope that there is not */
    assertScope(scope: string): Promise<void>
    /** Milliseconds. */
    readonly pollInterval: number
    /** Milliseconds. */
    readonly drainTimeout: number
    /** Whose the token is, as the site names them. */
    readonly operator: string
  }
}

/** Milliseconds. The site itself waits for its state backend. */
const patience = 10_000

const text = v.string()
const flag = v.boolean()
const storedSchema = v.object({ document: text, revision: v.number() })
const stateSchema = v.object({
  address: text,
  capabilities: v.object({ compareAndSet: flag, presence: flag, writable: flag }),
  key: text,
  absentMeansOff: flag,
  // A mode that this version does not know counts as `on`.
  pinned: v.fallback(v.nullable(v.picklist(modes)), 'on'),
  pollInterval: v.number(),
  // An older version counts no requests.
  drainTimeout: v.fallback(v.number(), 0),
  operator: text,
  // An older version knows of none.
  scopes: v.fallback(v.array(text), []),
  tenants: v.fallback(flag, false),
  stored: v.nullable(storedSchema),
})
const fleetSchema = v.object({ instances: v.array(v.object({ id: text, text, age: v.number() })) })
const writtenSchema = v.object({ keptAside: v.optional(text) })

/**
 * Opens the state of a site from afar, through its control URLs.
 *
 * @throws SettingError for an address that is none, or over which the token would travel in the clear; StateBackendError
 * where the site cannot be reached, is not what it should be, or does not accept the token
 */
export async function openVia(options: ViaOptions): Promise<ViaBackend> {
  const url = readAddress(options.url)
  const authorization = `Bearer ${readToken(options.token)}`

  async function ask<Schema extends v.GenericSchema>(
    doing: 'read' | 'written',
    schema: Schema,
    path: string,
    sent: Pick<WebRequest, 'method' | 'body'> = {},
  ): Promise<v.InferOutput<Schema>> {
    const headers = { Accept: 'application/json', 'Content-Type': 'application/json', Authorization: authorization }
    const request: WebRequest = { url: url + path, headers, redirect: 'manual', patience, ...sent }
    const answer = await askWeb(request, options.fetch).catch((error) => {
      throw backendFailure(url, doing, error, webHint(error))
    })
    const result = answer.status === 200 ? v.safeParse(schema, parseJson(answer.text)) : undefined
    if (result?.success) return result.output
    throw viaFailure(url, doing, answer)
  }

  const askState = (query = ''): Promise<v.InferOutput<typeof stateSchema>> =>
    ask('read', stateSchema, `/state${query}`)
  const { address, key, capabilities, absentMeansOff, pinned, ...site } = await askState()
  const { pollInterval, drainTimeout, operator, scopes, tenants } = site

  return {
    address: `${url} → ${address}`,
    key,
    capabilities: { ...capabilities, watch: false },
    absentMeansOff,
    site: {
      pinned: pinned ?? undefined,
      pollInterval,
      drainTimeout,
      operator,
      scopes,
      tenants,
      async assertScope(scope) {
        await askState(`?${new URLSearchParams({ scope })}`)
      },
    },
    async read(): Promise<StoredState | undefined> {
      return (await askState()).stored ?? undefined
    },
    async write(document, condition): Promise<WriteReport | undefined> {
      const body = JSON.stringify({ document, ...condition })
      const { keptAside } = await ask('written', writtenSchema, '/state', { method: 'PUT', body })
      return keptAside === undefined ? undefined : { keptAside }
    },
    ...(capabilities.presence && {
      presence: {
        async announce(): Promise<never> {
          throw new StateBackendError('An instance announces itself at its state backend, and not through a site.')
        },
        async list(): Promise<readonly PresenceSighting[]> {
          return (await ask('read', fleetSchema, '/fleet')).instances
        },
        async leave(): Promise<void> {},
      },
    }),
  }
}

/** @throws SettingError that shows nothing of what may be a secret */
function readAddress(given: string): string {
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) {
    throw new SettingError('via', `The address of the site must be that of its control URLs, ${example}.`)
  }
  const { protocol, hostname, host, origin, pathname, username, password, search, hash } = new URL(given)
  if (username || password || search || hash) {
    throw new SettingError(
      'via',
      `The address of the site, on ${host}, must be without user, password, query and fragment, ${example}.`,
    )
  }
  if (protocol === 'http:' && !isLoopback(hostname)) {
    throw new SettingError(
      'via',
      `The token would travel to ${host} in the clear: write https: instead of http:, which is for this machine alone.`,
    )
  }
  return origin + pathname.replace(/\/+$/, '')
}

const example = 'such as https://shop.example/maintenance-mode'

function isLoopback(hostname: string): boolean {
  return /^(127(\.\d+){3}|\[::1\]|(.+\.)?localhost)$/.test(hostname)
}

/** What cannot stand in a header would be shown by the error that says so. */
function readToken(given: string): string {
  const token = given.trim()
  if (/^[\x20-\x7e]+$/.test(token)) return token
  throw new SettingError('token', 'The token must be of plain letters, digits and signs, in one line.')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
