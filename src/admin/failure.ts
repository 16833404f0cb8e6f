import { type MaintenanceErrorCode, messageOf } from '../errors.js'

export type FailureKind =
  | 'bad-request'
  | 'wrong-token'
  | 'forbidden'
  | 'other-origin'
  | 'not-found'
  | 'method-not-allowed'
  | 'refused'
  | 'conflict'
  | 'too-long'
  | 'unsupported-type'
  | 'unreadable'
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
  conflict: [409, 'The state was changed by somebody else'],
  'too-long': [413, 'This request is too long'],
  'unsupported-type': [415, 'This kind of body cannot be read'],
  unreadable: [503, 'The state cannot be read'],
  failed: [503, 'The state could not be changed'],
}

const kindOfCode: Readonly<Record<MaintenanceErrorCode, FailureKind>> = {
  ERR_MAINTENANCE_SETTING: 'bad-request',
  ERR_MAINTENANCE_TIME: 'bad-request',
  ERR_MAINTENANCE_PINNED: 'refused',
  ERR_MAINTENANCE_LIMIT: 'refused',
  ERR_MAINTENANCE_WINDOW: 'refused',
  ERR_MAINTENANCE_TOKEN: 'refused',
  ERR_MAINTENANCE_STATE_NEWER: 'refused',
  ERR_MAINTENANCE_UNSUPPORTED: 'refused',
  ERR_MAINTENANCE_CONFLICT: 'conflict',
  ERR_MAINTENANCE_STATE_DAMAGED: 'failed',
  ERR_MAINTENANCE_BACKEND: 'failed',
  ERR_MAINTENANCE_NOT_CONFIRMED: 'failed',
  ERR_MAINTENANCE_NOT_WRITABLE: 'refused',
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
    this.code = codeOf(options.cause)
    this.headers = options.headers ?? {}
  }
}

/** Anything that was thrown on the way of a change. */
export function toFailure(error: unknown): ControlFailure {
  if (error instanceof ControlFailure) return error
  const code = codeOf(error)
  return new ControlFailure(code ? kindOfCode[code] : 'failed', messageOf(error), { cause: error })
}

/** By code, not by class: a backend may come with another copy of this package. */
function codeOf(error: unknown): MaintenanceErrorCode | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && Object.hasOwn(kindOfCode, code) ? (code as MaintenanceErrorCode) : undefined
}
