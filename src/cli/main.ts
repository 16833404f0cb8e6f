#!/usr/bin/env node
import { createOutput } from './output.js'
import { runProgram } from './program.js'

const output = createOutput({ json: process.argv.includes('--json') })

// Who reads may go away: `status | head -1`.
process.stdout.on('error', () => {})

runProgram(process.argv, output.warn)
  .then((outcome) => output.outcome(outcome), output.error)
  // Ended on purpose: a config file may have opened connections that would keep this process alive.
  .then((code) => process.stdout.write('', () => process.exit(code)))
