import fs, { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, watch, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StateBackend } from '../../src/backends/backend.js'
import { createFileBackend, fileBackend } from '../../src/backends/file.js'
import { startScript, temporaryFolder } from './fixtures/child.js'
import { documentText } from './fixtures/document.mjs'

let folder: string
let path: string
const open: StateBackend[] = []

beforeEach(() => {
  folder = temporaryFolder()
  path = join(folder, '.maintenance-mode.json')
})

afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close?.()
})

/** Watches; `next` runs something and resolves when the watcher was called after it. */
async function watching(file: string, checkWatchers = 30) {
  let calls = 0
  let wake = (): void => {}
  const backend = createFileBackend(file, { checkWatchers })
  open.push(backend)
  const stop = await backend.watch?.(
    () => {
      calls++
      wake()
    },
    () => expect.unreachable(),
  )
  return {
    backend,
    stop,
    calls: () => calls,
    async next(change: () => unknown): Promise<void> {
      const called = new Promise<void>((resolve) => {
        wake = resolve
      })
      await change()
      await called
      // What the call brings with it is over, too.
      for (let turn = 0; turn < 20; turn++) await setImmediate()
    },
    /** Changes until it is told: for what has no event of its own, and is found out in a while. */
    async eventually(done: () => Promise<boolean>): Promise<void> {
      while (!(await done())) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

/** Resolves when any watcher of the folder has had the chance to hear of this. */
async function heard(name: string, change: () => void): Promise<void> {
  const told = new Promise<void>((resolve) => {
    const watcher = watch(folder, (_event, seen) => {
      if (seen !== name) return
      watcher.close()
      resolve()
    })
  })
  change()
  await told
  for (let turn = 0; turn < 20; turn++) await setImmediate()
}

const revision = async (backend: StateBackend) => (await backend.read())?.revision

describe('watching', () => {
  it('hears of a file that is made, written in place, replaced by an editor, and deleted', async () => {
    const { next, backend } = await watching(path)
    await next(() => writeFileSync(path, documentText(1)))
    await next(() => writeFileSync(path, documentText(2)))
    expect(await revision(backend)).toBe(2)
    for (let time = 3; time < 6; time++) {
      await next(() => {
        writeFileSync(join(folder, '.swap'), documentText(time))
        renameSync(join(folder, '.swap'), path)
      })
      expect(await revision(backend)).toBe(time)
    }
    await next(() => unlinkSync(path))
    expect(await backend.read()).toBeUndefined()
  })

  it('hears of writes by the command line, another process', async () => {
    const { eventually, backend } = await watching(path)
    const writer = startScript('writer.mjs', [path])
    writer.process.stdin?.write('go')
    await eventually(async () => Number(await revision(backend)) >= 3)
    writer.process.kill('SIGKILL')
    await writer.ended
  })

  it('is not woken by other files, nor by the lock and the temporary file', async () => {
    const { calls } = await watching(path)
    for (const name of ['other.json', '.maintenance-mode.json.lock', '.maintenance-mode.json.tmp', '.env']) {
      await heard(name, () => writeFileSync(join(folder, name), 'x'))
    }
    expect(calls()).toBe(0)
  })

  it('tells once of what happens in one go', async () => {
    const { next, calls } = await watching(path)
    await next(() => {
      for (let time = 0; time < 10; time++) {
        writeFileSync(path, documentText(time))
        unlinkSync(path)
      }
    })
    expect(calls()).toBe(1)
  })

  it('hears of a Kubernetes ConfigMap that is swapped, again and again', async () => {
    const version = (name: string, number: number) => {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'state.json'), documentText(number))
      symlinkSync(name, join(folder, '..data_tmp'))
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    }
    version('..2026_1', 1)
    const file = join(folder, 'state.json')
    symlinkSync('..data/state.json', file)
    const { next, backend } = await watching(file, 3_600_000)
    for (let number = 2; number < 6; number++) {
      await next(() => version(`..2026_${number}`, number))
      expect(await revision(backend)).toBe(number)
    }
    // In the folder behind the link as well.
    await next(() => writeFileSync(join(folder, '..2026_5/state.json'), documentText(9)))
    expect(await revision(backend)).toBe(9)
  })

  it('follows a link to another folder, and to where it is turned', async () => {
    for (const name of ['a', 'b']) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'state.json'), documentText(1))
    }
    symlinkSync('a/state.json', path)
    const { next, eventually, backend } = await watching(path)
    await next(() => writeFileSync(join(folder, 'a/state.json'), documentText(2)))
    expect(await revision(backend)).toBe(2)
    await next(() => {
      symlinkSync('b/state.json', join(folder, 'link'))
      renameSync(join(folder, 'link'), path)
    })
    expect(await revision(backend)).toBe(1)
    await next(() => writeFileSync(join(folder, 'b/state.json'), documentText(3)))
    await eventually(async () => (await revision(backend)) === 3)
  })

  it('notices a folder that is replaced, or made only later', async () => {
    const file = join(folder, 'sub/state.json')
    const { next, eventually, backend } = await watching(file)
    for (let number = 1; number < 4; number++) {
      rmSync(join(folder, 'sub'), { recursive: true, force: true })
      mkdirSync(join(folder, 'sub'))
      writeFileSync(file, documentText(number))
      await eventually(async () => (await revision(backend)) === number)
      for (let more = 1; more < 4; more++) await next(() => writeFileSync(file, documentText(number * 10 + more)))
    }
    renameSync(join(folder, 'sub'), join(folder, 'gone'))
    await eventually(async () => (await backend.read()) === undefined)
  })

  it('notices a release folder that is turned to another, whose own folder has no event', async () => {
    for (const [name, number] of [
      ['releases-1', 1],
      ['releases-2', 2],
    ] as const) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'state.json'), documentText(number))
    }
    symlinkSync('releases-1', join(folder, 'current'))
    const { next, backend } = await watching(join(folder, 'current/state.json'))
    await next(() => {
      symlinkSync('releases-2', join(folder, 'new'))
      renameSync(join(folder, 'new'), join(folder, 'current'))
    })
    expect(await revision(backend)).toBe(2)
    await next(() => writeFileSync(join(folder, 'releases-2/state.json'), documentText(3)))
  })

  it('stops, each for itself, and all of it on close', async () => {
    const backend = fileBackend({ path })
    const calls = [0, 0]
    const stops = await Promise.all(
      [0, 1].map((index) =>
        backend.watch?.(
          () => calls[index]!++,
          () => expect.unreachable(),
        ),
      ),
    )
    await stops[0]?.()
    await stops[0]?.()
    await heard('.maintenance-mode.json', () => writeFileSync(path, documentText(1)))
    expect(calls[0]).toBe(0)
    expect(calls[1]).toBeGreaterThan(0)
    const before = calls[1]
    await backend.close?.()
    await backend.close?.()
    await heard('.maintenance-mode.json', () => writeFileSync(path, documentText(2)))
    expect(calls).toEqual([0, before])
  })

  it('says nothing where the system has no watchers left, and breaks nothing', async () => {
    const original = fs.watch
    const refused = new Promise<void>((resolve) => {
      let times = 0
      fs.watch = (() => {
        if (++times === 3) resolve()
        throw Object.assign(new Error('no space left on device, watch'), { code: 'ENOSPC' })
      }) as typeof fs.watch
    })
    syncBuiltinESMExports()
    try {
      const { calls, stop } = await watching(path)
      await refused
      expect(calls()).toBe(0)
      await stop?.()
    } finally {
      fs.watch = original
      syncBuiltinESMExports()
    }
  })

  it('keeps no process alive', async () => {
    const child = startScript('watching.mjs', [path], { stdio: ['ignore', 'pipe', 'inherit'] })
    await child.ended
    expect(child.process.exitCode).toBe(0)
  })
})
