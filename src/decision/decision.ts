import type { Mode } from '../state/window.js'

/** The rule that decided, by name. */
export type RuleName =
  | 'forced-off'
  | 'forced-on'
  | 'mode-off'
  | 'control'
  | 'health'
  | 'tests'
  | 'ip-address'
  | 'url'
  | 'admin-site'
  | 'login'
  | 'redirect-target'
  | 'ignore-request'
  | 'anonymous-user'
  | 'authenticated-user'
  | 'staff'
  | 'superuser'
  | 'closed'
  | 'failed'

/** What is done with one request, and why: a value, never a bare boolean. */
export interface Decision {
  readonly action: 'allow' | 'block' | 'redirect'
  readonly rule: RuleName
  /** Why it was decided so: one sentence for operators. */
  readonly reason: string
  /** What visitors are told of the window's reason. */
  readonly publicReason: string | undefined
  readonly mode: Mode
  /** The id of the window that closes the site, where one does. */
  readonly window: string | undefined
  /** When the site is expected back, where that is known. */
  readonly until: Date | undefined
  /** Whether another visitor might have got another answer: such a response must not be kept by a shared cache. */
  readonly personal: boolean
}
