import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { awaitFleet, type FleetReport, unseenBound } from '../../src/fleet/convergence.js'
import type { InFlight, InstanceRecord } from '../../src/fleet/instance.js'
import { judge, type TargetState } from '../../src/fleet/judgement.js'
import { readWait } from '../../src/fleet/wait.js'
import type { Mode } from '../../src/state/window.js'
import { createTestClock } from '../../src/testing/index.js'
import { scriptedBackend } from '../snapshot/scripted-backend.js'
import { ready, scriptedPresence } from './presence.js'

const second = 1000
const target: TargetState = { document: 'state', revision: 2, mode: 'on' }
const applied = { revision: 2 }
const draining = { drainTimeout: 10 * second }
const inFlight = (count: number, since: number | undefined): InFlight => ({
  count,
  draining: since,
  oldest: count > 0 && since !== undefined ? [{ method: 'GET', path: '/report', age: 12 * second }] : [],
})

describe('an instance', () => {
  const cases: [string, Partial<InstanceRecord> & { age?: number }, Partial<TargetState>, string, string?][] = [
    ['has applied the revision', applied, {}, 'confirmed'],
    ['has applied a later one', { revision: 3 }, {}, 'confirmed'],
    ['has applied it, and cannot read the state any more', { ...applied, snapshot: 'stale' }, {}, 'confirmed'],
    ['was last heard of 15 s ago', { ...applied, age: 15 * second }, {}, 'confirmed'],
    [
      'was last heard of longer ago',
      { ...applied, age: 15 * second + 1 },
      {},
      'lost',
      'is lost: last heard of 15s ago',
    ],
    [
      'is lost and pinned',
      { pinned: true, mode: 'off', age: 40 * second },
      {},
      'lost',
      'is lost: last heard of 40s ago',
    ],
    ['decides by an earlier revision', {}, {}, 'waiting', 'decides by revision 1'],
    [
      'decides by an earlier one as it cannot read',
      { snapshot: 'stale' },
      {},
      'waiting',
      'decides by revision 1, and cannot read the state',
    ],
    [
      'has applied it, while its clock is late',
      { ...applied, mode: 'off' },
      {},
      'waiting',
      'is still "off" by its clock',
    ],
    ['has applied a later one, which says otherwise', { revision: 3, mode: 'off' }, {}, 'confirmed'],
    ['has applied it, and knows more modes than this version', { ...applied, mode: 'hold' }, {}, 'confirmed'],
    ['decides by another state', { document: 'other', revision: 9 }, {}, 'waiting', 'decides by another state'],
    [
      'has had no answer yet',
      { document: undefined, revision: undefined, snapshot: 'failed' },
      {},
      'waiting',
      'knows no state yet, and cannot read the state',
    ],
    ['is pinned to the same mode', { pinned: true, snapshot: 'pinned', document: undefined }, {}, 'confirmed'],
    [
      'is pinned to another mode',
      { pinned: true, mode: 'off' },
      {},
      'contradicting',
      'contradicts: its mode is pinned to "off"',
    ],
    [
      'knows that nothing is stored',
      { document: undefined, revision: undefined, mode: 'off' },
      { revision: 0, mode: 'off' },
      'confirmed',
    ],
    ['still decides by what was removed', {}, { revision: 0, mode: 'off' }, 'waiting', 'decides by revision 1'],
    [
      'has not read yet that nothing is stored',
      { document: undefined, revision: undefined, snapshot: 'pending', mode: 'off' },
      { revision: 0, mode: 'off' },
      'waiting',
      'knows no state yet',
    ],
    [
      'counts down what it had let in',
      { ...applied, inFlight: inFlight(3, 1000) },
      draining,
      'draining',
      'still has 3 requests in flight: GET /report (12s) and 2 more',
    ],
    [
      'has counted down for as long as it is waited for',
      { ...applied, inFlight: inFlight(1, 9000), age: second },
      draining,
      'undrained',
      'still has 1 request in flight: GET /report (13s)',
    ],
    ['has finished all that it had let in', { ...applied, inFlight: inFlight(0, 1000) }, draining, 'confirmed'],
    ['need not finish what it had let in', { ...applied, inFlight: inFlight(3, 1000) }, {}, 'confirmed'],
    [
      'cannot count its requests',
      { ...applied, inFlight: undefined },
      draining,
      'confirmed',
      'cannot count its requests in flight: some may still be running',
    ],
    [
      'has applied it, and by its clock nothing is closed yet',
      { ...applied, inFlight: inFlight(3, undefined) },
      draining,
      'waiting',
      'is still "on" by its clock',
    ],
    ['was reopened since', { revision: 3, mode: 'off', inFlight: inFlight(3, undefined) }, draining, 'confirmed'],
    ['decides by the original’s state', { document: 'original:1', revision: 0 }, { revision: 0 }, 'confirmed'],
  ]
  it.each(cases)('that %s', (_what, { age = 0, ...record }, changes, verdict, reason) => {
    const judged = judge({ ...ready, ...record, age }, { ...target, ...changes })
    expect([judged.verdict, judged.reason]).toEqual([verdict, reason])
  })
})

