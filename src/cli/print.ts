import type { StateBackend } from '../backends/backend.js'
import { createStateStore } from '../backends/store.js'
import type { Context } from './context.js'
import type { Outcome, Row } from './outcome.js'

/** Runs a command that writes nothing: the document that it would write is printed, for those who put it in its place themselves. */
export async function printed(context: Context, run: (context: Context) => Promise<Outcome>): Promise<Outcome> {
  const { backend } = context.store
  let document = ''
  let damaged = false
  const unwritten: StateBackend = {
    address: backend.address,
    key: backend.key,
    capabilities: backend.capabilities,
    // Where nothing is stored, there is nothing to leave as it is.
    absentMeansOff: false,
    ...(backend.presence && { presence: backend.presence }),
    async read() {
      const stored = await backend.read()
      document = stored?.document ?? ''
      return stored
    },
    async write(text, { replaceDamaged = false }) {
      document = text
      damaged = replaceDamaged
      return undefined
    },
  }
  const outcome = await run({
    ...context,
    store: createStateStore(unwritten),
    commandLine: (command) => context.commandLine(`${command} --print`),
  })
  const rows: Row[] = [['then', outcome.headline], ...outcome.rows]
  if (damaged) rows.push(['damaged', beginsAnew])
  return { ...outcome, headline: `Nothing is changed yet: put what is printed at ${backend.address}`, rows, document }
}

const beginsAnew =
  'what is stored cannot be read, so what is printed begins anew, without windows of others and history (where `>` has just emptied it: print to another file, and move that)'
