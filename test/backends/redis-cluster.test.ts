import { Cluster as IoredisCluster } from 'ioredis'
import { Cluster as IovalkeyCluster } from 'iovalkey'
import { createCluster } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { redisBackend } from '../../src/backends/redis.js'
import { redisNames } from '../../src/backends/redis-scripts.js'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from '../../src/index.js'
import { type Engine, freePort } from './engines/engine.js'
import { redisCommand } from './engines/redis.js'
import { type RedisCluster, startRedisCluster } from './engines/redis-cluster.js'
import { missing } from './fixtures/missing-packages.js'
import { newKey, type RedisHandle, redisPackages, redisSuites, startSilentServer } from './redis-suites.js'

vi.mock('../../src/backends/import-peer.js', async (original) =>
  (await import('./fixtures/missing-packages.js')).withMissing(original),
)
afterEach(() => missing.clear())

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
}, 60_000)
afterAll(() => cluster?.stop())

const hosts = (): string[] => cluster.servers.map(({ port }) => `127.0.0.1:${port}`)
const urlOf = (): string => `redis+cluster://${hosts().join()}`

const use = (name: string): void => {
  for (const other of redisPackages) if (other !== name) missing.add(other)
}

function ioredis(Cluster: typeof IoredisCluster | typeof IovalkeyCluster) {
  const client = new Cluster(cluster.servers.map(({ port }) => ({ host: '127.0.0.1', port })))
  client.on('error', () => {})
  return { options: { client }, end: () => client.disconnect() }
}

const handles: Record<string, () => Promise<RedisHandle>> = {
  ...Object.fromEntries(
    redisPackages.map((name) => [
      `${name}, by URL`,
      async () => {
        use(name)
        return { options: { url: urlOf() } }
      },
    ]),
  ),
  'a cluster of redis': async () => {
    const client = createCluster({ rootNodes: hosts().map((host) => ({ url: `redis://${host}` })) })
    client.on('error', () => {})
    await client.connect()
    return { options: { client }, end: () => client.destroy() }
  },
  'a Cluster of ioredis': async () => ioredis(IoredisCluster),
  'a Cluster of iovalkey': async () => ioredis(IovalkeyCluster),
}

redisSuites({
  handles,
  portOf: async (state) => (await cluster.ownerOf(state)).port,
  outage: () => ({ begin: () => cluster.kill(), end: () => cluster.start() }),
})

function maintenanceOf(options: MaintenanceOptions): Maintenance {
  const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }
  const maintenance = createMaintenance({ ...quiet, pollInterval: '10m', ...options }, { environment: {} })
  onTestFinished(() => maintenance.close())
  return maintenance
}

/** Moves the slot of a key to another server, step by step. */
async function moving(state: string) {
  const from = await cluster.ownerOf(state)
  const to = cluster.servers.find((server) => server !== from) as Engine
  const slot = await redisCommand(from.port, 'CLUSTER', 'KEYSLOT', state)
  const [fromId, toId] = await Promise.all([from, to].map(({ port }) => redisCommand(port, 'CLUSTER', 'MYID')))
  const setSlot = (server: Engine, ...words: string[]) =>
    redisCommand(server.port, 'CLUSTER', 'SETSLOT', slot, ...words)
  return {
    async begin() {
      await setSlot(to, 'IMPORTING', String(fromId))
      await setSlot(from, 'MIGRATING', String(toId))
    },
    async moveKeys() {
      const keys = (await redisCommand(from.port, 'CLUSTER', 'GETKEYSINSLOT', slot, '9')).split('\n')
      await redisCommand(from.port, 'MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys)
    },
    async end() {
      for (const server of [to, ...cluster.servers]) await setSlot(server, 'NODE', String(toId))
    },
  }
}

describe('a cluster', () => {
  it.each(Object.keys(handles))('is followed while the state moves to another server (%s)', async (name) => {
    const key = newKey()
    const { options, end } = await (handles[name] as () => Promise<RedisHandle>)()
    onTestFinished(() => void end?.())
    const instance = maintenanceOf({ stateBackend: redisBackend({ ...options, key }) })
    const operator = maintenanceOf({ stateBackend: redisBackend({ ...options, key }) })
    instance.start()
    const isFollowed = async (reason: string): Promise<void> => {
      await operator.setMode('on', { reason })
      await vi.waitFor(() => expect(instance.status().reason).toBe(reason), { interval: 5 })
    }
    await isFollowed('before')
    const { begin, moveKeys, end: finish } = await moving(redisNames(key).state)
    await begin()
    await isFollowed('not yet moved')
    await moveKeys()
    await isFollowed('moved')
    await finish()
    await isFollowed('after')
    await operator.refresh()
    expect(operator.status()).toMatchObject({ snapshot: 'ready', reason: 'after' })
  })

  it('is not waited for where some of its servers are out of reach', async () => {
    const [server] = cluster.servers
    const hosts = [await startSilentServer(), await freePort(), server?.port].map((port) => `127.0.0.1:${port}`)
    const backend = redisBackend({ url: `redis+cluster://${hosts}?key=${newKey()}` })
    onTestFinished(() => backend.close?.())
    const before = Date.now()
    expect(await backend.read()).toBeUndefined()
    expect(Date.now() - before).toBeLessThan(2000)
  })

  it('is told of with what to do where it is taken for a single server, or has lost one', async () => {
    const key = newKey()
    const owner = await cluster.ownerOf(redisNames(key).state)
    const other = cluster.servers.find((server) => server !== owner) as Engine
    const single = redisBackend({ url: `redis://127.0.0.1:${other.port}?key=${key}` })
    const whole = redisBackend({ url: `${urlOf()}?key=${key}` })
    onTestFinished(async () => void (await Promise.all([single.close?.(), whole.close?.()])))
    await expect(single.read()).rejects.toThrow(/MOVED.* It is one of a cluster: write redis\+cluster:\/\//)
    await other.kill()
    await vi.waitFor(() => expect(whole.read()).rejects.toThrow(/CLUSTERDOWN.* has lost a part of its servers/), {
      timeout: 15_000,
      interval: 100,
    })
    await other.start()
    await vi.waitFor(async () => expect(await whole.read()).toBeUndefined(), { timeout: 10_000 })
  })
})
