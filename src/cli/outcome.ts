/** What a command has to say, to people and to programs. */
export interface Outcome {
  /** What holds now. */
  headline: string
  /** Whether the site is closed. */
  closed: boolean
  rows: Row[]
  /** What to type next. */
  next?: string | undefined
  /** What `--json` prints. */
  data: Record<string, unknown>
  /** What was asked, but is not so; the command fails. */
  problem?: string | undefined
  /** Instead of 0. */
  exitCode?: number | undefined
}

export type Row = readonly [label: string, text: string]
