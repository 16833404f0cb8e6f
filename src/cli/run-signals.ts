import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What asks a program to end. */
const ending: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGBREAK']
const others: readonly NodeJS.Signals[] = ['SIGUSR1', 'SIGUSR2', 'SIGALRM']

/** Milliseconds. A launcher (npm for one) passes on what a terminal has sent to it and to us alike. */
const echoes = 1000
const patience = 1000

export interface Signals {
  /** From now on this is called with every signal, and nothing before it any longer. None ends this process. */
  handle(handler: (signal: NodeJS.Signals) => void): void
}

export function listenToSignals(): Signals {
  let current = (_signal: NodeJS.Signals): void => {}
  for (const signal of [...ending, ...others]) process.on(signal, () => current(signal))
  return {
    handle(handler) {
      current = handler
    },
  }
}

/** Rejects at the first signal that asks to end. */
export function untilStopped(signals: Signals): Promise<never> {
  const stopped = new Promise<never>((_resolve, reject) => {
    signals.handle((signal) => {
      if (ending.includes(signal)) reject(new Error(`Stopped by ${signal}.`))
    })
  })
  stopped.catch(() => {})
  return stopped
}

/**
 * Passes every signal on to a command, once: what a terminal, or a supervisor, sends to the whole process group has
 * reached the command already, and many programs take a second interrupt as an order to stop without cleaning up.
 */
export function relaySignals(signals: Signals, command: ChildProcess): void {
  // On Windows nothing but the console sends signals, and it sends them to all; passing one on would kill.
  if (process.platform === 'win32') {
    signals.handle(() => {})
    return
  }
  const witness = startWitness()
  const known = new Set<NodeJS.Signals>()
  signals.handle(async (signal) => {
    if (known.has(signal)) return
    known.add(signal)
    const reachedAll = (await witness.hasFallen(signal)) && sharesOurGroup(command.pid)
    if (!reachedAll) command.kill(signal)
    setTimeout(() => known.delete(signal), reachedAll ? echoes : 0)
  })
}

interface Witness {
  /** Whether it was ended by this signal. */
  hasFallen(signal: NodeJS.Signals): Promise<boolean>
}

/** Node does not tell who sent a signal. A process of our group that does nothing tells whether it was sent to all. */
function startWitness(): Witness {
  let cat: ChildProcess
  const start = (): void => {
    // It ends with us, whatever becomes of us: then it has nothing more to read.
    cat = spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] })
    for (const part of [cat, cat.stdin, cat.stdout]) part?.on('error', () => {})
  }
  start()
  return {
    async hasFallen(signal) {
      const asked = cat
      // Where there is none, every signal is passed on: rather twice than never.
      if (asked.pid === undefined) return false
      if (asked.exitCode === null && asked.signalCode === null) await answerOf(asked)
      const fallen = asked.signalCode === signal
      if (asked === cat && (asked.exitCode !== null || asked.signalCode !== null)) start()
      return fallen
    },
  }
}

/** Resolves when it has said again what it was told, or ended; in vain is not waited long. */
function answerOf(cat: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, patience)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    cat.stdout?.once('data', done)
    cat.once('exit', done)
    cat.stdin?.write('.')
  })
}

/** A command may have left for a group of its own, as `timeout` does. */
function sharesOurGroup(pid: number | undefined): boolean {
  try {
    return groupOf(String(pid)) === groupOf('self')
  } catch {
    // No /proc, so no Linux; or it has just ended.
    return true
  }
}

function groupOf(pid: string): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // `pid (name) state parent group`: the name may contain anything.
  return stat.slice(stat.lastIndexOf(')')).split(' ')[3]
}
