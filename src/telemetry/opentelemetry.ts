import type { BatchObservableCallback, Meter, MetricOptions } from '@opentelemetry/api'
import type { Maintenance } from '../maintenance.js'
import * as metrics from './metrics.js'

const inUse = new WeakSet<Meter>()

/**
 * Records what a maintenance object does by a meter of OpenTelemetry, until the returned function is called, or the object is
 * closed.
 *
 * @param meter `metrics.getMeter('maintenance-mode')`, with `metrics` of `@opentelemetry/api`
 * @throws MaintenanceError where the meter is in use for another maintenance object, or for this one
 */
export function collectMetrics(maintenance: Maintenance, meter: Meter): () => void {
  if (inUse.has(meter)) metrics.refuseTwice('meter')

  const observables = metrics.gauges.map((gauge) => {
    const options = toOptions(gauge)
    const observable = gauge.adds
      ? meter.createObservableUpDownCounter(gauge.name, options)
      : meter.createObservableGauge(gauge.name, options)
    return { gauge, observable }
  })
  const observe: BatchObservableCallback = (result) => {
    for (const { gauge, observable } of observables) {
      for (const [value, labels] of metrics.readGauge(gauge, maintenance)) result.observe(observable, value, labels)
    }
  }
  const observed = observables.map(({ observable }) => observable)
  meter.addBatchObservableCallback(observe, observed)

  const counters = new Map(
    metrics.counters.map((metric) => [metric, meter.createCounter(metric.name, toOptions(metric))]),
  )
  // Without an SDK all instruments are one, which records nothing, and all meters are one.
  if (new Set(counters.values()).size > 1) inUse.add(meter)
  for (const [metric, counter] of counters) for (const labels of metric.from) counter.add(0, labels)
  const histograms = new Map(
    metrics.histograms.map((metric) => {
      const advice = { explicitBucketBoundaries: [...metric.boundaries] }
      return [metric, meter.createHistogram(metric.name, { ...toOptions(metric), advice })]
    }),
  )
  return metrics.record(
    maintenance,
    {
      count: (metric, labels) => counters.get(metric)?.add(1, labels),
      measure: (metric, seconds) => histograms.get(metric)?.record(seconds),
    },
    () => {
      meter.removeBatchObservableCallback(observe, observed)
      inUse.delete(meter)
    },
  )
}

function toOptions({ help, unit }: metrics.Metric): MetricOptions {
  return { description: help, unit }
}
