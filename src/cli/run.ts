import { hostname } from 'node:os'
import { systemClock } from '../clock.js'
import { MaintenanceError, messageOf } from '../errors.js'
import { type HeldLease, holdLease } from '../lease.js'
import { type Window, wholeSite } from '../state/window.js'
import { createReporter } from '../telemetry/warnings.js'
import { type Change, changeState, waitOf } from './change.js'
import type { WithContext } from './commands.js'
import type { Context } from './context.js'
import { type OnOptions, timesOf } from './on.js'
import { createOutput, type Output } from './output.js'
import { missingCommand, runCommand } from './run-command.js'
import { release } from './run-release.js'
import { listenToSignals, type Signals, untilStopped } from './run-signals.js'
import { endText, openedOutcome, ranOutcome, wordsOf } from './run-text.js'
import { nameFlags } from './window-text.js'

export interface RunOptions extends Omit<OnOptions, 'start' | 'print'> {
  onFailure?: 'keep' | 'reopen'
}

interface Surroundings {
  command: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  output: Output
  signals: Signals
}

const misused = 2
const gaveUp = 125

/** Runs a command behind a closed site. Its standard output is the command's: all that is said goes to the standard error. */
export async function run(options: RunOptions, withContext: WithContext, command: readonly string[]): Promise<number> {
  const output = createOutput({ json: options.json === true, quiet: true })
  // What the environment file adds is for us.
  const env = { ...process.env }
  const missing = missingCommand(command, env)
  if (missing) {
    await output.error(Object.assign(new Error(`${missing.failure} Nothing was changed.`), { code: 'ENOENT' }))
    return missing.exitCode
  }
  const surroundings = { command, env, output, signals: listenToSignals() }
  try {
    return await withContext(options, (context) => runIn(context, options, surroundings))
  } catch (error) {
    return (await output.error(error)) === misused ? misused : gaveUp
  }
}

async function runIn(context: Context, options: RunOptions, surroundings: Surroundings): Promise<number> {
  const { command, env, output, signals } = surroundings
  const { warn } = output
  const words = wordsOf(command)
  const { onFailure = 'keep', note = words, id = `run-${crypto.randomUUID().slice(0, 8)}` } = options
  const { lease, change } = await open(context, { ...options, onFailure, note, id }, surroundings)
  if (!options.json) await output.outcome(openedOutcome(change, context))

  // A connection of a config file, or of a client, may break: the command goes on, and its end counts.
  process.on('uncaughtException', (error) => warn(`maintenance-mode: ${messageOf(error)}`))
  lease.signal.addEventListener('abort', () =>
    warn(`maintenance-mode: ${messageOf(lease.signal.reason)} The command goes on.`),
  )
  const began = context.now()
  const end = await runCommand(command, { env, signals, warn })
  const took = context.now() - began

  // What never began has left nothing half done.
  const keep = onFailure === 'keep' && end.failure === undefined && end.exitCode !== 0
  const ending = { context, id, note: `${note}: ${endText(end)}`, stopped: untilStopped(signals), warn }
  const released = await release(lease, ending, keep)
  const { scope } = change.window as Window
  await output.outcome(ranOutcome({ name: { id, scope }, words, end, took, onFailure, release: released }, context))
  return end.exitCode
}

interface Opened {
  lease: HeldLease
  change: Change
}

/** @throws what is in the way: then nothing has been changed, or it is undone again */
async function open(
  context: Context,
  options: RunOptions & Required<Pick<RunOptions, 'id' | 'note' | 'onFailure'>>,
  { output: { warn }, signals }: Surroundings,
): Promise<Opened> {
  const { mode = 'on', scope, reason, note, id, onFailure, instances = '0' } = options
  const wait = waitOf({ ...options, wait: options.wait !== false, instances })
  const holder = `${hostname()}:${process.pid}:${crypto.randomUUID().slice(0, 8)}`
  const { end, expectedEnd } = timesOf(options, context)
  const terms = { end, expectedEnd, mode, scope, reason, note, id, holder, onLapse: onFailure, wait }
  const stopped = untilStopped(signals)
  let lease = undefined as HeldLease | undefined
  try {
    const change = await changeState(context, async (control) => {
      const reporter = createReporter({ warn, error: warn }, [])
      const { leaseTtl } = context
      lease = await holdLease({ control, clock: systemClock, reporter, leaseTtl, renewals: new Set() }, terms)
      return Promise.race([lease.opened, stopped])
    })
    lease?.signal.throwIfAborted()
    if (lease && change.unconfirmed === undefined) return { lease, change }
    throw new Error(change.fleet?.problem)
  } catch (error) {
    if (!lease) throw error
    const released = await release(lease, { context, id, stopped: untilStopped(signals), warn }, false)
    const left =
      released.result === 'failed'
        ? `. ${released.problem} To reopen: ${context.commandLine(`off${nameFlags({ id, scope: scope ?? wholeSite })}`)}`
        : ', and the window is closed again.'
    throw new MaintenanceError(
      'ERR_MAINTENANCE_NOT_CONFIRMED',
      `${messageOf(error)} The command was not started${left}`,
    )
  }
}
