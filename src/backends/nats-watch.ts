import { connectionLost, type NatsConnection, type NatsMessage } from './nats-jetstream.js'

export interface NatsWatch {
  stop(): void
}

export interface NatsWatcher {
  receive(message: NatsMessage): void
  /** Something may have been sent that was not heard. */
  onMissed(): void
  /** Called once, when nothing comes any more. */
  onLost(error: unknown): void
}

/** What is sent to everybody who listens. Nobody keeps it for a connection that is lost for a while. */
export function listenTo(
  connection: NatsConnection,
  subject: string,
  { receive, onMissed, onLost }: NatsWatcher,
): NatsWatch {
  let ended = false
  const endNotes = noteReconnections(connection, onMissed)
  const subscription = connection.subscribe(subject, {
    callback(error, message) {
      if (error) lost(error)
      else if (!ended) receive(message)
    },
  })
  void subscription.closed.then(() => lost(new Error(connectionLost)))

  function stop(): void {
    ended = true
    endNotes()
    subscription.unsubscribe()
  }
  function lost(error: unknown): void {
    if (ended) return
    stop()
    onLost(error)
  }
  return { stop }
}

function noteReconnections(connection: NatsConnection, onReconnection: () => void): () => void {
  const events = connection.status?.()
  const note = async (): Promise<void> => {
    for await (const { type } of events ?? []) if (type === 'reconnect') onReconnection()
  }
  note().catch(() => {})
  return () => (events as { stop?(): void } | undefined)?.stop?.()
}

/** Begins now, or, where there is no stream, once somebody has made it, which the server announces. */
export async function beginWithStream(
  connection: NatsConnection,
  stream: string,
  begin: () => Promise<NatsWatch | undefined>,
  { onMissed, onLost }: Omit<NatsWatcher, 'receive'>,
): Promise<() => void> {
  const present = await begin()
  if (present) return present.stop
  let waiting = true
  let stopped = false
  let watch: NatsWatch | undefined
  const announced = connection.subscribe(`$JS.EVENT.ADVISORY.STREAM.CREATED.${stream}`, {
    callback(error) {
      if (!endWaiting()) return
      if (error) onLost(error)
      else begin().then(take, onLost)
    },
  })
  void announced.closed.then(() => {
    if (endWaiting()) onLost(new Error(connectionLost))
  })

  function endWaiting(): boolean {
    const was = waiting
    waiting = false
    announced.unsubscribe()
    return was
  }
  function take(begun: NatsWatch | undefined): void {
    watch = begun
    if (stopped) begun?.stop()
    else if (begun) onMissed()
    else onLost(new Error('the bucket was removed'))
  }

  // It may have been made before the server knew that we listen.
  const begun = await begin()
  if (begun && endWaiting()) take(begun)
  else begun?.stop()
  return () => {
    stopped = true
    endWaiting()
    watch?.stop()
  }
}
