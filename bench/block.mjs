// What a refusal costs, against the same page and headers written by hand.
import { load } from './load.mjs'
import { atLeast, median, ratios, spread } from './measure.mjs'

const rounds = 60

export async function block() {
  const rows = [['answer', 'CPU µs', 'as fast as by hand']]
  const compare = async (setup, titles) => {
    const measured = await load(setup, { rounds, status: 503 })
    const speeds = {}
    for (const [name, title] of Object.entries(titles)) {
      speeds[name] = ratios(measured['by hand'].cpu, measured[name].cpu)
      rows.push([title, median(measured[name].cpu).toFixed(1), spread(speeds[name])])
    }
    return { ...speeds, measured }
  }
  const node = await compare('block node', {
    'by hand': 'node:http: `res.writeHead(503, headers).end(buffer)` by hand',
    twin: 'the same again (A/A)',
    wrapped: '`withMaintenanceMode`',
  })
  const express = await compare('block express', {
    'by hand': 'in front of Express 5: by hand',
    twin: 'the same again (A/A)',
    wrapped: '`withMaintenanceMode`',
    'by Express': 'by hand, in a middleware of Express 5',
  })
  await compare('block middleware', {
    'by hand': 'in Express 5: by hand, in a middleware',
    twin: 'the same again (A/A)',
    middleware: '`maintenanceMode`, as a middleware',
  })
  const { wrapped, 'by Express': own } = express.measured
  const bars = [
    atLeast('`withMaintenanceMode` on node:http, as fast as by hand', median(node.wrapped), 0.95),
    atLeast('in front of Express, as fast as by hand', median(express.wrapped), 0.95),
    atLeast('in front of Express, as fast as its own answer', median(ratios(own.cpu, wrapped.cpu)), 4),
  ]
  return { title: 'Refusing, the mode on', rows, bars }
}
