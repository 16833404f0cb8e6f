import { channel } from 'node:diagnostics_channel'
import { collectMetrics } from 'maintenance-mode/prom-client'
import client from 'prom-client'
import { describe, expect, it, vi } from 'vitest'
import { atEnd } from '../adapters/opened.js'
import { scriptedBackend } from '../snapshot/scripted-backend.js'
import { type Site, serve } from './measured.js'

const second = 1000

interface Scraped {
  site: Site
  registry: client.Registry
  /** The samples of a metric, as they are exposed. */
  samples(name: string): Promise<string[]>
  stop(): void
}

async function scraped(...[options, slow]: Parameters<typeof serve>): Promise<Scraped> {
  const site = await serve(options, slow)
  const registry = new client.Registry()
  const stop = collectMetrics(site.maintenance, client, { registry })
  return { site, registry, stop, samples: (name) => samplesOf(registry, `maintenance_mode_${name}`) }
}

async function samplesOf(registry: Pick<client.Registry, 'metrics'>, name: string): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n')
  return lines.filter((line) => /^[\w:]+/.exec(line)?.[0] === name).map((line) => line.slice(name.length).trim())
}

describe('a scrape', () => {
  it('tells the mode of the site, of its parts, and of the tenants that are not as the site is', async () => {
    const tenants = { of: () => undefined, has: (name: string) => name.startsWith('shop-') }
    const { site, samples } = await scraped({ scopes: { billing: { urls: ['/billing/**'] } }, tenants })
    const modesNow = async (): Promise<string[]> => {
      const all = await samples('mode')
      return all.filter((one) => one.endsWith(' 1'))
    }
    expect(await samples('mode')).toHaveLength(8)
    expect(await modesNow()).toEqual(['{scope="*",mode="off"} 1', '{scope="billing",mode="off"} 1'])

    await site.maintenance.setMode('on', { scope: 'shop-7' })
    await site.maintenance.setMode('read-only')
    expect(await modesNow()).toEqual([
      '{scope="*",mode="read-only"} 1',
      '{scope="billing",mode="read-only"} 1',
      '{scope="shop-7",mode="on"} 1',
    ])
    await site.maintenance.setMode('off', { scope: 'shop-7' })
    expect((await samples('mode')).filter((one) => one.includes('shop-7'))).toEqual([])
  })

  it('does not tell of a scope that is another app’s: it closes nothing here', async () => {
    const backend = scriptedBackend()
    const other = await serve({ stateBackend: backend, scopes: { billing: { urls: ['/billing/**'] } } })
    const { site, samples } = await scraped({ stateBackend: backend })
    await other.maintenance.setMode('on', { scope: 'billing' })
    await site.maintenance.refresh()
    expect(site.maintenance.status().scopes).toMatchObject([{ scope: 'billing', defined: false }])
    expect((await samples('mode')).filter((one) => one.includes('billing'))).toEqual([])
  })

  it('counts decisions by action and rule, and none while the mode is off', async () => {
    const { site, samples } = await scraped({ ignoreUrls: ['/open'] })
    await site.visit()
    expect(await samples('decisions_total')).toEqual(['{action="block",rule="closed"} 0'])
    await site.maintenance.setMode('on')
    for (const path of ['/', '/a', '/open', '/healthz']) await site.visit(path)
    expect(await samples('decisions_total')).toEqual([
      '{action="block",rule="closed"} 2',
      '{action="allow",rule="url"} 1',
      '{action="allow",rule="health"} 1',
    ])
  })

  it('tells how old the snapshot is, by which revision it decides, and that the backend fails', async () => {
    const backend = scriptedBackend()
    const { site, samples } = await scraped({ stateBackend: backend, logger: { warn() {}, error() {} } })
    await site.maintenance.setMode('on')
    expect([await samples('snapshot_age_seconds'), await samples('revision')]).toEqual([['0'], ['1']])
    expect(await samples('snapshot_status')).toEqual([
      '{status="pending"} 0',
      '{status="ready"} 1',
      '{status="stale"} 0',
      '{status="failed"} 0',
      '{status="pinned"} 0',
    ])
    backend.failure = new Error('no route')
    await site.clock.advance(42 * second)
    expect(await samples('snapshot_age_seconds')).toEqual(['42'])
    expect(await samples('snapshot_status')).toContain('{status="stale"} 1')
  })

  it('tells nothing of what is not known', async () => {
    const { samples } = await scraped({ mode: 'on' })
    expect([await samples('snapshot_age_seconds'), await samples('revision')]).toEqual([[], []])
    expect(await samples('snapshot_status')).toContain('{status="pinned"} 1')
  })

  it('measures how long a change takes to get here', async () => {
    const backend = scriptedBackend()
    const operator = await serve({ stateBackend: backend })
    const { site, samples } = await scraped({ stateBackend: backend })
    await operator.maintenance.setMode('on')
    await site.clock.advance(2 * second)
    await site.maintenance.refresh()
    const buckets = await samples('convergence_duration_seconds_bucket')
    expect(buckets.filter((bucket) => /"(1|2\.5|\+Inf)"/.test(bucket))).toEqual([
      '{le="1"} 0',
      '{le="2.5"} 1',
      '{le="+Inf"} 1',
    ])
    expect(await samples('convergence_duration_seconds_sum')).toEqual(['2'])
  })

  it('tells how many requests are being answered, and counts down what had been let in', async () => {
    let finish = (): void => {}
    const slow = new Promise<void>((resolve) => {
      finish = resolve
    })
    const { site, samples } = await scraped({}, slow)
    const answer = site.visit('/slow')
    await vi.waitFor(async () => expect(await samples('requests_in_flight')).toEqual(['1']), 10_000)
    await site.maintenance.setMode('on')
    expect(await site.visit()).toBe(503)
    expect(await samples('requests_in_flight')).toEqual(['1'])
    finish()
    expect(await answer).toBe(200)
    await vi.waitFor(async () => expect(await samples('requests_in_flight')).toEqual(['0']), 10_000)
  })

  it('tells how many requests wait, for how long they did, and how many could not', async () => {
    const { site, samples } = await scraped({ holdLimit: 2, holdTimeout: '10s' })
    await site.maintenance.setMode('hold')
    const answers = [site.visit(), site.visit()]
    await vi.waitFor(async () => expect(await samples('requests_held')).toEqual(['2']), 10_000)
    expect(await site.visit()).toBe(503)
    await site.clock.advance(10 * second)
    expect(await Promise.all(answers)).toEqual([503, 503])
    expect(await samples('requests_held')).toEqual(['0'])
    expect(await samples('requests_shed_total')).toEqual([
      '{rule="hold-limit"} 1',
      '{rule="hold-timeout"} 2',
      '{rule="hold-stopped"} 0',
    ])
    expect(await samples('hold_duration_seconds_sum')).toEqual(['20'])
    expect(await samples('hold_duration_seconds_count')).toEqual(['2'])
  })

  it('goes on with the metrics of the host where one of ours cannot be read', async () => {
    const error = vi.fn()
    const { site, samples } = await scraped({ logger: { warn() {}, error } })
    vi.spyOn(site.maintenance, 'status').mockImplementation(() => {
      throw new Error('broken')
    })
    expect([await samples('mode'), await samples('requests_held')]).toEqual([[], ['0']])
    expect(error).toHaveBeenCalledWith(expect.stringContaining('maintenance_mode.mode: broken'))
  })

  it('is what OpenMetrics wants as well', async () => {
    const { maintenance, visit } = await serve()
    const registry = new client.Registry<client.OpenMetricsContentType>()
    registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE)
    const stop = collectMetrics(maintenance, client, { registry })
    await maintenance.setMode('on')
    await visit()
    for (let scrape = 0; scrape < 2; scrape++) {
      expect(await samplesOf(registry, 'maintenance_mode_decisions_total')).toEqual([
        '{action="block",rule="closed"} 1',
      ])
    }
    stop()
    expect(await registry.metrics()).toBe('\n# EOF\n')
  })
})

