import type { Decision } from '../decision/decision.js'

interface Words {
  readonly title: string
  /** What a client has to know whatever the reason is. */
  readonly told?: string
  /** Before the instant at which it is expected to be over. */
  readonly until: string
}

const closed: Words = { title: 'Down for maintenance', until: 'Expected back' }
const readOnly: Words = {
  title: 'Read-only for maintenance',
  told: 'Reading goes on as usual, but this change was not made.',
  until: 'Paused until',
}
const reopening: Words = {
  title: 'Reopening after maintenance',
  told: 'Visitors are let in little by little: try again in a moment.',
  until: 'Open to everybody by',
}

/** What a refusal says where no page does. */
export function wordsOf({ mode, reopening: opens }: Pick<Decision, 'mode' | 'reopening'>): Words {
  if (mode === 'read-only') return readOnly
  return opens ? reopening : closed
}

/** The refusal for a client that wants neither HTML nor JSON. */
export function renderText(
  decision: Pick<Decision, 'mode' | 'reopening' | 'until'>,
  reason: string | undefined,
): string {
  const { title, told, until } = wordsOf(decision)
  const lines = [`${title}.`, told, reason, decision.until && `${until}: ${decision.until.toISOString()}`]
  return `${lines.filter((line) => line !== undefined).join('\n')}\n`
}
