import { CommanderError } from 'commander'
import picocolors from 'picocolors'
import { messageOf, TimeError } from '../errors.js'
import type { Outcome } from './outcome.js'

/** Says what a command has to say, and with which code the process ends. */
export interface Output {
  outcome(outcome: Outcome): number
  error(error: unknown): number
  /** For people only: never on the standard output, so that it does not get into what programs read. */
  warn(message: string): void
}

const failed = 1
const wrongUsage = 2

export function createOutput({ json }: { json: boolean }): Output {
  const colors = picocolors.createColors(mayColor(process.stdout))
  const errorColors = picocolors.createColors(mayColor(process.stderr))
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  const warn = (text: string): void => void process.stderr.write(`${text}\n`)
  const printJson = (data: unknown): void =>
    print(JSON.stringify(data, (_key, value) => (value === undefined ? null : value), 2))

  return {
    outcome({ headline, closed, rows, next, data, problem, exitCode = 0 }) {
      if (json) {
        printJson(
          problem === undefined ? data : { ...data, error: { code: 'ERR_MAINTENANCE_WINDOW', message: problem } },
        )
      } else {
        const width = Math.max(...rows.map(([label]) => label.length))
        print(colors.bold((closed ? colors.red : colors.green)(printable(headline))))
        for (const [label, text] of rows) print(`  ${colors.dim(label.padEnd(width))}  ${printable(text)}`)
        if (next !== undefined) print(next)
        if (problem !== undefined) warn(errorColors.red(printable(problem)))
      }
      return problem === undefined ? exitCode : failed
    },
    error(error) {
      if (error instanceof CommanderError) {
        if (error.exitCode === 0) return 0
        const shown = error.code === 'commander.help'
        const message = shown ? 'No command was given.' : error.message.replace(/^error: /, '').replace(/\n/g, ' ')
        if (json) printJson({ error: { code: 'ERR_MAINTENANCE_USAGE', message } })
        else if (!shown) warn(`${errorColors.red(message)}\nSee: maintenance-mode --help`)
        return wrongUsage
      }
      const { code = 'ERR_MAINTENANCE_UNEXPECTED', stack } = (error ?? {}) as { code?: unknown; stack?: string }
      const message = messageOf(error)
      if (json) printJson({ error: { code, message } })
      else warn(errorColors.red(message))
      if (process.env.DEBUG === 'maintenance-mode' && stack !== undefined) warn(stack)
      return error instanceof TimeError ? wrongUsage : failed
    },
    warn,
  }
}

function mayColor(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
}

/** A stored reason may come from anybody who can write the state: it must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}
