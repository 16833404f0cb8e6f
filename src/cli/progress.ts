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
  const draining = instances.filter(({ verdict }) => verdict === 'draining')
  const parts: string[] = []
  if (waiting.length > 0) parts.push(`${waiting.length} of ${instances.length} instances: ${listed(waiting)}`)
  if (draining.length > 0) {
    const counts = draining.map(({ id, inFlight }) => ({ id, count: inFlight?.count ?? 0 }))
    const sum = counts.reduce((total, { count }) => total + count, 0)
    const places = listed(counts.sort((a, b) => b.count - a.count).map(({ id, count }) => `${id} ${count}`))
    parts.push(`${sum} request${sum === 1 ? '' : 's'} in flight: ${places}`)
  }
  return printable(`Waiting for ${parts.join('; ') || 'instances'} …`)
}

function listed(names: readonly string[]): string {
  const more = names.length > named ? ` and ${names.length - named} more` : ''
  return `${names.slice(0, named).join(', ')}${more}`
}
