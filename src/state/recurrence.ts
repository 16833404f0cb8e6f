import type { Cron as CronJob } from 'croner'
import type { Recurrence, StateDocument, Window } from './window.js'

/** When a recurring window is live: what its stored rule means. */
export interface RecurrenceRule {
  /** Milliseconds, in real time: where clocks are set meanwhile, the wall-clock end is another one. */
  duration: number
  /** How long before its start an occurrence is announced, in milliseconds. */
  announce: number | undefined
  /** The starts of the occurrences that do not take place. */
  skipped: ReadonlySet<number>
  /** The first start at or after an instant, skipped or not; infinity where there is none. */
  next(from: number): number
}

/** Of five fields: seconds and years would say what nobody plans. */
const fieldNames = ['minute', 'hour', 'day of the month', 'month', 'day of the week']

const lastInstant = Date.UTC(9990, 0)
/** No end of an occurrence that is told, or stored, lies beyond the year 9999. Milliseconds. */
const longest = Date.UTC(9999, 0) - lastInstant
const mostStarts = 500

let Cron: typeof CronJob | undefined
let loading: Promise<void> | undefined

/** Loads what recurring windows need; a site without any never does. `undefined`: there is nothing to wait for. */
export function loadRecurrence({ windows }: StateDocument): Promise<void> | undefined {
  if (Cron !== undefined || windows.every(({ recurrence }) => recurrence === undefined)) return undefined
  return loadCron()
}

/** Before the first recurring window there is. */
export function loadCron(): Promise<void> {
  loading ??= import('croner').then((croner) => {
    Cron = croner.Cron
  })
  // Who waits for it is told; the next one tries again.
  loading.catch(() => {
    loading = undefined
  })
  return loading
}

const rules = new WeakMap<Recurrence, RecurrenceRule>()

/** What a stored rule means; `undefined` where this version does not understand it, or has not loaded what it takes. */
export function ruleOf({ recurrence }: Pick<Window, 'recurrence'>): RecurrenceRule | undefined {
  if (Cron === undefined || typeof recurrence !== 'object' || recurrence === null) return undefined
  const known = rules.get(recurrence)
  if (known) return known
  const rule = readRule(recurrence)
  if (rule) rules.set(recurrence, rule)
  return rule
}

/** What is wrong with a cron expression, for who wrote it; `undefined` where nothing is. Needs `loadCron` before. */
export function cronProblem(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/)
  if (fields.length !== fieldNames.length) {
    return `it has ${fields[0] === '' ? 'no fields' : `${fields.length} field${fields.length === 1 ? '' : 's'}`}, and must have five: ${fieldNames.join(', ')}`
  }
  const wrong = fields.findIndex((field, place) => {
    const alone = fieldNames.map((_, other) => (other === place ? field : '*'))
    return createJob(alone.join(' '), 'UTC') === undefined
  })
  if (wrong >= 0) return `the ${fieldNames[wrong]} cannot be "${fields[wrong]}"`
  return createJob(cron, 'UTC') === undefined ? 'it cannot be read' : undefined
}

/** A duration as stored: `2h`, `90m`. */
export function durationText(milliseconds: number): string {
  const [unit, length] = [...units].reverse().find(([, size]) => milliseconds % size === 0) as [string, number]
  return `${milliseconds / length}${unit}`
}

const units: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** A few hand-written forms more than are written: `1h30m`. */
function readDuration(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^(?:\d{1,12}(?:ms|[smhd]))+$/.test(text)) return undefined
  const parts = text.matchAll(/(\d+)([a-z]+)/g)
  const total = [...parts].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (units.get(unit as string) as number),
    0,
  )
  return total > longest ? undefined : total
}

function readRule(stored: object): RecurrenceRule | undefined {
  const { cron, timezone, duration: length, announce, skip } = stored as Partial<Record<keyof Recurrence, unknown>>
  const duration = readDuration(length)
  if (!duration || typeof cron !== 'string' || typeof timezone !== 'string') return undefined
  const next = startsOf(cron, timezone, duration)
  const skipped = new Set(Array.isArray(skip) ? skip.map((start) => Date.parse(String(start))) : [])
  return next && { duration, announce: readDuration(announce), skipped, next }
}

type Starts = RecurrenceRule['next']

const starts = new Map<string, Starts>()

/** The answer to the same question, which comes with every evaluation, is remembered, over documents too. */
function startsOf(cron: string, timezone: string, duration: number): Starts | undefined {
  const key = `${cron}\n${timezone}\n${duration}`
  const known = starts.get(key)
  if (known) return known
  const job = createJob(cron, timezone)
  if (!job) return undefined
  let asked = 0
  let answer = -1
  const next: Starts = (instant) => {
    const from = Math.max(instant, 0)
    if (from >= asked && from <= answer) return answer
    // Also no number at all.
    if (!(from < lastInstant)) return Number.POSITIVE_INFINITY
    answer = job.nextRun(new Date(from - 1))?.getTime() ?? Number.POSITIVE_INFINITY
    asked = from
    return answer
  }
  if (starts.size >= mostStarts) starts.clear()
  starts.set(key, next)
  return next
}

function createJob(cron: string, timezone: string): CronJob | undefined {
  if (Cron === undefined || cron.trim().split(/\s+/).length !== fieldNames.length) return undefined
  try {
    // A time that clocks put forward skip is the first one after; of one that comes twice it is the first: the same for
    // lists and ranges of hours as for a single one.
    const job = new Cron(cron, { timezone, mode: '5-part', paused: true, fixedTimeRule: 'no-wildcard' })
    // The zone is looked at only now.
    new Intl.DateTimeFormat('en-US', { timeZone: timezone })
    return job
  } catch {
    return undefined
  }
}
