// The support table of the docs, made of the results of the adapter contract.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

const page = join(root, 'docs/support.md')
const kept = join(root, 'test/adapters/contract/results.json')

/**
 * Puts the results of a run into the page, beside those of other runs. In CI, which changes nothing, they have to be there
 * already. `true`: all is well.
 */
export async function updateSupportTable(report) {
  const { adapterCases } = await import('../dist/testing/adapter-cases.js')
  const cases = Object.keys(adapterCases)
  // Of a case that was added since a row is not known what it would show.
  const known = (existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : []).filter(
    (row) => row.cases === cases.length,
  )
  const rows = new Map(known.map((row) => [keyOf(row), row]))
  for (const row of rowsOf(report, cases)) rows.set(keyOf(row), row)
  const sorted = [...rows.values()].sort((a, b) => keyOf(a).localeCompare(keyOf(b), 'en', { numeric: true }))
  const text = readFileSync(page, 'utf8')
  const marks = /(<!-- support -->\n)[\s\S]*(<!-- end -->)/
  const next = text.replace(marks, (_, start, end) => `${start}\n${render(sorted, cases)}\n\n${end}`)
  if (next === text) return true
  if (process.env.CI) {
    console.error(
      'docs/support.md is not what the adapter contract found: run the tests without CI set, and commit it.',
    )
    return false
  }
  writeFileSync(page, next)
  writeFileSync(kept, `${JSON.stringify(sorted, null, 2)}\n`)
  console.log('docs/support.md was brought up to date.')
  return true
}

const keyOf = ({ name, runtime }) => `${name} (${runtime})`

/** Who ran every case of the contract, and the exempt ones with their reason. What failed is no row, but a failed test. */
function rowsOf({ testResults }, cases) {
  const rows = new Map()
  for (const { ancestorTitles, title, status } of testResults.flatMap((file) => file.assertionResults)) {
    const [, name, runtime] = /^adapter contract: (.+) \((.+)\)$/.exec(ancestorTitles.at(-1) ?? '') ?? []
    if (name === undefined || status !== 'passed') continue
    const row = rows.get(keyOf({ name, runtime })) ?? { name, runtime, exempt: {}, passed: 0 }
    const [, exempt, why] = /^(.+?) \[exempt: (.+)\]$/.exec(title) ?? []
    if (exempt) row.exempt[exempt] = why
    row.passed++
    rows.set(keyOf(row), row)
  }
  const whole = [...rows.values()].filter(({ passed }) => passed === cases.length)
  return whole.map(({ name, runtime, exempt, passed }) => ({ name, runtime, cases: passed, exempt }))
}

function render(rows, cases) {
  const letters = cases.map((_, index) => String.fromCharCode(65 + index))
  const reasons = [...new Set(rows.flatMap(({ exempt }) => cases.map((one) => exempt[one]).filter(Boolean)))]
  const cell = (why) => (why ? `[${reasons.indexOf(why) + 1}](#why-not)` : '✓')
  const table = (...lines) => lines.map((cells) => `| ${cells.join(' | ')} |`)
  return [
    ...table(['adapter', 'runtime', ...letters], Array(cases.length + 2).fill('---')),
    ...table(...rows.map(({ name, runtime, exempt }) => [name, runtime, ...cases.map((one) => cell(exempt[one]))])),
    '',
    ...table(['', 'case'], ['---', '---'], ...cases.map((one, index) => [letters[index], one])),
    '\n## Why not\n',
    ...reasons.map(
      (why, index) => `${index + 1}. ${why.startsWith('node:') ? why : why[0].toUpperCase() + why.slice(1)}.`,
    ),
  ].join('\n')
}
