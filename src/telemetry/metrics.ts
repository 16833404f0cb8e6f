import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { engineOf } from '../engine.js'
import { MaintenanceError } from '../errors.js'
import type { Maintenance } from '../maintenance.js'
import type { SnapshotStatus } from '../snapshot/snapshot.js'
import { type Mode, modes, wholeSite } from '../state/window.js'
import { channelName, type MaintenanceEvent, type MaintenanceEventName } from './events.js'

export type Labels = Readonly<Record<string, string>>

/** A value, and whose it is. */
export type Observation = readonly [value: number, labels: Labels]

export interface Metric {
  /** As OpenTelemetry names it. */
  readonly name: string
  /** UCUM. */
  readonly unit: 's' | `{${string}}`
  readonly help: string
  readonly labels: readonly string[]
}

/** What is read whenever somebody asks. */
export interface GaugeMetric extends Metric {
  /** Over instances it is added up; of any other the greatest counts. */
  readonly adds: boolean
  read(maintenance: Maintenance): readonly Observation[]
}

/** What is counted as it happens. */
export interface CounterMetric extends Metric {
  /** Told as 0 before it happens, as a rate needs something to begin with. */
  readonly from: readonly Labels[]
}

/** What is measured as it happens. */
export interface HistogramMetric extends Metric {
  readonly boundaries: readonly number[]
}

const statuses: readonly SnapshotStatus[] = ['pending', 'ready', 'stale', 'failed', 'pinned']
const shedBy = ['hold-limit', 'hold-timeout', 'hold-stopped'] as const

export const gauges: readonly GaugeMetric[] = [
  {
    name: 'maintenance_mode.mode',
    unit: '{scope}',
    help: 'The mode of the whole site (*), of its parts, and of the tenants that are not as the site is: 1 for what it is, 0 for every other.',
    labels: ['scope', 'mode'],
    adds: false,
    read: (maintenance) =>
      [...modesOf(maintenance)].flatMap(([scope, now]) =>
        modes.map((mode) => [Number(mode === now), { scope, mode }] as const),
      ),
  },
  {
    name: 'maintenance_mode.snapshot.status',
    unit: '{instance}',
    help: 'How the state is known here: 1 for what it is, 0 for every other.',
    labels: ['status'],
    adds: true,
    read: (maintenance) => {
      const { snapshot } = maintenance.status()
      return statuses.map((status) => [Number(status === snapshot), { status }] as const)
    },
  },
  {
    name: 'maintenance_mode.snapshot.age',
    unit: 's',
    help: 'How long ago the state was last read.',
    labels: [],
    adds: false,
    read: (maintenance) => {
      const { checkedAt } = maintenance.status()
      return single(checkedAt && Math.max(engineOf(maintenance).clock.now() - checkedAt.getTime(), 0) / 1000)
    },
  },
  {
    name: 'maintenance_mode.revision',
    unit: '{revision}',
    help: 'The revision of the state that is decided by.',
    labels: [],
    adds: false,
    read: (maintenance) => single(maintenance.status().revision),
  },
  {
    name: 'maintenance_mode.requests.in_flight',
    unit: '{request}',
    help: 'Requests that are being answered; while something is closed, those that had been let in before, and would not be now.',
    labels: [],
    adds: true,
    read: (maintenance) => single(engineOf(maintenance).drain.report()?.count),
  },
  {
    name: 'maintenance_mode.requests.held',
    unit: '{request}',
    help: 'Requests that wait, in the mode hold.',
    labels: [],
    adds: true,
    read: (maintenance) => single(engineOf(maintenance).held.count),
  },
]

const decisions: CounterMetric = {
  name: 'maintenance_mode.decisions',
  unit: '{decision}',
  help: 'What was decided about requests while not everything was open.',
  labels: ['action', 'rule'],
  from: [{ action: 'block', rule: 'closed' }],
}

const shed: CounterMetric = {
  name: 'maintenance_mode.requests.shed',
  unit: '{request}',
  help: 'Requests that were refused as too many waited, or for too long, in the mode hold.',
  labels: ['rule'],
  from: shedBy.map((rule) => ({ rule })),
}

const boundaries = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

const holdDuration: HistogramMetric = {
  name: 'maintenance_mode.hold.duration',
  unit: 's',
  help: 'How long requests waited, in the mode hold.',
  labels: [],
  boundaries,
}

const convergenceDuration: HistogramMetric = {
  name: 'maintenance_mode.convergence.duration',
  unit: 's',
  help: 'How long after a change was made it was decided by here.',
  labels: [],
  boundaries,
}

export const counters: readonly CounterMetric[] = [decisions, shed]
export const histograms: readonly HistogramMetric[] = [holdDuration, convergenceDuration]

/** Never throws: a metric of ours must not take those of the host with it. */
export function readGauge({ name, read }: GaugeMetric, maintenance: Maintenance): readonly Observation[] {
  const { reporter } = engineOf(maintenance)
  try {
    return read(maintenance)
  } catch (error) {
    reporter.failed(`the metric ${name}`, error)
    return []
  }
}

/** What counts and measures, by the means of a library. */
export interface Recorder {
  count(metric: CounterMetric, labels: Labels): void
  /** Seconds. */
  measure(metric: HistogramMetric, seconds: number): void
}

/**
 * Records what one maintenance object tells, until the returned function is called, or the object is closed.
 *
 * @param stopped called then, once
 */
export function record(maintenance: Maintenance, { count, measure }: Recorder, stopped: () => void): () => void {
  const { endings } = engineOf(maintenance)
  const ends = [
    listen(maintenance, 'decision', ({ decision: { action, rule }, held }) => {
      count(decisions, { action, rule })
      if (isShed(rule)) count(shed, { rule })
      // Whom there was no room for did not wait.
      if (held !== undefined && rule !== 'hold-limit') measure(holdDuration, held / 1000)
    }),
    listen(maintenance, 'revision', ({ delay }) => {
      if (delay !== undefined) measure(convergenceDuration, delay / 1000)
    }),
  ]
  const stop = (): void => {
    if (!endings.delete(stop)) return
    for (const end of ends) end()
    stopped()
  }
  endings.add(stop)
  return stop
}

export function refuseTwice(where: string): never {
  throw new MaintenanceError(
    'ERR_MAINTENANCE_SETTING',
    `collectMetrics() was called before with this ${where}, and the metrics of two would be mixed: call what it returned first, or give another ${where}.`,
  )
}

function listen<Name extends MaintenanceEventName>(
  maintenance: Maintenance,
  name: Name,
  listener: (event: MaintenanceEvent<Name>) => void,
): () => void {
  const channel = channelName(name)
  const hear = (message: unknown): void => {
    const event = message as MaintenanceEvent<Name>
    if (event.maintenance === maintenance) listener(event)
  }
  subscribe(channel, hear)
  return () => unsubscribe(channel, hear)
}

/** Of the tenants only those that have windows of their own: nobody knows how many others there are. */
function modesOf(maintenance: Maintenance): Map<string, Mode> {
  const { mode, scopes } = maintenance.status()
  const { settings } = engineOf(maintenance)
  const all = new Map([wholeSite, ...Object.keys(settings.scopes)].map((scope) => [scope, mode]))
  for (const apart of scopes) if (apart.defined) all.set(apart.scope, apart.mode)
  return all
}

function single(value: number | undefined): readonly Observation[] {
  return value === undefined ? [] : [[value, {}]]
}

function isShed(rule: string): boolean {
  return (shedBy as readonly string[]).includes(rule)
}
