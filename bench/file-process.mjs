// One of the processes that decide by a state file: tells what it decides, and since when.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { monotonic } from './measure.mjs'

const [stateFilePath, pollInterval, watching] = process.argv.slice(2)
if (watching === 'blind') {
  fs.watch = () => {
    throw new Error('Nothing can be watched here.')
  }
  syncBuiltinESMExports()
}
const { createMaintenance } = await import('maintenance-mode')

const maintenance = createMaintenance({ stateFilePath, pollInterval })
maintenance.subscribe(async () => {
  const { action } = await maintenance.decide({ method: 'GET', url: '/' })
  process.send({ action, at: monotonic() })
})
process.on('disconnect', () => maintenance.close())
maintenance.start()
await maintenance.ready()
process.send('ready')