function fleet(
  wait: Parameters<typeof readWait>[0] = true,
  mode: () => Mode = () => 'on',
  more: Partial<TargetState> = {},
) {
  const clock = createTestClock()
  const presence = scriptedPresence(clock)
  const backend = { ...scriptedBackend(), presence }
  let report: FleetReport | undefined
  const begin = (): void => {
    const options = {
      backend,
      clock,
      pollInterval: 5 * second,
      target: () => ({ ...target, ...more, mode: mode() }),
      wait: readWait(wait)!,
    }
    void awaitFleet(options).then((done) => {
      report = done
    })
  }
  return {
    clock,
    presence,
    begin,
    report: () => report,
    ids: () => report?.instances.map(({ id, verdict }) => `${id} ${verdict}`),
  }
}

describe('waiting for the fleet', () => {
  it('ends as soon as every live instance has applied the change', async () => {
    const { clock, presence, begin, report } = fleet()
    presence.put({ id: 'web-2', ...applied })
    presence.put({ id: 'web-1' })
    begin()
    await clock.advance(10 * second)
    expect(report()).toBeUndefined()
    presence.put({ id: 'web-1', ...applied })
    presence.put({ id: 'web-2', ...applied })
    await clock.advance(500)
    expect(report()).toMatchObject({
      result: 'confirmed',
      problem: undefined,
      instances: [{ id: 'web-1' }, { id: 'web-2' }],
    })
    expect(report()?.waited).toBeGreaterThanOrEqual(10 * second)
    expect(clock.timers).toBe(0)
  })

  it('looks again after 50 ms at first, and never later than after 500 ms', async () => {
    const { clock, presence, begin } = fleet()
    begin()
    await clock.advance(0)
    expect(presence.lists).toBe(1)
    await clock.advance(50)
    expect(presence.lists).toBe(2)
    await clock.advance(10 * second)
    const before = presence.lists
    await clock.advance(10 * second)
    expect(presence.lists - before).toBe(20)
  })

  it('names those that have not, at the timeout', async () => {
    const { clock, presence, begin, report } = fleet({ timeout: '3s' })
    presence.put({ id: 'web-1', ...applied })
    presence.put({ id: 'web-2' })
    presence.put({ id: 'web-3', document: undefined, snapshot: 'pending' })
    begin()
    await clock.advance(3 * second - 1)
    expect(report()).toBeUndefined()
    await clock.advance(1)
    expect(report()).toMatchObject({
      result: 'unconfirmed',
      waited: 3 * second,
      problem: 'Not confirmed within 3s: web-2 decides by revision 1; web-3 knows no state yet.',
    })
  })

  it('takes 60 s if nothing else was said', async () => {
    const { clock, begin, report } = fleet()
    begin()
    await clock.advance(60 * second - 1)
    expect(report()).toBeUndefined()
    await clock.advance(1)
    expect(report()).toMatchObject({
      result: 'unconfirmed',
      problem: 'Not confirmed within 1m: no live instance has announced itself.',
    })
  })

  it('goes on until the first instance is there', async () => {
    const { clock, presence, begin, report } = fleet()
    begin()
    await clock.advance(30 * second)
    presence.put({ id: 'web-1', ...applied })
    await clock.advance(500)
    expect(report()?.result).toBe('confirmed')
  })

  it('goes on until as many are there as were asked for', async () => {
    const { clock, presence, begin, report } = fleet({ instances: 2, timeout: '10s' })
    presence.put({ id: 'web-1', ...applied })
    begin()
    await clock.advance(10 * second)
    expect(report()).toMatchObject({
      result: 'unconfirmed',
      problem: 'Not confirmed within 10s: there is 1 of 2 instances.',
    })
    presence.put({ id: 'web-1', ...applied })
    presence.put({ id: 'web-2', ...applied })
    begin()
    await clock.advance(0)
    expect(report()?.result).toBe('confirmed')
  })

  it('goes by what the state means at each moment, since windows begin and end while it waits', async () => {
    const { clock, presence, begin, report } = fleet({ timeout: '10s' }, () =>
      clock.now() < start + 5 * second ? 'off' : 'on',
    )
    const start = clock.now()
    presence.put({ id: 'web-1', ...applied, mode: 'on' })
    begin()
    await clock.advance(4 * second)
    expect(report()).toBeUndefined()
    await clock.advance(second + 500)
    expect(report()?.result).toBe('confirmed')
  })

  it('is not held up by an instance that is lost, and does not confirm it', async () => {
    const { clock, presence, begin, report, ids } = fleet()
    presence.put({ id: 'web-1', ...applied })
    presence.put({ id: 'web-2', ...applied }, 16 * second)
    begin()
    await clock.advance(0)
    expect(ids()).toEqual(['web-1 confirmed', 'web-2 lost'])
    expect(report()).toMatchObject({
      result: 'unconfirmed',
      problem: 'Not confirmed: web-2 is lost: last heard of 16s ago.',
    })
  })

  it('ends when the last one that was waited for is lost', async () => {
    const { clock, presence, begin, report } = fleet()
    presence.put({ id: 'web-2' })
    begin()
    await clock.advance(14 * second)
    presence.put({ id: 'web-1', ...applied })
    await clock.advance(2 * second)
    expect(report()).toMatchObject({ problem: expect.stringMatching(/^Not confirmed: web-2 is lost/) })
  })

  it('does not count the lost where that was asked for, unless there is nobody else', async () => {
    const { clock, presence, begin, report } = fleet({ ignoreLost: true, timeout: '5s' })
    presence.put({ id: 'web-2' }, 16 * second)
    begin()
    await clock.advance(5 * second)
    expect(report()).toMatchObject({ problem: 'Not confirmed within 5s: no live instance has announced itself.' })
    presence.put({ id: 'web-1', ...applied })
    begin()
    await clock.advance(0)
    expect(report()).toMatchObject({
      result: 'confirmed',
      problem: undefined,
      instances: [{ id: 'web-1' }, { id: 'web-2' }],
    })
  })

  it('is not confirmed by one whose pinned mode contradicts, nor held up by it', async () => {
    const { clock, presence, begin, report } = fleet({ ignoreLost: true })
    presence.put({ id: 'web-1', ...applied })
    presence.put({ id: 'web-2', pinned: true, mode: 'off' })
    begin()
    await clock.advance(0)
    expect(report()).toMatchObject({
      result: 'unconfirmed',
      problem: 'Not confirmed: web-2 contradicts: its mode is pinned to "off".',
    })
  })

  it('goes on until what had been let in is finished everywhere', async () => {
    const { clock, presence, begin, report } = fleet(true, () => 'on', draining)
    presence.put({ id: 'web-1', ...applied, inFlight: inFlight(1, 0) })
    presence.put({ id: 'web-2', ...applied, inFlight: inFlight(0, 0) })
    begin()
    await clock.advance(5 * second)
    expect(report()).toBeUndefined()
    presence.put({ id: 'web-1', ...applied, inFlight: inFlight(0, 5 * second) })
    await clock.advance(500)
    expect(report()?.result).toBe('confirmed')
  })

  it('waits for one no longer than `drainTimeout`, from when it had applied the change', async () => {
    const { clock, presence, begin, report } = fleet(true, () => 'on', draining)
    presence.put({ id: 'web-1', ...applied, inFlight: inFlight(2, 4 * second) })
    presence.put({ id: 'web-2', ...applied, inFlight: inFlight(0, 4 * second) })
    begin()
    await clock.advance(5 * second)
    expect(report()).toBeUndefined()
    await clock.advance(2 * second)
    expect(report()).toMatchObject({
      result: 'unconfirmed',
      problem: expect.stringMatching(
        /^Not confirmed: web-1 still has 2 requests in flight: GET \/report \(1\d(\.\d)?s\) and 1 more\.$/,
      ),
    })
  })

  it('is bounded by the timeout, convergence and drain together', async () => {
    const { clock, presence, begin, report } = fleet({ timeout: '3s' }, () => 'on', draining)
    presence.put({ id: 'web-1', ...applied, inFlight: inFlight(2, 0) })
    begin()
    await clock.advance(3 * second)
    expect(report()?.problem).toMatch(/^Not confirmed within 3s: web-1 still has 2 requests in flight/)
  })

  it('outlives a list that cannot be had, and tells why at the timeout', async () => {
    const { clock, presence, begin, report } = fleet({ timeout: '5s' })
    presence.put({ id: 'web-1', ...applied })
    presence.failure = new Error('connection refused')
    begin()
    await clock.advance(4 * second)
    expect(report()).toBeUndefined()
    presence.failure = undefined
    await clock.advance(500)
    expect(report()?.result).toBe('confirmed')
    presence.failure = new Error('connection refused')
    begin()
    await clock.advance(5 * second)
    expect(report()?.problem).toBe('Not confirmed within 5s: the instances cannot be listed (connection refused).')
  })

  it('is not held up by a list that never comes', async () => {
    const { clock, presence, begin, report } = fleet({ timeout: '5s' })
    presence.list = () => new Promise(() => {})
    begin()
    await clock.advance(5 * second)
    expect(report()?.problem).toContain('No answer from script: within 5s.')
  })

  it('counts an instance whose record cannot be read as one that has not', async () => {
    const { clock, presence, begin, report } = fleet({ timeout: '1s' })
    await presence.announce({ id: 'web-9', text: 'junk' }, 1)
    begin()
    await clock.advance(second)
    expect(report()?.problem).toBe('Not confirmed within 1s: web-9 has said nothing that this version understands.')
  })
})

