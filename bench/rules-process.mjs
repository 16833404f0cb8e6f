// What many rules add to one decision, and to the start.
import { createMaintenance } from 'maintenance-mode'
import { measure } from 'mitata'
import { NodeRequest } from '../dist/adapters/node-request.js'
import { engineOf } from '../dist/engine.js'
import { interleave } from './measure.mjs'

const rounds = 7
const many = 100_000
const clients = 65_536

// The same figures in every run.
let seed = 42
function random(below) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 2 ** 32) * below)
}
const list = (length, make) => Array.from({ length }, (_, index) => make(index))
const ipv4 = (value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
const group = () => random(65_536).toString(16)

/** Ranges with one bit set that addresses outside of all of them have not, so that misses lie between them. */
const apart = 1 << 12
const ranges4 = list(many, () => {
  const prefix = 20 + random(13)
  const network = ((random(2 ** 32) | apart) & (0xffffffff << (32 - prefix))) >>> 0
  return { text: `${ipv4(network)}/${prefix}`, within: () => ipv4(network + random(2 ** (32 - prefix))) }
})
const outside4 = () => ipv4((random(2 ** 32) & ~apart) >>> 0)
const network6 = (odd) => `2001:${group()}:${((random(65_536) | 1) ^ (odd ? 0 : 1)).toString(16)}`
const ranges6 = list(many, () => {
  const network = network6(true)
  return { text: `${network}::/48`, within: () => `${network}:${group()}::${group()}` }
})
const outside6 = () => `${network6(false)}:${group()}::${group()}`
const paths = list(10_000, (index) => {
  const place = `/area-${random(300)}/item-${index}`
  return index % 2 === 0
    ? { text: place, within: () => place }
    : { text: `${place}/**`, within: () => `${place}/${group()}` }
})

const anyOf = (ranges) => () => ranges[random(ranges.length)].within()
const elsewhere = () => `/area-${random(300)}/other-${random(10_000)}/${group()}`

const texts = (entries) => entries.map(({ text }) => text)
const ignoreIpv4 = { ignoreIpAddresses: texts(ranges4) }
const ignoreIpv6 = { ignoreIpAddresses: texts(ranges6) }
const ignoreUrls = { ignoreUrls: texts(paths) }
const cases = [
  ['100,000 IPv4 ranges, hit', ignoreIpv4, list(clients, anyOf(ranges4)), true],
  ['100,000 IPv4 ranges, miss', ignoreIpv4, list(clients, outside4), false],
  ['100,000 IPv6 ranges, hit', ignoreIpv6, list(clients, anyOf(ranges6)), true],
  ['100,000 IPv6 ranges, miss', ignoreIpv6, list(clients, outside6), false],
  ['10,000 exact paths and prefix globs, hit', ignoreUrls, list(clients, anyOf(paths)), true],
  ['10,000 exact paths and prefix globs, miss', ignoreUrls, list(clients, elsewhere), false],
]

const logger = { ...console, warn() {} }
const started = new Map()
function engineWith(rules) {
  const before = performance.now()
  const engine = engineOf(createMaintenance({ ...rules, mode: 'on', logger }))
  started.set(rules, performance.now() - before)
  return engine
}

/** Decides about one request after the other. Each comes in new strings, as from a socket. */
function deciding(engine, key, values) {
  const bytes = Buffer.from(values.join(''))
  let end = 0
  const ends = Uint32Array.from(values, (value) => (end += value.length))
  let index = 0
  let start = 0
  return () => {
    const value = bytes.latin1Slice(start, ends[index])
    start = ends[index]
    if (++index === ends.length) index = start = 0
    const [url, remoteAddress] = key === 'url' ? [value, '192.0.2.1'] : ['/products?page=2', value]
    const native = { method: 'GET', url, headers: {}, rawHeaders: [], socket: { remoteAddress } }
    return engine.decide(new NodeRequest(native, engine.clientAddress))
  }
}

const without = engineWith({})
const engines = new Map([ignoreIpv4, ignoreIpv6, ignoreUrls].map((rules) => [rules, engineWith(rules)]))
const results = cases.map(([title, rules, values, allowed]) => {
  const key = rules === ignoreUrls ? 'url' : 'address'
  const decide = deciding(engines.get(rules), key, values)
  for (const value of values) {
    if ((decide().action === 'allow') !== allowed) throw new Error(`${title}: decided wrongly about ${value}.`)
  }
  const calls = { with: decide, without: deciding(without, key, values) }
  return { calls, figures: { title, startUp: started.get(rules), with: [], without: [] } }
})
await interleave(rounds, results, ({ calls, figures }) =>
  interleave(1, Object.keys(calls), async (name) => {
    const { p50 } = await measure(calls[name], { min_cpu_time: 100e6 })
    figures[name].push(p50)
  }),
)
process.send(results.map(({ figures }) => figures))
process.disconnect()
