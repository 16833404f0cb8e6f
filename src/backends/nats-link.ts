import { SettingError, StateBackendError } from '../errors.js'
import { assertKey, readBackendUrl } from './backend-url.js'
import { connectToNats, type OwnConnection } from './nats-connection.js'
import type { NatsConnection } from './nats-jetstream.js'
import { onDemand } from './on-demand.js'

export interface NatsBackendOptions {
  /**
   * `nats://user:password@host1:4222,host2` or `nats://token@host`; `nats+tls://` insists on TLS, which is used anyway where
   * the server has it. The package `@nats-io/transport-node` must be installed, or the older `nats`.
   */
  url?: string | undefined
  /** Instead of `url`: a connection of `@nats-io/transport-node`, `wsconnect` or `nats` 2.x. It is never closed. */
  connection?: NatsConnection | undefined
  /** Which state it is, where several apps share an account. Default: that of the URL (`?key=shop`), else the one without a key. */
  key?: string | undefined
}

/** A way to the server. */
export interface NatsLink {
  address: string
  key: string
  /** The connection, made where there is none. */
  open(): Promise<NatsConnection>
  close(): Promise<void>
}

/** @throws SettingError */
export function resolveLink({ url, connection, key }: NatsBackendOptions): NatsLink {
  if (connection) {
    const own = assertKey(key ?? '')
    return { address: addressOf(connection, own), key: own, open: async () => connection, close: async () => {} }
  }
  if (url === undefined) throw new SettingError('stateBackend', 'natsBackend needs a `url` or a `connection`.')
  const read = readBackendUrl(url)
  if (!/^nats(\+tls)?$/.test(read.scheme)) {
    throw new SettingError(
      'stateBackend',
      `natsBackend has no URL with the scheme "${read.scheme}:": write nats:// or nats+tls://.`,
    )
  }
  if (read.url.includes('?')) {
    throw new SettingError(
      'stateBackend',
      `${read.address} has a parameter that means nothing; for what a URL cannot say, pass a connection.`,
    )
  }
  const named = assertKey(key ?? read.key)
  const address = withKey(read.address, named)
  let closed = false

  async function connect(): Promise<OwnConnection> {
    const opened = await connectToNats(address, read.url)
    void opened.closed().then(own.forget)
    return opened
  }
  const own = onDemand(connect)

  return {
    address,
    key: named,
    async open() {
      if (closed) throw new StateBackendError(`The state backend ${address} was closed.`)
      return own.use()
    },
    async close() {
      closed = true
      await (await own.made())?.close()
    },
  }
}

/** The servers that a connection was told of: which of them it has changes with every start. */
function addressOf(connection: NatsConnection, key: string): string {
  const { servers = connection.getServer() } =
    (connection as { options?: { servers?: string | string[] } }).options ?? {}
  const hosts = [servers].flat().map((server) => readBackendUrl(`nats://${server.replace(/^.*:\/\//, '')}`).address)
  return withKey(`nats://${hosts.map((host) => host.slice('nats://'.length)).join(',')}`, key)
}

function withKey(address: string, key: string): string {
  return address.replace(/\?key=.*$/, '') + (key && `?key=${key}`)
}
