// What a refusal costs, against the same page and headers written by hand.
import { load } from './load.mjs'
import { atLeast, median, ratios, spread } from './measure.mjs'

const parts = 3
const rounds = 10
const titles = {
  'block in front': {
    'by hand': 'on node:http: `res.writeHead(503, headers).end(buffer)` by hand',
    twin: 'the same again (A/A)',
    wrapped: '`withMaintenanceMode`',
    'wrapped express': '`withMaintenanceMode`, in front of Express 5',
  },
  'block inside': {
    'by hand': 'inside Express 5: by hand, in a middleware',
    twin: 'the same again (A/A)',
    middleware: '`maintenanceMode`, as a middleware',
  },
}

export async function block() {
  const cpu = { 'block in front': {}, 'block inside': {} }
  const timesExpress = {}
  // Express leaves so much garbage that it would burden the others in one process; so they take turns instead.
  for (let part = 0; part < parts; part++) {
    const measured = {}
    for (const setup of Object.keys(titles)) {
      measured[setup] = await load(setup, { rounds, status: 503 })
      for (const name in measured[setup]) (cpu[setup][name] ??= []).push(...measured[setup][name].cpu)
    }
    const own = median(measured['block inside']['by hand'].cpu)
    for (const [name, { cpu }] of Object.entries(measured['block in front'])) {
      ;(timesExpress[name] ??= []).push(own / median(cpu))
    }
  }

  const rows = [['answer', 'CPU µs', 'as fast as by hand', 'times as fast as inside Express']]
  const speed = (setup, name) => ratios(cpu[setup]['by hand'], cpu[setup][name])
  for (const [setup, names] of Object.entries(titles)) {
    for (const [name, title] of Object.entries(names)) {
      const times = setup === 'block in front' ? spread(timesExpress[name], 2) : ''
      rows.push([title, median(cpu[setup][name]).toFixed(1), spread(speed(setup, name)), times])
    }
  }
  const bars = [
    atLeast('on node:http, as fast as by hand', median(speed('block in front', 'wrapped')), 0.95),
    atLeast('in front of Express, as fast as by hand', median(speed('block in front', 'wrapped express')), 0.95),
    atLeast('in front of Express, times as fast as its own answer', median(timesExpress['wrapped express']), 4),
  ]
  return { title: 'Refusing, the mode on', rows, bars, raw: { cpu, timesExpress } }
}
