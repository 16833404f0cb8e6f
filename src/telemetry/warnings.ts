import { messageOf } from '../errors.js'

/** Where warnings and errors go. `console` and most loggers fit. */
export interface Logger {
  warn(message: string): void
  error(message: string): void
}

/** Every warning by the name it can be silenced with. */
export const warningNames = [
  'pinned-mode',
  'unknown-variable',
  'state-backend-in-code',
  'memory-backend',
  'unshared-state',
  'no-compare-and-set',
  'clock-difference',
  'no-login-url',
  'status-code',
  'unknown-router',
  'mounted-twice',
  'mounted-after-routes',
  'untrusted-proxy',
  'unknown-user',
  'cannot-notify',
] as const

export type WarningName = (typeof warningNames)[number]

/** Says things once: a warning by its name, a failure by its place. */
export interface Reporter {
  /** A named warning about how the site is set up, with the fix; said once, and not at all if silenced. */
  warn(name: WarningName, message: string): void
  /** Something failed that must not break the request; each `place` is reported once until it succeeds again. */
  failed(place: string, error: unknown): void
  /** What had failed works again. */
  succeeded(place: string): void
}

const docs = 'node_modules/maintenance-mode/docs/warnings.md'

export function createReporter(logger: Logger, silence: readonly string[]): Reporter {
  const warned = new Set<string>(silence)
  const failing = new Set<string>()
  const log = (level: 'warn' | 'error', message: string): void => {
    try {
      const said: unknown = logger[level](`maintenance-mode: ${message}`)
      Promise.resolve(said).catch(() => {})
    } catch {
      // A logger that is closed or broken must not take the host with it.
    }
  }
  return {
    warn(name, message) {
      if (warned.has(name)) return
      warned.add(name)
      log('warn', `${message} [${name}, see ${docs}#${name}; silence: ['${name}']]`)
    },
    failed(place, error) {
      if (failing.has(place)) return
      failing.add(place)
      log('error', `${place}: ${messageOf(error)}`)
    },
    succeeded(place) {
      failing.delete(place)
    },
  }
}
