// What a refusal costs, against the same page and headers written by hand.
import { load } from './load.mjs'
import { atLeast, median, ratios, spread } from './measure.mjs'

const targets = {
  'by hand': '`res.writeHead(503, headers).end(buffer)` by hand',
  twin: 'the same again (A/A)',
  wrapped: '`withMaintenanceMode`, on node:http',
  'wrapped express': '`withMaintenanceMode`, in front of Express 5',
  middleware: '`maintenanceMode`, as a middleware of Express 5',
  'express by hand': 'by hand, in a middleware of Express 5',
}

export async function block() {
  const measured = await load('block', { rounds: 30, status: 503 })
  /** How many times as fast as `other`, by round. */
  const speed = (name, other) => ratios(measured[other].cpu, measured[name].cpu)
  const rows = [['answer', 'CPU µs', 'as fast as by hand', 'as fast as Express’s own']]
  for (const [name, title] of Object.entries(targets)) {
    const cells = [spread(speed(name, 'by hand')), spread(speed(name, 'express by hand'), 2)]
    rows.push([title, median(measured[name].cpu).toFixed(1), ...cells])
  }
  const bar = (what, name, other, least) => atLeast(what, median(speed(name, other)), least)
  const bars = [
    bar('on node:http, as fast as by hand', 'wrapped', 'by hand', 0.95),
    bar('in front of Express, as fast as by hand', 'wrapped express', 'by hand', 0.95),
    bar('in front of Express, as fast as its own answer', 'wrapped express', 'express by hand', 4),
  ]
  return { title: 'Refusing', rows, bars }
}
