// npm run bench [-- section…] [--json FILE] [--docs]
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { block } from './block.mjs'
import { check } from './check.mjs'
import { cli } from './cli.mjs'
import { file } from './file.mjs'
import { frameworks } from './frameworks.mjs'
import { hold } from './hold.mjs'
import { markdownTable } from './measure.mjs'
import { pass } from './pass.mjs'
import { propagation } from './propagation.mjs'
import { rules } from './rules.mjs'

const sections = { check, pass, block, frameworks, rules, file, propagation, hold, cli }
const page = new URL('../docs/performance.md', import.meta.url)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, docs: { type: 'boolean', default: false } },
})
const unknown = positionals.find((name) => !Object.hasOwn(sections, name))
if (unknown) {
  console.error(`There is no section "${unknown}": choose of ${Object.keys(sections).join(', ')}.`)
  process.exit(2)
}

const machine = `Node ${process.version.slice(1)}, ${cpus().length} × ${cpus()[0].model}, ${process.platform}`
console.log(machine)
const results = {}
for (const name of positionals.length > 0 ? positionals : Object.keys(sections)) {
  const result = await sections[name]()
  results[name] = result
  console.log(`\n## ${name}: ${result.title}\n\n${toMarkdown(result)}`)
}

if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, results }, null, 2)}\n`)
if (values.docs) writePage()
const missed = Object.values(results).flatMap(({ bars }) => bars.filter(({ pass }) => !pass))
console.log(missed.length === 0 ? '\nEvery bar is cleared.' : `\nMissed: ${missed.map(({ what }) => what).join('; ')}`)
process.exitCode = missed.length === 0 ? 0 : 1

function toMarkdown({ rows, bars }) {
  const verdicts = bars.map(({ what, figure, bar, unit = '', pass }) => {
    return `- ${pass ? 'PASS' : 'FAIL'} ${what}: ${Number(figure.toPrecision(3))}${unit} (${bar})`
  })
  return `${markdownTable(rows)}\n\n${verdicts.join('\n')}`
}

/** Puts the figures between the marks of the page, so that nobody copies them by hand. */
function writePage() {
  let text = readFileSync(page, 'utf8')
  for (const [name, result] of Object.entries({ machine, ...results })) {
    const figures = typeof result === 'string' ? `Measured with ${result}.` : toMarkdown(result)
    const marked = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- end -->)`)
    if (!marked.test(text)) throw new Error(`docs/performance.md has no place for "${name}".`)
    text = text.replace(marked, (_, start, end) => `${start}\n${figures}\n\n${end}`)
  }
  writeFileSync(page, text)
}
