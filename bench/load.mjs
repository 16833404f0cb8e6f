// HTTP load. All targets stand behind one port of one server, which goes from one to the next every few milliseconds:
// compiled code, connections, garbage collection and the moods of the machine are the same for all of them.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { forkNode, pinned, resultOf } from './measure.mjs'

/** Garbage is collected in small portions and on one thread, so that it is counted where it was made. */
const flags = ['--max-semi-space-size=2', '--single-threaded-gc']

/** What a browser sends. */
const headers = [
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Dest: document',
]

/**
 * @returns for each target, by round, the microseconds of the server's CPU (user and system time of all its threads) and of
 * the clock (wrk's own share included) for one request
 */
export async function load(setup, { rounds, status }) {
  const server = forkNode('server-process.mjs', { flags, args: [setup, rounds] })
  let wrk
  try {
    const { port } = await resultOf(server)
    const [command, ...args] = [
      ...pinned,
      'wrk',
      '-t1',
      '-c64',
      '-d600s',
      '--timeout',
      '30s',
      ...headers.flatMap((line) => ['-H', line]),
    ]
    wrk = spawn(command, [...args, `http://127.0.0.1:${port}/`], { stdio: ['ignore', 'pipe', 'inherit'] })
    wrk.on('error', () => {})
    const told = text(wrk.stdout)
    const measured = await Promise.race([resultOf(server), told.then(failed)])
    wrk.kill('SIGINT')
    checkAnswers(await told, status)
    return measured
  } finally {
    wrk?.kill()
    server.disconnect()
  }
}

function failed(told) {
  throw new Error(`wrk is missing or failed. Install it: apt-get install wrk, or brew install wrk.\n${told}`)
}

function checkAnswers(told, status) {
  const answered = Number(/(\d+) requests in/.exec(told)?.[1])
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(told)?.[1] ?? 0)
  const errors = /Socket errors: (.*)/.exec(told)?.[1]
  if (errors || refused !== (status === 503 ? answered : 0))
    throw new Error(`Not every answer was a ${status}:\n${told}`)
}
