import { importPeer } from './import-peer.js'
import { onDemand } from './on-demand.js'
import { addressOf, type PostgresClient } from './postgres-client.js'
import { type Net, type OwnPostgresJs, ownPostgresJs, type PostgresJs, sharedPostgresJs } from './postgres-js.js'
import {
  type OwnPgPool,
  ownPgPool,
  type PgClient,
  type PgPool,
  poolAddress,
  sharedPgClient,
  sharedPgPool,
} from './postgres-pg.js'

/** The client that was passed in, and the address of its server. */
export function givenClient(client: PgPool | PgClient | PostgresJs): { client: PostgresClient; address: string } {
  if ('unsafe' in client) {
    const { host, port, database } = client.options
    return { client: sharedPostgresJs(client), address: addressOf(host.join(), port[0], database) }
  }
  if ('totalCount' in client) {
    return { client: sharedPgPool(client), address: poolAddress(client) }
  }
  return { client: sharedPgClient(client), address: addressOf(client.host, client.port, client.database) }
}

/** Connections of our own, made by whichever client is installed, at the first use. */
export function openedClient(address: string, url: string): PostgresClient {
  const { use: opened, made } = onDemand(() => open(address, url))
  return {
    run: async (statement, values) => (await opened()).run(statement, values),
    listen: async (channel, events) => (await opened()).listen(channel, events),
    close: async () => (await made())?.close(),
  }
}

async function open(address: string, url: string): Promise<PostgresClient> {
  const { name, module } = await importPeer<{ default: unknown }>(address, 'pg', 'postgres')
  if (name === 'pg') return ownPgPool((module.default as { Pool: new (options: object) => OwnPgPool }).Pool, url)
  const { module: net } = await importPeer<Net>(address, 'node:net')
  return ownPostgresJs(module.default as (url: string, options: object) => OwnPostgresJs, net, url)
}
