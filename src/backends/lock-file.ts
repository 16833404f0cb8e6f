import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readFileSync, readlinkSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { StateBackendError, StateConflictError } from '../errors.js'
import { codeOf, isDenied } from './file-errors.js'

/** All in milliseconds. */
export interface LockTiming {
  /** A lock older than this belongs to nobody any more. A write holds it for some milliseconds. */
  staleAfter: number
  /** The same for a lock without content: its maker died, or was paused, before it could sign. */
  unsignedStaleAfter: number
  /** How long to wait for somebody else's lock. */
  waitFor: number
}

export interface FileLock {
  /** Whether the lock is still ours: a process that was paused for long may have lost it. */
  holds(): boolean
  /** @throws StateConflictError when it is not. */
  verify(): void
  release(): void
}

/** @internal */
export interface Holder {
  pid: number
  host: string
  space: string
  token: string
  at: string
}

/** @internal */
export interface SeenLock {
  /** Tells this lock from any other, earlier or later. */
  mark: string
  modified: number
  /** False for another user's lock that is not for us to read. */
  readable: boolean
  holder: Holder | undefined
}

/** @internal Where a process id means something: containers share a host name, and each counts its own processes. */
export const whereabouts: { host: string; space: string } = { host: hostname(), space: processSpace() }

/**
 * Takes a lock file, waiting for whoever has it.
 *
 * Looking at a lock and acting on what was seen is done without a pause in between, hence the synchronous calls.
 * They touch some bytes that nobody flushes to disk; all that waits for a disk is asynchronous.
 *
 * @returns undefined where no file may be created.
 * @throws StateBackendError when it is not to be had in time; the message names the holder.
 */
export async function acquireLock(lock: string, path: string, timing: LockTiming): Promise<FileLock | undefined> {
  const token = randomUUID()
  const deadline = performance.now() + timing.waitFor
  for (;;) {
    try {
      createSigned(lock, token)
      return heldLock(lock, path, token)
    } catch (error) {
      // On Windows a file that is just being deleted is "denied" as well.
      if (isDenied(error) && process.platform !== 'win32') return undefined
      if (codeOf(error) !== 'EEXIST' && !isDenied(error)) throw error
    }
    const seen = lookAtLock(lock)
    if (!seen) {
      if (performance.now() <= deadline) continue
    } else if (isStale(seen, timing) && takeOver(lock, seen, timing)) continue
    if (performance.now() > deadline) throw new StateBackendError(lockedMessage(lock, path, seen, timing))
    await delay(5 + Math.random() * 15)
  }
}

function heldLock(lock: string, path: string, token: string): FileLock {
  const holds = (): boolean => lookAtLock(lock)?.holder?.token === token
  return {
    holds,
    verify() {
      if (holds()) return
      throw new StateConflictError(
        `Somebody else took over the lock ${lock} while the state file ${path} was being written, so nothing was changed. Read the state again and repeat the change.`,
      )
    },
    release() {
      if (holds()) remove(lock)
    },
  }
}

/** Synchronous as well: a process that is killed between the two steps leaves an unsigned lock, for which all others wait. */
function createSigned(lock: string, token: string): void {
  const holder: Holder = { pid: process.pid, ...whereabouts, token, at: new Date().toISOString() }
  const file = openSync(lock, 'wx', 0o644)
  try {
    writeSync(file, JSON.stringify(holder))
  } catch (error) {
    remove(lock)
    throw error
  } finally {
    closeSync(file)
  }
}

/** @internal */
export function lookAtLock(lock: string): SeenLock | undefined {
  let text: string | undefined
  try {
    text = readFileSync(lock, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
  }
  const stats = statSync(lock, { throwIfNoEntry: false })
  if (!stats) return undefined
  return {
    mark: `${stats.ino} ${stats.mtimeMs} ${text}`,
    modified: stats.mtimeMs,
    readable: text !== undefined,
    holder: parseHolder(text ?? ''),
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null
    return typeof holder?.token === 'string' && typeof holder.pid === 'number' ? (holder as Holder) : undefined
  } catch {
    return undefined
  }
}

function isStale({ holder, modified, readable }: SeenLock, timing: LockTiming): boolean {
  // A lock from the future was made before a clock was set right.
  const age = (instant: number): number => Math.abs(Date.now() - instant)
  if (!holder) return age(modified) > (readable ? timing.unsignedStaleAfter : timing.staleAfter)
  if (holder.host === whereabouts.host && holder.space === whereabouts.space && !isAlive(holder.pid)) return true
  return !(age(Date.parse(holder.at)) <= timing.staleAfter)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/**
 * Removes a stale lock. Of several contenders only the one that has the second lock may: without it, a slow one
 * would remove the new lock of the quick one. Should this process die in here, the second lock goes stale as well.
 *
 * @internal
 */
export function takeOver(lock: string, stale: SeenLock, timing: LockTiming): boolean {
  const second = `${lock}.takeover`
  try {
    createSigned(second, randomUUID())
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') return false
    const seen = lookAtLock(second)
    if (seen && isStale(seen, timing)) remove(second)
    return false
  }
  try {
    return lookAtLock(lock)?.mark === stale.mark ? remove(lock) : true
  } finally {
    remove(second)
  }
}

/** False: still there, and not ours to remove (another user's, in a folder such as /tmp). */
function remove(file: string): boolean {
  try {
    unlinkSync(file)
    return true
  } catch (error) {
    return codeOf(error) === 'ENOENT'
  }
}

function lockedMessage(lock: string, path: string, seen: SeenLock | undefined, { waitFor }: LockTiming): string {
  const holder = seen?.holder
  const who = holder ? `process ${holder.pid} on ${holder.host}, since ${holder.at}` : 'an unknown process'
  return `The state file ${path} is locked by ${who}; waited ${waitFor / 1000} s. Try again, and if that process is gone, delete the lock file ${lock}.`
}

function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}
