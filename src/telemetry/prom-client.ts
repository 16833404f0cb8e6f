import type { Counter, GaugeConfiguration, Histogram, OpenMetricsContentType, Registry } from 'prom-client'
import type { Maintenance } from '../maintenance.js'
import * as metrics from './metrics.js'

export interface PrometheusOptions {
  /** Default: the registry that `prom-client` exports as `register`. */
  registry?: Registry | Registry<OpenMetricsContentType> | undefined
}

type Description = Pick<GaugeConfiguration<string>, 'name' | 'help' | 'labelNames' | 'registers'>

/**
 * Exposes what a maintenance object does as metrics of `prom-client`, until the returned function is called, or the object is
 * closed: that takes all of them away.
 *
 * @param client `import client from 'prom-client'`
 * @throws MaintenanceError where the registry has these metrics already
 *
 * @example
 * collectMetrics(maintenance, client)
 * app.get('/metrics', async (req, res) => res.type(client.register.contentType).send(await client.register.metrics()))
 */
export function collectMetrics(
  maintenance: Maintenance,
  client: typeof import('prom-client'),
  { registry = client.register }: PrometheusOptions = {},
): () => void {
  const names: string[] = []
  const describe = ({ name: dotted, help, labels }: metrics.Metric, suffix: string): Description => {
    const name = `${dotted.replaceAll('.', '_')}${suffix}`
    if (registry.getSingleMetric(name)) metrics.refuseTwice('registry')
    names.push(name)
    return { name, help, labelNames: labels, registers: [registry] }
  }

  for (const gauge of metrics.gauges) {
    new client.Gauge({
      ...describe(gauge, gauge.unit === 's' ? '_seconds' : ''),
      aggregator: gauge.adds ? 'sum' : 'max',
      collect() {
        this.reset()
        // Without labels it would be 0, which is not the same as unknown.
        if (gauge.labels.length === 0) this.remove()
        for (const [value, labels] of metrics.readGauge(gauge, maintenance)) this.set(labels, value)
      },
    })
  }
  const toCounter = (metric: metrics.CounterMetric): Counter => {
    const counter = new client.Counter(describe(metric, '_total'))
    for (const labels of metric.from) counter.inc(labels, 0)
    return counter
  }
  const toHistogram = (metric: metrics.HistogramMetric): Histogram =>
    new client.Histogram({ ...describe(metric, '_seconds'), buckets: [...metric.boundaries] })

  const counters = new Map(metrics.counters.map((metric) => [metric, toCounter(metric)]))
  const histograms = new Map(metrics.histograms.map((metric) => [metric, toHistogram(metric)]))
  return metrics.record(
    maintenance,
    {
      count: (metric, labels) => counters.get(metric)?.inc(labels),
      measure: (metric, seconds) => histograms.get(metric)?.observe(seconds),
    },
    () => {
      for (const name of names) registry.removeSingleMetric(name)
    },
  )
}
