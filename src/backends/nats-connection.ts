import type { Socket } from 'node:net'
import { importPeer } from './import-peer.js'
import { type NatsConnection, natsPatience } from './nats-jetstream.js'

/** A connection that is ours to end. */
export interface OwnConnection extends NatsConnection {
  close(): Promise<void>
  closed(): Promise<unknown>
}

/** What is used of a client package. */
interface NatsClient {
  connect(options: object): Promise<OwnConnection>
}

/**
 * Connects once: a connection that ends is not brought back by the client, whose timers would hold the process open,
 * but opened anew when it is used next.
 */
export async function connectToNats(address: string, url: string): Promise<OwnConnection> {
  const { module } = await importPeer<NatsClient>(address, '@nats-io/transport-node', 'nats')
  const options = { ...readUrl(url), name: 'maintenance-mode', timeout: natsPatience, reconnect: false }
  const connection = await withoutHolding(address, () => module.connect(options))
  // The client's own pings hold the process open as well. A connection that is dead is noticed by what it does not answer.
  ;(connection as { protocol?: { heartbeats?: { cancel?(): void } } }).protocol?.heartbeats?.cancel?.()
  return {
    subscribe: (subject, handler) => connection.subscribe(subject, handler),
    getServer: () => connection.getServer(),
    close: () => connection.close(),
    closed: () => connection.closed(),
    async request(subject, data, settings) {
      try {
        return await connection.request(subject, data, settings)
      } catch (error) {
        if (/^timeout$/i.test((error as Error).message)) void connection.close()
        throw error
      }
    },
  }
}

/**
 * The client hands out no socket, and forgets the one of a server that does not answer in time (nats.js#64): it would stay
 * open, once for every attempt. All that are opened on the way are ended, but the last of an attempt that succeeds, which
 * does not hold the process open.
 */
async function withoutHolding<Connection>(address: string, connect: () => Promise<Connection>): Promise<Connection> {
  // By name, as a client: bundlers for other runtimes know no Node.
  const { AsyncLocalStorage } = (await importPeer<typeof import('node:async_hooks')>(address, 'node:async_hooks'))
    .module
  const { module } = await importPeer<typeof import('node:diagnostics_channel')>(address, 'node:diagnostics_channel')
  const here = new AsyncLocalStorage<true>()
  const sockets: Socket[] = []
  const note = (message: unknown): void => {
    if (here.getStore()) sockets.push((message as { socket: Socket }).socket)
  }
  module.subscribe(created, note)
  try {
    const connection = await here.run(true, connect)
    sockets.pop()?.unref()
    return connection
  } finally {
    module.unsubscribe(created, note)
    here.disable()
    for (const socket of sockets) socket.destroy()
  }
}

const created = 'net.client.socket'

/** `nats://user:password@host1:4222,host2`, `nats://token@host`, or such URLs in a row, with the user of the first. */
function readUrl(url: string): object {
  const parts = url.split(/,(?=[a-z][a-z0-9+.-]*:\/\/)/i).map((part) => {
    const [, secret, hosts = ''] = /^[^:]*:\/\/(?:(.*)@)?([^/?]*)/.exec(part) ?? []
    return { secret, hosts: hosts.split(',') }
  })
  const secret = parts.find((part) => part.secret !== undefined)?.secret
  const [user, password] = secret === undefined ? [] : secret.split(/:(.*)/s)
  return {
    servers: parts.flatMap(({ hosts }) => hosts),
    ...(/^nats\+tls:/i.test(url) && { tls: {} }),
    ...(user !== undefined &&
      (password === undefined ? { token: decoded(user) } : { user: decoded(user), pass: decoded(password) })),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
