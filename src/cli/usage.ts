import { Command, InvalidArgumentError, Option } from 'commander'
import { version } from '../version.js'
import type { CommandLine } from './command-line.js'
import { commands, commonOptions, groups, isCount, type OptionDefinition } from './commands.js'
import { foreignWords, ownWords } from './words.js'

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
  const foreign = foreignWords(argv)
  const program = new Command('maintenance-mode')
    .description(words)
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    .configureOutput({ outputError() {} })
    .exitOverride()
  for (const option of commonOptions) program.addOption(toOption(option))

  const parents = new Map<string, Command>()
  const parentOf = (word: string): Command => {
    const parent = parents.get(word) ?? program.command(word).description(groups[word] ?? '')
    parents.set(word, parent)
    return parent
  }

  for (const [name, definition] of commands) {
    const { doc, options, operands, runs, after } = definition
    const [word = '', second] = name.split(' ')
    const command = (second === undefined ? program.command(word) : parentOf(word).command(second)).description(doc)
    for (const option of options) command.addOption(toOption(option))
    for (let count = 1; count <= (operands?.most ?? 0); count++) {
      command.argument(count <= (operands?.least ?? 0) ? `<${operands?.name}>` : `[${operands?.name}]`)
    }
    if (operands) command.usage(`[options] ${operands.usage}`)
    if (runs) command.usage('[options] -- <command> [argument ...]').allowExcessArguments()
    if (after !== undefined) command.addHelpText('after', `\n${after}`)
    command.action(() => {
      const alone = [...commonOptions, ...options].find(
        ({ name, needs }) => needs !== undefined && isGiven(command, name) && !isGiven(command, needs),
      )
      if (alone) command.error(`error: option '--${alone.name}' needs '--${alone.needs}'`)
      if (runs && (foreign.length === 0 || command.args.length > 0)) {
        command.error(
          'error: the command to run stands after \'--\': maintenance-mode run --reason "Migrate" -- npm run migrate',
        )
      }
      if (!runs && foreign.length > 0) command.error("error: too many arguments: nothing is read after '--'")
      read = { command: definition, options: command.optsWithGlobals(), operands: runs ? foreign : command.args }
    })
  }
  program.parse(ownWords(argv), { from: 'user' })
  return read as CommandLine
}

function isGiven(command: Command, name: string): boolean {
  return command.getOptionValueSourceWithGlobals(toOption({ name, doc: '' }).attributeName()) !== undefined
}

function toOption({ name, value, doc, choices, conflicts, count }: OptionDefinition): Option {
  const option = new Option(value === undefined ? `--${name}` : `--${name} <${value}>`, doc)
  if (conflicts !== undefined) option.conflicts(new Option(`--${conflicts}`).attributeName())
  if (choices) return option.choices(choices)
  return value === undefined ? option : option.argParser(count ? aCount : notAnOption)
}

function aCount(value: string): string {
  if (isCount(value)) return value
  throw new InvalidArgumentError('Write a whole number, at least 1.')
}

/** `on --reason --for 30m` has forgotten the reason. */
function notAnOption(value: string): string {
  if (/^--?[a-z]/i.test(value)) {
    throw new InvalidArgumentError('That is another option, so the value is missing.')
  }
  return value
}
