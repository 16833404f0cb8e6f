import type { CommandDefinition } from './commands.js'

/** What is done around a command. */
export const runCommand: CommandDefinition = {
  doc: 'run a command behind a closed site: close, wait for the fleet, run, reopen',
  runs: true,
  options: [
    { name: 'mode', value: 'mode', doc: 'what visitors get (default: on)', choices: ['on', 'read-only', 'hold'] },
    { name: 'scope', value: 'scope', doc: 'the part of the site (default: *, all of it)' },
    { name: 'end', value: 'time', doc: 'when the site reopens at the latest, whether the command is done or not' },
    { name: 'for', value: 'duration', doc: 'the same, counted from now: 90s, 15m, 1h30m', conflicts: 'end' },
    { name: 'expected-end', value: 'time', doc: 'what visitors are told; reopens nothing' },
    { name: 'timezone', value: 'zone', doc: "the zone of times without an offset (default: this process's own)" },
    { name: 'reason', value: 'text', doc: 'shown to visitors' },
    { name: 'note', value: 'text', doc: 'for the history only (default: the command, up to its first option)' },
    { name: 'id', value: 'id', doc: 'the name of the window; takes over one that was kept closed under it' },
    {
      name: 'on-failure',
      value: 'policy',
      doc: 'what becomes of the site when the command fails, or this one is killed (default: keep)',
      choices: ['keep', 'reopen'],
    },
    { name: 'no-wait', doc: 'start the command at once, whether instances have closed or not' },
    {
      name: 'timeout',
      value: 'duration',
      doc: 'how long to wait; then the command is not started (default: 60s)',
      conflicts: 'no-wait',
    },
    {
      name: 'instances',
      value: 'n',
      doc: 'how many there must be (default: none need be, as the app may be stopped)',
      conflicts: 'no-wait',
      count: true,
    },
    {
      name: 'ignore-lost',
      doc: 'do not count those that have not been heard of for 15 s',
      conflicts: 'no-wait',
    },
  ],
  after:
    'Ends with the exit code of the command: 128+n where signal n ended it, 127 where it is not found, 126 where it cannot be executed; 125 where it was not started.',
  load: { first: async () => (await import('./run.js')).run },
}
