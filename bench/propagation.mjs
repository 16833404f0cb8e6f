// How long after a write's return the last of fifty processes decides by it, beside a bare client of the same engine.
import { setTimeout as delay } from 'node:timers/promises'
import { createMaintenance } from 'maintenance-mode'
import { openBackend } from '../dist/backends/open.js'
import { createStateStore } from '../dist/backends/store.js'
import { serializeDocument } from '../dist/state/document.js'
import { startNats, startPostgres, startRedis } from './engines.mjs'
import { atMost, forkNode, interleave, monotonic, quantile, resultOf } from './measure.mjs'
import { bareClients } from './propagation-clients.mjs'

const processes = 50
const changes = 100
const engines = [
  { engine: 'redis', title: 'Redis', start: startRedis, bar: 25 },
  { engine: 'nats', title: 'NATS', start: startNats, bar: 20 },
  { engine: 'postgres', title: 'Postgres', start: startPostgres, bar: 35 },
]

export async function propagation() {
  const rows = [['engine', 'client', 'median, ms', '90 %', '99 %', 'longest']]
  const bars = []
  const raw = {}
  for (const { engine, title, start, bar } of engines) {
    const latencies = await measure(engine, start)
    raw[engine] = latencies
    for (const who of ['bare', 'ours']) {
      rows.push([title, who, ...[0.5, 0.9, 0.99, 1].map((share) => quantile(latencies[who], share).toFixed(1))])
    }
    const [bare, ours] = [latencies.bare, latencies.ours].map((values) => quantile(values, 0.99))
    bars.push(
      atMost(`${title}: 99 %`, ours, bar, ' ms'),
      atMost(`${title}: of the bare client's 99 %`, ours / bare, 1.5),
    )
  }
  return { title: `From a write’s return to the last of ${processes} processes deciding by it`, rows, bars, raw }
}

async function measure(engine, start) {
  const server = await start()
  const writer = createMaintenance({ stateBackend: server.url, localCopyPath: false })
  const deciding = []
  let bare
  try {
    await writer.setMode('off')
    bare = await bareClients[engine](server.url)
    // A few at a time: each is a whole process that starts.
    while (deciding.length < processes) {
      const some = Array.from({ length: 10 }, () => {
        return forkNode('propagation-process.mjs', { args: [engine, server.url], pin: [] })
      })
      await Promise.all(some.map(resultOf))
      deciding.push(...some)
    }
    const mode = { ours: 'off', bare: 'off' }
    // The bare client carries the same text: what differs is what is done with it.
    const reading = createStateStore(openBackend({ stateBackend: server.url, stateFilePath: '' }))
    const textOf = async (closed) => {
      const document = await reading.read()
      return serializeDocument({ ...document, windows: closed ? [{ id: 'manual' }] : [] })
    }
    const latencies = { ours: [], bare: [] }
    await interleave(changes, Object.keys(latencies), async (who) => {
      mode[who] = mode[who] === 'off' ? 'on' : 'off'
      const text = who === 'bare' ? await textOf(mode.bare === 'on') : undefined
      // Until what follows a change, the announcements of the instances, is over.
      await delay(400 + Math.random() * 50)
      const told = Promise.all(deciding.map((child) => decided(child, who, mode[who] === 'on' ? 'block' : 'allow')))
      await (who === 'ours' ? writer.setMode(mode.ours) : bare.write(text))
      const written = monotonic()
      latencies[who].push(Math.max(...(await told)) - written)
    })
    await reading.backend.close()
    return latencies
  } finally {
    for (const child of deciding) child.disconnect()
    await bare?.close()
    await writer.close()
    await server.stop()
  }
}

/** When the process first said so. */
function decided(child, who, said) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`A process was not told "${said}" by ${who} within 10 s.`)), 10_000)
    child.on('message', function listen(message) {
      if (message.who !== who || message.said !== said) return
      clearTimeout(late)
      child.off('message', listen)
      resolve(message.at)
    })
  })
}
