import { Agent, get, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../backends/engines/redis.js'
import { command, type Ended, fleetOf, startInstance, type TestInstance } from './instances.js'

const frameworks = ['express', 'fastify', 'node', 'koa'] as const
const each = 250
const all = each * frameworks.length
const probe = '/healthz'

async function startFleet(variables: Record<string, string> = {}, names: readonly string[] = frameworks) {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const state = `redis://127.0.0.1:${redis.port}`
  const instances = await Promise.all(
    names.map((name) => startInstance(state, name, variables, ['slow-instance.mjs', name])),
  )
  expect((await command(state, `off --wait --instances ${names.length} --timeout 30s`)).code).toBe(0)
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  onTestFinished(() => agent.destroy())
  const visit = (
    instance: TestInstance,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      get(instance.url + path, { agent, headers }, resolve).on('error', reject)
    })
  const statusOf = async (instance: TestInstance, path: string, headers?: Record<string, string>): Promise<number> => {
    const response = await visit(instance, path, headers)
    await buffer(response)
    return response.statusCode as number
  }
  const inFlight = async () => new Map((await fleetOf(state)).map(({ id, inFlight: seen }) => [id, seen]))
  const sum = async () => [...(await inFlight()).values()].reduce((total, seen) => total + (seen?.count ?? 0), 0)
  return { state, instances, visit, statusOf, inFlight, sum }
}

/** A command that is running; `ended` once it is not. */
function running(state: string, line: string) {
  let ended: Ended | undefined
  const end = command(state, line).then((done) => {
    ended = done
    return done
  })
  return { end, ended: () => ended }
}

const tell = ({ process }: TestInstance, line: string) => void process.stdin?.write(`${line}\n`)
const patient = { timeout: 30_000, interval: 100 }

describe('drain, with real processes on Redis', { timeout: 120_000 }, () => {
  it(`\`on --wait\` returns after the last of ${all} requests in flight over 4 processes, and not before`, async () => {
    const { state, instances, visit, statusOf, inFlight, sum } = await startFleet()
    const [express, fastify, , koa] = instances as [TestInstance, TestInstance, TestInstance, TestInstance]
    const staff = { 'x-user': 'staff' }
    // First, so that they get no answer when others do.
    for (const one of [express, fastify, koa]) {
      const stream = await visit(one, '/events', staff)
      expect(stream.on('error', () => {}).statusCode).toBe(200)
    }
    const answers = instances.flatMap((one) =>
      Array.from({ length: each }, (_, n) => statusOf(one, `/slow/${n}?key=s3`)),
    )
    const probes = [express, fastify, koa].map((one) => statusOf(one, probe))
    await expect.poll(sum, patient).toBe(all + 6)

    const on = running(state, 'on --wait')
    // The probes and the streams of staff pass by rule.
    await expect.poll(sum, patient).toBe(all)
    expect(await Promise.all(instances.map((one) => statusOf(one, '/')))).toEqual([503, 503, 503, 503])
    for (const one of instances.slice(1)) tell(one, `answer ${each}`)
    tell(express, `answer ${each - 1}`)
    await expect.poll(sum, patient).toBe(1)
    const left = (await inFlight()).get('express')
    expect(left).toMatchObject({ count: 1, oldest: [{ method: 'GET', path: expect.stringMatching(/^\/slow\/\d+$/) }] })

    // Another one, which has begun by now, is over before the first.
    const second = await command(state, 'on --wait --timeout 2s')
    expect(second.code).toBe(3)
    expect(second.errors).toMatch(
      /Not confirmed within 2s: express still has 1 request in flight: GET \/slow\/\d+ \([\dms]+\)\. The change/,
    )
    expect(second.errors).not.toContain('s3')
    expect(on.ended()).toBeUndefined()

    tell(express, 'answer 1')
    expect(await on.end).toMatchObject({ code: 0, output: expect.stringContaining('by 4 instances') })
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
    for (const one of instances) tell(one, 'answer probes')
    expect(await Promise.all(probes)).toEqual([200, 200, 200])
  })

  it('after `drainTimeout` an instance is waited for no longer; the command names what runs, and ends with 3', async () => {
    const variables = { MAINTENANCE_MODE_DRAIN_TIMEOUT: '2s' }
    const { state, instances, statusOf, sum } = await startFleet(variables, ['express', 'fastify'])
    const [express, fastify] = instances as [TestInstance, TestInstance]
    const answers = [statusOf(express, '/slow/report'), statusOf(fastify, '/slow/export'), statusOf(fastify, '/slow/2')]
    await expect.poll(sum, patient).toBe(3)
    const started = performance.now()
    const on = running(state, 'on --wait')
    const { code, errors } = await command(state, 'on --wait', variables)
    expect(performance.now() - started).toBeGreaterThanOrEqual(1500)
    expect(code).toBe(3)
    expect(errors).toContain('Not confirmed: express still has 1 request in flight: GET /slow/report')
    expect(errors).toMatch(/fastify still has 2 requests in flight: GET \/slow\/export \(\d+s\), GET \/slow\/2/)
    expect(errors).toContain('The change stands.')
    // Where nothing else was said it is a minute.
    expect(on.ended()).toBeUndefined()
    for (const one of instances) tell(one, 'answer 2')
    expect((await on.end).code).toBe(0)
    expect(await Promise.all(answers)).toEqual([200, 200, 200])
  })
})
