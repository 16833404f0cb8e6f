#!/usr/bin/env node
import type { StateBackend } from '../backends/backend.js'
import { bounded, kept, systemClock } from '../clock.js'
import { readCommandLine } from './command-line.js'
import type { WithContext } from './commands.js'
import { openContext } from './context.js'
import type { Outcome } from './outcome.js'
import { createOutput } from './output.js'
import { ownWords } from './words.js'

const words = process.argv.slice(2)
const output = createOutput({ json: ownWords(words).includes('--json') })

async function run(): Promise<Outcome | number> {
  const { command, options, operands } = await readCommandLine(words)
  const { load } = command
  if (typeof load === 'object') return (await load.first())(options as never, withContext, operands)
  return withContext(options, async (context) => (await load())(context, options as never, operands))
}

const withContext: WithContext = async (options, use) => {
  const context = await openContext(options, output.warn)
  try {
    return await use(context)
  } finally {
    await takeLeave(context.store.backend)
  }
}

/** So that no server has to notice by itself that we have gone; but nobody waits long for that. */
async function takeLeave(backend: StateBackend): Promise<void> {
  const late = (): Error => new Error('It takes too long to close the backend.')
  await bounded(systemClock, Promise.resolve(backend.close?.()), { milliseconds: 500, late }).catch(() => {})
}

// Who reads may go away: `status | head -1`, `on --wait 2>&1 | head -1`.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

// Connections of ours keep no process alive, not even one that has nothing else to wait for.
kept(systemClock, run())
  .then((done) => (typeof done === 'number' ? done : output.outcome(done)), output.error)
  // Ended on purpose: a config file may have opened connections that would keep this process alive.
  .then((code) => process.stdout.write('', () => process.exit(code)))
