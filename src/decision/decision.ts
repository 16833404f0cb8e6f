import type { Mode } from '../state/window.js'

/** The rule that decided, by name. */
export type RuleName =
  | 'forced-off'
  | 'forced-on'
  | 'mode-off'
  | 'control'
  | 'health'
  | 'read-only'
  | 'writable-url'
  | 'tests'
  | 'ip-address'
  | 'url'
  | 'admin-site'
  | 'login'
  | 'redirect-target'
  | 'ignore-request'
  | 'reopening'
  | 'anonymous-user'
  | 'authenticated-user'
  | 'staff'
  | 'superuser'
  | 'closed'
  | 'hold-limit'
  | 'hold-timeout'
  | 'hold-stopped'
  | 'failed'

/** What is done with one request, and why: a value, never a bare boolean. */
export interface Decision {
  /** `hold`: it waits, and is decided about again. */
  readonly action: 'allow' | 'block' | 'redirect' | 'hold'
  readonly rule: RuleName
  /** Why it was decided so: one sentence for operators. */
  readonly reason: string
  /** What visitors are told of the window's reason. */
  readonly publicReason: string | undefined
  readonly mode: Mode
  /** The id of the window that closes the site, where one does. */
  readonly window: string | undefined
  /** The scope of that window: `*`, the whole site, or a part of it. */
  readonly scope: string | undefined
  /** When the site is expected back, where that is known. */
  readonly until: Date | undefined
  /** Whether visitors are let in again little by little. */
  readonly reopening: boolean
  /** Whether another visitor might have got another answer: such a response must not be kept by a shared cache. */
  readonly personal: boolean
}
