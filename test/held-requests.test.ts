import { getEventListeners } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { withMaintenanceMode } from '../src/adapters/fetch.js'
import type { Maintenance, MaintenanceOptions } from '../src/index.js'
import { createTestClock, type TestClock } from '../src/testing/index.js'
import { maintain } from './adapters/opened.js'

const second = 1000

interface HoldingSite {
  maintenance: Maintenance
  clock: TestClock
  /** Sends a request; the answer comes when it comes. */
  send(path?: string, init?: RequestInit): Promise<Response>
  /** All that were sent, in that order. */
  sent: Request[]
  /** The paths that the app was asked for, in that order. */
  reached: string[]
  /** What has been answered so far: path and status, in that order. */
  answered: [path: string, status: number][]
  /** Lets what has been decided get to the client. */
  settled(): Promise<void>
}

async function holdingSite(options: MaintenanceOptions = {}): Promise<HoldingSite> {
  const clock = createTestClock()
  const maintenance = maintain({ silence: ['pinned-mode'], ...options }, { clock })
  maintenance.start()
  await maintenance.ready()
  const sent: Request[] = []
  const reached: string[] = []
  const answered: [string, number][] = []
  const handler = withMaintenanceMode(maintenance, (request) => {
    reached.push(new URL(request.url).pathname)
    return new Response('Hello')
  })
  if (options.mode === undefined) await maintenance.setMode('hold', { reason: 'Moving' })
  return {
    maintenance,
    clock,
    sent,
    reached,
    answered,
    async send(path = '/', init) {
      const request = new Request(`http://localhost${path}`, init)
      sent.push(request)
      const response = await handler(request)
      answered.push([path, response.status])
      return response
    },
    // The answer of a promise takes a few turns of microtasks, and no timer.
    settled: () => nextTurn(),
  }
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `/${index}`)
const refusedAll = (paths: string[]): [string, number][] => paths.map((path) => [path, 503])

describe('while the mode is hold', () => {
  it.each(['GET', 'HEAD', 'OPTIONS'])('%s waits, and is answered by the app once it ends', async (method) => {
    const { maintenance, clock, send, answered } = await holdingSite()
    const answer = send('/', { method })
    await clock.advance(20 * second)
    expect([answered, maintenance.status().held]).toEqual([[], 1])
    await maintenance.setMode('off')
    await clock.advance(1)
    expect((await answer).status).toBe(200)
    expect(maintenance.status().held).toBe(0)
  })

  it.each([
    ['a POST', { method: 'POST', body: 'a=1' }],
    ['a DELETE', { method: 'DELETE' }],
    ['a WebSocket handshake', { headers: { upgrade: 'websocket' } }],
  ])('%s is refused at once', async (_, init) => {
    const { send, maintenance } = await holdingSite()
    const { status, headers } = await send('/', init)
    expect([status, headers.get('maintenance-mode'), maintenance.status().held]).toEqual([503, 'hold', 0])
  })

  it('health checks, and whoever is let through, do not wait', async () => {
    const { send } = await holdingSite({ ignoreUrls: ['/open'] })
    expect((await send('/healthz')).status).toBe(200)
    expect((await send('/open')).status).toBe(200)
  })

  it('a refusal without a known end asks to come back soon, and not all at once', async () => {
    const { send } = await holdingSite()
    const seconds = async (): Promise<string | null> => (await send('/', { method: 'POST' })).headers.get('retry-after')
    const chance = vi.spyOn(Math, 'random')
    onTestFinished(() => chance.mockRestore())
    chance.mockReturnValue(0)
    expect(await seconds()).toBe('5')
    chance.mockReturnValue(0.9999999)
    expect(await seconds()).toBe('10')
  })

  it('nothing waits where nothing runs between requests: it is refused at once', async () => {
    const maintenance = maintain({}, { environment: { VERCEL: '1' } })
    await maintenance.setMode('hold')
    const response = await withMaintenanceMode(maintenance, () => new Response())(new Request('http://localhost/'))
    expect([response.status, response.headers.get('maintenance-mode')]).toEqual([503, 'hold'])
  })
})

