import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { fileBackend } from '../../src/backends/file.js'
import { attempt, canMount, isRoot, nobody, startScript, temporaryFolder } from './fixtures/child.js'
import { documentText } from './fixtures/document.mjs'

let folder: string
let path: string
/** A folder for temporary files that anybody may write, and that must be empty in the end. */
let temporary: string

beforeEach(() => {
  const base = temporaryFolder()
  chmodSync(base, 0o755)
  folder = join(base, 'app')
  temporary = join(base, 'tmp')
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  mkdirSync(temporary)
  chmodSync(temporary, 0o1777)
  path = join(folder, '.maintenance-mode.json')
})

const second = { expected: 1, next: 2 }
const environment = () => ({ ...process.env, TMPDIR: temporary })
const asNobody = () => ({ uid: nobody, gid: nobody, env: environment() })

function stored(mode = 0o644, owner = 0, group = owner): number {
  writeFileSync(path, documentText(1))
  if (isRoot) chownSync(path, owner, group)
  chmodSync(path, mode)
  return statSync(path).ino
}

function look() {
  const { uid, gid, mode, ino } = statSync(path)
  return { uid, gid, mode: (mode & 0o7777).toString(8), ino, revision: JSON.parse(readFileSync(path, 'utf8')).revision }
}

function expectTidy(...kept: RegExp[]): void {
  const left = [...readdirSync(folder), ...readdirSync(temporary)].filter((name) => name !== '.maintenance-mode.json')
  expect(left).toEqual(kept.map((pattern) => expect.stringMatching(pattern)))
}

describe('a new state file', () => {
  it.each([
    [0o755, '644'],
    [0o700, '640'],
    [0o770, '660'],
    [0o2775, '664'],
    [0o1777, '664'],
  ])('in a folder of mode %o gets a mode from it', async (folderMode, mode) => {
    chmodSync(folder, folderMode)
    await fileBackend({ path }).write(documentText(1), { expected: 0, next: 1 })
    expect(look().mode).toBe(mode)
  })

  it.skipIf(!isRoot)('that root makes belongs to whom the folder belongs (needs root)', async () => {
    chownSync(folder, nobody, 12345)
    await fileBackend({ path }).write(documentText(1), { expected: 0, next: 1 })
    expect(look()).toMatchObject({ uid: nobody, gid: 12345, mode: '644' })
  })

  it.skipIf(!isRoot)('is not writable for a group that is not the folder’s (needs root)', async () => {
    chmodSync(folder, 0o777)
    expect(await attempt(['write', path, 1], asNobody())).toEqual({ result: null })
    expect(look()).toMatchObject({ uid: nobody, gid: nobody, mode: '644' })
  })
})

describe('an existing state file', () => {
  it.each([0o600, 0o640, 0o664, 0o666])('keeps its mode %o', async (mode) => {
    const before = stored(mode, process.getuid?.(), process.getgid?.())
    await fileBackend({ path }).write(documentText(2), second)
    expect(look()).toMatchObject({ mode: mode.toString(8), revision: 2 })
    expect(look().ino).not.toBe(before)
  })

  it.skipIf(!isRoot)('keeps owner and group when root switches (needs root)', async () => {
    const before = stored(0o640, nobody, 12345)
    await fileBackend({ path }).write(documentText(2), second)
    expect(look()).toMatchObject({ uid: nobody, gid: 12345, mode: '640', revision: 2 })
    expect(look().ino).not.toBe(before)
    expectTidy()
  })

  it.skipIf(!isRoot)('is written in place by somebody who could not keep its owner (needs root)', async () => {
    chmodSync(folder, 0o777)
    const ino = stored(0o666)
    expect(await attempt(['write', path, 2], asNobody())).toEqual({ result: null })
    expect(look()).toEqual({ uid: 0, gid: 0, mode: '666', ino, revision: 2 })
    expectTidy()
  })

  it.skipIf(!isRoot)(
    'is replaced, with its mode, where writing in place is not allowed either (needs root)',
    async () => {
      chmodSync(folder, 0o777)
      stored(0o644)
      expect(await attempt(['write', path, 2], asNobody())).toEqual({ result: null })
      expect(look()).toMatchObject({ uid: nobody, mode: '644', revision: 2 })
      expectTidy()
    },
  )

  it.skipIf(!isRoot)('needs no write permission on its folder (needs root)', async () => {
    const ino = stored(0o600, nobody)
    expect(await attempt(['write', path, 2], asNobody())).toEqual({ result: null })
    expect(look()).toEqual({ uid: nobody, gid: nobody, mode: '600', ino, revision: 2 })
    expectTidy()
  })

  it.skipIf(!isRoot)('gets no longer and no shorter than its document when written in place (needs root)', async () => {
    stored(0o600, nobody)
    writeFileSync(path, documentText(1, 20_000))
    await attempt(['write', path, 2], asNobody())
    expect(readFileSync(path, 'utf8')).toBe(documentText(2))
  })

  it.skipIf(!isRoot)('is never seen empty while it is written in place (needs root)', { timeout: 20_000 }, async () => {
    stored(0o600, nobody)
    const reader = startScript('reader.mjs', [path, 'settled'])
    await reader.says('reading')
    const writer = startScript('writer.mjs', [path], asNobody())
    writer.process.stdin?.write('go')
    await writer.says('\n150\n')
    writer.process.kill('SIGKILL')
    await writer.ended
    reader.process.stdin?.end()
    const seen = JSON.parse((await reader.ended).split('\n')[1] ?? '') as { reads: number; wrong: string[] }
    expect(seen.wrong).toEqual([])
    expect(seen.reads).toBeGreaterThan(500)
  })

  it.skipIf(!isRoot)(
    'is kept aside elsewhere, for its owner alone, when its folder takes no copy (needs root)',
    async () => {
      stored(0o644, nobody)
      writeFileSync(path, 'damaged')
      const { result } = await attempt(['write', path, 1, 'replace'], asNobody())
      const { keptAside } = result as { keptAside: string }
      expect(readFileSync(keptAside, 'utf8')).toBe('damaged')
      expect(statSync(keptAside)).toMatchObject({ uid: nobody, mode: 0o100600 })
      expect(look().revision).toBe(1)
      expectTidy(/^\.maintenance-mode\.json\.damaged-/)
    },
  )
})