describe('where the backend keeps no list of instances', () => {
  function unseen(wait: Parameters<typeof readWait>[0] = true) {
    const clock = createTestClock()
    const backend = scriptedBackend()
    let report: FleetReport | undefined
    const options = { backend, clock, pollInterval: 5 * second, target: () => target, wait: readWait(wait)! }
    void awaitFleet(options).then((done) => {
      report = done
    })
    return { clock, backend, report: () => report }
  }

  it('as long is waited as a change can stay unseen: a poll interval, and one answer', async () => {
    const { clock, backend, report } = unseen()
    const answer = backend.hold()
    await clock.advance(5 * second - 1)
    expect(backend.reads).toBe(0)
    await clock.advance(1 + 2 * second)
    expect([backend.reads, report()]).toEqual([1, undefined])
    answer()
    await clock.advance(0)
    expect(report()).toEqual({ result: 'unseen', instances: [], waited: 7 * second, problem: undefined })
    expect(readFileSync(join(import.meta.dirname, '../../docs/fleet.md'), 'utf8')).toContain(unseenBound(5 * second))
  })

  it('nothing is confirmed if a number of instances was asked for', async () => {
    const { clock, report } = unseen({ instances: 2 })
    await clock.advance(5 * second)
    expect(report()).toMatchObject({
      result: 'unconfirmed',
      problem: 'Not confirmed: script: keeps no list of instances, so none of 2 was seen.',
    })
  })

  it('nothing is confirmed within a shorter time', async () => {
    const { clock, report } = unseen({ timeout: '2s' })
    await clock.advance(2 * second)
    expect(report()?.problem).toBe(
      'Not confirmed within 2s: script: keeps no list of instances, and a change can stay unseen for 5s (pollInterval) and one answer of the backend.',
    )
  })

  it('nothing is confirmed without an answer', async () => {
    const { clock, backend, report } = unseen({ timeout: '10s' })
    backend.failure = new Error('connection refused')
    await clock.advance(10 * second)
    expect(report()?.problem).toBe('Not confirmed within 10s: connection refused')
  })
})
