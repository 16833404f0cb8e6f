import type { ModeChange } from './control.js'
import type { FleetReport } from './fleet/convergence.js'
import type { Mode } from './state/window.js'

export type MaintenanceErrorCode =
  | 'ERR_MAINTENANCE_SETTING'
  | 'ERR_MAINTENANCE_TIME'
  | 'ERR_MAINTENANCE_PINNED'
  | 'ERR_MAINTENANCE_UNSUPPORTED'
  | 'ERR_MAINTENANCE_LIMIT'
  | 'ERR_MAINTENANCE_WINDOW'
  | 'ERR_MAINTENANCE_TOKEN'
  | 'ERR_MAINTENANCE_CONFLICT'
  | 'ERR_MAINTENANCE_STATE_DAMAGED'
  | 'ERR_MAINTENANCE_STATE_NEWER'
  | 'ERR_MAINTENANCE_BACKEND'
  | 'ERR_MAINTENANCE_NOT_CONFIRMED'
  | 'ERR_MAINTENANCE_NOT_WRITABLE'

/** Every error of this package: a stable `code` for programs, a message that says what, where and what to do for people. */
export class MaintenanceError extends Error {
  override name = 'MaintenanceError'
  readonly code: MaintenanceErrorCode

  constructor(code: MaintenanceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A setting is unknown, malformed or contradictory. Thrown at the start, never while a request is served. */
export class SettingError extends MaintenanceError {
  override name = 'SettingError'
  /** The setting's option name, `ignoreUrls` for one. */
  readonly setting: string

  constructor(setting: string, message: string, options?: ErrorOptions) {
    super('ERR_MAINTENANCE_SETTING', message, options)
    this.setting = setting
  }
}

/** A time, duration or time zone cannot be read, or does not make sense (an end before its start, an end in the past). */
export class TimeError extends MaintenanceError {
  override name = 'TimeError'

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MAINTENANCE_TIME', message, options)
  }
}

/** The mode is pinned by the setting `mode`, so the stored state cannot be changed through this process. */
export class PinnedModeError extends MaintenanceError {
  override name = 'PinnedModeError'

  constructor(message: string) {
    super('ERR_MAINTENANCE_PINNED', message)
  }
}

/** Somebody else changed the state between the read and the write. Transitions are tried again; a caller sees it only when ten tries were not enough. */
export class StateConflictError extends MaintenanceError {
  override name = 'StateConflictError'

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MAINTENANCE_CONFLICT', message, options)
  }
}

/** The stored state is there but cannot be understood. The last known state stands. */
export class StateDamagedError extends MaintenanceError {
  override name = 'StateDamagedError'

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MAINTENANCE_STATE_DAMAGED', message, options)
  }
}

/** The state backend could not be read or written. */
export class StateBackendError extends MaintenanceError {
  override name = 'StateBackendError'

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MAINTENANCE_BACKEND', message, options)
  }
}

/** The change was made, and stands, but the fleet has not confirmed it (`wait`). */
export class NotConfirmedError extends MaintenanceError {
  override name = 'NotConfirmedError'
  /** What was changed. */
  readonly change: ModeChange
  /** Who has confirmed it, and who has not. */
  readonly fleet: FleetReport

  constructor(message: string, change: ModeChange, fleet: FleetReport) {
    super('ERR_MAINTENANCE_NOT_CONFIRMED', message)
    this.change = change
    this.fleet = fleet
  }
}

/**
 * `assertWritable` was called while nothing may be written. Where it reaches the error handler of Express, Fastify or Koa,
 * the answer has the status and headers of a refusal.
 */
export class NotWritableError extends MaintenanceError {
  override name = 'NotWritableError'
  readonly mode: Mode
  /** When it is expected to be over, where that is known. */
  readonly until: Date | undefined
  /** That of a refusal: `statusCode`, in mode `read-only` `readOnlyStatusCode`. */
  readonly statusCode: number
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Its message holds nothing but what visitors are told. */
  readonly expose = true

  /** @param retryAfter seconds; 0 for none */
  constructor(
    message: string,
    { mode, until, statusCode }: Pick<NotWritableError, 'mode' | 'until' | 'statusCode'>,
    retryAfter: number,
  ) {
    super('ERR_MAINTENANCE_NOT_WRITABLE', message)
    this.mode = mode
    this.until = until
    this.status = this.statusCode = statusCode
    const wait: Record<string, string> = retryAfter > 0 ? { 'Retry-After': String(retryAfter) } : {}
    this.headers = { 'Cache-Control': 'no-store', 'Maintenance-Mode': mode, ...wait }
  }
}

/** By code, not by class: a backend may come with another copy of this package, the command line's for one. */
export function hasCode(error: unknown, code: MaintenanceErrorCode): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === code
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error)
  } catch {
    return 'something that cannot be shown was thrown'
  }
}
