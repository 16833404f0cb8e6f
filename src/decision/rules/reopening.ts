import type { Clock } from '../../clock.js'
import { isIpv4, readAddress } from '../../request/address-text.js'
import type { Closure } from '../../state/closure.js'
import type { Opening, Rule } from '../rule.js'

type Ramps = NonNullable<Closure['ramps']>

const opening: Opening = {
  rule: 'reopening',
  reason: 'the site is reopening, and the share that is let in has come to this visitor',
  personal: true,
}

/** While a site reopens gently: a share of the visitors that grows, whoever is in it stays in it. */
export function compileReopeningRule(clock: Pick<Clock, 'now'>): Rule {
  const words = new Uint32Array(4)
  return ({ ip }, _path, { ramps }) => {
    if (!ramps || ip === undefined || !readAddress(ip, words)) return undefined
    return placeOf(words, ramps) < shareAt(ramps, clock.now()) ? opening : undefined
  }
}

/** The share that is let in, from 0 to 1: the smallest where several windows reopen. */
function shareAt(ramps: Ramps, now: number): number {
  return ramps.reduce((share, { from, until }) => Math.min(share, (now - from) / (until - from)), 1)
}

/**
 * A visitor's place from 0 to 1, by the address: all of it in IPv4, the first 64 bits in IPv6, of which a household has
 * many. Another reopening has other first ones; the last window to be open makes them, so that nobody's place changes when
 * another one is.
 */
function placeOf(words: Uint32Array, ramps: Ramps): number {
  const [a, b, , d] = words as unknown as [number, number, number, number]
  const seed = Math.max(...ramps.map(({ until }) => until)) >>> 0
  return mix(isIpv4(words) ? mix(seed, d) : mix(mix(seed, a), b), 0) / 2 ** 32
}

/** Every bit of both changes about half of those that come out. */
function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash ^ word, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
