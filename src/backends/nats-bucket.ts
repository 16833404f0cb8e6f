import { bounded, systemClock } from '../clock.js'
import {
  callJetStream,
  codeOf,
  type Delivery,
  decode,
  deliverFrom,
  hasNoResponders,
  type NatsConnection,
  type NatsMessage,
  nameTaken,
  natsPatience,
  noMessage,
  noStream,
  publishTo,
  storedAt,
  toNanoseconds,
  wrongRevision,
} from './nats-jetstream.js'
import { beginWithStream, listenTo, type NatsWatch, type NatsWatcher } from './nats-watch.js'

/** What is stored under a name. */
export interface NatsEntry {
  /** `undefined` where it was deleted: its revision counts on. */
  text: string | undefined
  revision: number
  /** When it was stored, by the server's clock. Milliseconds since the epoch. */
  at: number
}

/** A bucket of JetStream's key-value store. Other clients of NATS read and write it alike. */
export interface NatsBucket {
  get(name: string): Promise<NatsEntry | undefined>
  /**
   * Makes the bucket first where there is none.
   *
   * @param expected Stores on top of this revision only; 0: only where nothing is.
   * @returns `false` where the revision is another one
   */
  put(name: string, text: string, expected?: number): Promise<boolean>
  delete(name: string): Promise<void>
  /** What is stored under the names that the pattern matches, and the server's time. */
  list(pattern: string): Promise<{ entries: { text: string; at: number }[]; now: number }>
  /**
   * Calls `onText` with what is stored under the name from now on; with `undefined` when that is to be read: it was
   * deleted, the bucket was made since, or something may have been missed.
   */
  follow(name: string, onText: (text?: string) => void, onLost: (error: unknown) => void): Promise<() => void>
}

export interface NatsBucketDefinition {
  name: string
  /** So many of the last values of each name are kept. */
  history: number
  /** What is older goes. Milliseconds. */
  maxAge?: number
  /**
   * The first words of its names, where what is stored is to be sent to everybody who listens as well. A server feeds so
   * many consumers of a stream far slower. That takes a subject of which nothing is stored, so no other names will do.
   */
  followed?: readonly string[]
}

/** A server tells of a stream some time before it stores what is sent to it. Milliseconds. */
const settling = [20, 80, 320]

/** Nothing is stored below it. */
const changed = 'changed'
const expectedRevision = 'Nats-Expected-Last-Subject-Sequence'
const operation = 'KV-Operation'
const marker = 'Nats-Marker-Reason'
const deletion = new RegExp(`^(${operation}|${marker}):`, 'm')

