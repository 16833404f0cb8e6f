import { assertTimezone, formatInstant } from '../settings/instant.js'
import { hasEnded } from '../state/effective-mode.js'
import { occurrencesFrom, type Phase, phaseOf } from '../state/occurrence.js'
import type { Window } from '../state/window.js'
import type { Context } from './context.js'
import type { Outcome, Table } from './outcome.js'
import { idText, phaseText, recurrenceText, stateText } from './window-text.js'

const shown = 3

/** Everything that is planned. */
export async function list(context: Context): Promise<Outcome> {
  const { store, now } = context
  const document = await store.read()
  const plans = (document?.windows ?? []).filter((window) => window.origin === 'planned' && !hasEnded(window, now()))
  return {
    headline: plans.length === 0 ? 'Nothing is planned' : `${plans.length} planned`,
    closed: false,
    rows: [['state', stateText(context, document?.revision)]],
    table: occurrencesTable(plans, context),
    data: {
      plans: plans.map((window) => ({ ...window, ...planData(window, now()) })),
      revision: document?.revision,
      stateBackend: store.backend.address,
    },
  }
}

/** What is derived of a plan, for programs. */
export function planData(
  window: Window,
  now: number,
): { phase: Phase | undefined; occurrences: { start: Date; end: Date }[] } {
  const next = occurrencesFrom(window, now, shown)
  return {
    phase: phaseOf(window, now),
    occurrences: next.map(({ start, end }) => ({ start: new Date(start), end: new Date(end) })),
  }
}

/** The next occurrences of each, by the clocks of its zone and in UTC. */
export function occurrencesTable(plans: readonly Window[], context: Context): Table {
  const now = context.now()
  return {
    head: ['window', 'phase', 'starts', 'ends', 'starts in UTC', 'recurs', 'why'],
    lines: plans.flatMap((window) => {
      const { recurrence, reason = '' } = window
      const zone = zoneOf(window, context)
      const facts = [recurrence === undefined ? 'once' : recurrenceText(window), reason]
      const next = occurrencesFrom(window, now, shown).map(({ start, end }) =>
        [start, end].map((at) => (Number.isFinite(at) ? formatInstant(new Date(at), zone) : '')).concat(utcText(start)),
      )
      const [first = ['', '', ''], ...others] = next
      const lines = [
        [idText(window), phaseText(window, now), ...first, ...facts],
        ...others.map((times) => ['', '', ...times, '', '']),
      ]
      return lines.map((cells) => ({ cells, loud: false }))
    }),
  }
}

/** Somebody may have edited the state by hand. */
function zoneOf({ recurrence }: Window, { timezone }: Context): string {
  try {
    return recurrence === undefined ? timezone() : assertTimezone(recurrence.timezone)
  } catch {
    return timezone()
  }
}

function utcText(instant: number): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z')
}
