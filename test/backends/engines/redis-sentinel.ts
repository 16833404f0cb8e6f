import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Engine, startEngine } from './engine.js'
import { redisCommand, startRedis } from './redis.js'

/** A master and a replica, and three sentinels, which know them as `shop`. */
export interface SentinelRedis {
  readonly servers: readonly [Engine, Engine]
  readonly sentinels: readonly Engine[]
  /** As all sentinels see it. */
  masterPort(): Promise<number>
  stop(): Promise<void>
}

export async function startSentinelRedis(password?: string): Promise<SentinelRedis> {
  const login = password === undefined ? [] : ['--requirepass', password, '--masterauth', password]
  const asAdmin = password === undefined ? [] : ['--no-auth-warning', '-a', password]
  const master = await startRedis(...login)
  const replica = await startRedis(...login, '--replicaof', '127.0.0.1', String(master.port))
  const servers = [master, replica] as const
  while (!(await redisCommand(replica.port, ...asAdmin, 'INFO', 'replication')).includes('link_status:up')) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const settings = [
    `sentinel monitor shop 127.0.0.1 ${master.port} 2`,
    'sentinel down-after-milliseconds shop 400',
    'sentinel failover-timeout shop 2000',
    ...(password === undefined ? [] : [`sentinel auth-pass shop ${password}`]),
  ]
  const sentinels = await Promise.all([0, 1, 2].map(() => startSentinel(settings)))
  for (const { port } of sentinels) {
    const knows = (): Promise<string> => redisCommand(port, 'SENTINEL', 'MASTER', 'shop')
    while (!/num-other-sentinels\n2\n/.test(await knows()) || !/num-slaves\n1\n/.test(await knows())) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  return {
    servers,
    sentinels,
    async masterPort() {
      for (;;) {
        const said = sentinels.map(({ port }) => redisCommand(port, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'shop'))
        const ports = new Set((await Promise.all(said)).map((address) => Number(address.split('\n')[1])))
        const [port] = ports
        if (port !== undefined && ports.size === 1) return port
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    async stop() {
      await Promise.all([...servers, ...sentinels].map((engine) => engine.stop()))
    },
  }
}

function startSentinel(settings: readonly string[]): Promise<Engine> {
  return startEngine({
    command: 'redis-server',
    // It writes what it learns into its configuration.
    prepare: (folder) => writeFileSync(join(folder, 'sentinel.conf'), settings.join('\n')),
    args: (port, folder) => [
      join(folder, 'sentinel.conf'),
      '--sentinel',
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
    ],
  })
}
