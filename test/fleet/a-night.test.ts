import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../backends/engines/engine.js'
import { startPostgres } from '../backends/engines/postgres.js'
import { startRedis } from '../backends/engines/redis.js'
import { environment, main, project } from '../cli/fixtures/cli.js'
import { startInstance, type TestInstance } from './instances.js'
import { sendVisitors, type Visit } from './visitors.js'

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name)

let redis: Engine
let postgres: Engine
beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([startRedis(), startPostgres()])
}, 60_000)
afterAll(() => Promise.all([redis?.stop(), postgres?.stop()]))

interface Typed {
  /** Both, in the order in which they came. */
  all: string
  code: number | null
  output: string
  errors: string
}

describe('a migration at night, with four instances on Redis and visitors who never stop coming', () => {
  it('cuts no request, lets nobody in while it runs, comes back little by little, and can be read in the history', {
    timeout: 120_000,
  }, async () => {
    const state = `redis://127.0.0.1:${redis.port}`
    const databaseUrl = `postgres://postgres@127.0.0.1:${postgres.port}/site`
    const variables = { DATABASE_URL: databaseUrl, MAINTENANCE_MODE_TRUST_PROXY: '1' }
    await prepare(databaseUrl)
    const transcript: string[] = []
    /** A command of the operator, as it is typed. */
    const type = async (line: string, words = line.split(' ')): Promise<Typed> => {
      const typed = await spawned(words, { ...environment, ...variables, MAINTENANCE_MODE_STATE_BACKEND: state })
      transcript.push(`$ npx maintenance-mode ${line}`, typed.all)
      return typed
    }

    const letIn: { path: string; at: number }[] = []
    const open = async (id: string): Promise<TestInstance> => {
      const instance = await startInstance(state, id, variables, ['shop.mjs'])
      let rest = ''
      instance.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const [, path, at] = /^visit (\S+) (\d+)$/.exec(line) ?? []
          if (path !== undefined) letIn.push({ path, at: Number(at) })
        }
      })
      return instance
    }
    const instances = await Promise.all(['web-1', 'web-2', 'web-3', 'web-4'].map(open))
    const [first, , third] = instances as [TestInstance, TestInstance, TestInstance]
    const visitors = sendVisitors([...instances], 12, [
      '/',
      '/',
      '/',
      '/',
      '/',
      '/',
      '/healthz',
      '/',
      '/',
      '/',
      '/',
      '/report',
    ])
    const sawMode = (refused: boolean, since: number): boolean =>
      visitors.visits.some((visit) => visit.path === '/' && visit.began > since && visit.refused === refused)

    // Planned a while ahead, and announced.
    const start = new Date(Math.ceil(Date.now() / 1000) * 1000 + Number(process.env.AHEAD ?? 15_000))
    const planned = await type(
      `schedule add --id night --start ${start.toISOString()} --for 1h --announce 1m --reason Moving`,
    )
    expect(planned).toMatchObject({ code: 0, errors: '' })
    expect((await type('schedule list')).output).toContain('announced')
    expect(sawMode(true, 0)).toBe(false)

    // It begins by the clock. `run` has to wait for the reports that had been let in.
    await until(() => sawMode(true, start.getTime()))
    const closedAt = Date.now()
    let killed: Promise<void> | undefined
    let fifth: Promise<TestInstance> | undefined
    const migrating = type('run --id migration --reason Moving --timeout 30s -- node migrate.mjs', [
      ...['run', '--id', 'migration', '--reason', 'Moving', '--timeout', '30s', '--'],
      ...[process.execPath, fixture('migrate.mjs')],
    ])
    const halfWay = new Promise<void>((resolve) => setTimeout(resolve, 0)).then(async () => {
      await until(async () => (await version(databaseUrl)) === 'half')
      // Half-way one instance loses its power, and another one joins.
      visitors.gone.add(third)
      killed = third.kill()
      fifth = open('web-5')
      visitors.instances = [...instances.filter((one) => one !== third), await fifth]
    })
    const migrated = await migrating
    await halfWay
    await killed
    expect(migrated, migrated.errors).toMatchObject({ code: 0 })
    const [, began] = /migration begins (\d+)/.exec(migrated.output) ?? []
    const [, ended] = /migration ends (\d+)/.exec(migrated.output) ?? []
    const migration = { began: Number(began), ended: Number(ended) }

    // The plan still closes the site; it reopens little by little.
    expect((await type('status')).output).toContain('ON')
    expect((await type('off --ramp 6s')).code).toBe(0)
    const reopenedAt = Date.now()
    await until(() => Date.now() > reopenedAt + 8000)
    const openAgain = Date.now()
    await until(() => sawMode(false, openAgain))
    expect((await type('status')).output).toContain('OFF')
    const history = await type('history')
    await visitors.stop()
    if (process.env.TRANSCRIPT) writeFileSync(process.env.TRANSCRIPT, transcript.join('\n'))

    const { visits } = visitors
    expect(visits.flatMap(({ problem }) => problem ?? [])).toEqual([])
    const shop = visits.filter(({ path }) => path !== '/healthz')
    expect(visits.filter(({ path, status }) => path === '/healthz' && status !== 200)).toEqual([])
    // All that had been let in was answered before the migration began, and nobody was let in before it had ended.
    const within = (at: number): boolean => at >= migration.began && at <= migration.ended
    expect(letIn.filter(({ path, at }) => path !== '/healthz' && within(at))).toEqual([])
    const served = shop.filter(({ status }) => status === 200)
    expect(served.filter(({ began, ended }) => began < migration.ended && ended > migration.began)).toEqual([])
    expect(served.filter(({ path, began }) => path === '/report' && began < closedAt).length).toBeGreaterThan(0)
    // The one that joined refused from its first request on.
    expect(await first.status()).toBe(200)
    expect(await ((await fifth) as TestInstance).status()).toBe(200)
    assertRamp(shop.filter(({ began }) => began > reopenedAt && began < reopenedAt + 6000))
    expect(shop.filter(({ began, status }) => began > openAgain && status !== 200)).toEqual([])
    expect(history.output).toMatch(
      /planned it from .* to .*night.*\n.*closed the site \(on\).*migration.*\n.*reopened.*migration.*\n.*began to reopen it.*night.*\n.*ended by the clock.*night/,
    )
  })
})

