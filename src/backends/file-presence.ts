import { createHash } from 'node:crypto'
import { chmod, chown, lstat, mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, StateBackendError } from '../errors.js'
import type { Presence, PresenceSighting } from './backend.js'
import { codeOf } from './file-errors.js'
import { findPlace } from './file-place.js'

interface Entry extends PresenceSighting {
  file: string
  /** Milliseconds. */
  ttl: number
}

const minute = 60_000
const ending = '.json'

/**
 * Who decides by a state file: a folder beside it, a small file for each instance. Ages go by the times of the files, so
 * that on a shared volume there is one clock for all. The folder is there for as long as it has something to tell.
 */
export function filePresence(path: string): Presence {
  let tidied = Number.NEGATIVE_INFINITY
  const folderOf = async (): Promise<string> => (await findPlace(path)).instances

  return {
    async announce({ id, text }, ttl) {
      const folder = await folderOf()
      const content = JSON.stringify({ id, ttl, text })
      const write = (): Promise<number> => replace(folder, nameOf(id), content)
      try {
        const time = await write().catch(async (error) => {
          if (codeOf(error) !== 'ENOENT') throw error
          await makeFolder(folder)
          return write()
        })
        if (Math.abs(Date.now() - tidied) > minute) {
          tidied = Date.now()
          await tidy(folder).catch(() => {})
        }
        return time
      } catch (error) {
        throw new StateBackendError(
          `The list of instances beside the state file, ${folder}, cannot be written: ${messageOf(error)}. Let this user make and write that folder.`,
          { cause: error },
        )
      }
    },
    async list() {
      const folder = await folderOf()
      try {
        const entries = await readEntries(folder)
        return entries.filter(({ age, ttl }) => age <= ttl).map(({ id, text, age }) => ({ id, text, age }))
      } catch (error) {
        throw new StateBackendError(
          `The list of instances beside the state file, ${folder}, cannot be read: ${messageOf(error)}. Let this user read that folder.`,
          { cause: error },
        )
      }
    },
    async leave(id) {
      const folder = await folderOf()
      await rm(join(folder, nameOf(id)), { force: true })
      // The last one takes the folder away; others are in it otherwise.
      await rmdir(folder).catch(() => {})
    },
  }
}

/** An id may hold what a file name may not. */
function nameOf(id: string): string {
  return `${createHash('sha256').update(id).digest('hex').slice(0, 24)}${ending}`
}

/** In one step for those who read. Returns the time of the file. */
async function replace(folder: string, name: string, content: string): Promise<number> {
  const temporary = temporaryIn(folder)
  try {
    await writeFile(temporary, content, { flag: 'wx' })
    // Whatever the umask: who may enter the folder may read what is in it.
    await chmod(temporary, 0o644)
    const { mtimeMs } = await stat(temporary)
    await rename(temporary, join(folder, name))
    return mtimeMs
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

function temporaryIn(folder: string): string {
  return join(folder, `.${crypto.randomUUID()}.tmp`)
}

/** For those who may write beside the state file. That folder is not made here: it may have been removed on purpose. */
async function makeFolder(folder: string): Promise<void> {
  const around = await stat(dirname(folder))
  try {
    await mkdir(folder)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return
    throw error
  }
  const owner = process.geteuid?.() === 0 ? around.uid : -1
  const sameGroup = await chown(folder, owner, around.gid).then(
    () => true,
    () => false,
  )
  await chmod(folder, (around.mode & (sameGroup ? 0o775 : 0o755)) | 0o700)
}

async function readEntries(folder: string): Promise<Entry[]> {
  const names = await readdir(folder).catch((error) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  const files = names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name))
  if (files.length === 0) return []
  const now = await timeOf(folder)
  const entries = await Promise.all(files.map((file) => readEntry(file, now)))
  return entries.filter((entry) => entry !== undefined)
}

/** `undefined`: it is gone again, or none of ours. */
async function readEntry(file: string, now: number): Promise<Entry | undefined> {
  try {
    const facts = await lstat(file)
    if (!facts.isFile()) return undefined
    const { id, ttl, text } = JSON.parse(await readFile(file, 'utf8'))
    if (typeof id !== 'string' || typeof ttl !== 'number' || typeof text !== 'string') return undefined
    return { file, id, ttl, text, age: Math.max(Math.round(now - facts.mtimeMs), 0) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** By the clock of the file system, which on a shared volume is not that of this machine; only a new file tells it. */
async function timeOf(folder: string): Promise<number> {
  const temporary = temporaryIn(folder)
  try {
    await writeFile(temporary, '', { flag: 'wx' })
    return (await stat(temporary)).mtimeMs
  } catch {
    return Date.now()
  } finally {
    await rm(temporary, { force: true }).catch(() => {})
  }
}

/** Removes what instances have left behind that did not end on purpose. */
async function tidy(folder: string): Promise<void> {
  const expired = (await readEntries(folder)).filter(({ age, ttl }) => age > ttl).map(({ file }) => file)
  const temporary = (await readdir(folder)).filter((name) => name.endsWith('.tmp')).map((name) => join(folder, name))
  for (const file of temporary) {
    const written = await stat(file).catch(() => undefined)
    if (written && Math.abs(Date.now() - written.mtimeMs) > minute) expired.push(file)
  }
  for (const file of expired) await rm(file, { force: true }).catch(() => {})
}
