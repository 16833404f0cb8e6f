import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.js'
import {
  createMaintenance,
  type Maintenance,
  type MaintenanceOptions,
  type Notification,
  type StateBackend,
} from '../../src/index.js'
import { createTestClock, type TestClock } from '../../src/testing/index.js'
import { startRedis } from '../backends/engines/redis.js'

const hour = 60 * 60 * 1000

interface Received {
  headers: Record<string, string | string[] | undefined>
  body: string
  event: { type: string; timestamp: string; data: Notification }
}

/** A server that is told, and answers with the statuses it is given, then with 204. */
async function receiver(...statuses: number[]): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ headers: request.headers, body, event: JSON.parse(body) })
    response.writeHead(statuses.shift() ?? 204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received }
}

async function eventually(check: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !check(); ) {
    if (Date.now() > end) throw new Error('not within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

interface Fleet {
  clock: TestClock
  stateBackend: StateBackend
  instances: Maintenance[]
  told: Notification[]
  said: string[]
  types(): string[]
}

/** Instances on one state, all of which tell the same list. */
async function fleet(count: number, options: MaintenanceOptions = {}, start = '2026-03-01T12:00:00Z'): Promise<Fleet> {
  const clock = createTestClock(start)
  const stateBackend = memoryBackend()
  const told: Notification[] = []
  const said: string[] = []
  const logger = { warn: () => {}, error: (message: string) => said.push(message) }
  const notify = (notification: Notification) => void told.push(notification)
  const instances = Array.from({ length: count }, (_, index) =>
    createMaintenance(
      { stateBackend, notify, logger, instanceId: `web-${index}`, ...options },
      { clock, environment: {} },
    ),
  )
  for (const instance of instances) {
    instance.start()
    await instance.ready()
    onTestFinished(() => instance.close())
  }
  return { clock, stateBackend, instances, told, said, types: () => told.map(({ type, scope }) => `${type} ${scope}`) }
}

describe('a transition of a fleet', () => {
  it('is told once, by whoever of four real instances on Redis comes first, by hand and by the clock', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const hook = await receiver()
    const stateBackend = `redis://127.0.0.1:${redis.port}`
    const environment = { MAINTENANCE_MODE_NOTIFY: hook.url, MAINTENANCE_MODE_SITE_URL: 'https://shop.example' }
    const instances = Array.from({ length: 4 }, (_, index) =>
      createMaintenance({ stateBackend, instanceId: `web-${index}` }, { environment }),
    )
    for (const instance of instances) {
      instance.start()
      await instance.ready()
      onTestFinished(() => instance.close())
    }
    const [first] = instances as [Maintenance]
    await first.setMode('on', { reason: 'Moving', by: 'ann', end: new Date(Date.now() + 2500) })
    await eventually(() => hook.received.length >= 2)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(hook.received.map(({ event }) => event)).toMatchObject([
      {
        type: 'maintenance.closed',
        data: { scope: '*', mode: 'on', previous: 'off', reason: 'Moving', by: 'ann', site: 'https://shop.example' },
      },
      { type: 'maintenance.reopened', data: { scope: '*', mode: 'off', previous: 'on', by: 'clock' } },
    ])
    expect(new Set(hook.received.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
  })

  it('is told of every kind, of the whole site and of its parts', async () => {
    const scopes = { billing: { urls: ['/billing/**'] } }
    const { clock, instances, types } = await fleet(3, { scopes })
    const [one, two] = instances as [Maintenance, Maintenance]
    const change = async (work: () => Promise<unknown>): Promise<void> => {
      await work()
      await clock.advance(1000)
    }
    await change(() => one.setMode('read-only', { scope: 'billing' }))
    await change(() => two.setMode('on', { scope: 'billing' }))
    await change(() => one.setMode('on'))
    await change(() => two.setMode('off', { scope: 'billing' }))
    await change(() => one.setMode('off', { ramp: '10m' }))
    await clock.advance(hour)
    expect(types()).toEqual([
      'closed billing',
      'changed billing',
      'closed *',
      // What was told of by itself is told of until it is open.
      'reopening *',
      'reopening billing',
      'reopened *',
      'reopened billing',
    ])
  })

  it('is told when nobody has said for four hours until when the site is closed, once', async () => {
    const { clock, instances, told } = await fleet(2)
    await instances[0]?.setMode('on', { by: 'ann' })
    await clock.advance(3.9 * hour)
    expect(told.map(({ type }) => type)).toEqual(['closed'])
    await clock.advance(6 * hour)
    expect(told.map(({ type }) => type)).toEqual(['closed', 'overdue'])
    expect(told[1]).toMatchObject({ since: '2026-03-01T12:00:00.000Z', by: 'ann', mode: 'on' })
  })

  it('is not told again by an instance that starts later', async () => {
    const { clock, stateBackend, instances, told } = await fleet(1)
    await instances[0]?.setMode('on')
    await clock.advance(1000)
    const later = createMaintenance({ stateBackend, notify: (one) => void told.push(one) }, { clock, environment: {} })
    onTestFinished(() => later.close())
    later.start()
    await clock.advance(hour)
    expect(told.map(({ type }) => type)).toEqual(['closed'])
  })

  it('that was undone before it could be told is not told', async () => {
    const { clock, instances, told } = await fleet(2)
    await instances[0]?.setMode('on')
    await instances[1]?.setMode('off')
    await clock.advance(hour)
    expect(told).toEqual([])
  })

  it('by code that throws is reported, tried again, and breaks nothing', async () => {
    let calls = 0
    const { clock, instances, said } = await fleet(1, {
      notify: () => {
        calls++
        if (calls < 3) throw new Error('no line')
      },
    })
    await instances[0]?.setMode('on')
    await clock.advance(60_000)
    expect([calls, said]).toEqual([3, [expect.stringContaining('no line')]])
    expect(await instances[0]?.getMode()).toBe('on')
  })
})

describe('a webhook', () => {
  it('is signed as Standard Webhooks has it, and sent again with the same id where it fails', async () => {
    const secret = `whsec_${Buffer.from('a secret of some length').toString('base64')}`
    const hook = await receiver(500, 503)
    const { clock, instances, said } = await fleet(1, {
      notify: { url: hook.url, secret, headers: { authorization: 'Bearer x' } },
    })
    await instances[0]?.setMode('on')
    await clock.advance(1000)
    await eventually(() => hook.received.length === 1 && said.length === 1)
    await clock.advance(1000)
    await eventually(() => hook.received.length === 2)
    // The answer is on its way back, and only then is it waited.
    await vi.waitFor(async () => {
      await clock.advance(1000)
      expect(hook.received).toHaveLength(3)
    })
    for (const { headers, body } of hook.received) {
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
      const mac = createHmac('sha256', 'a secret of some length').update(signed).digest('base64')
      expect(headers).toMatchObject({ 'webhook-signature': `v1,${mac}`, authorization: 'Bearer x' })
    }
    expect(new Set(hook.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(said).toEqual([expect.stringMatching(/notify \(127\.0\.0\.1:\d+\): answered with 500/)])
  })
})

describe('the setting', () => {
  it('says at the start where nobody will be told', () => {
    const said: string[] = []
    const logger = { warn: (message: string) => said.push(message), error: () => {} }
    createMaintenance({ notify: () => {}, mode: 'on', logger, silence: ['pinned-mode'] }, { environment: {} })
    expect(said).toEqual([expect.stringContaining('the mode is pinned')])
  })
})
