import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createFileBackend, fileBackend } from '../../src/backends/file.js'
import { parseDocument } from '../../src/state/document.js'
import { isRoot, nobody, processState, startScript, temporaryFolder } from './fixtures/child.js'
import { documentText } from './fixtures/document.mjs'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('a writer that is killed', () => {
  it('leaves a whole document behind, and none that it reported is lost', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder()
    const path = join(folder, '.maintenance-mode.json')
    await fileBackend({ path }).write(documentText(1), { expected: 0, next: 1 })
    const reader = startScript('reader.mjs', [path])
    await reader.says('reading')
    let before = 1
    // The next ones start while this one writes.
    const writers = [startScript('writer.mjs', [path]), startScript('writer.mjs', [path])]
    for (let kill = 0; kill < 100; kill++) {
      const writer = writers.shift()!
      if (kill < 98) writers.push(startScript('writer.mjs', [path]))
      writer.process.stdin?.write('go')
      await writer.says('\n')
      // A random moment is the point here: a write takes about a millisecond.
      await delay(Math.random() * 8)
      writer.process.kill('SIGKILL')
      const reported = (await writer.ended).split('\n').slice(0, -1).map(Number)
      const stored = parseDocument(readFileSync(path, 'utf8')).revision
      const last = reported.at(-1) ?? before
      expect(reported[0]).toBe(before + 1)
      expect([last, last + 1]).toContain(stored)
      before = stored
    }
    reader.process.stdin?.end()
    const seen = JSON.parse((await reader.ended).split('\n')[1] ?? '') as { reads: number; wrong: string[] }
    expect(seen.wrong).toEqual([])
    expect(seen.reads).toBeGreaterThan(1000)

    await fileBackend({ path }).write(documentText(before + 1), { expected: before, next: before + 1 })
    expect(readdirSync(folder)).toEqual(['.maintenance-mode.json'])
  })
})

describe.skipIf(process.platform !== 'linux')('a writer that is paused for longer than its lock lives', () => {
  it('does not overwrite what was written meanwhile', { timeout: 20_000 }, async () => {
    const folder = temporaryFolder()
    const path = join(folder, '.maintenance-mode.json')
    const backend = createFileBackend(path, { staleAfter: 300 })
    await backend.write(documentText(1), { expected: 0, next: 1 })
    const paused = startScript('paused.mjs', [path, 2, 'sync'])
    await stopped(paused.process.pid ?? 0)
    expect(readdirSync(folder)).toContain('.maintenance-mode.json.lock')

    await backend.write(documentText(2), { expected: 1, next: 2 })
    await backend.write(documentText(3), { expected: 2, next: 3 })
    paused.process.kill('SIGCONT')
    const told = JSON.parse(await paused.ended)
    expect(told).toMatchObject({ stopped: true, code: 'ERR_MAINTENANCE_CONFLICT' })
    expect(told.message).toContain(path)
    expect(await backend.read()).toEqual({ document: documentText(3), revision: 3 })
    expect(readdirSync(folder)).toEqual(['.maintenance-mode.json'])
  })

  it.skipIf(!isRoot)('does not overwrite it in place either (needs root)', { timeout: 20_000 }, async () => {
    const { path, temporary, as } = fileOfNobody(documentText(1))
    const paused = startScript('paused.mjs', [path, 2, 'readFile'], as)
    await stopped(paused.process.pid ?? 0)
    expect(readdirSync(temporary)).toEqual([expect.stringMatching(/^\.maintenance-mode-.*\.lock$/)])
    // Root can write the folder, and sees the lock of one who cannot.
    const impatient = createFileBackend(path, { waitFor: 50 }).write(documentText(2), { expected: 1, next: 2 })
    await expect(impatient).rejects.toThrow(`locked by process ${paused.process.pid}`)

    const backend = createFileBackend(path, { staleAfter: 300 })
    await backend.write(documentText(2), { expected: 1, next: 2 })
    paused.process.kill('SIGCONT')
    expect(JSON.parse(await paused.ended)).toMatchObject({ stopped: true, code: 'ERR_MAINTENANCE_CONFLICT' })
    expect(await backend.read()).toEqual({ document: documentText(2), revision: 2 })
    expect(readdirSync(temporary)).toEqual([])
  })

  it.skipIf(!isRoot)('shows a whole document while it writes in place (needs root)', { timeout: 20_000 }, async () => {
    const { path, as } = fileOfNobody(documentText(1, 20_000))
    const paused = startScript('paused.mjs', [path, 2, 'truncate'], as)
    await stopped(paused.process.pid ?? 0)
    expect(parseDocument(readFileSync(path, 'utf8')).revision).toBe(2)
    paused.process.kill('SIGCONT')
    expect(JSON.parse(await paused.ended)).toEqual({ stopped: true, result: 'written' })
    expect(readFileSync(path, 'utf8')).toBe(documentText(2, 100))
  })
})

/** A file of somebody who cannot write its folder, and so locks it in the folder for temporary files. */
function fileOfNobody(text: string) {
  const base = temporaryFolder()
  const temporary = join(base, 'tmp')
  chmodSync(base, 0o755)
  mkdirSync(temporary)
  chmodSync(temporary, 0o1777)
  vi.stubEnv('TMPDIR', temporary)
  const path = join(base, '.maintenance-mode.json')
  writeFileSync(path, text)
  chownSync(path, nobody, nobody)
  return { path, temporary, as: { uid: nobody, gid: nobody, env: { ...process.env } } }
}

async function stopped(pid: number): Promise<void> {
  while (processState(pid) !== 'T') await delay(5)
}
