import { type MaintenanceError, messageOf } from '../errors.js'
import type { PresenceRecord, PresenceSighting, StateBackend } from './backend.js'
import { comparedAccess, toStored } from './compared.js'
import { backendFailure } from './failure.js'
import { createNatsBucket } from './nats-bucket.js'
import { codeOf, hasNoResponders, natsPatience, noJetStream } from './nats-jetstream.js'
import { type NatsBackendOptions, resolveLink } from './nats-link.js'

export type { NatsConnection, NatsMessage, NatsSubscription } from './nats-jetstream.js'
export type { NatsBackendOptions } from './nats-link.js'

/** Milliseconds. */
const minute = 60_000

/**
 * Keeps the state in NATS: in the key-value bucket `maintenance-mode`, and who reads it in `maintenance-mode-instances`.
 * The server needs JetStream.
 *
 * @throws SettingError
 * @example
 * ```ts
 * import { connect } from '@nats-io/transport-node'
 *
 * const stateBackend = natsBackend({ connection: await connect({ servers: 'nats.internal' }), key: 'shop' })
 * ```
 */
export function natsBackend(options: NatsBackendOptions): StateBackend {
  const { address, key, open, close } = resolveLink(options)
  const entry = key === '' ? 'state' : `state.${toToken(key)}`
  const state = createNatsBucket(open, { name: 'maintenance-mode', history: 5, followed: ['state', 'damaged'] })
  const instances = createNatsBucket(open, { name: 'maintenance-mode-instances', history: 1, maxAge: 2 * minute })
  const placeOf = (id: string): string => `${entry}.${toToken(id)}`
  const watches = new Set<() => void>()
  let timeAskedAt = Number.NEGATIVE_INFINITY

  const failure = (doing: string, error: unknown): MaintenanceError =>
    backendFailure(address, doing, reasonOf(error), hintFor(error))
  const attempt = async <Result>(doing: string, work: Promise<Result>): Promise<Result> =>
    work.catch((error) => {
      throw failure(doing, error)
    })

  async function announce(record: PresenceRecord, ttl: number): Promise<number | undefined> {
    await instances.put(placeOf(record.id), JSON.stringify({ ...record, ttl }))
    // The server's time is in what it stores only, which takes another answer.
    if (Math.abs(Date.now() - timeAskedAt) < minute) return undefined
    timeAskedAt = Date.now()
    return (await instances.get(placeOf(record.id)))?.at
  }

  async function sightings(): Promise<PresenceSighting[]> {
    const { entries, now } = await instances.list(`${entry}.*`)
    return entries.flatMap(({ text, at }) => {
      const { id, text: said, ttl } = JSON.parse(text) as PresenceRecord & { ttl: number }
      const age = Math.max(now - at, 0)
      return age < ttl ? [{ id, text: said, age }] : []
    })
  }

  return {
    address,
    key,
    capabilities: { compareAndSet: true, watch: true, presence: true, writable: true },
    absentMeansOff: false,
    ...comparedAccess<number>(
      address,
      {
        async load() {
          const stored = await state.get(entry)
          return stored?.text === undefined ? undefined : { text: stored.text, token: stored.revision }
        },
        async swap(text, revision) {
          if (revision !== undefined) return state.put(entry, text, revision)
          // What was deleted left its revision behind.
          const left = await state.get(entry)
          return left?.text === undefined && state.put(entry, text, left?.revision ?? 0)
        },
        async keepAside(text) {
          const copy = `damaged.${entry}.${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
          await state.put(copy, text)
          return `${copy} in the bucket maintenance-mode (${address})`
        },
      },
      failure,
    ),
    async watch(onChange, onLost) {
      const told = (text?: string): void => onChange(text === undefined ? undefined : toStored(text))
      const lost = (error: unknown): void => {
        watches.delete(end)
        onLost(failure('watched', error))
      }
      let end = (): void => {}
      end = await attempt('watched', state.follow(entry, told, lost))
      watches.add(end)
      return async () => {
        watches.delete(end)
        end()
      }
    },
    presence: {
      announce: (record, ttl) => attempt('told of this instance', announce(record, ttl)),
      list: () => attempt('asked for its instances', sightings()),
      leave: (id) => attempt('told of this instance', instances.delete(placeOf(id))),
    },
    async close() {
      for (const end of watches) end()
      watches.clear()
      await close()
    },
  }
}

/** Names of a bucket hold letters, digits, `-`, `_` and `=`; a `.` would part them. */
function toToken(text: string): string {
  const bytes = [...new TextEncoder().encode(text)].map((byte) => [String.fromCharCode(byte), byte.toString(16)])
  return bytes.map(([character = '', code = '']) => (/[\w-]/.test(character) ? character : `=${code}`)).join('')
}

/** The clients wrap what Node says of a connection. */
function reasonOf(error: unknown): unknown {
  const { cause, chainedError } = error as { cause?: unknown; chainedError?: unknown }
  const wrapped = (cause ?? chainedError) as { syscall?: unknown } | undefined
  return wrapped?.syscall === undefined ? error : wrapped
}

function hintFor(error: unknown): string | undefined {
  const said = messageOf(error)
  if (codeOf(error) === noJetStream) return 'Start `nats-server` with `-js`, or enable JetStream for this account.'
  if (hasNoResponders(error)) {
    return 'The stream KV_maintenance-mode is there, but is no key-value bucket: use another account, or remove it yourself.'
  }
  if (/authorization|authentication/i.test(said)) return 'Are user and password, or the token, right?'
  if (/permissions violation/i.test(said)) return 'docs/backends/nats.md says what that user must be allowed to do.'
  if (/max_payload/i.test(said)) return 'The document is larger than the `max_payload` of the server.'
  if (/^timeout$/i.test(said)) return `There was no answer within ${natsPatience / 1000} s.`
  return undefined
}
