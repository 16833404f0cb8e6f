import type { FleetReport } from '../fleet/convergence.js'
import { printable } from './output.js'

/** What is seen while the fleet is waited for. */
export interface Progress {
  show(report: FleetReport): void
  end(): void
}

/** Where nobody watches, one line is enough, and only if it takes long. Milliseconds. */
const long = 2000
const named = 3

/** On the standard error: one line that changes on a terminal. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const watched = stream.isTTY === true && process.env.TERM !== 'dumb'
  let said = false
  return {
    show(report) {
      if (watched) {
        stream.write(`\r${textOf(report).slice(0, (stream.columns || 80) - 1)}\u001b[K`)
      } else if (!said && report.waited > long) {
        stream.write(`${textOf(report)}\n`)
      } else return
      said = true
    },
    end() {
      if (watched && said) stream.write('\r\u001b[K')
    },
  }
}

function textOf({ instances }: FleetReport): string {
  const waiting = instances.filter(({ verdict }) => verdict === 'waiting').map(({ id }) => id)
  if (waiting.length === 0) return 'Waiting for instances …'
  const names = waiting.slice(0, named).join(', ')
  const more = waiting.length > named ? ` and ${waiting.length - named} more` : ''
  return printable(`Waiting for ${waiting.length} of ${instances.length} instances: ${names}${more} …`)
}
