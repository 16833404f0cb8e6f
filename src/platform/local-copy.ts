import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync } from 'node:fs'
import { rename, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MaintenanceError } from '../errors.js'
import type { LocalCopy } from './platform.js'

let copies = 0

/**
 * A copy of the last known state on this machine's disk, for a start while the backend is down. In a folder for this user
 * alone: whoever can write there decides whether the site is closed.
 *
 * @param folder Default: one in the folder for temporary files.
 * @param name What tells states apart: the backend's address.
 */
export function createLocalCopy(folder: string | undefined, name: string): LocalCopy {
  const owner = process.getuid?.()
  const place = folder ?? join(tmpdir(), `maintenance-mode-${owner ?? 'user'}`)
  const path = join(place, `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.json`)
  // The same one again and again: what a killed process leaves does not pile up.
  const temporary = `${path}.${process.pid}-${++copies}`
  let writing: Promise<void> = Promise.resolve()

  const write = async (document: string): Promise<void> => {
    mkdirSync(place, { recursive: true, mode: 0o700 })
    assertPrivate(place, owner)
    try {
      await writeFile(temporary, document, { mode: 0o600 })
      await rename(temporary, path)
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw error
    }
  }

  return {
    path,
    read() {
      try {
        assertPrivate(place, owner)
        return readFileSync(path, 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    write(document) {
      // One after the other: the last one stays.
      const result = writing.then(() => write(document))
      writing = result.catch(() => {})
      return result
    },
  }
}

/** A folder that others can write to, or a link into one, could hold a state of theirs. */
function assertPrivate(folder: string, owner: number | undefined): void {
  if (owner === undefined) return
  const { uid, mode } = lstatSync(folder)
  if (uid === owner && (mode & 0o022) === 0 && lstatSync(folder).isDirectory()) return
  throw new MaintenanceError(
    'ERR_MAINTENANCE_SETTING',
    `The folder ${folder} for the local copy of the state must belong to user ${owner}, and nobody else may write to it: set localCopyPath to one that is so.`,
  )
}
