// The server under load: one port, whose listener is now this target, now that.
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { buffer } from 'node:stream/consumers'
import express from 'express'
import { createMaintenance } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { maintenanceMode } from 'maintenance-mode/express'
import { withMaintenanceMode } from 'maintenance-mode/node'
import { frameworkApps } from './framework-apps.mjs'
import { shuffled } from './measure.mjs'

const [setup, rounds] = [process.argv[2], Number(process.argv[3])]
const warmUp = 3e6
const slice = 5e3
const slicesPerRound = 25

async function maintenance(mode) {
  const created = createMaintenance({ stateBackend: memoryBackend(), silence: ['memory-backend'] })
  if (mode === 'on') await created.setMode('on', { reason: 'Upgrading the database' })
  await created.ready()
  return created
}

const hello = () => (_req, res) => void res.writeHead(200, { 'Content-Type': 'text/plain' }).end('Hello')
const empty = () => (_req, _res, next) => next()

function expressApp(...middleware) {
  const app = express()
  for (const one of middleware) app.use(one)
  return app.get('/', (_req, res) => void res.send('Hello'))
}

const setups = {
  async 'pass node'() {
    const off = await maintenance('off')
    return { bare: hello(), twin: hello(), wrapped: withMaintenanceMode(off, hello()) }
  },
  async 'pass express'() {
    const off = await maintenance('off')
    return { bare: expressApp(), twin: expressApp(), wrapped: withMaintenanceMode(off, expressApp()) }
  },
  async 'pass middleware'() {
    const off = await maintenance('off')
    return { bare: expressApp(empty()), twin: expressApp(empty()), middleware: expressApp(maintenanceMode(off)) }
  },
  async 'block in front'() {
    const on = await maintenance('on')
    const wrapped = withMaintenanceMode(on, hello())
    const byHand = await handWritten(wrapped)
    return { 'by hand': byHand(), twin: byHand(), wrapped, 'wrapped express': withMaintenanceMode(on, expressApp()) }
  },
  async 'block inside'() {
    const middleware = expressApp(maintenanceMode(await maintenance('on')))
    const byHand = await handWritten(middleware)
    return { 'by hand': expressApp(byHand()), twin: expressApp(byHand()), middleware }
  },
}

const listen = (handler) =>
  new Promise((resolve) => {
    const server = createServer(handler).listen(0, '127.0.0.1', () => resolve(server))
  })

const ofTheServer = new Set(['Connection', 'Date', 'Keep-Alive', 'X-Powered-By'])

/** The headers and the body that `handler` answers with. */
async function answerOf(handler) {
  const server = await listen(handler)
  const [response] = await once(get({ port: server.address().port, headers: { Accept: 'text/html' } }), 'response')
  const body = await buffer(response)
  server.close()
  const { rawHeaders } = response
  const headers = {}
  for (let i = 0; i < rawHeaders.length; i += 2) {
    // Not taken off again: an object that something was deleted from is slow.
    if (!ofTheServer.has(rawHeaders[i])) headers[rawHeaders[i]] = rawHeaders[i + 1]
  }
  return { headers, body }
}

/** Makes handlers that send what `handler` answers with. */
async function handWritten(handler) {
  const { headers, body } = await answerOf(handler)
  return () => (_req, res) => void res.writeHead(503, headers).end(body)
}

/** `inside-pass koa`: an app with something empty in our place, the same again, and ours. */
async function insidePass(make) {
  const ours = await make(200, { maintenance: await maintenance('off') })
  return { bare: await make(200), twin: await make(200), ours }
}

/** `inside-block koa`: the app's own answer, ours from its place, and the same sent by hand. */
async function insideBlock(make) {
  const ours = await make(503, { maintenance: await maintenance('on') })
  return { bare: await make(503), ours, 'by hand': await make(503, { answer: await answerOf(ours) }) }
}

/** `in-front-block koa`: apart, as a connection belongs to one place, and is met anew where it goes from one to the other. */
async function inFrontBlock(make, framework) {
  const on = await maintenance('on')
  const ours = framework === 'hono' ? make(503, { around: on }) : withMaintenanceMode(on, await make(503))
  return { bare: await make(503), ours }
}

const places = { 'inside-pass': insidePass, 'inside-block': insideBlock, 'in-front-block': inFrontBlock }

const [what, ...framework] = setup.split(' ')
const made = Object.hasOwn(setups, setup)
  ? setups[setup]()
  : places[what](frameworkApps[framework.join(' ')], framework.join(' '))
const targets = Object.entries(await made).map(([name, handler]) => ({ name, handler, rounds: [] }))

/** A slice of each target, again and again, in an order that is drawn anew each time. */
function* plan() {
  for (const start = now(); now().clock - start.clock < warmUp; ) for (const target of targets) yield { target }
  for (let round = 0; round < rounds; round++) {
    const sums = targets.map((target) => {
      target.rounds.push({ requests: 0, cpu: 0, clock: 0 })
      return { target, sum: target.rounds.at(-1) }
    })
    for (let i = 0; i < slicesPerRound; i++) yield* shuffled(sums)
  }
}

function now() {
  const { user, system } = process.cpuUsage()
  return { cpu: user + system, clock: performance.now() * 1000 }
}

const turns = plan()
let turn = turns.next().value
let since = now()
let requests = 0
let look = 16

function serve(req, res) {
  if (++requests % look === 0) next()
  turn.target.handler(req, res)
}

function next() {
  const at = now()
  if (at.clock - since.clock < slice) return
  if (turn.sum) {
    turn.sum.requests += requests
    turn.sum.cpu += at.cpu - since.cpu
    turn.sum.clock += at.clock - since.clock
  }
  since = at
  requests = 0
  const { value, done } = turns.next()
  if (done) return finish()
  turn = value
}

function finish() {
  look = Number.POSITIVE_INFINITY
  const per = (what) => (round) => round[what] / round.requests
  const result = targets.map(({ name, rounds }) => [
    name,
    { cpu: rounds.map(per('cpu')), clock: rounds.map(per('clock')) },
  ])
  process.send(Object.fromEntries(result))
}

process.on('disconnect', () => process.exit())
process.send({ port: (await listen(serve)).address().port })
