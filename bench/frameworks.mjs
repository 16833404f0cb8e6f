// What each adapter costs inside its framework: passing while the mode is off, and refusing while it is on.
import { load } from './load.mjs'
import { atLeast, atMost, forkNode, median, quantile, ratios, resultOf, spread } from './measure.mjs'

const rounds = 10
const titles = {
  express: 'Express 5',
  fastify: 'Fastify 5',
  koa: 'Koa 3',
  hono: 'Hono 4',
  h3: 'h3 2',
  'nestjs express': 'Nest 12 on Express',
  'nestjs fastify': 'Nest 12 on Fastify',
}
/** Whose cost has to vanish in the noise; of the others it has to stay below a microsecond. */
const named = ['express', 'fastify', 'koa', 'hono']

/** Whose apps have to be built first: their adapters are called in process. */
const built = {
  next: 'Next',
  nuxt: 'Nuxt 4',
  sveltekit: 'SvelteKit 2',
  'react-router': 'React Router 7',
  astro: 'Astro',
}

const head = [
  'framework',
  'passing: an empty one, CPU µs',
  'the same again (A/A)',
  'ours in its place',
  'µs more',
  'refusing: its own shortest answer, CPU µs',
  'our page, as fast',
  'our page in front of the app, as fast',
  'the same page and headers sent by hand, as fast',
]

export async function frameworks() {
  const rows = [head]
  const bars = []
  const raw = { built: await resultOf(forkNode('adapters-process.mjs')) }
  for (const [name, title] of Object.entries(titles)) {
    const pass = await load(`inside-pass ${name}`, { rounds, status: 200 })
    const block = await load(`inside-block ${name}`, { rounds, status: 503 })
    const inFront = await load(`in-front-block ${name}`, { rounds, status: 503 })
    raw[name] = { pass, block, inFront }
    const control = ratios(pass.twin.cpu, pass.bare.cpu)
    const cost = ratios(pass.ours.cpu, pass.bare.cpu)
    const more = pass.ours.cpu.map((value, index) => value - pass.bare.cpu[index])
    const [bare, shortest] = [pass.bare.cpu, block.bare.cpu].map((values) => median(values).toFixed(1))
    const speed = ({ bare, ours }) => ratios(bare.cpu, ours.cpu)
    const speeds = [block, inFront, { bare: block.bare, ours: block['by hand'] }].map((loaded) => spread(speed(loaded)))
    rows.push([title, bare, spread(control), spread(cost), spread(more, 2), shortest, ...speeds])
    if (named.includes(name)) {
      const [figure, bar] = [median(cost), quantile(control, 0.75)]
      bars.push({
        what: `${title}: passing`,
        figure,
        bar: `within the A/A spread, ${bar.toFixed(3)}`,
        pass: figure <= bar,
      })
    } else bars.push(atMost(`${title}: passing`, median(more), 1, ' µs more'))
    bars.push(atLeast(`${title}: refusing, as fast as its own shortest answer`, median(speed(block)), 0.9))
    bars.push(atLeast(`${title}: refusing in front of the app`, median(speed(inFront)), 0.9))
  }
  for (const [name, title] of Object.entries(built)) {
    // The calls themselves take next to nothing, so no ratio says anything.
    const more = raw.built[`${name} ours`].map((value, round) => (value - raw.built[`${name} empty`][round]) / 1000)
    rows.push([`${title}, in process`, '', '', '', spread(more, 3), '', '', '', ''])
    bars.push(atMost(`${title}: passing`, median(more), 1, ' µs more'))
  }
  return { title: 'Inside each framework', rows, bars, raw }
}
