import { readFileSync } from 'node:fs'
import { collectMetrics } from 'maintenance-mode/prom-client'
import client from 'prom-client'
import { beforeAll, describe, expect, it } from 'vitest'
import { scriptedBackend } from '../snapshot/scripted-backend.js'
import { serve } from './measured.js'

interface Panel {
  id: number
  title: string
  datasource: { type: string; uid: string }
  gridPos: { x: number; y: number; w: number; h: number }
  targets: { refId: string; expr: string; legendFormat: string }[]
}

interface Dashboard {
  schemaVersion: number
  templating: { list: { name: string; type: string; definition?: string }[] }
  panels: Panel[]
}

const file = new URL('../../docs/grafana-dashboard.json', import.meta.url)
const dashboard = JSON.parse(readFileSync(file, 'utf8')) as Dashboard
const targets = dashboard.panels.flatMap((panel) => panel.targets.map((target) => ({ panel: panel.title, ...target })))

/** What a Prometheus adds to what it scrapes. */
const added = ['job', 'instance']

interface Documented {
  name: string
  type: string
  labels: string[]
}

/** The metrics of the registry. */
let registered: Documented[]

/** The labels of every sample that an instance exposes, with their values. */
const exposed = new Map<string, Map<string, Set<string>>>()

beforeAll(async () => {
  const { maintenance, visit, clock } = await serve({ stateBackend: scriptedBackend(), holdTimeout: '1s' })
  const registry = new client.Registry()
  collectMetrics(maintenance, client, { registry })
  await maintenance.setMode('on')
  await visit()
  await clock.advance(1000)
  registered = registry
    .getMetricsAsArray()
    .map((metric) => metric as unknown as Documented & { labelNames: string[] })
    .map(({ name, type, labelNames }) => ({ name, type, labels: labelNames }))
  for (const line of (await registry.metrics()).split('\n')) {
    const { name, labels = '' } = /^(?<name>[a-z]\w*)(?:\{(?<labels>.*)\})? \S+$/.exec(line)?.groups ?? {}
    if (name === undefined) continue
    const known = exposed.get(name) ?? new Map<string, Set<string>>()
    exposed.set(name, known)
    for (const { label, value } of matchersOf(labels)) known.set(label, (known.get(label) ?? new Set()).add(value))
  }
  await maintenance.close()
})

interface Matcher {
  label: string
  operator: string
  value: string
}

function matchersOf(text: string): Matcher[] {
  return [...text.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(([, label = '', operator = '', value = '']) => ({
    label,
    operator,
    value,
  }))
}

const words = new Set(['by', 'without', 'or', 'and', 'unless', 'on', 'ignoring', 'bool', 'offset'])

/** The metrics that a PromQL expression reads, and the labels by which it groups. */
function readBy(expr: string): { selectors: { name: string; matchers: Matcher[] }[]; groupings: string[] } {
  const groupings = [...expr.matchAll(/\b(?:by|without)\s*\(([^)]*)\)/g)].flatMap(([, labels = '']) =>
    labels.split(/\s*,\s*/),
  )
  const rest = expr.replaceAll(/\b(?:by|without)\s*\([^)]*\)/g, ' ').replaceAll(/\[[^\]]*\]/g, ' ')
  const found = [...rest.matchAll(/([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|\()?/g)]
  const selectors = found
    .filter(([, name = '', after]) => after !== '(' && !words.has(name))
    .map(([, name = '', after = '']) => ({ name, matchers: matchersOf(after) }))
  return { selectors, groupings }
}

describe('every expression of the dashboard', () => {
  it.each(targets)('$panel, $refId: reads metrics and labels that an instance exposes', ({ expr, legendFormat }) => {
    const { selectors, groupings } = readBy(expr)
    expect(selectors).not.toEqual([])
    for (const { name, matchers } of selectors) {
      const labels = exposed.get(name)
      expect([...exposed.keys()]).toContain(name)
      for (const { label, operator, value } of matchers) {
        expect([...(labels?.keys() ?? []), ...added]).toContain(label)
        if (operator === '=') expect([...(labels?.get(label) ?? [])]).toContain(value)
      }
      for (const label of groupings) expect([...(labels?.keys() ?? []), ...added]).toContain(label)
      // Of each app apart: its name is chosen above.
      expect(matchers).toContainEqual({ label: 'job', operator: '=~', value: '$job' })
    }
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(groupings).toContain(label)
  })

  it('leaves out no metric', () => {
    const used = new Set(targets.flatMap(({ expr }) => readBy(expr).selectors.map(({ name }) => name)))
    const metrics = [...exposed.keys()].filter((name) => !/_(sum|count)$/.test(name))
    expect(metrics.filter((name) => !used.has(name))).toEqual([])
  })
})

describe('the page', () => {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')

  it('has every metric in its table, with its type and labels', () => {
    const rows = page.matchAll(/^\| `(maintenance_mode\.\S+)` \| `(\w+)` \| (\w+) \| ([^|]*)\|/gm)
    const documented = [...rows].map(([, other = '', name = '', type = '', labels = '']) => {
      expect(name.replace(/_seconds$|_total$/g, '')).toBe(other.replaceAll('.', '_'))
      return { name, type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) }
    })
    const byName = (a: Documented, b: Documented): number => a.name.localeCompare(b.name)
    expect(documented.sort(byName)).toEqual(registered.sort(byName))
  })

  it('suggests alerts that read metrics and labels that an instance exposes', () => {
    const alerts = [...page.matchAll(/^ {2}expr: (.+)$/gm)].map(([, expr = '']) => readBy(expr))
    expect(alerts).toHaveLength(3)
    for (const { selectors, groupings } of alerts) {
      for (const { name, matchers } of selectors) {
        const labels = [...(exposed.get(name)?.keys() ?? []), ...added]
        expect(exposed.has(name)).toBe(true)
        expect(labels).toEqual(expect.arrayContaining([...groupings, ...matchers.map(({ label }) => label)]))
      }
    }
  })
})

it('the checks see a name and a label that are not there', () => {
  expect(readBy('sum by (rule) (rate(some_total{job=~"$job",mode="on"}[5m])) or other > 3')).toEqual({
    selectors: [
      {
        name: 'some_total',
        matchers: [
          { label: 'job', operator: '=~', value: '$job' },
          { label: 'mode', operator: '=', value: 'on' },
        ],
      },
      { name: 'other', matchers: [] },
    ],
    groupings: ['rule'],
  })
})

it('the variables ask for metrics and labels that are there, and every panel for the chosen data source', () => {
  const { list } = dashboard.templating
  expect(list.map(({ name, type }) => [name, type])).toEqual([
    ['datasource', 'datasource'],
    ['job', 'query'],
    ['scope', 'query'],
  ])
  for (const { definition } of list.filter(({ type }) => type === 'query')) {
    const { metric = '', label = '' } =
      /^label_values\((?<metric>\w+).*, (?<label>\w+)\)$/.exec(definition ?? '')?.groups ?? {}
    expect([...(exposed.get(metric)?.keys() ?? []), ...added]).toContain(label)
  }
  for (const { datasource } of dashboard.panels)
    expect(datasource).toEqual({ type: 'prometheus', uid: '${' + 'datasource}' })
})

it('the panels have ids and places of their own', () => {
  expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36)
  const ids = dashboard.panels.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24)
})