describe('somebody without permission', () => {
  it.skipIf(!isRoot)(
    'can read, which needs no permission to write and leaves nothing behind (needs root)',
    async () => {
      stored()
      expect(await attempt(['read', path], asNobody())).toMatchObject({ result: { revision: 1 } })
      expect(await attempt(['read', join(folder, 'none/state.json')], asNobody())).toEqual({ result: null })
      expectTidy()
    },
  )

  it.skipIf(!isRoot)('is told so, with the full path, when writing (needs root)', async () => {
    stored()
    const refused = await attempt(['write', path, 2], asNobody())
    expect(refused.code).toBe('ERR_MAINTENANCE_BACKEND')
    expect(refused.message).toMatch(/permission denied \(EACCES\) for user id 65534.*Let this user write the file/)
    expect(refused.message).toContain(path)
    const create = await attempt(['write', join(folder, 'state.json'), 1], asNobody())
    expect(create.message).toContain(`${join(folder, 'state.json')}: permission denied (EACCES)`)
    expect(look().revision).toBe(1)
    expectTidy()
  })

  it.skipIf(!isRoot)('is told so, with the full path, when reading (needs root)', async () => {
    stored(0o600)
    const refused = await attempt(['read', path], asNobody())
    expect(refused.code).toBe('ERR_MAINTENANCE_BACKEND')
    expect(refused.message).toContain(`Cannot read the state file ${path}: permission denied (EACCES)`)
    chmodSync(folder, 0o700)
    expect((await attempt(['read', path], asNobody())).code).toBe('ERR_MAINTENANCE_BACKEND')
  })
})

describe('mounts', () => {
  const inMounts = (script: string) => (line: string[]) => [
    'unshare',
    '-m',
    'sh',
    '-c',
    `${script} && exec "$@"`,
    ...line,
  ]

  it.skipIf(!canMount)('a file that is mounted by itself is written in place (needs root and mounts)', async () => {
    stored(0o640, 1, 2)
    const ino = statSync(path).ino
    const mounted = join(temporaryFolder(), '.state.json')
    writeFileSync(mounted, '')
    const mount = inMounts(`mount --bind '${path}' '${mounted}'`)
    const line = (command: string[]) => mount(['sh', ...command])
    expect(await attempt(['write', mounted, 2], { env: environment() }, line)).toEqual({ result: null })
    expect(look()).toEqual({ uid: 1, gid: 2, mode: '640', ino, revision: 2 })
    expect(readdirSync(join(mounted, '..'))).toEqual(['.state.json'])
    expectTidy()
  })

  it.skipIf(!canMount)('a read-only mount is read, and refuses a write clearly (needs root and mounts)', async () => {
    stored()
    const mount = inMounts(`mount --bind '${folder}' '${folder}' && mount -o remount,bind,ro '${folder}'`)
    const line = (command: string[]) => mount(['sh', ...command])
    const options = { env: environment() }
    expect(await attempt(['read', path], options, line)).toMatchObject({ result: { revision: 1 } })
    const refused = await attempt(['write', path, 2], options, line)
    expect(refused.code).toBe('ERR_MAINTENANCE_BACKEND')
    expect(refused.message).toContain(`${path}: the file system is read-only (EROFS)`)
    const create = await attempt(['write', join(folder, 'new/state.json'), 1], options, line)
    expect(create.message).toContain('read-only (EROFS)')
    expect(look().revision).toBe(1)
    expectTidy()
  })
})
