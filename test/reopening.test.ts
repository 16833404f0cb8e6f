import { withMaintenanceMode as withFetch } from 'maintenance-mode/fetch'
import { withMaintenanceMode } from 'maintenance-mode/node'
import { createTestClock } from 'maintenance-mode/testing'
import { describe, expect, it } from 'vitest'
import { listen, maintain } from './adapters/opened.js'

const minute = 60_000

async function site() {
  const clock = createTestClock('2026-03-01T12:00:00Z')
  const maintenance = maintain({ trustProxy: 1, ignoreUrls: ['/status'] }, { clock })
  const url = await listen(withMaintenanceMode(maintenance, (_req, res) => res.end('the app')))
  await maintenance.setMode('on')
  const ask = (ip: string, path = '/') => fetch(url + path, { headers: { 'x-forwarded-for': ip } })
  return {
    clock,
    maintenance,
    ask,
    /** Who of these is let in. */
    inside: async (ips: readonly string[]) => {
      const answers = await Promise.all(ips.map(async (ip) => [ip, (await ask(ip)).status] as const))
      return answers.filter(([, status]) => status === 200).map(([ip]) => ip)
    },
  }
}

const visitors = Array.from({ length: 100 }, (_, n) => (n % 2 ? `192.0.2.${n}` : `2001:db8:0:${n.toString(16)}::1`))

describe('a site that reopens by a ramp', () => {
  it('lets visitors in one after the other, each for good, and is open at the end by itself', async () => {
    const { clock, maintenance, inside } = await site()
    const change = await maintenance.setMode('off', { ramp: '10m' })
    expect(change).toMatchObject({ mode: 'on', remaining: [], reopening: new Date(clock.now() + 10 * minute) })
    let before = await inside(visitors)
    expect(before).toEqual([])
    for (let passed = 1; passed < 10; passed++) {
      await clock.advance(minute)
      const now = await inside(visitors)
      expect(before.filter((ip) => !now.includes(ip))).toEqual([])
      expect(Math.abs(now.length - 10 * passed)).toBeLessThan(25)
      expect(await maintenance.getMode()).toBe('on')
      before = now
    }
    await clock.advance(minute)
    expect(await inside(visitors)).toHaveLength(100)
    expect(await maintenance.getMode()).toBe('off')
    expect(maintenance.status()).toMatchObject({ mode: 'off', windows: [] })
  })

  it('gives those it lets in what no cache may keep, and all others a short wait', async () => {
    const { clock, maintenance, ask, inside } = await site()
    await maintenance.setMode('off', { ramp: 600 })
    await clock.advance(5 * minute)
    const [first = ''] = await inside(visitors)
    const answer = await ask(first)
    expect([answer.headers.get('cache-control'), await answer.text()]).toEqual(['private, no-store', 'the app'])
    const others = (await Promise.all(visitors.map((ip) => ask(ip)))).filter(({ status }) => status === 503)
    expect(others.length).toBeGreaterThan(20)
    const waits = others.map(({ headers }) => Number(headers.get('retry-after')))
    expect([Math.min(...waits) >= 10, Math.max(...waits) <= 30, new Set(waits).size > 5]).toEqual([true, true, true])
    expect((await ask(first, '/status')).headers.get('cache-control')).toBeNull()
  })

  it('takes an address for the same however a proxy writes it', async () => {
    const { clock, maintenance, ask } = await site()
    await maintenance.setMode('off', { ramp: '10m' })
    const seen = new Set<string>()
    for (let passed = 0; passed <= 10; passed++) {
      const same = ['198.51.100.7', '::ffff:198.51.100.7', '198.51.100.7:4711'].map(
        async (ip) => (await ask(ip)).status,
      )
      const house = ['2001:db8::1', '"[2001:db8::2]:80"', '2001:DB8:0:0:ffff::'].map(
        async (ip) => (await ask(ip)).status,
      )
      const [mine, theirs] = [await Promise.all(same), await Promise.all(house)]
      expect(new Set(mine).size).toBe(1)
      seen.add(`${mine[0]}`)
      // The second is no address in this header: it waits.
      expect([theirs[2], theirs[1]]).toEqual([theirs[0], passed === 10 ? 200 : 503])
      await clock.advance(minute)
    }
    expect(seen).toEqual(new Set(['503', '200']))
  })

  it('on closes it again for all at once, and off opens it to all at once', async () => {
    const { clock, maintenance, inside } = await site()
    await maintenance.setMode('off', { ramp: '10m' })
    await clock.advance(9 * minute)
    expect((await inside(visitors)).length).toBeGreaterThan(60)
    await maintenance.setMode('on')
    expect(await inside(visitors)).toEqual([])
    await clock.advance(60 * minute)
    expect(await inside(visitors)).toEqual([])
    await maintenance.setMode('off', { ramp: '10m' })
    await maintenance.setMode('off')
    expect(await inside(visitors)).toHaveLength(100)
  })

  it('a clock that is set back by an hour closes it until it is that late again', async () => {
    const { clock, maintenance, inside } = await site()
    await clock.advance(120 * minute)
    await maintenance.setMode('off', { ramp: '10m' })
    await clock.advance(5 * minute)
    const before = await inside(visitors)
    expect(before.length).toBeGreaterThan(20)
    await clock.set(clock.now() - 60 * minute)
    await maintenance.refresh()
    expect([await inside(visitors), await maintenance.getMode()]).toEqual([[], 'on'])
    await clock.advance(60 * minute)
    expect(await inside(visitors)).toEqual(before)
    await clock.advance(5 * minute)
    expect(await maintenance.getMode()).toBe('off')
  })

  it('lets a client whose address nobody knows in at its end', async () => {
    const clock = createTestClock()
    const maintenance = maintain({}, { clock })
    const handle = withFetch(maintenance, () => new Response('the app'))
    await maintenance.setMode('on')
    await maintenance.setMode('off', { ramp: '10m' })
    const status = async () => (await handle(new Request('http://shop.example/'))).status
    await clock.advance(10 * minute - 1)
    expect(await status()).toBe(503)
    await clock.advance(1)
    expect(await status()).toBe(200)
  })

  it.each([0, '0s', -5, Number.NaN, '400d', 'soon', '', {}, true])(
    'of %j is refused, and changes nothing',
    async (ramp) => {
      const { maintenance } = await site()
      const before = maintenance.status().revision
      await expect(maintenance.setMode('off', { ramp: ramp as string })).rejects.toMatchObject({
        code: 'ERR_MAINTENANCE_TIME',
      })
      await expect(maintenance.setMode('on', { ramp: '10m' })).rejects.toThrow('Only `off` takes a ramp')
      expect([maintenance.status().revision, await maintenance.getMode()]).toEqual([before, 'on'])
    },
  )
})