describe('release', () => {
  it('is in the order in which the requests came, a few in each turn of the event loop', async () => {
    const { maintenance, clock, send, reached } = await holdingSite()
    const paths = numbered(1000)
    const answers = paths.map((path) => send(path))
    await maintenance.setMode('off')
    await clock.advance(1)
    expect(reached.length).toBeGreaterThan(0)
    expect(reached.length).toBeLessThan(100)
    await clock.advance(100)
    expect(reached).toEqual(paths)
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(paths.map(() => 200))
  })

  it('leaves no timer and no listener behind', async () => {
    const { maintenance, clock, send, sent } = await holdingSite()
    const before = clock.timers
    const answers = numbered(100).map((path) => send(path))
    expect(clock.timers).toBe(before + 1)
    await maintenance.setMode('off')
    await clock.advance(100)
    await Promise.all(answers)
    expect(clock.timers).toBeLessThanOrEqual(before)
    expect(sent.flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([])
  })

  it('comes with the end of a window that ends by the clock', async () => {
    const { maintenance, clock, send, reached } = await holdingSite()
    await maintenance.setMode('hold', { end: new Date(clock.now() + 5 * second) })
    const answer = send('/late')
    await clock.advance(5 * second - 1)
    expect(reached).toEqual([])
    await clock.advance(2)
    expect([(await answer).status, reached]).toEqual([200, ['/late']])
  })

  it('when the mode becomes on, is a refusal', async () => {
    const { maintenance, clock, send } = await holdingSite()
    const answer = send()
    await maintenance.setMode('on')
    await clock.advance(1)
    const { status, headers } = await answer
    expect([status, headers.get('maintenance-mode')]).toEqual([503, 'on'])
  })

  it('when the mode becomes read-only, lets them all read', async () => {
    const { maintenance, clock, send } = await holdingSite()
    const answer = send()
    await maintenance.setMode('read-only')
    await clock.advance(1)
    expect((await answer).status).toBe(200)
  })

  it('is for the part of the site that is held no more', async () => {
    const { maintenance, clock, send, reached } = await holdingSite({ scopes: { billing: { urls: ['/billing/**'] } } })
    await maintenance.setMode('off')
    await maintenance.setMode('hold', { scope: 'billing' })
    await maintenance.setMode('hold', { scope: '*' })
    const answers = [send('/billing/1'), send('/shop')]
    await maintenance.setMode('off')
    await clock.advance(1)
    expect(reached).toEqual(['/shop'])
    await maintenance.setMode('off', { scope: 'billing' })
    await clock.advance(1)
    await Promise.all(answers)
    expect(reached).toEqual(['/shop', '/billing/1'])
  })

  it('little by little, as a ramp says, keeps the others waiting until their turn or their deadline', async () => {
    const { maintenance, clock, send, answered } = await holdingSite({ holdTimeout: '60s', trustProxy: 1 })
    const visitors = Array.from({ length: 40 }, (_, index) => `198.51.100.${index + 1}`)
    const answers = visitors.map((ip) => send(`/${ip}`, { headers: { 'x-forwarded-for': ip } }))
    await maintenance.setMode('off', { ramp: '2m' })
    await clock.advance(10)
    const early = answered.length
    await clock.advance(60 * second)
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(early).toBeLessThan(5)
    expect(new Set(statuses)).toEqual(new Set([200, 503]))
    expect(maintenance.status().held).toBe(0)
  })

  it('is undone by a hold that begins while it goes on', async () => {
    const { maintenance, clock, send, reached } = await holdingSite()
    const answers = numbered(60).map((path) => send(path))
    await maintenance.setMode('off')
    await clock.advance(1)
    const before = reached.length
    await maintenance.setMode('hold')
    await clock.advance(10)
    expect([before, reached.length, maintenance.status().held]).toEqual([25, 25, 35])
    await maintenance.setMode('off')
    await clock.advance(10)
    await Promise.all(answers)
    expect(reached).toEqual(numbered(60))
  })

  it('reaches all of them when the mode changes while they are decided about', async () => {
    const { maintenance, clock, send, reached } = await holdingSite()
    const answers = numbered(60).map((path) => send(path))
    await maintenance.setMode('hold', { reason: 'It takes a little longer' })
    await clock.advance(1)
    await maintenance.setMode('off')
    await clock.advance(10)
    await Promise.all(answers)
    expect(reached).toEqual(numbered(60))
  })

  it('goes by the last change, however long a user is looked up for an earlier one', async () => {
    const lookUps: (() => void)[] = []
    const getAuthenticatedUser = () => new Promise<null>((resolve) => lookUps.push(() => resolve(null)))
    const { maintenance, clock, send, settled, answered } = await holdingSite({
      ignoreStaff: true,
      getAuthenticatedUser,
    })
    const answer = send()
    lookUps[0]?.()
    await settled()
    await maintenance.setMode('on')
    await clock.advance(1)
    await maintenance.setMode('hold')
    await clock.advance(1)
    for (const tell of lookUps) tell()
    await settled()
    expect([answered, maintenance.status().held]).toEqual([[], 1])
    await maintenance.setMode('off')
    await clock.advance(1)
    expect((await answer).status).toBe(200)
  })

  it('misses nobody who was being looked up when the mode changed', async () => {
    let tell = (): void => {}
    const told = new Promise<null>((resolve) => {
      tell = () => resolve(null)
    })
    const site = await holdingSite({ ignoreStaff: true, getAuthenticatedUser: () => told })
    const answer = site.send()
    await site.maintenance.setMode('off')
    await site.clock.advance(1)
    tell()
    expect((await answer).status).toBe(200)
  })
})

describe('the bounds', () => {
  it('of time: each is refused holdTimeout after it came, with its Retry-After', async () => {
    const { clock, send, answered, settled, maintenance } = await holdingSite({ holdTimeout: '30s' })
    const first = send('/first')
    await clock.advance(10 * second)
    void send('/second')
    await clock.advance(20 * second - 1)
    expect(answered).toEqual([])
    await clock.advance(1)
    await settled()
    expect(answered).toEqual([['/first', 503]])
    const { headers } = await first
    expect(headers.get('maintenance-mode')).toBe('hold')
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(5)
    await clock.advance(10 * second - 1)
    expect(answered).toHaveLength(1)
    await clock.advance(1)
    await settled()
    expect(answered).toEqual(refusedAll(['/first', '/second']))
    expect(maintenance.status().held).toBe(0)
  })

  it('of time are not put off by a change that keeps the site held', async () => {
    const { maintenance, clock, send, answered, settled } = await holdingSite({ holdTimeout: '30s' })
    void send('/patient')
    await clock.advance(20 * second)
    await maintenance.setMode('hold', { reason: 'It takes a little longer' })
    await clock.advance(10 * second - 1)
    expect(answered).toEqual([])
    await clock.advance(1)
    await settled()
    expect(answered).toEqual([['/patient', 503]])
  })

  it('of time: whom a rule lets in by then gets in', async () => {
    let open = false
    const { clock, send } = await holdingSite({ ignoreRequest: () => open })
    const answer = send()
    open = true
    await clock.advance(30 * second)
    expect((await answer).status).toBe(200)
  })

  it.each([
    ['back by an hour', -3600, 60],
    ['back by ten seconds', -10, 60],
    ['forward by an hour', 3600, 30],
  ])('of time hold when the clock is set %s', async (_, jump, longest) => {
    // Pinned: a window would not have begun yet.
    const { clock, send, answered, settled } = await holdingSite({ mode: 'hold', holdTimeout: '30s' })
    const paths = numbered(20)
    for (const path of paths) {
      void send(path)
      await clock.advance(100)
    }
    await clock.set(clock.now() + jump * second)
    await clock.advance(longest * second)
    await settled()
    expect(answered).toEqual(refusedAll(paths))
  })

  it('of number: who comes when all places are taken is refused at once, and those that wait stay', async () => {
    const { maintenance, clock, send, answered } = await holdingSite({ holdLimit: 2 })
    const waiting = [send('/1'), send('/2')]
    const { status, headers } = await send('/3')
    expect([status, headers.get('maintenance-mode')]).toEqual([503, 'hold'])
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(10)
    await maintenance.setMode('off')
    await clock.advance(1)
    await Promise.all(waiting)
    expect(answered).toEqual([
      ['/3', 503],
      ['/1', 200],
      ['/2', 200],
    ])
  })

  it('people are sent where redirectUrl says once there is no waiting any more', async () => {
    const { clock, send } = await holdingSite({ redirectUrl: 'https://status.example.com/', holdLimit: 1 })
    const headers = { accept: 'text/html' }
    const answer = send('/', { headers })
    expect((await send('/', { headers })).headers.get('location')).toBe('https://status.example.com/')
    await clock.advance(30 * second)
    expect((await answer).status).toBe(302)
  })

  it('of a mode that a setting pins are the same', async () => {
    const { clock, send } = await holdingSite({ mode: 'hold' })
    const answer = send()
    await clock.advance(30 * second)
    expect((await answer).status).toBe(503)
  })
})

describe('a client that goes away', () => {
  it('frees its place, and does not get to the app', async () => {
    const { maintenance, clock, send, reached } = await holdingSite({ holdLimit: 1 })
    const client = new AbortController()
    const gone = send('/gone', { signal: client.signal })
    expect((await send('/refused')).status).toBe(503)
    client.abort()
    await gone
    expect(maintenance.status().held).toBe(0)
    const answer = send('/next')
    await maintenance.setMode('off')
    await clock.advance(1)
    expect((await answer).status).toBe(200)
    expect(reached).toEqual(['/next'])
  })

  it('before it could wait, takes none', async () => {
    const { maintenance, clock, send } = await holdingSite()
    const timers = clock.timers
    await send('/', { signal: AbortSignal.abort() })
    expect(maintenance.status().held).toBe(0)
    expect(clock.timers).toBeLessThanOrEqual(timers)
  })
})

describe('closing', () => {
  it('refuses all that wait, and from then on every other', async () => {
    const { maintenance, send, answered } = await holdingSite()
    const paths = numbered(50)
    const answers = paths.map((path) => send(path))
    await maintenance.close()
    await Promise.all(answers)
    expect((await send('/after')).status).toBe(503)
    expect(answered).toEqual(refusedAll([...paths, '/after']))
  })

  it('lets in whom the end of the hold had let in already', async () => {
    const { maintenance, send } = await holdingSite()
    const answer = send()
    await maintenance.setMode('off')
    await maintenance.close()
    expect((await answer).status).toBe(200)
  })
})
