import { MaintenanceError, type MaintenanceErrorCode, messageOf } from '../errors.js'

export type FailureKind =
  | 'bad-request'
  | 'wrong-token'
  | 'forbidden'
  | 'other-origin'
  | 'not-found'
  | 'method-not-allowed'
  | 'refused'
  | 'too-long'
  | 'unsupported-type'
  | 'not-yet'
  | 'failed'

/** Why a control URL did not do what it was asked: a stable name for programs, a status, a heading for people. */
const kinds: Readonly<Record<FailureKind, readonly [status: number, title: string]>> = {
  'bad-request': [400, 'This request cannot be understood'],
  'wrong-token': [401, 'This is not the right token'],
  forbidden: [403, 'This page is for superusers'],
  'other-origin': [403, 'This request came from another site'],
  'not-found': [404, 'There is nothing here'],
  'method-not-allowed': [405, 'This address does not take that method'],
  refused: [409, 'The state cannot be changed like that'],
  'too-long': [413, 'This request is too long'],
  'unsupported-type': [415, 'This kind of body cannot be read'],
  'not-yet': [501, 'This is not built yet'],
  failed: [503, 'The state could not be changed'],
}

const kindOfCode: Readonly<Record<MaintenanceErrorCode, FailureKind>> = {
  ERR_MAINTENANCE_SETTING: 'bad-request',
  ERR_MAINTENANCE_TIME: 'bad-request',
  ERR_MAINTENANCE_PINNED: 'refused',
  ERR_MAINTENANCE_LIMIT: 'refused',
  ERR_MAINTENANCE_WINDOW: 'refused',
  ERR_MAINTENANCE_STATE_NEWER: 'refused',
  ERR_MAINTENANCE_NOT_YET: 'not-yet',
  ERR_MAINTENANCE_CONFLICT: 'failed',
  ERR_MAINTENANCE_STATE_DAMAGED: 'failed',
  ERR_MAINTENANCE_BACKEND: 'failed',
}

/** A request to the control URLs that is not done. The message is for people: what, and what to do now. */
export class ControlFailure extends Error {
  override name = 'ControlFailure'
  readonly kind: FailureKind
  readonly status: number
  readonly title: string
  readonly code: MaintenanceErrorCode | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(kind: FailureKind, detail: string, options: { headers?: Record<string, string>; cause?: unknown } = {}) {
    super(detail, { cause: options.cause })
    const [status, title] = kinds[kind]
    this.kind = kind
    this.status = status
    this.title = title
    this.code = options.cause instanceof MaintenanceError ? options.cause.code : undefined
    this.headers = options.headers ?? {}
  }
}

/** Anything that was thrown on the way of a change. */
export function toFailure(error: unknown): ControlFailure {
  if (error instanceof ControlFailure) return error
  const kind = error instanceof MaintenanceError ? kindOfCode[error.code] : 'failed'
  return new ControlFailure(kind, messageOf(error), { cause: error })
}
