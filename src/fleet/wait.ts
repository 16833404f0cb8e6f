import { MaintenanceError, TimeError } from '../errors.js'
import { parseDuration } from '../settings/duration.js'
import { didYouMean } from '../settings/nearest.js'

/** For what `setMode` waits before it resolves. */
export interface WaitOptions {
  /** How long at most: `90s`, `2m`, or seconds. Default: 60 s. */
  timeout?: string | number | undefined
  /** How many instances there must be at least. Default: one. 0: none is enough, where the app may have been stopped. */
  instances?: number | undefined
  /** Instances that have not been heard of for 15 s, and did not say good-bye, do not count. */
  ignoreLost?: boolean | undefined
}

/** The same, checked. */
export interface Wait {
  /** Milliseconds. */
  timeout: number
  /** `undefined`: one is enough, or none where none can be seen. 0: none is enough. */
  instances: number | undefined
  ignoreLost: boolean
}

const usual: Wait = { timeout: 60_000, instances: undefined, ignoreLost: false }
const known = ['timeout', 'instances', 'ignoreLost'] as const

/** @throws MaintenanceError, TimeError */
export function readWait(wait: boolean | WaitOptions | undefined): Wait | undefined {
  if (wait === undefined || wait === false) return undefined
  if (wait === true) return usual
  if (typeof wait !== 'object' || wait === null)
    throw wrong('`wait` must be true, or { timeout, instances, ignoreLost }')
  for (const name of Object.keys(wait)) {
    if (!known.includes(name as keyof Wait)) throw wrong(`Unknown option \`wait.${name}\`.${didYouMean(name, known)}`)
  }
  const { timeout, instances, ignoreLost = false } = wait
  if (instances !== undefined && !(Number.isSafeInteger(instances) && instances >= 0)) {
    throw wrong('The option `wait.instances` must be a whole number, 0 or more.')
  }
  if (typeof ignoreLost !== 'boolean') throw wrong('The option `wait.ignoreLost` must be true or false.')
  return { timeout: timeout === undefined ? usual.timeout : readTimeout(timeout), instances, ignoreLost }
}

function readTimeout(timeout: string | number): number {
  const length = parseDuration(timeout)
  if (length > 0) return length
  throw new TimeError(`The timeout "${timeout}" is none at all: write for example 30s or 2m.`)
}

function wrong(message: string): Error {
  return new MaintenanceError('ERR_MAINTENANCE_SETTING', message)
}
