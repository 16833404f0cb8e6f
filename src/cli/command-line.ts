import { type ParseArgsConfig, parseArgs } from 'node:util'
import { type CommandDefinition, commands, commonOptions, isCount } from './commands.js'
import type { CommonOptions } from './context.js'
import { foreignWords } from './words.js'

/** A command line that was understood. */
export interface CommandLine {
  command: CommandDefinition
  options: CommonOptions
  operands: readonly string[]
}

/**
 * Reads the command line.
 *
 * What is plainly right is read by the engine itself. Commander, which takes longer to load than a command to run, is
 * asked about all else: help, mistakes, and the name that was meant.
 *
 * @throws CommanderError for wrong usage, and where help or version was shown
 */
export async function readCommandLine(words: string[]): Promise<CommandLine> {
  return readPlain(words) ?? (await import('./usage.js')).readWithCommander(words)
}

function readPlain(words: string[]): CommandLine | undefined {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(words)
  } catch {
    return undefined
  }
  const { positionals } = parsed
  const count = commands.has(positionals.slice(0, 2).join(' ')) ? 2 : 1
  const command = commands.get(positionals.slice(0, count).join(' '))
  const operands = positionals.slice(count)
  if (!command || !fits(command, parsed.values, operands.length)) return undefined
  const foreign = foreignWords(words)
  if (command.runs && (foreign.length === 0 || foreign.length !== operands.length)) return undefined
  const options = Object.entries(parsed.values).map(([option, value]) =>
    option.startsWith('no-') ? [toCamelCase(option.slice(3)), !value] : [toCamelCase(option), value],
  )
  return { command, options: Object.fromEntries(options), operands }
}

type Values = Record<string, string | boolean | undefined>

function parse(args: string[]): { values: Values; positionals: string[] } {
  const all = [...commands.values()].flatMap((command) => command.options)
  const options: ParseArgsConfig['options'] = {}
  for (const { name, value } of [...commonOptions, ...all]) {
    options[name] = { type: value === undefined ? 'boolean' : 'string' }
  }
  return parseArgs({ args, options, allowPositionals: true }) as ReturnType<typeof parse>
}

function fits({ options, operands, runs }: CommandDefinition, values: Values, count: number): boolean {
  const { least, most } = operands ?? { least: 0, most: 0 }
  if (!runs && (count < least || count > most)) return false
  return Object.entries(values).every(([name, value]) => {
    const option = [...commonOptions, ...options].find((one) => one.name === name)
    if (!option || (option.conflicts !== undefined && values[option.conflicts] !== undefined)) return false
    if (option.needs !== undefined && values[option.needs] === undefined) return false
    if (option.count && !isCount(String(value))) return false
    return option.choices === undefined || option.choices.includes(String(value))
  })
}

function toCamelCase(name: string): string {
  return name.replace(/-[a-z]/g, ([, letter]) => (letter as string).toUpperCase())
}
