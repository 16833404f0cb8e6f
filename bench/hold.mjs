// What requests cost that wait in the mode hold, and whether any of them fails.
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, forkNode, quantile, resultOf } from './measure.mjs'

const count = 1000
const rate = 100
const seconds = 5

/** What a browser sends. */
const headers = {
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9,it;q=0.8',
  Cookie: `session=${'0123456789abcdef'.repeat(16)}; theme=dark`,
  'Sec-Fetch-Dest': 'document',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
}

/** A process of its own; `ask` tells it what to do, one thing after the other. */
async function start() {
  const child = forkNode('hold-process.mjs', { flags: ['--expose-gc'], pin: [] })
  const { port } = await resultOf(child)
  const ask = async (...task) => {
    child.send(task)
    const [{ done }] = await once(child, 'message')
    return done
  }
  return { port, ask, stop: () => child.disconnect() }
}

/** 1,000 connections: what their held requests add to the heap, and what becomes of them. */
export async function heap() {
  const { port, ask, stop } = await start()
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const send = (socket, index) => socket.write(`GET /${index} HTTP/1.1\r\n${lines.join('')}\r\n`)
  const statusOf = async (socket) => Number(String((await once(socket, 'data'))[0]).slice(9, 12))
  const round = async () => {
    const statuses = Promise.all(sockets.map(statusOf))
    sockets.forEach(send)
    return statuses
  }
  try {
    // As all are used from here on: connections that have been answered, and compiled code.
    for (let index = 0; index < 3; index++) await round()
    const idle = await ask('heap')
    await ask('setMode', 'hold')
    const statuses = round()
    while ((await ask('held')) < count) await sleep(20)
    const held = await ask('heap')
    await ask('setMode', 'off')
    const failed = (await statuses).filter((status) => status !== 200).length
    return { idle, added: held - idle, failed, outOfOrder: await ask('outOfOrder') }
  } finally {
    for (const socket of sockets) socket.destroy()
    stop()
  }
}

/** A constant load, whatever is answered: how many requests fail, and how long the others take. */
export async function load() {
  const { port, ask, stop } = await start()
  const agent = new Agent({ keepAlive: true })
  const answers = []
  const send = async () => {
    const sent = performance.now()
    try {
      const [response] = await once(get({ port, host: '127.0.0.1', agent, headers }), 'response')
      for await (const _ of response);
      return { sent, took: performance.now() - sent, status: response.statusCode }
    } catch (error) {
      return { sent, took: performance.now() - sent, status: error.code ?? String(error) }
    }
  }
  const timer = setInterval(() => answers.push(send()), 1000 / rate)
  try {
    await sleep(1000)
    await ask('hold', seconds * 1000)
    const released = performance.now()
    await sleep(1000)
    clearInterval(timer)
    const all = await Promise.all(answers)
    const waited = all.filter(({ sent, took }) => sent < released && sent + took > released - 100 && took > 100)
    const last = Math.max(...waited.map(({ sent, took }) => sent + took)) - released
    const failures = all.filter(({ status }) => status !== 200)
    return {
      sent: all.length,
      waited: waited.length,
      longest: quantile(
        waited.map(({ took }) => took),
        1,
      ),
      last,
      failures,
    }
  } finally {
    clearInterval(timer)
    agent.destroy()
    stop()
  }
}

export async function hold() {
  const { idle, added, failed, outOfOrder } = await heap()
  const { sent, waited, longest, last, failures } = await load()
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1)
  return {
    title: 'requests that wait in the mode hold',
    rows: [
      ['what', 'figure'],
      ['heap of a server with 1,000 connections that are idle, MB', megabytes(idle)],
      ['what 1,000 held requests on them add, MB', megabytes(added)],
      [`requests sent in ${seconds + 2} s, of which the mode was hold for ${seconds} s`, sent],
      ['of them waited for longer than 0.1 s', waited],
      ['longest wait, ms', longest.toFixed(0)],
      ['the last one was answered so long after the hold ended, ms', Math.max(0, last).toFixed(0)],
      ['failed', failures.length],
    ],
    bars: [
      atMost('heap of 1,000 held requests', added / 1e6, 10, ' MB'),
      atMost('of them not answered with 200 after release', failed, 0),
      atMost('of them not released in order', outOfOrder, 0),
      atMost(`failed requests over a hold of ${seconds} s`, failures.length, 0),
    ],
  }
}
