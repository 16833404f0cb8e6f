import { constants, renameSync, type Stats, writeSync } from 'node:fs'
import { type FileHandle, open, rm, stat } from 'node:fs/promises'
import { codeOf, isDenied } from './file-errors.js'
import type { StateLock } from './file-lock.js'
import type { FilePlace } from './file-place.js'
import type { FileLock } from './lock-file.js'

/**
 * Replaces the state file under its lock. Readers see the old document or the new one, whenever this process is killed.
 *
 * A new file takes the old one's place by a rename. Where that would change the owner, or is not allowed
 * (a file that is mounted by itself, a folder that belongs to somebody else), the file is written in place.
 */
export async function replaceContent(place: FilePlace, text: string, lock: StateLock): Promise<void> {
  const previous = await statIfThere(place.target)
  if (previous && !lock.mayRename) return writeInPlace(place.target, text, lock)
  let renamed = false
  try {
    const alike = await writeTemp(place, text, previous)
    if (!alike && (await mayWriteInPlace(place.target, text, lock))) return
    try {
      // In one go: a pause between the two is what the check is against.
      lock.verify()
      renameSync(place.temp, place.target)
      renamed = true
    } catch (error) {
      const refused = ['EBUSY', 'EXDEV', 'EPERM', 'EACCES'].includes(codeOf(error) ?? '')
      if (!refused || !previous || !(await mayWriteInPlace(place.target, text, lock))) throw error
    }
  } finally {
    if (!renamed && lock.holds()) await rm(place.temp, { force: true })
  }
  if (renamed) await syncFolder(place.folder)
}

/**
 * Writes a new file with the owner, group and mode of another, or for this user alone.
 * False: the owner or group could not be had.
 */
export async function writeLike(file: string, content: string | Uint8Array, like?: Stats): Promise<boolean> {
  return createFile(file, content, async (handle) => !like || dressLike(handle, like))
}

async function writeTemp(place: FilePlace, text: string, previous: Stats | undefined): Promise<boolean> {
  // Left behind by a process that died; the lock is ours, so nobody is writing it.
  await rm(place.temp, { force: true })
  if (previous) return writeLike(place.temp, text, previous)
  const folder = await stat(place.folder)
  return createFile(place.temp, text, (handle) => dressNew(handle, folder))
}

async function createFile(
  file: string,
  content: string | Uint8Array,
  dress: (handle: FileHandle) => Promise<boolean>,
): Promise<boolean> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(content)
    const dressed = await dress(handle)
    await handle.sync()
    return dressed
  } finally {
    await handle.close()
  }
}

/** Gives a file the owner, group and mode of another. False: that is not allowed. */
async function dressLike(handle: FileHandle, like: Stats): Promise<boolean> {
  const own = await handle.stat()
  let alike = true
  if (own.uid !== like.uid || own.gid !== like.gid) {
    alike = await allowed(handle.chown(like.uid, like.gid))
    // The group alone is better than nothing: it is the one that reads.
    if (!alike) await allowed(handle.chown(-1, like.gid))
  }
  return (await allowed(handle.chmod(like.mode & 0o777))) && alike
}

/** The first state file: for the owner and group of its folder, never executable, never writable for all. */
async function dressNew(handle: FileHandle, folder: Stats): Promise<boolean> {
  const owner = process.geteuid?.() === 0 ? folder.uid : -1
  const mode = (folder.mode & 0o664) | 0o640
  // Who may write in the folder may write the file, but only if it is the same group.
  const sameGroup = await allowed(handle.chown(owner, folder.gid))
  await allowed(handle.chmod(sameGroup ? mode : mode & ~0o020))
  return true
}

async function allowed(change: Promise<void>): Promise<boolean> {
  try {
    await change
    return true
  } catch {
    return false
  }
}

/** False: the file may not be written. */
async function mayWriteInPlace(target: string, text: string, lock: FileLock): Promise<boolean> {
  try {
    await writeInPlace(target, text, lock)
    return true
  } catch (error) {
    if (isDenied(error)) return false
    throw error
  }
}

/**
 * Overwrites the file without ever making it empty: one call writes the new text, filled up with line ends to the old
 * length, and only then the rest is cut off.
 */
async function writeInPlace(target: string, text: string, lock: FileLock): Promise<void> {
  const handle = await open(target, constants.O_RDWR)
  try {
    const before = await handle.readFile()
    const bytes = Buffer.from(text)
    const filled = Buffer.alloc(Math.max(bytes.length, before.length), '\n')
    bytes.copy(filled)
    lock.verify()
    try {
      overwrite(handle.fd, filled)
    } catch (error) {
      // A full disk: the old bytes still have their room.
      overwrite(handle.fd, before)
      await handle.truncate(before.length)
      throw error
    }
    await handle.truncate(bytes.length)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function overwrite(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, done)
}

/** Makes the rename itself survive a power cut. Not every system and folder lets itself be opened for that. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {}
}

async function statIfThere(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
