import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type CommonOptions, type Context, openContext } from './context.js'
import type { Outcome } from './outcome.js'

type Run = (context: Context, options: never, given: string[]) => Promise<Outcome>

const words = [
  'Answers 503 while work is done on a site, and lets the right people through.',
  'Four words: the mode (off, on) is what visitors get; a window is a span of time with a mode, every `on` opens one; a rule lets some requests through nevertheless; the state backend is where the windows are kept, so that this command and every instance of the app share them.',
].join('\n\n')

/**
 * Reads the command line and runs the command.
 *
 * @throws CommanderError for wrong usage, and where help or version was shown
 */
export async function runProgram(argv: readonly string[], warn: (message: string) => void): Promise<Outcome> {
  let outcome: Outcome | undefined
  // Each command loads what it needs only when it is run.
  const runs =
    (load: () => Promise<Run>) =>
    async (...given: unknown[]): Promise<void> => {
      const command = given.at(-1) as Command
      const run = await load()
      const options = command.optsWithGlobals<CommonOptions>()
      outcome = await run(await openContext(options, warn), options as never, command.args)
    }

  const program = new Command('maintenance-mode')
    .description(words)
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    .configureOutput({ outputError() {} })
    .exitOverride()
    .addOption(flag('--config <file>', 'the config file (default: maintenance-mode.config.* here or above)'))
    .addOption(
      flag('--env-file <file>', 'the environment file (default: .env beside the config file, or of the project)'),
    )
    .addOption(flag('--state-backend <url>', 'where the state is kept, instead of what the settings say'))
    .option('--json', 'print one JSON object, errors included')

  program
    .command('on')
    .description('switch maintenance on: open a window, or update the one that is open')
    .addOption(new Option('--mode <mode>', 'what visitors get (default: on)').choices(['on', 'read-only', 'hold']))
    .addOption(flag('--scope <scope>', 'the part of the site (default: *, all of it)'))
    .addOption(flag('--start <time>', 'when it starts (default: now)'))
    .addOption(flag('--end <time>', 'when the site reopens by itself; none takes a stored end away'))
    .addOption(flag('--for <duration>', 'the same, counted from the start: 90s, 15m, 1h30m').conflicts('end'))
    .addOption(flag('--expected-end <time>', 'what visitors are told; reopens nothing; none takes it away'))
    .addOption(flag('--timezone <zone>', "the zone of times without an offset (default: this process's own)"))
    .addOption(flag('--reason <text>', 'shown to visitors'))
    .addOption(flag('--note <text>', 'for the history only'))
    .addOption(flag('--id <id>', 'tells windows apart (default: manual)'))
    .addHelpText('after', '\nTimes: 2026-11-22T02:00, 2026-11-22T02:00+01:00, or 02:00 for the next one.')
    .action(runs(async () => (await import('./on.js')).on))

  program
    .command('off')
    .description('switch maintenance off: close what was opened by hand')
    .addOption(flag('--scope <scope>', 'the part of the site (default: *, all of it)'))
    .addOption(flag('--id <id>', 'close this window alone'))
    .option('--all', 'close every window, those that running programs hold too')
    .action(runs(async () => (await import('./off.js')).off))

  program
    .command('extend')
    .description('move the end of a window (default: manual) later; where it has none, the end that visitors are told')
    .usage('[options] [id] <duration>')
    // A lone argument is the duration, so the id, which goes before it, is the one that may be missing.
    .argument('<duration>')
    .argument('[duration]')
    .addOption(flag('--scope <scope>', 'the part of the site (default: *, all of it)'))
    .action(runs(async () => (await import('./extend.js')).extend))

  program
    .command('status')
    .description('print the mode, what makes it so, and where the state is')
    .option('--exit-code', 'end with 10 when the mode is not off')
    .action(runs(async () => (await import('./status.js')).status))

  await program.parseAsync(argv)
  return outcome as Outcome
}

/** An option with a value. The name of another option is none: `on --reason --json` has forgotten the reason. */
function flag(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value: string) => {
    if (/^--?[a-z]/i.test(value)) throw new InvalidArgumentError('That is another option, so the value is missing.')
    return value
  })
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return version as string
}
