import { systemClock } from '../clock.js'

/**
 * What a connection to NATS is asked for. Those of `@nats-io/transport-node`, of `wsconnect` in `@nats-io/nats-core`
 * and of the older `nats` have it.
 */
export interface NatsConnection {
  request(subject: string, data: Uint8Array, options?: { timeout: number; headers?: object }): Promise<NatsMessage>
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription
  /** Host and port. */
  getServer(): string
  /** What happens to a connection that is made anew by itself when it was lost. */
  status?(): AsyncIterable<{ type: string }>
}

export interface NatsMessage {
  readonly data: Uint8Array
  readonly reply?: string
  readonly headers?: { readonly code: number; readonly description: string; get(name: string): string }
}

export interface NatsSubscription {
  unsubscribe(): void
  /** Settles when nothing comes any more. */
  readonly closed: Promise<unknown>
}

/** What the server sends, from now on. */
export interface Delivery {
  /** So many messages were stored before, and are sent first. */
  pending: number
  /** The server's time, in milliseconds since the epoch. */
  now: number
  stop(): void
}

/** A request that is not answered for so long has failed. Milliseconds. */
export const natsPatience = 4000

/** The server shows that it still watches for us. Milliseconds. */
const heartbeat = 2000

/** Codes of JetStream's errors. */
export const noMessage = 10037
export const noStream = 10059
export const nameTaken = 10058
export const wrongRevision: readonly unknown[] = [10071, 10164]

/** The same, for where nobody answers for JetStream. */
export const noJetStream = 10039

export const connectionLost = 'the connection was lost'

/** One call of the server's own interface, which is the same for every client. */
export async function callJetStream<Answer>(connection: NatsConnection, method: string, body: object): Promise<Answer> {
  const request = connection.request(`$JS.API.${method}`, encode(JSON.stringify(body)), { timeout: natsPatience })
  const answer = await request.catch((error) => {
    throw hasNoResponders(error) ? withCode('JetStream not enabled', noJetStream, error) : error
  })
  return answerIn(answer)
}

/** Resolves when the text is stored in the stream. */
export async function publishTo(
  connection: NatsConnection,
  stream: string,
  subject: string,
  text: string,
  fields: Readonly<Record<string, string>>,
): Promise<void> {
  const headers = toHeaders({ 'Nats-Expected-Stream': stream, ...fields })
  answerIn(await connection.request(subject, encode(text), { timeout: natsPatience, headers }))
}

/**
 * Has the server send what a stream stores. The client packages do this too, but hold the process open with it.
 *
 * @param onLost Called once, when nothing comes any more.
 */
export async function deliverFrom(
  connection: NatsConnection,
  stream: string,
  { subject, policy }: { subject: string; policy: 'new' | 'last_per_subject' },
  receive: (message: NatsMessage) => void,
  onLost: (error: unknown) => void,
): Promise<Delivery> {
  const inbox = `${inboxPrefix(connection)}.${crypto.randomUUID()}`
  let ended = false
  let silence = waitForHeartbeat()

  function waitForHeartbeat() {
    return systemClock.setTimer(() => lost(new Error('the server has gone silent')), 2.5 * heartbeat)
  }
  function stop(): void {
    ended = true
    silence.cancel()
    subscription.unsubscribe()
  }
  function lost(error: unknown): void {
    if (ended) return
    stop()
    onLost(error)
  }

  const subscription = connection.subscribe(inbox, {
    callback(error, message) {
      if (ended) return
      silence.cancel()
      silence = waitForHeartbeat()
      const { code = 0, description } = message.headers ?? {}
      if (error || code >= 400) lost(error ?? new Error(description))
      else if (code === 0) receive(message)
    },
  })
  void subscription.closed.then(() => lost(new Error(connectionLost)))
  const config = {
    deliver_subject: inbox,
    deliver_policy: policy,
    filter_subject: subject,
    ack_policy: 'none',
    max_deliver: 1,
    mem_storage: true,
    num_replicas: 1,
    idle_heartbeat: toNanoseconds(heartbeat),
  }
  try {
    const consumer = await callJetStream<{ created: string; num_pending: number; delivered: { consumer_seq: number } }>(
      connection,
      `CONSUMER.CREATE.${stream}`,
      { stream_name: stream, config },
    )
    // What was sent before this answer is no longer pending.
    return { pending: consumer.num_pending + consumer.delivered.consumer_seq, now: Date.parse(consumer.created), stop }
  } catch (error) {
    stop()
    throw error
  }
}

/** When what was delivered had been stored, by the server's clock. Milliseconds since the epoch. */
export function storedAt({ reply = '' }: NatsMessage): number {
  // `$JS.ACK.<stream>.<consumer>.<times>.<sequence>.<sequence>.<time>.<pending>`; newer servers put domain and account before the stream.
  const tokens = reply.split('.')
  return Number(tokens[tokens.length > 9 ? 9 : 7]) / 1e6
}

/** Nobody listens to the subject. The older client says `503`. */
export function hasNoResponders(error: unknown): boolean {
  return /no responders|^503$/.test((error as Error).message)
}

export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}

function answerIn<Answer>({ data }: NatsMessage): Answer {
  const answer = JSON.parse(decode(data)) as Answer & { error?: { err_code?: number; description?: string } }
  const { error } = answer
  if (error) throw withCode(error.description ?? 'refused', error.err_code)
  return answer
}

function withCode(message: string, code: number | undefined, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code })
}

/** Of the client's own class of headers, a connection uses `encode` alone. */
function toHeaders(fields: Readonly<Record<string, string>>): object {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return { encode: () => encode(`NATS/1.0\r\n${lines.join('')}\r\n`) }
}

/** Where a user may listen to a part of the inboxes only, the connection was told which. */
function inboxPrefix(connection: NatsConnection): string {
  return (connection as { options?: { inboxPrefix?: string } }).options?.inboxPrefix ?? '_INBOX'
}

export const toNanoseconds = (milliseconds: number): number => milliseconds * 1e6
const encoder = new TextEncoder()
const decoder = new TextDecoder()
const encode = (text: string): Uint8Array => encoder.encode(text)
export const decode = (data: Uint8Array): string => decoder.decode(data)
