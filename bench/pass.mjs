// What a request costs while the mode is off, against the same server without us.
import { load } from './load.mjs'
import { quantile, ratios, spread } from './measure.mjs'

const rounds = 40
const setups = [
  ['pass node', 'node:http', 'wrapped', 'withMaintenanceMode'],
  ['pass express', 'Express 5', 'wrapped', 'withMaintenanceMode around the app'],
  ['pass middleware', 'Express 5, an empty middleware', 'middleware', 'maintenanceMode in its place'],
]

export async function pass() {
  const rows = [['server', 'CPU µs a request', 'the same again (A/A)', 'with maintenance mode, off', 'ratio']]
  const bars = []
  const raw = {}
  for (const [setup, server, name, title] of setups) {
    raw[setup] = await load(setup, { rounds, status: 200 })
    const { bare, twin, [name]: ours } = raw[setup]
    const control = ratios(twin.cpu, bare.cpu)
    const cost = ratios(ours.cpu, bare.cpu)
    rows.push([server, quantile(bare.cpu, 0.5).toFixed(1), spread(control), title, spread(cost)])
    const [figure, bar] = [quantile(cost, 0.5), quantile(control, 0.75)]
    bars.push({
      what: `${server}: ${title}`,
      figure,
      bar: `within the A/A spread, ${bar.toFixed(3)}`,
      pass: figure <= bar,
    })
  }
  return { title: 'Passing while the mode is off, over HTTP', rows, bars, raw }
}
