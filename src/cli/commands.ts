import type { CommonOptions, Context } from './context.js'
import type { Outcome } from './outcome.js'
import { runCommand } from './run-definition.js'
import { scheduleCommands } from './schedule-commands.js'
import { tokenCommands } from './token-commands.js'

/** One option, as it is typed after `--`. */
export interface OptionDefinition {
  readonly name: string
  /** What its value is called; a switch has none. */
  readonly value?: string
  readonly doc: string
  readonly choices?: readonly string[]
  /** The option that says the same in other words, or makes no sense beside it. */
  readonly conflicts?: string
  /** The option without which it says nothing. */
  readonly needs?: string
  /** Its value is a whole number, at least 1. */
  readonly count?: true
}

export function isCount(text: string): boolean {
  return /^[1-9]\d{0,5}$/.test(text)
}

export interface CommandDefinition {
  readonly doc: string
  readonly options: readonly OptionDefinition[]
  /** How many words may follow, how they are shown, and what one of them is called. */
  readonly operands?: {
    readonly least: number
    readonly most: number
    readonly usage: string
    readonly name: string
  }
  /** What follows `--` are the words of a command to run. */
  readonly runs?: true
  /** Text below the options. */
  readonly after?: string
  /** Each command loads what it needs only when it is run. */
  readonly load: (() => Promise<Run>) | { readonly first: () => Promise<FirstRun> }
}

// The options of a command are checked by its definition here, before it is called.
export type Run = (context: Context, options: never, operands: readonly string[]) => Promise<Outcome>

/** Runs before there need be any settings, and opens them itself. A number: it has said all that it has to say. */
export type FirstRun = (
  options: never,
  withContext: WithContext,
  operands: readonly string[],
) => Promise<Outcome | number>

/** Finds the settings, opens the state, and takes leave of it. */
export type WithContext = <Result>(
  options: CommonOptions,
  use: (context: Context) => Promise<Result>,
) => Promise<Result>

/** The options that every command takes. */
export const commonOptions: readonly OptionDefinition[] = [
  { name: 'config', value: 'file', doc: 'the config file (default: maintenance-mode.config.* here or above)' },
  {
    name: 'env-file',
    value: 'file',
    doc: 'the environment file (default: .env beside the config file, or of the project)',
  },
  { name: 'state-backend', value: 'url', doc: 'where the state is kept, instead of what the settings say' },
  {
    name: 'via',
    value: 'url',
    doc: 'reach the state through the control URLs of a site: https://shop.example/maintenance-mode',
    conflicts: 'state-backend',
  },
  {
    name: 'token',
    value: 'token',
    doc: 'opens them (default: MAINTENANCE_MODE_ADMIN_TOKEN, which does not show in the list of processes)',
    needs: 'via',
  },
  { name: 'json', doc: 'print one JSON object, errors included' },
]

const print = {
  name: 'print',
  conflicts: 'wait',
  doc: 'change nothing: print the document to put where the state is, on its own; all else goes to the standard error',
}
const waiting: readonly OptionDefinition[] = [
  { name: 'wait', doc: 'wait until every live instance has applied it; ends with 3 if that is not confirmed' },
  { name: 'timeout', value: 'duration', doc: 'how long to wait (default: 60s)', needs: 'wait' },
  { name: 'instances', value: 'n', doc: 'how many there must be (default: 1)', needs: 'wait', count: true },
  { name: 'ignore-lost', doc: 'do not count those that have not been heard of for 15 s', needs: 'wait' },
]
const scope = { name: 'scope', value: 'scope', doc: 'a part of the site or a tenant (default: *, all of it)' }

/** The commands of two words, by the first. */
export const groups: Readonly<Record<string, string>> = {
  schedule: 'plan windows, once or again and again; list, edit, skip and remove what is planned',
  token: 'make, list and revoke the tokens that open the control URLs',
}

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
        print,
        ...waiting,
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
        { name: 'ramp', value: 'duration', doc: 'let visitors in little by little, all of them after so long: 10m' },
        print,
        ...waiting,
      ],
      load: async () => (await import('./off.js')).off,
    },
    extend: {
      doc: 'move the end of a window (default: manual) later; where it has none, the end that visitors are told',
      options: [scope, ...waiting],
      operands: { least: 1, most: 2, usage: '[id] <duration>', name: 'duration' },
      load: async () => (await import('./extend.js')).extend,
    },
    status: {
      doc: 'print the mode, what makes it so, and where the state is',
      options: [{ name: 'exit-code', doc: 'end with 10 when the mode of any scope is not off' }],
      load: async () => (await import('./status.js')).status,
    },
    fleet: {
      doc: 'list the instances that decide by the state, and what is odd about them',
      options: [],
      load: async () => (await import('./fleet.js')).fleet,
    },
    history: {
      doc: 'print who switched what, when, why and from where',
      options: [
        { name: 'last', value: 'n', doc: 'how many entries (default: 20)', count: true },
        { name: 'timezone', value: 'zone', doc: "the zone of times (default: this process's own)" },
      ],
      load: async () => (await import('./history.js')).history,
    },
    ...scheduleCommands,
    run: runCommand,
    ...tokenCommands,
    init: {
      doc: 'set up a project: the config file, .gitignore, and the lines to add',
      options: [
        { name: 'yes', doc: 'do not ask before files are written' },
        { name: 'print', doc: 'write nothing: show what would be written', conflicts: 'yes' },
      ],
      load: { first: async () => (await import('./init.js')).init },
    },
  }),
)
