import type { CommandDefinition, OptionDefinition } from './commands.js'

const scope: OptionDefinition = {
  name: 'scope',
  value: 'scope',
  doc: 'a part of the site or a tenant (default: *, all of it)',
}
const terms: readonly OptionDefinition[] = [
  { name: 'mode', value: 'mode', doc: 'what visitors get (default: on)', choices: ['on', 'read-only', 'hold'] },
  scope,
  { name: 'start', value: 'time', doc: 'when it starts, once', conflicts: 'cron' },
  { name: 'cron', value: 'expression', doc: 'when it starts, again and again: "0 2 * * SUN#1"', conflicts: 'start' },
  { name: 'timezone', value: 'zone', doc: "whose clocks these go by: Europe/Rome (default: this process's own)" },
  { name: 'for', value: 'duration', doc: 'how long it takes: 90s, 15m, 1h30m', conflicts: 'end' },
  { name: 'end', value: 'time', doc: 'when it ends, instead of --for', conflicts: 'cron' },
  { name: 'expected-end', value: 'time', doc: 'what visitors are told; none takes it away', conflicts: 'cron' },
  {
    name: 'announce',
    value: 'duration',
    doc: 'how long before its start people are told of it: 7d; none takes it away',
  },
  { name: 'hold-closed', doc: 'stay closed after the end, until `off`' },
  { name: 'reason', value: 'text', doc: 'shown to visitors' },
  { name: 'note', value: 'text', doc: 'for the history only' },
]

/** What is done with planned windows. */
export const scheduleCommands: Readonly<Record<string, CommandDefinition>> = {
  'schedule add': {
    doc: 'plan a window, with --start or --cron',
    options: [...terms, { name: 'id', value: 'id', doc: 'its name (default: plan-1, plan-2, …)' }],
    after:
      'Times: 2026-11-22T02:00, 2026-11-22T02:00+01:00, or 02:00 for the next one.\nCron: minute, hour, day of the month, month, day of the week; SUN#1 is the first Sunday of a month, L its last day.',
    load: async () => (await import('./schedule.js')).add,
  },
  'schedule list': {
    doc: 'list what is planned: the phase, and the next three occurrences of each',
    options: [{ name: 'timezone', value: 'zone', doc: "the zone of times (default: this process's own)" }],
    load: async () => (await import('./schedule-list.js')).list,
  },
  'schedule edit': {
    doc: 'change what is given of a plan; with another start, its other times move along',
    options: [
      ...terms,
      { name: 'reopen-at-end', doc: 'undo --hold-closed: the end reopens by itself', conflicts: 'hold-closed' },
    ],
    operands: { least: 1, most: 1, usage: '<id>', name: 'id' },
    load: async () => (await import('./schedule.js')).edit,
  },
  'schedule skip': {
    doc: 'leave out what begins on a date (2026-12-06), by the clocks of the plan',
    options: [scope],
    operands: { least: 2, most: 2, usage: '<id> <date>', name: 'id and date' },
    load: async () => (await import('./schedule.js')).skip,
  },
  'schedule remove': {
    doc: 'take a plan away, with all its occurrences',
    options: [scope],
    operands: { least: 1, most: 1, usage: '<id>', name: 'id' },
    load: async () => (await import('./schedule.js')).remove,
  },
}
