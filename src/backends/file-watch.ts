import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { linkChain } from './file-place.js'

interface WatchedFolder {
  watcher: FSWatcher
  /** Tells a folder from another that took its name. */
  identity: string
}

/**
 * Calls `onChange` when the file may have changed: written, replaced, removed, or another file by way of a link.
 *
 * The folders are watched, since a watcher of the file itself goes silent with the first rename, and a Kubernetes
 * ConfigMap swaps a folder and never names the file. Folders come and go as well, so once in a while
 * it is checked that the right ones are watched. Where nothing can be watched, nothing is said: instances poll.
 */
export async function watchFile(path: string, onChange: () => void, checkEvery = 1000): Promise<() => Promise<void>> {
  const watched = new Map<string, WatchedFolder>()
  let names = new Map<string, Set<string>>()
  let stopped = false
  let pending: NodeJS.Immediate | undefined
  let checking = false
  let checkAgain = false

  /** One call, however many events the same turn brings. */
  function tell(): void {
    if (stopped || pending) return
    pending = setImmediate(() => {
      pending = undefined
      onChange()
      void check()
    })
    pending.unref()
  }

  function drop(folder: string): void {
    watched.get(folder)?.watcher.close()
    watched.delete(folder)
  }

  function seen(folder: string, name: string | null): void {
    // The folder itself was moved or removed: its watcher will be silent from now on.
    if (name === basename(folder)) drop(folder)
    else if (name !== null && !name.startsWith('..') && !names.get(folder)?.has(name)) return
    tell()
  }

  function arm(folder: string, identity: string): boolean {
    try {
      const watcher = watch(folder, { persistent: false })
      watched.set(folder, { watcher, identity })
      watcher.on('change', (_event, name) => {
        if (watched.get(folder)?.watcher === watcher) seen(folder, name === null ? null : String(name))
      })
      watcher.on('error', () => {
        if (watched.get(folder)?.watcher !== watcher) return
        drop(folder)
        tell()
      })
      return true
    } catch {
      // No watchers left, or none on this file system.
      return false
    }
  }

  /** Watches the folders that matter now, and no others. True: they are not the ones of before. */
  async function rearm(): Promise<boolean> {
    const wanted = await foldersOf(path)
    let changed = false
    for (const folder of wanted.keys()) {
      const identity = await identityOf(folder)
      if (stopped) return false
      const before = watched.get(folder)
      if (before?.identity === identity) continue
      drop(folder)
      const armed = identity !== undefined && arm(folder, identity)
      changed ||= armed || before !== undefined
    }
    names = wanted
    for (const folder of [...watched.keys()]) if (!wanted.has(folder)) drop(folder)
    return changed
  }

  async function check(): Promise<void> {
    checkAgain = checking
    if (checking) return
    checking = true
    do {
      checkAgain = false
      if (await rearm()) tell()
    } while (checkAgain && !stopped)
    checking = false
  }

  await rearm()
  const timer = setInterval(() => void check(), checkEvery).unref()

  return async () => {
    stopped = true
    clearInterval(timer)
    if (pending) clearImmediate(pending)
    for (const folder of [...watched.keys()]) drop(folder)
  }
}

async function foldersOf(path: string): Promise<Map<string, Set<string>>> {
  const folders = new Map<string, Set<string>>()
  for (const file of await linkChain(path).catch(() => [path])) {
    const names = folders.get(dirname(file)) ?? new Set()
    folders.set(dirname(file), names.add(basename(file)))
  }
  return folders
}

async function identityOf(folder: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(folder)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
