import type { MaintenanceErrorCode } from '../errors.js'

/** What a command has to say, to people and to programs. */
export interface Outcome {
  /** What holds now. */
  headline: string
  /** Whether the site is closed. */
  closed: boolean
  rows: Row[]
  /** Below the rows. */
  table?: Table | undefined
  /** What to type next. */
  next?: string | undefined
  /** What `--json` prints. */
  data: Record<string, unknown>
  /** Printed exactly so on the standard output, instead of anything else. */
  document?: string | undefined
  /** What was asked, but is not so; the command fails. */
  problem?: string | undefined
  /** Which kind of problem it is. Default: `ERR_MAINTENANCE_WINDOW`, something else still decides. */
  problemCode?: MaintenanceErrorCode | undefined
  /** Instead of 0. */
  exitCode?: number | undefined
}

export type Row = readonly [label: string, text: string, loud?: 'loud']

export interface Table {
  head: readonly string[]
  lines: readonly { cells: readonly string[]; loud: boolean }[]
}
