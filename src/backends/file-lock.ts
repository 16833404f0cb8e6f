import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { StateBackendError } from '../errors.js'
import type { FilePlace } from './file-place.js'
import { acquireLock, type FileLock, type LockTiming } from './lock-file.js'

export interface StateLock extends FileLock {
  /** New files may be made in the folder of the state file. */
  mayRename: boolean
}

/**
 * Locks a state file. Who cannot write its folder locks it in the folder for temporary files, by its name; so where
 * such writers are possible, the others take that lock as well.
 */
export async function lockState(place: FilePlace, timing: LockTiming): Promise<StateLock> {
  const beside = await acquireLock(place.lock, place.path, timing)
  try {
    const shared =
      !beside || othersMayWrite(place) ? await acquireLock(place.sharedLock, place.path, timing) : undefined
    const locks = [beside, shared].filter((lock) => lock !== undefined)
    if (locks.length === 0) {
      throw new StateBackendError(
        `Cannot lock the state file ${place.path}: neither ${place.folder} nor ${dirname(place.sharedLock)} can be written. Let this user write one of them, or set TMPDIR to a folder that it can write.`,
      )
    }
    return {
      mayRename: beside !== undefined,
      holds: () => locks.every((lock) => lock.holds()),
      verify: () => locks.forEach((lock) => void lock.verify()),
      release: () => locks.toReversed().forEach((lock) => void lock.release()),
    }
  } catch (error) {
    beside?.release()
    throw error
  }
}

/** Whether somebody may write the file who may not write its folder. */
function othersMayWrite({ target, folder }: FilePlace): boolean {
  const file = statSync(target, { throwIfNoEntry: false })
  const around = statSync(folder, { throwIfNoEntry: false })
  if (!file || !around) return false
  const groupToo = file.gid !== around.gid && (file.mode & 0o020) !== 0
  return file.uid !== around.uid || groupToo || (file.mode & ~around.mode & 0o022) !== 0
}
