import { createHash } from 'node:crypto'
import { mkdir, readlink, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { codeOf } from './file-errors.js'

/** A state file and the files that belong to it. All lie beside the real file, whichever link led to it. */
export interface FilePlace {
  /** As configured; for messages. */
  path: string
  /** The real file. */
  target: string
  folder: string
  temp: string
  lock: string
  /** The lock of those who may write the file, but nothing else in its folder. */
  sharedLock: string
  /** The folder of those who decide by the file. */
  instances: string
}

/** Finds the real file. Makes nothing. */
export async function findPlace(path: string): Promise<FilePlace> {
  return placeOf(path, await followLinks(path))
}

/** Finds the real file, and makes its folder where that is missing. For writing only: a read creates nothing. */
export async function preparePlace(path: string): Promise<FilePlace> {
  let target = await followLinks(path)
  try {
    await realpath(dirname(target))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await makeFolder(dirname(target))
    target = await followLinks(target)
  }
  return placeOf(path, target)
}

function placeOf(path: string, target: string): FilePlace {
  const folder = dirname(target)
  // File watchers such as nodemon overlook names with a leading dot.
  const hidden = basename(target).replace(/^(?!\.)/, '.')
  const digest = createHash('sha256').update(target).digest('hex').slice(0, 24)
  return {
    path,
    target,
    folder,
    temp: join(folder, `${hidden}.tmp`),
    lock: join(folder, `${hidden}.lock`),
    sharedLock: join(tmpdir(), `.maintenance-mode-${digest}.lock`),
    instances: join(folder, `${hidden}.instances`),
  }
}

/** Step by step: `recursive` says ENOENT where the file system is read-only. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return
    const parent = dirname(folder)
    if (codeOf(error) !== 'ENOENT' || parent === folder) throw error
    await makeFolder(parent)
    await mkdir(folder).catch((again) => {
      if (codeOf(again) !== 'EEXIST') throw again
    })
  }
}

/** Every name that leads to the file: the path itself, then what it links to, and so on. The last is no link, but may be missing. */
export async function linkChain(path: string): Promise<string[]> {
  const chain = [path]
  for (let current = path; chain.length <= 40; chain.push(current)) {
    let link: string
    try {
      link = await readlink(current)
    } catch (error) {
      // EINVAL: there, and no link. UNKNOWN is what Windows says.
      if (['EINVAL', 'ENOENT', 'UNKNOWN'].includes(codeOf(error) ?? '')) return chain
      throw error
    }
    // Joined as text: `sub/..` is not nothing where `sub` is a link itself.
    current = isAbsolute(link) ? link : `${dirname(current)}/${link}`
  }
  throw Object.assign(new Error('too many symbolic links'), { code: 'ELOOP' })
}

async function followLinks(path: string): Promise<string> {
  const last = (await linkChain(path)).at(-1) ?? path
  try {
    return join(await realpath(dirname(last)), basename(last))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return last
    throw error
  }
}