export function createNatsBucket(
  open: () => Promise<NatsConnection>,
  { name: bucket, history, maxAge = 0, followed = [] }: NatsBucketDefinition,
): NatsBucket {
  const stream = `KV_${bucket}`
  const subjectOf = (name: string): string => `$KV.${bucket}.${name}`
  // Below the bucket's own subjects: whoever may send there may write to the bucket as well.
  const republish = { src: subjectOf('>'), dest: subjectOf(`${changed}.>`) }
  let known: 'missing' | 'empty' | 'filled' | undefined
  let republished = false

  async function create(): Promise<void> {
    const config = {
      name: stream,
      description: 'Made by maintenance-mode',
      ...(followed.length > 0
        ? { subjects: followed.flatMap((word) => [subjectOf(word), subjectOf(`${word}.>`)]), republish }
        : { subjects: [subjectOf('>')] }),
      storage: 'file',
      num_replicas: 1,
      max_msgs_per_subject: history,
      max_age: toNanoseconds(maxAge),
      ...(maxAge > 0 && { duplicate_window: toNanoseconds(maxAge) }),
      discard: 'new',
      deny_delete: true,
      allow_rollup_hdrs: true,
      allow_direct: true,
    }
    await callJetStream(await open(), `STREAM.CREATE.${stream}`, config).catch((error) => {
      // Somebody else made it in the meantime.
      if (codeOf(error) !== nameTaken) throw error
    })
    known = 'empty'
  }

  async function look(): Promise<void> {
    try {
      const { state, config } = await callJetStream<StreamInfo>(await open(), `STREAM.INFO.${stream}`, {})
      known = state.messages > 0 ? 'filled' : 'empty'
      // A bucket of somebody else's making may have another subject for it, where anybody may send.
      const { src, dest, headers_only = false } = config.republish ?? {}
      republished = src === republish.src && dest === republish.dest && !headers_only
    } catch (error) {
      if (codeOf(error) !== noStream) throw error
      known = 'missing'
    }
  }

  async function get(name: string): Promise<NatsEntry | undefined> {
    // Asked for a message while the stream is just being created, servers have crashed (2.9).
    if (known !== 'filled') await look()
    if (known !== 'filled') return undefined
    try {
      // From the leader of the stream: its followers may be behind.
      const query = { last_by_subj: subjectOf(name) }
      const answer = await callJetStream<{ message: StoredMessage }>(await open(), `STREAM.MSG.GET.${stream}`, query)
      const { seq, time, data = '', hdrs = '' } = answer.message
      const text = deletion.test(fromBase64(hdrs)) ? undefined : fromBase64(data)
      return { text, revision: seq, at: Date.parse(time) }
    } catch (error) {
      const code = codeOf(error)
      if (code === noStream) known = 'missing'
      else if (code !== noMessage) throw error
      return undefined
    }
  }

  async function publish(name: string, text: string, fields: Readonly<Record<string, string>>): Promise<void> {
    try {
      await publishTo(await open(), stream, subjectOf(name), text, fields)
      known = 'filled'
    } catch (error) {
      // Otherwise the bucket may have been removed.
      if (!isOtherRevision(error)) known = undefined
      throw error
    }
  }

  /** `undefined` where there is no bucket. */
  async function deliver(
    pattern: string,
    policy: 'new' | 'last_per_subject',
    receive: (message: NatsMessage) => void,
    onLost: (error: unknown) => void,
  ): Promise<Delivery | undefined> {
    try {
      return await deliverFrom(await open(), stream, { subject: subjectOf(pattern), policy }, receive, onLost)
    } catch (error) {
      if (codeOf(error) !== noStream) throw error
      return undefined
    }
  }

  /** `undefined` where there is no bucket. */
  async function watch(name: string, { receive, onMissed, onLost }: NatsWatcher): Promise<NatsWatch | undefined> {
    let refused = false
    let begun = false
    const listening = listenTo(await open(), subjectOf(`${changed}.${name}`), {
      receive,
      onMissed,
      onLost(error) {
        if (begun) onLost(error)
        else refused = true
      },
    })
    try {
      // Answered after the subscription: by then it is known whether that is allowed.
      await look()
      begun = republished && !refused
    } finally {
      if (!begun) listening.stop()
    }
    if (known === 'missing') return undefined
    return begun ? listening : deliver(name, 'new', receive, onLost)
  }

  return {
    get,
    async put(name, text, expected) {
      // The answer to what is published does not tell whether there is a bucket: anybody may listen to a subject.
      if (known === undefined) await look()
      if (known === 'missing') await create()
      const pauses = known === 'empty' ? [...settling] : []
      for (;;) {
        try {
          await publish(name, text, expected === undefined ? {} : { [expectedRevision]: String(expected) })
          return true
        } catch (error) {
          if (isOtherRevision(error)) return false
          const pause = hasNoResponders(error) ? pauses.shift() : undefined
          if (pause === undefined) throw error
          await new Promise<void>((resolve) => systemClock.setTimer(resolve, pause, true))
        }
      }
    },
    async delete(name) {
      if (await get(name)) await publish(name, '', { [operation]: 'DEL' })
    },
    async list(pattern) {
      const messages: NatsMessage[] = []
      let arrived = (): void => {}
      let failed = (_error: unknown): void => {}
      const receive = (message: NatsMessage): void => {
        messages.push(message)
        arrived()
      }
      const delivery = await deliver(pattern, 'last_per_subject', receive, (error) => failed(error))
      if (!delivery) return { entries: [], now: 0 }
      const { pending, now, stop } = delivery
      const all = new Promise<void>((resolve, reject) => {
        failed = reject
        arrived = () => {
          if (messages.length >= pending) resolve()
        }
        arrived()
      })
      const late = (): Error => new Error('timeout')
      await bounded(systemClock, all, { milliseconds: natsPatience, late, keepAlive: true }).finally(stop)
      const kept = messages.filter((message) => !isDeletion(message))
      return { entries: kept.map((message) => ({ text: decode(message.data), at: storedAt(message) })), now }
    },
    async follow(name, onText, onLost) {
      const onMissed = (): void => onText()
      const receive = (message: NatsMessage): void => onText(isDeletion(message) ? undefined : decode(message.data))
      const begin = () => watch(name, { receive, onMissed, onLost })
      return beginWithStream(await open(), stream, begin, { onMissed, onLost })
    },
  }
}

interface StreamInfo {
  state: { messages: number }
  config: { republish?: { src?: string; dest?: string; headers_only?: boolean } }
}

interface StoredMessage {
  seq: number
  /** RFC 3339. */
  time: string
  /** Base64. */
  data?: string
  hdrs?: string
}

function isOtherRevision(error: unknown): boolean {
  return wrongRevision.includes(codeOf(error))
}

function isDeletion(message: NatsMessage): boolean {
  // Headers are parsed when they are asked for: for what has a text, nobody has to wait for that.
  if (message.data.length > 0) return false
  return Boolean(message.headers?.get(operation) || message.headers?.get(marker))
}

function fromBase64(text: string): string {
  const binary = atob(text)
  // Not `Uint8Array.from`, which takes milliseconds for a long history.
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  return decode(bytes)
}
