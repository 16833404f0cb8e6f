import { channel } from 'node:diagnostics_channel'
import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { collectMetrics } from 'maintenance-mode/opentelemetry'
import * as prometheus from 'maintenance-mode/prom-client'
import client from 'prom-client'
import { expect, it, vi } from 'vitest'
import { atEnd } from '../adapters/opened.js'
import { scriptedBackend } from '../snapshot/scripted-backend.js'
import { type Site, serve } from './measured.js'

const second = 1000

interface Metered {
  site: Site
  provider: MeterProvider
  /** What is exported now. */
  exported(): Promise<MetricData[]>
  stop(): void
}

async function metered(...[options, slow]: Parameters<typeof serve>): Promise<Metered> {
  const site = await serve(options, slow)
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60 * 60 * second })
  const provider = new MeterProvider({ readers: [reader] })
  atEnd(() => provider.shutdown())
  const stop = collectMetrics(site.maintenance, provider.getMeter('maintenance-mode'))
  return {
    site,
    provider,
    stop,
    async exported() {
      exporter.reset()
      await provider.forceFlush()
      return exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    },
  }
}

/** Value by value, with the attributes in one word: `* on`. */
function pointsOf(all: readonly MetricData[], name: string): [string, unknown][] {
  const metric = all.find(({ descriptor }) => descriptor.name === `maintenance_mode.${name}`)
  const points = metric?.dataPoints ?? []
  return points.map(({ attributes, value }) => {
    const told = typeof value === 'object' && 'sum' in value ? { count: value.count, sum: value.sum } : value
    return [Object.values(attributes).join(' '), told]
  })
}

it('modes, decisions, held and shed requests are exported', async () => {
  const { site, exported } = await metered({
    holdLimit: 1,
    holdTimeout: '10s',
    scopes: { billing: { urls: ['/b/**'] } },
  })
  await site.visit()
  await site.maintenance.setMode('on', { scope: 'billing' })
  await site.maintenance.setMode('hold')
  const answer = site.visit()
  await vi.waitFor(async () => expect(pointsOf(await exported(), 'requests.held')).toEqual([['', 1]]), 10_000)
  expect(await site.visit()).toBe(503)
  expect(await site.visit('/b/1')).toBe(503)
  await site.clock.advance(10 * second)
  expect(await answer).toBe(503)

  const all = await exported()
  expect(pointsOf(all, 'mode').filter(([, value]) => value === 1)).toEqual([
    ['* hold', 1],
    ['billing on', 1],
  ])
  expect(pointsOf(all, 'decisions').sort()).toEqual([
    ['block closed', 1],
    ['block hold-limit', 1],
    ['block hold-timeout', 1],
    ['hold closed', 2],
  ])
  expect(pointsOf(all, 'requests.shed')).toEqual([
    ['hold-limit', 1],
    ['hold-timeout', 1],
    ['hold-stopped', 0],
  ])
  expect(pointsOf(all, 'requests.held')).toEqual([['', 0]])
  expect(pointsOf(all, 'hold.duration')).toEqual([['', { count: 1, sum: 10 }]])
})

it('what an instance knows of the state is exported, and how long a change took to get there', async () => {
  const backend = scriptedBackend()
  const operator = await serve({ stateBackend: backend })
  const { site, exported } = await metered({ stateBackend: backend, logger: { warn() {}, error() {} } })
  await operator.maintenance.setMode('on')
  await site.clock.advance(2 * second)
  await site.maintenance.refresh()
  backend.failure = new Error('no route')
  await site.clock.advance(30 * second)

  const all = await exported()
  expect(pointsOf(all, 'revision')).toEqual([['', 1]])
  expect(pointsOf(all, 'snapshot.age')).toEqual([['', 30]])
  expect(pointsOf(all, 'snapshot.status').filter(([, value]) => value === 1)).toEqual([['stale', 1]])
  expect(pointsOf(all, 'convergence.duration')).toEqual([['', { count: 1, sum: 2 }]])
})

it('requests in flight are counted down', async () => {
  let finish = (): void => {}
  const slow = new Promise<void>((resolve) => {
    finish = resolve
  })
  const { site, exported } = await metered({}, slow)
  const inFlight = async (): Promise<unknown> => pointsOf(await exported(), 'requests.in_flight')
  const answer = site.visit('/slow')
  await vi.waitFor(async () => expect(await inFlight()).toEqual([['', 1]]), 10_000)
  await site.maintenance.setMode('on')
  finish()
  expect(await answer).toBe(200)
  await vi.waitFor(async () => expect(await inFlight()).toEqual([['', 0]]), 10_000)
})

it('the metrics are those of prom-client, by the rules that turn the names of one into the other', async () => {
  const backend = scriptedBackend()
  const { site, exported } = await metered({ stateBackend: backend })
  const registry = new client.Registry()
  atEnd(prometheus.collectMetrics(site.maintenance, client, { registry }))
  await site.maintenance.setMode('hold')
  const answer = site.visit()
  await vi.waitFor(() => expect(site.maintenance.status().held).toBe(1))
  await site.maintenance.setMode('off')
  await site.clock.advance(1)
  await answer

  // https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
  const translated = (await exported()).map(({ descriptor: { name, unit, description }, ...data }) => {
    const type = { [DataPointType.SUM]: 'isMonotonic' in data && data.isMonotonic ? 'counter' : 'gauge' }
    const types = { ...type, [DataPointType.GAUGE]: 'gauge', [DataPointType.HISTOGRAM]: 'histogram' }
    const kind = (types as Record<number, string>)[data.dataPointType]
    const suffixes = `${unit === 's' ? '_seconds' : ''}${kind === 'counter' ? '_total' : ''}`
    expect(unit).toMatch(/^(s|\{\w+\})$/)
    return { name: `${name.replaceAll('.', '_')}${suffixes}`, type: kind, help: description }
  })
  const exposed = (await registry.getMetricsAsJSON()).map(({ name, type, help }) => ({ name, type, help }))
  const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name)
  expect(translated.sort(byName)).toEqual(exposed.sort(byName))
})

it('a meter takes one maintenance object at a time', async () => {
  const { site, provider, stop, exported } = await metered()
  const again = (): (() => void) => collectMetrics(site.maintenance, provider.getMeter('maintenance-mode'))
  expect(again).toThrow(/called before with this meter/)
  stop()
  again()
  await site.maintenance.setMode('on')
  await site.visit()
  expect(pointsOf(await exported(), 'decisions')).toEqual([['block closed', 1]])
})

it('where there is no SDK, any number of them goes without being recorded', async () => {
  for (let index = 0; index < 2; index++) {
    const { maintenance, visit } = await serve()
    atEnd(collectMetrics(maintenance, metrics.getMeter('maintenance-mode')))
    await maintenance.setMode('on')
    expect(await visit()).toBe(503)
  }
})

it.each(['the returned function', 'close()'])('%s ends it: nothing is counted or observed any longer', async (by) => {
  const { site, stop, exported } = await metered()
  const heard = (): boolean[] =>
    ['decision', 'revision'].map((name) => channel(`maintenance-mode:${name}`).hasSubscribers)
  await site.maintenance.setMode('on')
  await site.visit()
  expect([pointsOf(await exported(), 'decisions'), heard()]).toEqual([[['block closed', 1]], [true, true]])
  await (by === 'close()' ? site.maintenance.close() : stop())
  const status = vi.spyOn(site.maintenance, 'status')
  await site.visit()
  expect([pointsOf(await exported(), 'decisions'), heard()]).toEqual([[['block closed', 1]], [false, false]])
  expect(status).not.toHaveBeenCalled()
})
