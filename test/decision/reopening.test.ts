import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { compileReopeningRule } from '../../src/decision/rules/reopening.js'
import { normalizePath } from '../../src/request/path.js'
import type { AdaptedRequest } from '../../src/request/request.js'
import { closeWindows } from '../../src/state/closing.js'
import { closuresOf } from '../../src/state/closure.js'
import { effectiveMode, effectiveModes } from '../../src/state/effective-mode.js'
import { loadCron } from '../../src/state/recurrence.js'
import { openByHand } from '../../src/state/transitions.js'
import type { Mode, StateDocument, Window } from '../../src/state/window.js'
import { at, documentOf, leaseOf, minute, windowOf } from '../state/windows.js'

beforeAll(loadCron)

const actor = { by: 'ann', from: 'cli@desk' }
const path = normalizePath('/')

/** Opens again what the document closes, from minute 0 to minute `length`. */
const reopened = (document: StateDocument, length: number, now = 0, id?: string): StateDocument =>
  closeWindows(document, { scope: '*', id, ramp: length * 60_000 }, actor, minute(now)).document

const closedSince = (since: number, part: Partial<Window> = {}) => documentOf(windowOf({ start: at(since), ...part }))

/** Whether visitors are let in at a minute, by their addresses. */
function door(document: StateDocument, now: number): (ip: string | undefined) => boolean {
  const { site } = closuresOf(effectiveModes(document, minute(now)))
  const rule = compileReopeningRule({ now: () => minute(now) })
  return (ip) => !site || rule({ ip } as AdaptedRequest, path, site) !== undefined
}

const letsIn = (document: StateDocument, ip: string | undefined, now: number): boolean => door(document, now)(ip)

const v4 = Array.from({ length: 10_000 }, (_, n) => `198.51.${n >> 8}.${n & 255}`)
const v6 = Array.from({ length: 10_000 }, (_, n) => `2001:db8:${(n >> 8).toString(16)}:${(n & 255).toString(16)}::7`)
const share = (document: StateDocument, ips: readonly string[], now: number) =>
  ips.filter(door(document, now)).length / ips.length

describe('while a site reopens', () => {
  const document = reopened(closedSince(-60), 10)

  it.each([
    ['IPv4', v4],
    ['IPv6', v6],
  ])('the share of the %s visitors that is let in grows evenly, from none to all', (_, ips) => {
    expect([share(document, ips, -0.001), share(document, ips, 0)]).toEqual([0, 0])
    for (let tenth = 1; tenth < 10; tenth++) {
      // Four standard deviations of 10,000 tosses of a coin.
      expect(Math.abs(share(document, ips, tenth) - tenth / 10)).toBeLessThan(0.02)
    }
    expect(share(document, ips, 9.9999)).toBeGreaterThan(0.999)
    expect(share(document, ips, 10)).toBe(1)
  })

  it('who is let in once stays in, and all are at its end without anybody doing anything', () => {
    const doors = Array.from({ length: 101 }, (_, tenth) => door(document, tenth / 10))
    for (const ip of [...v4.slice(0, 500), ...v6.slice(0, 500)]) {
      const seen = doors.map((isOpen) => isOpen(ip))
      expect([ip, seen.lastIndexOf(false) < seen.indexOf(true), seen.at(-1)]).toEqual([ip, true, true])
    }
    expect(effectiveMode(document, minute(9.99)).mode).toBe('on')
    expect(effectiveMode(document, minute(10)).mode).toBe('off')
  })

  it('one visitor is one, however the address is written; a household of IPv6 is one, its neighbours are not', () => {
    const turn = (ip: string) =>
      Array.from({ length: 1000 }, (_, n) => n / 100).find((now) => letsIn(document, ip, now))
    const home = turn('192.0.2.7')
    for (const same of ['::ffff:192.0.2.7', '::ffff:c000:207', '0:0:0:0:0:FFFF:192.0.2.7'])
      expect(turn(same)).toBe(home)
    const house = turn('2001:db8:1:2::1')
    for (const same of ['2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:0db8:0001:0002:0:0:0:9', '2001:db8:1:2::1%eth0']) {
      expect(turn(same)).toBe(house)
    }
    const others = ['2001:db8:1:3::1', '2001:db8:1:4::1', '2001:db9:1:2::1', '192.0.2.8', '193.0.2.7'].map(turn)
    expect(new Set([home, house, ...others]).size).toBe(7)
  })

  it.each([undefined, '', 'unknown', '127.1', '1.2.3.4:80', '10.0.0.256'])(
    'a client of the address %j waits until its end',
    (ip) => {
      expect([letsIn(document, ip, 9.9999), letsIn(document, ip, 10)]).toEqual([false, true])
    },
  )

  it('others are the first ones the next time', () => {
    const next = reopened(closedSince(60), 10, 100)
    const both = v4.filter(door(document, 1)).filter(door(next, 101)).length
    // A tenth of a tenth.
    expect(both / v4.length).toBeLessThan(0.02)
    expect(both).toBeGreaterThan(0)
  })

  it('an answer that only some are given is theirs alone', () => {
    const { site } = closuresOf(effectiveModes(document, minute(9.99)))
    const opening = compileReopeningRule({ now: () => minute(9.99) })(
      { ip: v4[0] } as AdaptedRequest,
      path,
      site as never,
    )
    expect(opening).toMatchObject({ rule: 'reopening', personal: true })
  })

  it('a clock that is set back by an hour closes it for all until it is that late again; the same are in then', () => {
    const inside = v4.filter(door(document, 5))
    expect(share(document, v4, 5 - 60)).toBe(0)
    expect(effectiveMode(document, minute(5 - 60)).mode).toBe('on')
    expect(v4.filter(door(document, 5))).toEqual(inside)
  })
})