/** More and more are let in, and who was let in once stays in. */
function assertRamp(visits: readonly Visit[]): void {
  const seen = new Map<string, Visit>()
  for (const visit of visits.toSorted((a, b) => a.began - b.began)) {
    const before = seen.get(visit.visitor)
    if (before)
      expect(visit.ended >= before.ended && visit.status !== 200, `${visit.visitor} was let in, and then not`).toBe(
        false,
      )
    else if (visit.status === 200) seen.set(visit.visitor, visit)
  }
  const [begin, end] = [visits[0]?.began ?? 0, visits.at(-1)?.began ?? 0]
  const shareOf = (part: readonly Visit[]): number => part.filter(({ status }) => status === 200).length / part.length
  const third = (end - begin) / 3
  const [early, , late] = [0, 1, 2].map((index) =>
    shareOf(visits.filter(({ began }) => began >= begin + index * third && began < begin + (index + 1) * third)),
  ) as [number, number, number]
  expect(early).toBeLessThan(0.5)
  expect(late).toBeGreaterThan(0.5)
  // Whoever has to wait is asked to come back soon.
  const waiting = visits.filter(({ refused, began }) => refused && began > begin + third)
  for (const { retryAfter } of waiting) expect(retryAfter).toBeLessThanOrEqual(35)
}

async function prepare(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('CREATE TABLE schema_version (version int)')
  await client.query('INSERT INTO schema_version VALUES (1)')
  await client.query('CREATE TABLE orders (id serial PRIMARY KEY, total bigint)')
  await client.query('INSERT INTO orders (total) SELECT 100 FROM generate_series(1, 20000)')
  await client.end()
}

/** `half` while the migration is half-way. */
async function version(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query('SELECT count(total_cents) AS done FROM orders')
    return Number(rows[0].done) >= 10_000 ? 'half' : 'begun'
  } catch {
    return 'before'
  } finally {
    await client.end()
  }
}

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await check()); ) {
    if (Date.now() > end) throw new Error('not within a minute')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function spawned(words: readonly string[], env: Record<string, string>): Promise<Typed> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...words], { cwd: project(), env })
    const said = { output: '', errors: '', all: '' }
    const listen = (stream: NodeJS.ReadableStream, name: 'output' | 'errors'): void => {
      stream.setEncoding('utf8').on('data', (text) => {
        said[name] += text
        said.all += text
      })
    }
    listen(child.stdout, 'output')
    listen(child.stderr, 'errors')
    child.on('close', (code) => resolve({ code, ...said }))
  })
}
