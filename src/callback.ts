import type { Clock } from './clock.js'
import { MaintenanceError } from './errors.js'
import type { Reporter } from './telemetry/warnings.js'

/** How long a callback of the operator's may keep a request waiting, in milliseconds. */
const patience = 1000

/**
 * Calls what the operator gave. What throws, or takes longer than a second, is reported once and has no opinion:
 * it never breaks the host.
 */
export type CallbackRunner = <Value>(
  name: string,
  call: () => Value | Promise<Value>,
) => Value | undefined | Promise<Value | undefined>

export function createCallbackRunner(clock: Clock, reporter: Reporter): CallbackRunner {
  const late = (name: string): Error =>
    new MaintenanceError(
      'ERR_MAINTENANCE_SETTING',
      `${name} gave no answer within ${patience} ms; it counts as no opinion.`,
    )
  return (name, call) => {
    try {
      const value = call()
      if (!isPromise(value)) return value
      return new Promise((resolve) => {
        const giveUp = (error: unknown): void => {
          timer.cancel()
          reporter.failed(name, error)
          resolve(undefined)
        }
        const timer = clock.setTimer(() => giveUp(late(name)), patience)
        // By way of a promise of our own: a thenable may throw, or answer twice.
        Promise.resolve(value).then((result) => {
          timer.cancel()
          resolve(result)
        }, giveUp)
      })
    } catch (error) {
      reporter.failed(name, error)
      return undefined
    }
  }
}

/** Whether a value must be awaited; thenables of other libraries included. */
export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
