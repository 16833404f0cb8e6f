// One of the processes that decide by a shared state: tells what it decides, and what a bare client beside it was told.
import { setTimeout as delay } from 'node:timers/promises'
import { createMaintenance } from 'maintenance-mode'
import { monotonic } from './measure.mjs'
import { bareClients } from './propagation-clients.mjs'

const [engine, url] = process.argv.slice(2)

const maintenance = createMaintenance({ stateBackend: url, localCopyPath: false })
maintenance.start()
await maintenance.ready()

// Fifty processes that tell, and prove, what they decide would keep each other from it.
const later = () => delay(80)

const bare = await bareClients[engine](url)
await bare.watch(async (text) => {
  const { windows } = JSON.parse(text)
  const at = monotonic()
  await later()
  process.send({ who: 'bare', said: windows.length > 0 ? 'block' : 'allow', at })
})
maintenance.subscribe(async () => {
  const at = monotonic()
  await later()
  const { action } = await maintenance.decide({ method: 'GET', url: '/' })
  process.send({ who: 'ours', said: action, at })
})
// The first decision of a process loads what it needs.
await maintenance.decide({ method: 'GET', url: '/' })
process.on('disconnect', () => process.exit())
process.send('ready')
