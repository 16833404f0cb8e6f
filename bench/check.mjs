// What the check itself costs while the mode is off.
import { atMost, forkNode, median, resultOf, spread } from './measure.mjs'

const pairs = [
  ['the handler called again (A/A)', 'twin', 'bare'],
  ['`withMaintenanceMode(maintenance, handler)`', 'wrapped', 'bare'],
  ['`next` called again (A/A)', 'next again', 'next'],
  ['`maintenanceMode`, node', 'middleware', 'next'],
  ['`maintenanceMode` with its two `res.locals`, Express', 'express middleware', 'next, new locals'],
  ['by a server’s `emit`: the handler again (A/A)', 'twin, emitted', 'bare, emitted'],
  ['by a server’s `emit`: `withMaintenanceMode`', 'wrapped, emitted', 'bare, emitted'],
]

export async function check() {
  const flags = ['--expose-gc', '--min-semi-space-size=512', '--max-semi-space-size=512']
  const { nanoseconds, bytes } = await resultOf(forkNode('check-process.mjs', { flags }))
  const rows = [['call', 'ns more than without', 'bytes a call']]
  const bars = []
  for (const [title, name, base] of pairs) {
    const cost = nanoseconds[name].map((value, round) => value - nanoseconds[base][round])
    rows.push([title, spread(cost, 2), bytes[name].toFixed(2)])
    // Express' middleware also writes what templates read, into an object that Express makes for each request.
    if (title.endsWith('(A/A)') || title.endsWith('Express')) continue
    bars.push(atMost(title, median(cost), 5, ' ns'), atMost(`${title}, memory`, bytes[name], 0.1, ' bytes'))
  }
  rows.push(['one small object, to show that it would be seen', '', bytes.allocating.toFixed(2)])
  return { title: 'The check while the mode is off, in process', rows, bars, raw: { nanoseconds, bytes } }
}
