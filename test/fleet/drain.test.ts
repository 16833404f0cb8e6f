import { expect, it } from 'vitest'
import type { Decision } from '../../src/decision/decision.js'
import type { Verdict } from '../../src/engine.js'
import { createDrain, type OpenRequest } from '../../src/fleet/drain.js'
import type { AdaptedRequest } from '../../src/request/request.js'
import { allOpen, type Closures } from '../../src/state/closure.js'
import { createReporter } from '../../src/telemetry/warnings.js'
import { createTestClock } from '../../src/testing/index.js'

const closed = (reason?: string): Closures => ({
  scopes: new Map(),
  site: { mode: 'on', window: 'manual', scope: '*', reason, since: undefined, until: undefined, ramps: undefined },
})
const allow = { action: 'allow' } as Decision
const block = { action: 'block' } as Decision

/** A drain over requests that a test opens and ends. */
function drainOf(decide: (request: AdaptedRequest) => Decision | Promise<Decision> = () => block) {
  const clock = createTestClock()
  const failed: string[] = []
  const told: (number | undefined)[] = []
  const open = new Map<string, OpenRequest & { end(next?: OpenRequest): void }>()
  const drain = createDrain({
    settings: { drainTimeout: 60_000, drainStreams: 'leave' },
    clock,
    reporter: createReporter({ warn: () => {}, error: (text) => failed.push(text) }, []),
    decide,
    onChange: () => told.push(drain.report()?.count),
  })
  const make = (url: string, more: Partial<AdaptedRequest> = {}) => {
    const listeners: ((next?: OpenRequest) => void)[] = []
    const native = {}
    return {
      answer: {},
      native,
      request: { method: 'GET', url, native, logOut() {}, ...more } as AdaptedRequest,
      since: clock.now(),
      whenEnded: (run: (next: OpenRequest | undefined) => void) => void listeners.push(run),
      endStream() {},
      end(next?: OpenRequest) {
        open.delete(url)
        for (const run of listeners) run(next)
      },
    }
  }
  const put = (url: string, more?: Partial<AdaptedRequest>) => {
    const made = make(url, more)
    open.set(url, made)
    return made
  }
  drain.source = { open: () => open.values() }
  const paths = () => drain.report()?.oldest.map(({ path }) => path)
  return { clock, drain, put, make, paths, failed, told }
}

it('without a source nothing is counted, and nothing said of it', () => {
  const { drain, put } = drainOf()
  put('/1')
  drain.source = undefined
  drain.update(closed())
  expect(drain.report()).toBeUndefined()
})

it('a new figure is told at most every 250 ms, and that of the last request at once', async () => {
  const { clock, drain, put, told } = drainOf()
  const requests = ['/1', '/2', '/3', '/4'].map((url) => put(url))
  drain.update(closed())
  requests[0]?.end()
  requests[1]?.end()
  await clock.advance(249)
  expect(told).toEqual([])
  await clock.advance(1)
  expect(told).toEqual([2])
  requests[2]?.end()
  requests[3]?.end()
  expect(told).toEqual([2, 0])
  await clock.advance(1000)
  expect(told).toEqual([2, 0])
  expect(clock.timers).toBe(0)
})

it('what waited behind an answer takes its place, and the figure is never 0 in between', () => {
  const { drain, put, make, paths, told } = drainOf()
  const first = put('/1')
  drain.update(closed())
  const second = make('/2')
  first.end(second)
  expect([paths(), told]).toEqual([['/2'], []])
  second.end()
  expect(told).toEqual([0])
})

it('counts whose user is being looked up until it is known who it is; no more than 50 at a time', async () => {
  const answers: ((decision: Decision) => void)[] = []
  const { clock, drain, put } = drainOf(() => new Promise((resolve) => answers.push(resolve)))
  for (let n = 0; n < 120; n++) put(`/${n}`)
  drain.update(closed())
  expect([answers.length, drain.report()?.count]).toEqual([50, 120])
  for (const answer of answers.splice(0)) answer(allow)
  await clock.advance(0)
  expect([answers.length, drain.report()?.count]).toEqual([50, 70])
  for (const answer of answers.splice(0)) answer(block)
  await clock.advance(0)
  for (const answer of answers.splice(0)) answer(allow)
  await clock.advance(0)
  expect(drain.report()?.count).toBe(50)
})

it('a request that ends while its user is looked up is not counted when that is known', async () => {
  let answer = (_: Decision): void => {}
  const decided = new Promise<Decision>((resolve) => {
    answer = resolve
  })
  const { clock, drain, put, told } = drainOf(() => decided)
  const request = put('/1')
  drain.update(closed())
  request.end()
  answer(block)
  await clock.advance(0)
  expect([drain.report()?.count, told]).toEqual([0, [0]])
})

it('counts what cannot be judged, says so once, and logs nobody out', () => {
  let loggedOut = 0
  const { drain, put, paths, failed } = drainOf((request) => {
    void request.logOut()
    throw new Error('no database')
  })
  for (const url of ['/1', '/2']) put(url, { logOut: () => void loggedOut++ })
  drain.update(closed())
  expect([paths(), loggedOut]).toEqual([['/1', '/2'], 0])
  expect(failed).toEqual(['maintenance-mode: judging a request in flight: no database'])
})

it('does not count what is still being decided about, unless it is let in by what was known before', async () => {
  const { clock, drain, put, paths } = drainOf()
  const verdicts = ['/refused', '/let-in'].map((url) => {
    const { request } = put(url)
    let settle = (_: Verdict): void => {}
    drain.deciding(
      request,
      new Promise<Verdict>((resolve) => {
        settle = resolve
      }),
    )
    return settle
  })
  drain.update(closed())
  expect(paths()).toEqual([])
  verdicts[0]?.({ decision: block, reply: { status: 503, headers: {}, body: '' } })
  verdicts[1]?.({ decision: allow, reply: undefined })
  await clock.advance(0)
  expect(paths()).toEqual(['/let-in'])
})

it('begins anew when there is more to wait for, and not when only the reason is another', async () => {
  const { clock, drain, put } = drainOf()
  const first = put('/1')
  drain.update(closed())
  await clock.advance(5000)
  drain.update(closed('other'))
  expect(drain.report()?.draining).toBe(5000)
  put('/2')
  drain.update(closed('another'))
  expect(drain.report()).toMatchObject({ count: 2, draining: 0, oldest: [{ age: 5000 }, { age: 0 }] })
  first.end()
  drain.update(allOpen)
  expect(drain.report()).toEqual({ count: 1, draining: undefined, oldest: [] })
})

it('names the ten oldest, and no more than the beginning of a long path', () => {
  const { drain, put } = drainOf()
  for (let n = 0; n < 30; n++) put(`/${n}/${'x'.repeat(500)}?key=secret`)
  drain.update(closed())
  const report = drain.report()
  expect([report?.count, report?.oldest.length]).toEqual([30, 10])
  for (const { path } of report?.oldest ?? []) expect(path).toMatch(/^\/\d+\/x{100,198}$/)
})
