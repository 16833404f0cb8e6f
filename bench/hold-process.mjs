// A server whose requests are held, told what to do by its parent; with --expose-gc it tells its heap.
import { createServer } from 'node:http'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { createMaintenance } from 'maintenance-mode'
import { withMaintenanceMode } from 'maintenance-mode/node'

const maintenance = createMaintenance({ stateBackend: 'memory:', silence: ['memory-backend'] })
const arrived = []
const passed = []
const handler = withMaintenanceMode(maintenance, (req, res) => {
  passed.push(req.url)
  res.end('Hello')
})
const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  arrived.push(req.url)
  handler(req, res)
})

const tasks = {
  async heap() {
    for (let round = 0; round < 5; round++) {
      globalThis.gc()
      await nextTurn()
    }
    return process.memoryUsage().heapUsed
  },
  held: () => maintenance.status().held,
  setMode: async (mode) => (await maintenance.setMode(mode)).mode,
  /** How many did not get to the app in the order in which they came. */
  outOfOrder: () => arrived.filter((url, index) => passed[index] !== url).length,
  hold: (milliseconds) => maintenance.during('hold', () => sleep(milliseconds, milliseconds)),
}

process.on('message', async ([task, argument]) => process.send({ done: await tasks[task](argument) }))
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
