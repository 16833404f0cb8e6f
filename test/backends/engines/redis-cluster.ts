import { type Engine, freePort } from './engine.js'
import { redisCommand, startRedis } from './redis.js'

/** Three servers without replicas, which have a third of the slots each. */
export interface RedisCluster {
  readonly servers: readonly Engine[]
  /** The one that has the slot of a key now. */
  ownerOf(key: string): Promise<Engine>
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

const slots = 16_384

export async function startRedisCluster(): Promise<RedisCluster> {
  const options = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-node-timeout', '2000']
  const servers = await Promise.all(
    // The port that servers talk to each other at would be 10,000 above the other one: there may be none.
    [0, 1, 2].map(async () => startRedis(...options, '--cluster-port', String(await freePort()))),
  )
  const [first, ...others] = servers as [Engine, Engine, Engine]

  const formed = async (): Promise<void> => {
    for (const server of servers) {
      while (!(await isFormed(server.port))) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  for (const [index, { port }] of servers.entries()) {
    const [from, to] = [index, index + 1].map((third) => Math.floor((slots * third) / servers.length))
    await redisCommand(port, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String((to ?? 0) - 1))
  }
  for (const { port } of others) {
    const busPort = (await redisCommand(port, 'CONFIG', 'GET', 'cluster-port')).split('\n')[1] ?? ''
    await redisCommand(first.port, 'CLUSTER', 'MEET', '127.0.0.1', String(port), busPort)
  }
  await formed()

  return {
    servers,
    async ownerOf(key) {
      for (const server of servers) {
        if (!(await redisCommand(server.port, 'EXISTS', key)).startsWith('MOVED')) return server
      }
      throw new Error(`nobody has ${key}`)
    },
    async kill() {
      await Promise.all(servers.map((server) => server.kill()))
    },
    async start() {
      await Promise.all(servers.map((server) => server.start()))
      await formed()
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

async function isFormed(port: number): Promise<boolean> {
  const info = await redisCommand(port, 'CLUSTER', 'INFO')
  return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
}
