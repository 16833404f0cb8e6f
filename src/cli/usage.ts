import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { CommandLine } from './command-line.js'
import { commands, commonOptions, type OptionDefinition } from './commands.js'

const words = [
  'Answers 503 while work is done on a site, and lets the right people through.',
  'Four words: the mode (off, on) is what visitors get; a window is a span of time with a mode, every `on` opens one; a rule lets some requests through nevertheless; the state backend is where the windows are kept, so that this command and every instance of the app share them.',
].join('\n\n')

/**
 * Reads a command line that is not plainly right.
 *
 * @throws CommanderError that says what is wrong and what was meant, or that help or version was shown
 */
export function readWithCommander(argv: readonly string[]): CommandLine {
  let read: CommandLine | undefined
  const program = new Command('maintenance-mode')
    .description(words)
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    .configureOutput({ outputError() {} })
    .exitOverride()
  for (const option of commonOptions) program.addOption(toOption(option))

  for (const [name, definition] of commands) {
    const { doc, options, operands, after } = definition
    const command = program.command(name).description(doc)
    for (const option of options) command.addOption(toOption(option))
    for (let count = 1; count <= (operands?.most ?? 0); count++) {
      command.argument(count <= (operands?.least ?? 0) ? '<duration>' : '[duration]')
    }
    if (operands) command.usage(`[options] ${operands.usage}`)
    if (after !== undefined) command.addHelpText('after', `\n${after}`)
    command.action(() => {
      read = { command: definition, options: command.optsWithGlobals(), operands: command.args }
    })
  }
  program.parse(argv, { from: 'user' })
  return read as CommandLine
}

function toOption({ name, value, doc, choices, conflicts }: OptionDefinition): Option {
  const option = new Option(value === undefined ? `--${name}` : `--${name} <${value}>`, doc)
  if (conflicts !== undefined) option.conflicts(conflicts)
  if (choices) return option.choices(choices)
  return value === undefined ? option : option.argParser(notAnOption)
}

/** `on --reason --for 30m` has forgotten the reason. */
function notAnOption(value: string): string {
  if (/^--?[a-z]/i.test(value)) {
    throw new InvalidArgumentError('That is another option, so the value is missing.')
  }
  return value
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return version as string
}