describe('several windows', () => {
  it('that reopen together: the slower counts, and nobody is put out when the faster is open', () => {
    const both = documentOf(windowOf({ start: at(-9) }), windowOf({ id: 'other', start: at(-8), reason: 'Moving' }))
    const document = reopened(reopened(both, 10, 0, 'other'), 20, 0)
    for (const now of [1, 5, 9.99, 10, 10.01, 15]) {
      expect(Math.abs(share(document, v4, now) - now / 20)).toBeLessThan(0.02)
    }
    const inside = v4.filter(door(document, 9.99))
    expect(inside.length).toBeGreaterThan(4000)
    expect(inside.every(door(document, 10.01))).toBe(true)
    expect(effectiveMode(document, minute(20)).mode).toBe('off')
  })

  it('the ramp that begins later counts until it has caught up', () => {
    const both = documentOf(windowOf({ start: at(-9) }), windowOf({ id: 'other', start: at(-8) }))
    const first = reopened(both, 10, 0, 'other')
    expect(share(first, v4, 5)).toBe(0)
    const document = reopened(first, 10, 5)
    for (const now of [5, 7, 9.99, 10, 14]) {
      expect(Math.abs(share(document, v4, now) - (now - 5) / 10)).toBeLessThan(0.02)
    }
  })

  it('a live lease of another keeps it closed for all, and who is in afterwards is told by the ramp', () => {
    const lease = leaseOf('deploy', { leaseUntil: at(100) })
    const document = reopened(documentOf(windowOf({ start: at(-9) }), lease), 10)
    expect(share(document, v4, 9)).toBe(0)
    const { document: without } = closeWindows(document, { scope: '*', id: lease.id }, actor, minute(5))
    expect(Math.abs(share(without, v4, 5) - 0.5)).toBeLessThan(0.02)
  })

  it('of mode read-only reopen too', () => {
    const document = reopened(closedSince(-60, { mode: 'read-only' }), 10)
    expect(Math.abs(share(document, v4, 5) - 0.5)).toBeLessThan(0.02)
  })
})

