import type { Presence } from '../backends/backend.js'
import { bounded, type Clock, type Timer } from '../clock.js'
import { StateBackendError } from '../errors.js'
import { formatDuration } from '../settings/duration.js'
import type { Reporter } from '../telemetry/warnings.js'
import { clockTolerance, type InstanceRecord, toPresence } from './instance.js'

/** Tells the fleet of this instance. */
export interface Announcer {
  start(): void
  /** What is said of this instance has changed, or may have been lost: it is said at once. */
  announce(): void
  /** Says good-bye. Takes a second at most, and never rejects. */
  stop(): Promise<void>
}

export interface AnnouncerOptions {
  presence: Presence
  /** Of the state backend, for messages. */
  address: string
  clock: Clock
  reporter: Reporter
  /** What is true of this instance now. */
  describe(): Promise<Omit<InstanceRecord, 'at' | 'clockDifference'>>
}

const second = 1000
const heartbeat = 5 * second
/** Of a record that is not renewed. */
const timeToLive = 120 * second
/** Of many that learn of a change in the same moment, all are to decide by it before the first one tells so. Milliseconds. */
const spread = { least: 100, most: 200 }
/** What takes longer has failed. */
const patience = 10 * second
const farewellPatience = second
const firstBackOff = 250

const announcing = 'announcing this instance, so that `fleet` and `--wait` see it'

/** Announces at once when told to and every 5 s, one announcement after the other. What fails is reported once, and tried again. */
export function createAnnouncer({ presence, address, clock, reporter, describe }: AnnouncerOptions): Announcer {
  let state: 'new' | 'started' | 'stopped' = 'new'
  let timer: Timer | undefined
  let inFlight: Promise<void> | undefined
  let soon = false
  let failures = 0
  let announced: string | undefined
  let clockDifference: number | undefined

  function next(delay: number): void {
    timer?.cancel()
    if (state === 'started') timer = clock.setTimer(beat, delay)
  }

  function beat(): void {
    soon = false
    inFlight = say().finally(() => {
      inFlight = undefined
      next(soon ? shortWhile() : failures > 0 ? backOff() : heartbeat * (1 - Math.random() / 10))
    })
  }

  async function say(): Promise<void> {
    try {
      const described = await describe()
      const from = clock.now()
      const record = toPresence({ ...described, at: from, clockDifference })
      announced = record.id
      const late = (): Error => new StateBackendError(`No answer from ${address} within ${formatDuration(patience)}.`)
      const time = await bounded(clock, presence.announce(record, timeToLive), { milliseconds: patience, late })
      failures = 0
      reporter.succeeded(announcing)
      if (time !== undefined) compareClocks(time, from, clock.now())
    } catch (error) {
      failures++
      reporter.failed(announcing, error)
    }
  }

  /** The backend told its time somewhere between `from` and `to`. */
  function compareClocks(time: number, from: number, to: number): void {
    const known = clockDifference !== undefined
    clockDifference = Math.round((from + to) / 2 - time)
    if (!known) announcer.announce()
    const least = Math.abs(clockDifference) - Math.abs(to - from) / 2
    if (least <= clockTolerance) return
    const side = clockDifference > 0 ? 'ahead of' : 'behind'
    reporter.warn(
      'clock-difference',
      `This instance's clock is ${formatDuration(Math.abs(clockDifference))} ${side} that of the state backend, ${address}. Windows begin and end by the clock: have both kept by NTP.`,
    )
  }

  function shortWhile(): number {
    return spread.least + Math.random() * (spread.most - spread.least)
  }

  function backOff(): number {
    return Math.min(firstBackOff * 2 ** (failures - 1), heartbeat) * (1 - Math.random() / 2)
  }

  async function takeLeave(id: string): Promise<void> {
    // What is on its way would arrive after the good-bye.
    await inFlight
    await presence.leave(id)
  }

  const announcer: Announcer = {
    start() {
      if (state !== 'new') return
      state = 'started'
      announcer.announce()
    },
    announce() {
      // One that is about to go out says it already.
      if (state !== 'started' || soon) return
      soon = true
      if (!inFlight) next(shortWhile())
    },
    async stop() {
      if (state === 'stopped') return
      state = 'stopped'
      timer?.cancel()
      if (announced === undefined) return
      const late = (): Error => new StateBackendError(`No answer from ${address} within a second.`)
      try {
        await bounded(clock, takeLeave(announced), { milliseconds: farewellPatience, late, keepAlive: true })
      } catch (error) {
        if (failures === 0) reporter.failed('taking leave of the fleet', error)
      }
    },
  }
  return announcer
}
