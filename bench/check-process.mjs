// The cost of the check in process: nanoseconds by mitata, and bytes of heap for each call.
import { EventEmitter } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { createMaintenance } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { maintenanceMode as forExpress } from 'maintenance-mode/express'
import { maintenanceMode, withMaintenanceMode } from 'maintenance-mode/node'
import { measure } from 'mitata'
import { interleave } from './measure.mjs'

const rounds = 7
const calls = 1e7

const maintenance = createMaintenance({ stateBackend: memoryBackend(), silence: ['memory-backend'] })
await maintenance.ready()
const req = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: '/products?page=2' })
const res = new ServerResponse(req)

// Not a counter: past 2 ** 31 one would allocate.
let last
const handler = () => (req) => void (last = req)
const next = () => void (last = res)
const node = maintenanceMode(maintenance)
const express = forExpress(maintenance)

/** As a server calls its listener: one call site for every listener of the process, so that nothing is inlined. */
function emitting(listener) {
  const server = new EventEmitter().on('request', listener)
  return () => server.emit('request', req, res)
}

const bare = handler()
const twin = handler()
const wrapped = withMaintenanceMode(maintenance, handler())
const targets = {
  bare: () => bare(req, res),
  twin: () => twin(req, res),
  wrapped: () => wrapped(req, res),
  next: () => next(),
  'next again': () => next(),
  middleware: () => node(req, res, next),
  // Express makes them anew for each request.
  'next, new locals': () => next((res.locals = Object.create(null))),
  'express middleware': () => express(req, res, next, (res.locals = Object.create(null))),
  'bare, emitted': emitting(handler()),
  'twin, emitted': emitting(handler()),
  'wrapped, emitted': emitting(withMaintenanceMode(maintenance, handler())),
}

/** Young enough a heap to hold it all, so that nothing is collected in between (see the flags in check.mjs). */
function bytesPerCall(call) {
  for (let i = 0; i < 1e5; i++) call()
  globalThis.gc()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < calls; i++) call()
  return (process.memoryUsage().heapUsed - before) / calls
}

const nanoseconds = Object.fromEntries(Object.keys(targets).map((name) => [name, []]))
await interleave(rounds, Object.keys(targets), async (name) => {
  const { p50 } = await measure(targets[name], { min_cpu_time: 100e6 })
  nanoseconds[name].push(p50)
})
const bytes = Object.fromEntries(Object.entries(targets).map(([name, call]) => [name, bytesPerCall(call)]))
// That the bytes would be seen.
bytes.allocating = bytesPerCall(() => void (last = { last: req }))
process.send({ nanoseconds, bytes })
process.disconnect()