describe('the transition', () => {
  const recurrence = { cron: '0 12 * * *', timezone: 'UTC', duration: '2h' }
  const windows = fc.array(
    fc.record({
      id: fc.constantFrom('manual', 'other', 'plan'),
      mode: fc.constantFrom<Mode>('on', 'read-only', 'hold', 'off'),
      origin: fc.constantFrom<Window['origin']>('manual', 'planned', 'leased'),
      start: fc.integer({ min: -90, max: 10 }).map(at),
      length: fc.option(fc.integer({ min: 1, max: 200 })),
      holdClosed: fc.option(fc.boolean(), { nil: undefined }),
      scope: fc.constantFrom('*', '*', 'billing'),
      lapses: fc.option(fc.integer({ min: -30, max: 60 })),
      onLapse: fc.constantFrom<Window['onLapse']>('reopen', 'keep'),
      series: fc.boolean(),
    }),
    { maxLength: 5 },
  )
  const documents = windows.map((all) => {
    const names = new Set<string>()
    return documentOf(
      ...all.flatMap(({ length, lapses, onLapse, series, ...part }) => {
        const name = `${part.scope} ${part.id}`
        if (names.has(name)) return []
        names.add(name)
        const end = length === null ? {} : { end: new Date(Date.parse(part.start) + length * 60_000).toISOString() }
        const lease = part.origin === 'leased' ? { holder: 'x', leaseUntil: at(lapses ?? 500), onLapse } : {}
        const recurs = part.origin === 'planned' && series
        return [windowOf({ ...part, ...lease, ...(recurs ? { start: at(-1440), recurrence } : end) })]
      }),
    )
  })
  const lengths = fc.integer({ min: 1, max: 120 })

  it('closes nobody out, and lets nobody in but by the ramp; its end needs no command', () => {
    fc.assert(
      fc.property(documents, lengths, (document, length) => {
        const before = effectiveMode(document, minute(0))
        const { document: after, result } = closeWindows(
          document,
          { scope: '*', ramp: length * 60_000 },
          actor,
          minute(0),
        )
        const now = effectiveMode(after, minute(0))
        // What suspended is closed at once, as without a ramp.
        const plain = effectiveMode(closeWindows(document, { scope: '*' }, actor, minute(0)).document, minute(0))
        if (before.mode === 'off' && plain.mode === 'off' && result.reopening === undefined)
          expect(now.mode).toBe('off')
        if (plain.mode !== 'off') {
          expect([now.ramps, result.reopening, result.remaining.length > 0]).toEqual([undefined, undefined, true])
        } else if (now.mode !== 'off') {
          expect(result.reopening).toBe(minute(length))
          expect(share(after, v4.slice(0, 50), 0)).toBe(0)
          expect(now.ramps?.every(({ from, until }) => from === minute(0) && until === minute(length))).toBe(true)
        }
        for (const window of after.windows.filter(({ ramp }) => ramp)) {
          expect([window.end, window.recurrence, window.leaseUntil, window.holdClosed]).toEqual([
            at(length),
            undefined,
            undefined,
            undefined,
          ])
        }
      }),
      { numRuns: 500 },
    )
  })

  it('a second plain one opens to all at once, and closing again ends every ramp of the window', () => {
    fc.assert(
      fc.property(documents, lengths, fc.nat({ max: 99 }), (document, length, percent) => {
        const ramped = closeWindows(document, { scope: '*', ramp: length * 60_000 }, actor, minute(0)).document
        const later = (length * percent) / 100
        const opened = closeWindows(ramped, { scope: '*' }, actor, minute(later)).document
        expect(opened.windows.filter(({ ramp, scope }) => ramp && scope === '*')).toEqual([])
        const manual = ramped.windows.find(({ id, scope }) => id === 'manual' && scope === '*')
        if (manual?.origin !== 'manual') return
        const { document: closed } = openByHand(ramped, { id: 'manual', mode: 'on', scope: '*' }, actor, minute(later))
        const window = closed.windows.find(({ id, scope }) => id === 'manual' && scope === '*')
        expect(window?.ramp).toBeUndefined()
        const suspended = closed.windows.some(({ mode }) => mode === 'off')
        if (!suspended) expect(share(closed, v4.slice(0, 50), later)).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  it('of a series takes the occurrence that goes on, and leaves those to come', () => {
    const series = windowOf({ id: 'nightly', origin: 'planned', start: at(-1440), recurrence })
    const document = reopened(documentOf(series), 30, 60)
    expect(document.windows.map(({ id }) => id).sort()).toEqual(['nightly', 'nightly-reopening'])
    expect(Math.abs(share(document, v4, 75) - 0.5)).toBeLessThan(0.02)
    expect([effectiveMode(document, minute(90)).mode, effectiveMode(document, minute(119)).mode]).toEqual([
      'off',
      'off',
    ])
    const tomorrow = effectiveMode(document, minute(1440))
    expect([tomorrow.mode, tomorrow.ramps]).toEqual(['on', undefined])
  })
})
