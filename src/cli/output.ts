import { messageOf, TimeError } from '../errors.js'
import type { Outcome } from './outcome.js'

/** Says what a command has to say; resolves to the code with which the process ends. */
export interface Output {
  outcome(outcome: Outcome): Promise<number>
  error(error: unknown): Promise<number>
  /** For people: never on the standard output, where programs read. */
  warn(message: string): void
}

const failed = 1
const misused = 2
const notConfirmed = 3

/** An error that ends the command with 2. */
export function wrongUsage(message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_MAINTENANCE_USAGE' })
}

/** `quiet`: the standard output is another's. All that there is to say goes to the standard error, as JSON in one line. */
export function createOutput({ json, quiet = false }: { json: boolean; quiet?: boolean }): Output {
  const out = quiet ? process.stderr : process.stdout
  const print = (text: string): void => void out.write(`${text}\n`)
  const warn = (text: string): void => void process.stderr.write(`${text}\n`)
  const printJson = (data: unknown): void =>
    print(JSON.stringify(data, (_key, value) => (value === undefined ? null : value), quiet ? 0 : 2))

  const fail = async (
    code: unknown,
    message: string,
    data?: Record<string, unknown>,
    asJson: boolean = json,
  ): Promise<void> => {
    if (asJson) return printJson({ ...data, error: { code, message } })
    const { red } = await colorsOf(process.stderr)
    warn(red(printable(message)))
  }

  return {
    async outcome({ headline, closed, rows, table, next, data, document, problem, problemCode, exitCode = 0 }) {
      if (document !== undefined) process.stdout.write(document)
      const [stream, say] = document === undefined ? [out, print] : [process.stderr, warn]
      const asJson = json && document === undefined
      if (!asJson) {
        const { bold, red, green, dim } = await colorsOf(stream)
        const width = Math.max(...rows.map(([label]) => label.length))
        say(bold((closed ? red : green)(printable(headline))))
        for (const [label, text, loud] of rows) {
          say(`  ${dim(label.padEnd(width))}  ${(loud ? red : String)(printable(text))}`)
        }
        if (table && table.lines.length > 0) {
          const [head = '', ...lines] = aligned([table.head, ...table.lines.map(({ cells }) => cells)])
          say(`  ${dim(head)}`)
          for (const [index, line] of lines.entries()) say(`  ${(table.lines[index]?.loud ? red : String)(line)}`)
        }
        if (next !== undefined) say(next)
      } else if (problem === undefined) printJson(data)
      if (problem === undefined) return exitCode
      await fail(problemCode ?? 'ERR_MAINTENANCE_WINDOW', problem, data, asJson)
      return problemCode === 'ERR_MAINTENANCE_NOT_CONFIRMED' ? notConfirmed : failed
    },
    async error(error) {
      const { code = 'ERR_MAINTENANCE_UNEXPECTED', exitCode, stack } = (error ?? {}) as Thrown
      if (String(code).startsWith('commander.')) {
        if (exitCode === 0) return 0
        // Help has been printed already.
        const helped = code === 'commander.help'
        await fail('ERR_MAINTENANCE_USAGE', helped ? 'No command was given.' : messageOf(error).replace(/^error: /, ''))
        if (!json && !helped) warn('See: maintenance-mode --help')
        return misused
      }
      await fail(code, messageOf(error))
      if (process.env.DEBUG?.split(',').includes('maintenance-mode') && stack) warn(stack)
      return error instanceof TimeError || code === 'ERR_MAINTENANCE_USAGE' ? misused : failed
    },
    warn,
  }
}

/** An error of ours, of the system, or of Commander, whose classes are not to be loaded for this. */
interface Thrown {
  code?: unknown
  exitCode?: number
  stack?: string
}

type Colors = Record<'bold' | 'red' | 'green' | 'dim', (text: string) => string>

async function colorsOf(stream: NodeJS.WriteStream): Promise<Colors> {
  const wanted = stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  if (wanted) return (await import('picocolors')).default.createColors(true)
  return { bold: String, red: String, green: String, dim: String }
}

/** One line. What is stored may come from anybody who can write the state: it must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}

/** Every cell as wide as the widest of its column. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(printable))
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? []
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
