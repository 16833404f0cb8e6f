import { Redis } from 'ioredis'
import { createSentinel } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { redisBackend } from '../../src/backends/redis.js'
import { redisNames } from '../../src/backends/redis-scripts.js'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from '../../src/index.js'
import { freePort } from './engines/engine.js'
import { redisCommand } from './engines/redis.js'
import { type SentinelRedis, startSentinelRedis } from './engines/redis-sentinel.js'
import { missing } from './fixtures/missing-packages.js'
import { newKey, type RedisHandle, redisPackages, redisSuites, startSilentServer } from './redis-suites.js'

vi.mock('../../src/backends/import-peer.js', async (original) =>
  (await import('./fixtures/missing-packages.js')).withMissing(original),
)
afterEach(() => missing.clear())

let redis: SentinelRedis
beforeAll(async () => {
  redis = await startSentinelRedis('s3cret')
}, 60_000)
afterAll(() => redis?.stop())

const hosts = () => redis.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
const urlOf = (): string => `redis+sentinel://:s3cret@${hosts().map(({ host, port }) => `${host}:${port}`)}/shop`

const use = (name: string): void => {
  for (const other of redisPackages) if (other !== name) missing.add(other)
}

const handles: Record<string, () => Promise<RedisHandle>> = {
  ...Object.fromEntries(
    redisPackages.map((name) => [
      `${name} and sentinels, by URL`,
      async () => {
        use(name)
        return { options: { url: urlOf() } }
      },
    ]),
  ),
  'a client of createSentinel': async () => {
    const client = createSentinel({
      name: 'shop',
      sentinelRootNodes: hosts(),
      nodeClientOptions: { password: 's3cret' },
    })
    client.on('error', () => {})
    await client.connect()
    return { options: { client }, end: () => client.destroy() }
  },
  'a client of ioredis that asks sentinels': async () => {
    const client = new Redis({ sentinels: hosts(), name: 'shop', password: 's3cret', failoverDetector: true })
    client.on('error', () => {})
    return { options: { client }, end: () => client.disconnect() }
  },
}

redisSuites({ handles, portOf: () => redis.masterPort(), password: 's3cret' })

function maintenanceOf(options: MaintenanceOptions): Maintenance {
  const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }
  const maintenance = createMaintenance({ ...quiet, pollInterval: 1, ...options }, { environment: {} })
  onTestFinished(() => maintenance.close())
  return maintenance
}

/** Has the sentinels make the replica master, once it can be. */
async function failOver(): Promise<void> {
  const before = await redis.masterPort()
  const [sentinel] = redis.sentinels
  await vi.waitFor(
    async () => expect(await redisCommand(sentinel?.port ?? 0, 'SENTINEL', 'FAILOVER', 'shop')).toBe('OK'),
    { timeout: 20_000, interval: 200 },
  )
  await vi.waitFor(async () => expect(await redis.masterPort()).not.toBe(before), { timeout: 10_000 })
}

describe('after a failover', { timeout: 60_000 }, () => {
  let changes = 0

  /** Once an instance has noticed, it hears of changes at once again. */
  async function isFollowed(instance: Maintenance, operator: Maintenance): Promise<void> {
    for (const reason of ['one', 'two', 'three'].map((word) => `${word} ${++changes}`)) {
      await vi.waitFor(() => operator.setMode('on', { reason }), { timeout: 20_000, interval: 100 })
      await vi.waitFor(() => expect(instance.status()).toMatchObject({ reason, snapshot: 'ready' }), { timeout: 8000 })
      // An old master takes changes for some seconds more, and loses them.
      const state = redisNames(new URLSearchParams(operator.status().stateBackend.split('?')[1]).get('key') ?? '').state
      const stored = await redisCommand(await redis.masterPort(), '--no-auth-warning', '-a', 's3cret', 'GET', state)
      expect(stored).toContain(reason)
    }
  }

  it.each(Object.keys(handles))('the new master is written and heard, without a restart (%s)', async (name) => {
    const { options, end } = await (handles[name] as () => Promise<RedisHandle>)()
    onTestFinished(() => void end?.())
    const key = newKey()
    const instance = maintenanceOf({ stateBackend: redisBackend({ ...options, key }) })
    const operator = maintenanceOf({ stateBackend: redisBackend({ url: urlOf(), key }) })
    instance.start()
    await isFollowed(instance, operator)
    await failOver()
    await isFollowed(instance, operator)
  })

  it('the new master is taken also where the old one is frozen, and when it comes back', async () => {
    const key = newKey()
    const [instance, operator] = [0, 1].map(() =>
      maintenanceOf({ stateBackend: redisBackend({ url: urlOf(), key }) }),
    ) as [Maintenance, Maintenance]
    instance.start()
    await isFollowed(instance, operator)
    const before = await redis.masterPort()
    const frozen = redis.servers.find(({ port }) => port === before)
    frozen?.freeze()
    onTestFinished(() => frozen?.thaw())
    await vi.waitFor(async () => expect(await redis.masterPort()).not.toBe(before), { timeout: 20_000 })
    await isFollowed(instance, operator)
    frozen?.thaw()
    await isFollowed(instance, operator)
  })
})

describe('sentinels', () => {
  it('are not waited for where they are out of reach', async () => {
    const silent = await startSilentServer()
    const [sentinel] = redis.sentinels
    const hosts = [silent, await freePort(), sentinel?.port].map((port) => `127.0.0.1:${port}`)
    const backend = redisBackend({ url: `redis+sentinel://:s3cret@${hosts}/shop?key=${newKey()}` })
    onTestFinished(() => backend.close?.())
    const before = Date.now()
    expect(await backend.read()).toBeUndefined()
    expect(Date.now() - before).toBeLessThan(2000)
  })

  it.each([
    [
      'none answers',
      async () => `redis+sentinel://:s3cret@127.0.0.1:${await freePort()}/shop`,
      /ECONNREFUSED.*Nothing/,
    ],
    ['they know no such name', async () => urlOf().replace(/shop$/, 'blog'), /the sentinel .* knows no "blog"/],
    ['the password is wrong', async () => urlOf().replace('s3cret', 'pssst'), /WRONGPASS.* Give the right user and/],
  ])('are told of with what to do where %s', async (_, url, expected) => {
    const backend = redisBackend({ url: await url() })
    const message = await backend.read().then(String, (error: Error) => error.message)
    expect(message).toMatch(/^The state at redis\+sentinel:\/\/127\S+\/(shop|blog) cannot be read: /)
    expect(message).toMatch(expected)
    expect(message).not.toMatch(/s3cret|pssst/)
  })
})