describe('the registry', () => {
  it('is that of the app where none is given', async () => {
    const { maintenance } = await serve()
    atEnd(collectMetrics(maintenance, client))
    expect(await client.register.metrics()).toContain('maintenance_mode_mode{scope="*",mode="off"} 1')
  })

  it('takes the metrics of one maintenance object: another has a registry of its own', async () => {
    const [one, other] = [await scraped(), await scraped()]
    await one.site.maintenance.setMode('on')
    await one.site.visit()
    expect(await one.samples('decisions_total')).toEqual(['{action="block",rule="closed"} 1'])
    expect(await other.samples('decisions_total')).toEqual(['{action="block",rule="closed"} 0'])
  })

  it('is refused when it has these metrics, until they are taken away', async () => {
    const { maintenance, visit } = await serve()
    const registry = new client.Registry()
    const stop = collectMetrics(maintenance, client, { registry })
    const again = (): (() => void) => collectMetrics(maintenance, client, { registry })
    expect(again).toThrow(
      'collectMetrics() was called before with this registry, and the metrics of two would be mixed: call what it returned first, or give another registry.',
    )
    stop()
    expect(await registry.metrics()).toBe('\n')
    atEnd(again())
    stop()
    await maintenance.setMode('on')
    await visit()
    expect(await samplesOf(registry, 'maintenance_mode_decisions_total')).toEqual(['{action="block",rule="closed"} 1'])
  })
})

describe('the end', () => {
  const heard = (): boolean[] =>
    ['decision', 'revision'].map((name) => channel(`maintenance-mode:${name}`).hasSubscribers)

  it('comes with the returned function: nothing is counted any longer', async () => {
    const { site, registry, stop } = await scraped()
    const counter = registry.getSingleMetric('maintenance_mode_decisions_total') as client.Counter
    const counted = async (): Promise<number | undefined> => (await counter.get()).values[0]?.value
    await site.maintenance.setMode('on')
    await site.visit()
    expect([await counted(), heard()]).toEqual([1, [true, true]])
    stop()
    await site.visit()
    expect([await counted(), heard()]).toEqual([1, [false, false]])
  })

  it('comes with close(): no listener and no metric is left', async () => {
    const { site, samples } = await scraped()
    expect([heard(), await samples('mode')]).not.toEqual([[false, false], []])
    await site.maintenance.close()
    expect([heard(), await samples('mode')]).toEqual([[false, false], []])
  })
})
