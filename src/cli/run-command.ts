import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { messageOf } from '../errors.js'
import { relaySignals, type Signals } from './run-signals.js'

/** How a command ended, or why it never began. */
export interface CommandEnd {
  /** As a shell tells it. */
  exitCode: number
  /** What ended it. */
  signal: NodeJS.Signals | undefined
  /** Why it could not be started. */
  failure: string | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

const notExecutable = 126
const notFound = 127
const bySignal = 128

/** Found out before, so that for a slip of the pen no visitor is refused. */
export function missingCommand([file = '']: readonly string[], { PATH }: Environment): CommandEnd | undefined {
  if (process.platform === 'win32' || PATH === undefined) return undefined
  const places = file.includes('/') ? [file] : PATH.split(delimiter).map((folder) => join(folder, file))
  return file !== '' && places.some((place) => existsSync(place)) ? undefined : failureOf(file, { code: 'ENOENT' })
}

/** Runs a command with our own input, output and signals until it ends. */
export async function runCommand(
  [file = '', ...parameters]: readonly string[],
  { env, signals, warn }: { env: Environment; signals: Signals; warn: (message: string) => void },
): Promise<CommandEnd> {
  let command: ChildProcess
  try {
    command = spawn(file, parameters, { stdio: 'inherit', env })
    const ended = new Promise<CommandEnd>((resolve) => {
      command.once('exit', (code, signal) => {
        const exitCode = signal === null ? (code as number) : bySignal + constants.signals[signal]
        resolve({ exitCode, signal: signal ?? undefined, failure: undefined })
      })
    })
    await new Promise((resolve, reject) => {
      command.once('spawn', resolve).once('error', reject)
    })
    // Another user's, `sudo` for one, takes no signal from us; the terminal reaches it all the same.
    command.on('error', (error) => warn(`maintenance-mode: the command cannot be reached: ${messageOf(error)}`))
    relaySignals(signals, command)
    return await ended
  } catch (error) {
    return failureOf(file, error as Error)
  }
}

function failureOf(file: string, error: { code?: unknown; message?: string }): CommandEnd {
  const exitCode = error.code === 'ENOENT' ? notFound : notExecutable
  const why = exitCode === notFound ? 'is not found' : `cannot be executed (${messageOf(error)})`
  return { exitCode, signal: undefined, failure: `The command "${file}" ${why}.` }
}
