// Passing while the mode is off, in process: adapters of frameworks whose apps have to be built first, called as the framework
// calls them, with an object of its own for each request.
import { createMaintenance } from 'maintenance-mode'
import * as astro from 'maintenance-mode/astro'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import * as next from 'maintenance-mode/next'
import * as reactRouter from 'maintenance-mode/react-router'
import * as sveltekit from 'maintenance-mode/sveltekit'
import { measure } from 'mitata'
// What the Nuxt module has the app's server import, by its path.
import { maintenancePlugin } from '../dist/adapters/nuxt-handler.js'
import { interleave } from './measure.mjs'

const rounds = 7

const maintenance = createMaintenance({ stateBackend: memoryBackend(), silence: ['memory-backend'] })
await maintenance.ready()

const request = new Request('http://shop.example/products?page=2')
const url = new URL(request.url)
const response = new Response('Hello')
const goOn = () => response
const req = { method: 'GET', url: '/products?page=2', headers: {} }

/** In front of all else in the stack of Nuxt's server, one after the other, as h3 calls them. */
function nuxtStack() {
  const h3App = { stack: [], options: {} }
  maintenancePlugin(maintenance)({ h3App })
  const [first, second] = h3App.stack.map(({ handler }) => handler)
  return (event) => first(event) ?? second(event)
}

const handle = sveltekit.maintenanceMode(maintenance)
const onRequest = astro.maintenanceMode(maintenance)
const middleware = reactRouter.maintenanceMode(maintenance)
const calls = {
  next: [() => [request, { waitUntil() {} }], () => undefined, next.maintenanceMode(maintenance)],
  nuxt: [() => [{ node: { req }, context: {} }], () => undefined, nuxtStack()],
  sveltekit: [
    () => [{ event: { request, url, locals: {}, isDataRequest: false, isSubRequest: false }, resolve: goOn }],
    ({ event, resolve }) => resolve(event),
    handle,
  ],
  'react-router': [() => [{ request, url, context: new Map() }, goOn], () => undefined, middleware],
  astro: [() => [{ request, url, locals: {}, isPrerendered: false }, goOn], (_context, next) => next(), onRequest],
}

let last
const targets = {}
for (const [name, [make, empty, ours]] of Object.entries(calls)) {
  for (const [which, called] of Object.entries({ empty, twin: (...args) => empty(...args), ours })) {
    targets[`${name} ${which}`] = () => {
      const args = make()
      last = called(args[0], args[1])
      return last
    }
  }
}

const nanoseconds = Object.fromEntries(Object.keys(targets).map((target) => [target, []]))
await interleave(rounds, Object.keys(targets), async (target) => {
  const { p50 } = await measure(targets[target], { min_cpu_time: 100e6 })
  nanoseconds[target].push(p50)
})
process.send(nanoseconds)
process.disconnect()
