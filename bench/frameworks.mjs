// What each adapter costs inside its framework: passing while the mode is off, and refusing while it is on.
import { load } from './load.mjs'
import { atLeast, atMost, median, quantile, ratios, spread } from './measure.mjs'

const rounds = 20
const titles = { express: 'Express 5', fastify: 'Fastify 5', koa: 'Koa 3', hono: 'Hono 4', h3: 'h3 2' }
/** Whose cost has to vanish in the noise; of the others it has to stay below a microsecond. */
const named = ['express', 'fastify', 'koa', 'hono']

export async function frameworks() {
  const head = ['passing: an empty one, CPU µs', 'the same again (A/A)', 'ours in its place']
  const rows = [['framework', ...head, 'refusing: its own shortest answer, CPU µs', 'ours, as fast']]
  const bars = []
  const raw = {}
  for (const [name, title] of Object.entries(titles)) {
    const pass = await load(`inside-pass ${name}`, { rounds, status: 200 })
    const block = await load(`inside-block ${name}`, { rounds, status: 503 })
    raw[name] = { pass, block }
    const control = ratios(pass.twin.cpu, pass.bare.cpu)
    const cost = ratios(pass.ours.cpu, pass.bare.cpu)
    const speed = ratios(block.bare.cpu, block.ours.cpu)
    const [bare, shortest] = [pass.bare.cpu, block.bare.cpu].map((values) => median(values).toFixed(1))
    rows.push([title, bare, spread(control), spread(cost), shortest, spread(speed)])
    const more = median(pass.ours.cpu.map((value, index) => value - pass.bare.cpu[index]))
    if (named.includes(name)) {
      const [figure, bar] = [median(cost), quantile(control, 0.75)]
      bars.push({
        what: `${title}: passing`,
        figure,
        bar: `within the A/A spread, ${bar.toFixed(3)}`,
        pass: figure <= bar,
      })
    } else bars.push(atMost(`${title}: passing`, more, 1, ' µs more'))
    bars.push(atLeast(`${title}: refusing, as fast as its own shortest answer`, median(speed), 0.9))
  }
  return { title: 'Inside each framework', rows, bars, raw }
}
