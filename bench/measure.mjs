// What all sections share: statistics, child processes on one core, tables.
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** Server and load generator share one core: with two busy ones, a virtual machine measures its host. */
export const pinned = spawnSync('taskset', ['-c', '0', 'true']).status === 0 ? ['taskset', '-c', '0'] : []

/** A Node process on that core, or, with no `pin`, on any. */
export function forkNode(script, { args = [], flags = [], pin = pinned } = {}) {
  const [execPath, ...execArgv] = [...pin, process.execPath, ...flags]
  const env = { ...process.env, NODE_ENV: 'production' }
  return fork(new URL(script, import.meta.url), args, { execPath, execArgv, env })
}

/** The one message that a process sends before it ends. */
export async function resultOf(child) {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${child.spawnargs.at(-1)} ended with ${code} and no result.`)
  })
  ended.catch(() => {})
  const [result] = await Promise.race([once(child, 'message'), ended])
  return result
}

/** Milliseconds on a clock that all processes of the machine share. */
export const monotonic = () => Number(process.hrtime.bigint()) / 1e6

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const below = Math.floor(place)
  const low = sorted[below]
  return low + ((sorted[below + 1] ?? low) - low) * (place - below)
}

export const median = (values) => quantile(values, 0.5)

export const ratios = (values, base) => values.map((value, index) => value / base[index])

/** `0.998 (0.99 … 1.01)`: the median, and where the middle half lies. */
export function spread(values, digits = 3) {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(values, share).toFixed(digits))
  return `${middle} (${low} … ${high})`
}

export function shuffled(items) {
  const drawn = items.map((item) => [Math.random(), item]).sort(([a], [b]) => a - b)
  return drawn.map(([, item]) => item)
}

/** Visits all items again and again, in an order that is drawn anew each time, so that none gains by its place. */
export async function interleave(rounds, items, visit) {
  for (let round = 0; round < rounds; round++) for (const item of shuffled(items)) await visit(item)
}

export function markdownTable([head, ...rows]) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** A figure against the bar it has to clear. */
export function atMost(what, figure, bar, unit = '') {
  return { what, figure, bar: `at most ${bar}${unit}`, pass: figure <= bar, unit }
}

export function atLeast(what, figure, bar, unit = '') {
  return { what, figure, bar: `at least ${bar}${unit}`, pass: figure >= bar, unit }
}
