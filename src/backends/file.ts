import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SettingError, StateConflictError, StateDamagedError } from '../errors.js'
import { parseDocument } from '../state/document.js'
import type { StateBackend, StoredState, WriteCondition } from './backend.js'
import { codeOf, fileFailure } from './file-errors.js'
import { lockState, type StateLock } from './file-lock.js'
import { type FilePlace, preparePlace } from './file-place.js'
import { filePresence } from './file-presence.js'
import { watchFile } from './file-watch.js'
import { replaceContent, writeLike } from './file-write.js'
import type { LockTiming } from './lock-file.js'

export interface FileBackendOptions {
  /** The state file in full, from the root on. A symbolic link is followed. */
  path: string
}

/** @internal All in milliseconds. */
export interface FileTiming extends LockTiming {
  /** How often, and after how long, a file is read again that may be half written. */
  readAgain: { times: number; after: number }
  /** How often it is checked that the right folders are watched. */
  checkWatchers: number
}

const usualTiming: FileTiming = {
  staleAfter: 10_000,
  unsignedStaleAfter: 1_000,
  waitFor: 10_000,
  readAgain: { times: 5, after: 20 },
  checkWatchers: 1_000,
}

/**
 * Keeps the state in a file that all processes of one machine share. Deleting the file means `off`.
 *
 * @throws SettingError when the path is not absolute: the app and the command line must mean the same file,
 * wherever they are started.
 *
 * @example
 * ```ts
 * const stateBackend = fileBackend({ path: '/srv/shop/.maintenance-mode.json' })
 * ```
 */
export function fileBackend(options: FileBackendOptions): StateBackend {
  return createFileBackend(options.path)
}

/** @internal With other times, for tests. */
export function createFileBackend(path: string, changes: Partial<FileTiming> = {}): StateBackend {
  if (!isAbsolute(path)) {
    throw new SettingError(
      'stateFilePath',
      `The state file must be given in full, "${path}" is relative. Write path.resolve(import.meta.dirname, '${path}'), or set stateFilePath instead.`,
    )
  }
  const timing = { ...usualTiming, ...changes }
  const watches = new Set<() => Promise<void>>()

  return {
    address: `file:${path}`,
    capabilities: { compareAndSet: true, watch: true, presence: true, writable: true },
    presence: filePresence(path),
    absentMeansOff: true,
    async read() {
      try {
        return await readSettled(path, timing)
      } catch (error) {
        throw fileFailure('read', path, error)
      }
    },
    readSync() {
      try {
        const { damage, ...stored } = inspect(readFileSync(path, 'utf8'))
        // Perhaps half written. There is no waiting here, `read` can.
        return damage ? null : stored
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        throw fileFailure('read', path, error)
      }
    },
    async write(document, condition) {
      try {
        const place = await preparePlace(path)
        const lock = await lockState(place, timing)
        try {
          const damaged = compare(path, await readSettled(place.target, timing), condition)
          const keptAside = damaged ? await keepAside(place, lock) : undefined
          await replaceContent(place, document, lock)
          return keptAside === undefined ? undefined : { keptAside }
        } finally {
          lock.release()
        }
      } catch (error) {
        throw fileFailure('write', path, error)
      }
    },
    async watch(onChange) {
      const stopWatching = await watchFile(path, onChange, timing.checkWatchers)
      const stop = async (): Promise<void> => {
        watches.delete(stop)
        await stopWatching()
      }
      watches.add(stop)
      return stop
    },
    async close() {
      await Promise.all([...watches].map((stop) => stop()))
    },
  }
}

interface InspectedState extends StoredState {
  damage?: unknown
}

function inspect(document: string): InspectedState {
  try {
    return { document, revision: parseDocument(document).revision }
  } catch (damage) {
    return { document, revision: 0, damage }
  }
}

/** What does not parse may be half written by an editor, so it is read again before it is believed. */
async function readSettled(path: string, { readAgain }: FileTiming): Promise<StoredState | undefined> {
  for (let times = 0; ; times++) {
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
    const { damage, ...stored } = inspect(text)
    if (!damage || times === readAgain.times) return stored
    await delay(readAgain.after)
  }
}

/** Whether the stored state may be replaced as the condition says. True: it may, and it is damaged. */
function compare(path: string, stored: StoredState | undefined, condition: WriteCondition): boolean {
  const { damage } = stored ? inspect(stored.document) : {}
  if (damage && !condition.replaceDamaged) {
    throw new StateDamagedError(
      `The state file ${path} is damaged (${(damage as Error).message}), so it was not overwritten. Repair it, delete it (that means off), or replace it on purpose (replaceDamaged); then a copy is kept beside it.`,
      { cause: damage },
    )
  }
  const revision = stored?.revision ?? 0
  if (revision !== condition.expected) {
    throw new StateConflictError(
      `The state file ${path} has revision ${revision}, not ${condition.expected}: somebody else changed it. Read it again and repeat the change.`,
    )
  }
  return damage !== undefined
}

/** Copies the damaged file, and leaves it where it is: there is no moment without a file, since none means `off`. */
async function keepAside(place: FilePlace, lock: StateLock): Promise<string> {
  const like = await stat(place.target)
  const content = await readFile(place.target)
  const when = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '')
  // Where the folder takes no new file, the folder for temporary ones does; there it is for its owner alone.
  const name = `${lock.mayRename ? place.target : join(tmpdir(), basename(place.target))}.damaged-${when}`
  for (let count = 1; ; count++) {
    const file = count === 1 ? name : `${name}-${count}`
    try {
      await writeLike(file, content, lock.mayRename ? like : undefined)
      return file
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
}
