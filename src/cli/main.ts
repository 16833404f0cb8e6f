#!/usr/bin/env node
import { readCommandLine } from './command-line.js'
import { openContext } from './context.js'
import type { Outcome } from './outcome.js'
import { createOutput } from './output.js'

const words = process.argv.slice(2)
const output = createOutput({ json: words.includes('--json') })

async function run(): Promise<Outcome> {
  const { command, options, operands } = await readCommandLine(words)
  const context = await openContext(options, output.warn)
  const runCommand = await command.load()
  return runCommand(context, options as never, operands)
}

// Who reads may go away: `status | head -1`.
process.stdout.on('error', () => {})

run()
  .then(output.outcome, output.error)
  // Ended on purpose: a config file may have opened connections that would keep this process alive.
  .then((code) => process.stdout.write('', () => process.exit(code)))
