// One of the processes that decide by a shared state: tells what it decides, and what a bare client beside it was told.
import { createMaintenance } from 'maintenance-mode'
import { monotonic } from './measure.mjs'
import { bareClients } from './propagation-clients.mjs'

const [engine, url] = process.argv.slice(2)

const maintenance = createMaintenance({ stateBackend: url, localCopyPath: false })
maintenance.start()
await maintenance.ready()

const bare = await bareClients[engine](url)
await bare.watch((text) => {
  const { windows } = JSON.parse(text)
  process.send({ who: 'bare', said: windows.length > 0 ? 'block' : 'allow', at: monotonic() })
})
maintenance.subscribe(async () => {
  const { action } = await maintenance.decide({ method: 'GET', url: '/' })
  process.send({ who: 'ours', said: action, at: monotonic() })
})
// The first decision of a process loads what it needs.
await maintenance.decide({ method: 'GET', url: '/' })
process.on('disconnect', () => process.exit())
process.send('ready')
