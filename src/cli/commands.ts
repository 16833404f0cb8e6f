import type { Context } from './context.js'
import type { Outcome } from './outcome.js'

/** One option, as it is typed after `--`. */
export interface OptionDefinition {
  readonly name: string
  /** What its value is called; a switch has none. */
  readonly value?: string
  readonly doc: string
  readonly choices?: readonly string[]
  /** The option that says the same in other words. */
  readonly conflicts?: string
}

export interface CommandDefinition {
  readonly doc: string
  readonly options: readonly OptionDefinition[]
  /** How many words may follow, and how they are shown. */
  readonly operands?: { readonly least: number; readonly most: number; readonly usage: string }
  /** Text below the options. */
  readonly after?: string
  /** Each command loads what it needs only when it is run. */
  load(): Promise<Run>
}

// The options of a command are checked by its definition here, before it is called.
export type Run = (context: Context, options: never, operands: readonly string[]) => Promise<Outcome>

/** The options that every command takes. */
export const commonOptions: readonly OptionDefinition[] = [
  { name: 'config', value: 'file', doc: 'the config file (default: maintenance-mode.config.* here or above)' },
  {
    name: 'env-file',
    value: 'file',
    doc: 'the environment file (default: .env beside the config file, or of the project)',
  },
  { name: 'state-backend', value: 'url', doc: 'where the state is kept, instead of what the settings say' },
  { name: 'json', doc: 'print one JSON object, errors included' },
]

const scope = { name: 'scope', value: 'scope', doc: 'the part of the site (default: *, all of it)' }

export const commands: ReadonlyMap<string, CommandDefinition> = new Map(
  Object.entries<CommandDefinition>({
    on: {
      doc: 'switch maintenance on: open a window, or update the one that is open',
      options: [
        { name: 'mode', value: 'mode', doc: 'what visitors get (default: on)', choices: ['on', 'read-only', 'hold'] },
        scope,
        { name: 'start', value: 'time', doc: 'when it starts (default: now)' },
        { name: 'end', value: 'time', doc: 'when the site reopens by itself; none takes a stored end away' },
        { name: 'for', value: 'duration', doc: 'the same, counted from the start: 90s, 15m, 1h30m', conflicts: 'end' },
        { name: 'expected-end', value: 'time', doc: 'what visitors are told; reopens nothing; none takes it away' },
        { name: 'timezone', value: 'zone', doc: "the zone of times without an offset (default: this process's own)" },
        { name: 'reason', value: 'text', doc: 'shown to visitors' },
        { name: 'note', value: 'text', doc: 'for the history only' },
        { name: 'id', value: 'id', doc: 'tells windows apart (default: manual)' },
      ],
      after: 'Times: 2026-11-22T02:00, 2026-11-22T02:00+01:00, or 02:00 for the next one.',
      load: async () => (await import('./on.js')).on,
    },
    off: {
      doc: 'switch maintenance off: close what was opened by hand',
      options: [
        scope,
        { name: 'id', value: 'id', doc: 'close this window alone' },
        { name: 'all', doc: 'close every window, those that running programs hold too' },
      ],
      load: async () => (await import('./off.js')).off,
    },
    extend: {
      doc: 'move the end of a window (default: manual) later; where it has none, the end that visitors are told',
      options: [scope],
      operands: { least: 1, most: 2, usage: '[id] <duration>' },
      load: async () => (await import('./extend.js')).extend,
    },
    status: {
      doc: 'print the mode, what makes it so, and where the state is',
      options: [{ name: 'exit-code', doc: 'end with 10 when the mode is not off' }],
      load: async () => (await import('./status.js')).status,
    },
  }),
)
