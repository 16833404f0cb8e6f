import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { createFileBackend, fileBackend } from '../../src/backends/file.js'
import { startScript, temporaryFolder } from './fixtures/child.js'
import { documentText } from './fixtures/document.mjs'

let folder: string
let path: string

beforeEach(() => {
  folder = realpathSync(temporaryFolder())
  path = join(folder, '.maintenance-mode.json')
})

const first = { expected: 0, next: 1 }
const damaged = '{"format":1,"id":"half'

describe('construction', () => {
  it('touches nothing, and says where the state is', () => {
    expect(fileBackend({ path }).address).toBe(`file:${path}`)
    expect(readdirSync(folder)).toEqual([])
  })

  it('refuses a relative path, which an app and the command line would take differently', () => {
    expect(() => fileBackend({ path: 'state.json' })).toThrow(/"state\.json" is relative.*path\.resolve/)
  })
})

describe('reading', () => {
  it('creates nothing, neither the file nor its folder', async () => {
    const backend = fileBackend({ path: join(folder, 'deep/er/state.json') })
    expect(await backend.read()).toBeUndefined()
    expect(backend.readSync?.()).toBeUndefined()
    expect(readdirSync(folder)).toEqual([])
    expect(backend.absentMeansOff).toBe(true)
  })

  it('gives the first snapshot at once', () => {
    writeFileSync(path, documentText(7))
    expect(fileBackend({ path }).readSync?.()).toEqual({ document: documentText(7), revision: 7 })
  })

  it('has nothing at once when the file is empty or half written', () => {
    for (const text of ['', '\n', damaged]) {
      writeFileSync(path, text)
      expect(fileBackend({ path }).readSync?.()).toBeNull()
    }
  })

  it.each(['0', '1', '1\n', '{"start": "2026-01-01T00:00:00+00:00", "end": null}'])(
    'knows the original’s %j, as revision 0',
    async (text) => {
      writeFileSync(path, text)
      const backend = fileBackend({ path })
      expect(await backend.read()).toEqual({ document: text, revision: 0 })
      expect(backend.readSync?.()).toEqual({ document: text, revision: 0 })
    },
  )

  it.each(['', damaged])('waits for somebody who is in the middle of writing, after %j', async (text) => {
    writeFileSync(path, text)
    const reading = createFileBackend(path, { readAgain: { times: 500, after: 10 } }).read()
    await delay(30)
    writeFileSync(path, documentText(3))
    expect((await reading)?.revision).toBe(3)
  })

  it.each(['', ' \n', damaged, 'maybe', '[]'])('gives up waiting, and returns %j as it is', async (text) => {
    writeFileSync(path, text)
    expect(await fileBackend({ path }).read()).toEqual({ document: text, revision: 0 })
    expect(readdirSync(folder)).toEqual(['.maintenance-mode.json'])
  })

  it('says what is wrong with the path, in full, and what to do', async () => {
    mkdirSync(path)
    writeFileSync(join(folder, 'file'), '')
    symlinkSync('circle', join(folder, 'circle'))
    for (const [wrong, words] of [
      [path, /a folder in its place.*Remove the folder/],
      [join(folder, 'file/state.json'), /one of its folders is a file/],
      [join(folder, 'circle'), /links lead in a circle/],
    ] as const) {
      const backend = fileBackend({ path: wrong })
      const error = expect.objectContaining({
        code: 'ERR_MAINTENANCE_BACKEND',
        message: expect.stringContaining(wrong),
      })
      const attempts = [backend.read(), backend.write(documentText(1), first)]
      for (const attempt of attempts) {
        await expect(attempt).rejects.toEqual(error)
        await expect(attempt).rejects.toThrow(words)
      }
      expect(() => backend.readSync?.()).toThrow(words)
    }
    expect(readdirSync(folder).sort()).toEqual(['.maintenance-mode.json', 'circle', 'file'])
  })
})

describe('writing', () => {
  it('makes missing folders', async () => {
    const deep = join(folder, 'deep/er/.state.json')
    await fileBackend({ path: deep }).write(documentText(1), first)
    expect(readFileSync(deep, 'utf8')).toBe(documentText(1))
    expect(readdirSync(join(folder, 'deep/er'))).toEqual(['.state.json'])
  })

  it('replaces what the original left, which has revision 0', async () => {
    for (const text of ['0', '1', '{"start": null, "end": "2026-01-01T00:00:00+00:00"}']) {
      writeFileSync(path, text)
      expect(await fileBackend({ path }).write(documentText(1), first)).toBeUndefined()
      expect(readFileSync(path, 'utf8')).toBe(documentText(1))
    }
  })

  it('names the file when another revision is stored', async () => {
    writeFileSync(path, documentText(5))
    const writing = fileBackend({ path }).write(documentText(5), { expected: 4, next: 5 })
    await expect(writing).rejects.toThrow(`${path} has revision 5, not 4`)
  })

  it('is not disturbed by what a killed process left behind', async () => {
    writeFileSync(`${path}.tmp`, damaged, { mode: 0o400 })
    await fileBackend({ path }).write(documentText(1), first)
    expect(readFileSync(path, 'utf8')).toBe(documentText(1))
    expect(readdirSync(folder)).toEqual(['.maintenance-mode.json'])
  })

  it('hides its helpers from file watchers also when the state file is not hidden', async () => {
    const plain = join(folder, 'state.json')
    const { watch } = await import('node:fs')
    const names = new Set<string | null>()
    const seenAll = new Promise<void>((resolve) => {
      const watcher = watch(folder, (_event, name) => {
        names.add(name)
        if (!names.has('state.json')) return
        watcher.close()
        resolve()
      })
    })
    await fileBackend({ path: plain }).write(documentText(1), first)
    await seenAll
    expect([...names].filter((name) => name !== 'state.json' && !name?.startsWith('.'))).toEqual([])
    expect(names).toContain('.state.json.tmp')
  })
})

describe('a damaged file', () => {
  it('is refused, with the reason and the path', async () => {
    writeFileSync(path, damaged)
    const writing = fileBackend({ path }).write(documentText(1), first)
    await expect(writing).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_STATE_DAMAGED' })
    await expect(writing).rejects.toThrow(`${path} is damaged (it is not JSON`)
    expect(readFileSync(path, 'utf8')).toBe(damaged)
    expect(readdirSync(folder)).toEqual(['.maintenance-mode.json'])
  })

  it('is kept aside before it is replaced, byte by byte, with its mode, and no copy overwrites another', async () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x00, 0x22])
    const backend = fileBackend({ path })
    const copies = new Set<string>()
    for (let time = 0; time < 3; time++) {
      writeFileSync(path, bytes, { mode: 0o600 })
      const report = await backend.write(documentText(1), { ...first, replaceDamaged: true })
      const copy = report?.keptAside ?? ''
      expect(copy).toMatch(/^.*\/\.maintenance-mode\.json\.damaged-\d{8}T\d{6}(-\d)?$/)
      expect(readFileSync(copy)).toEqual(bytes)
      expect(statSync(copy).mode & 0o777).toBe(0o600)
      copies.add(copy)
      expect(readFileSync(path, 'utf8')).toBe(documentText(1))
    }
    expect(copies.size).toBe(3)
    expect(readdirSync(folder)).toHaveLength(4)
  })

  it('is there until the new one is: no reader ever finds nothing, which would mean off', async () => {
    writeFileSync(path, documentText(1))
    const reader = startScript('reader.mjs', [path])
    await reader.says('reading')
    const backend = createFileBackend(path, { readAgain: { times: 0, after: 0 } })
    for (let time = 0; time < 20; time++) {
      writeFileSync(path, damaged)
      await backend.write(documentText(1), { ...first, replaceDamaged: true })
    }
    reader.process.stdin?.end()
    const said = await reader.ended
    expect(said).toContain('"reads"')
    expect(said).not.toContain('ENOENT')
  })
})

describe('a symbolic link as the path', () => {
  it('is followed: the link stays, and what it leads to is replaced', async () => {
    mkdirSync(join(folder, 'shared'))
    const real = join(folder, 'shared/state.json')
    writeFileSync(real, documentText(1))
    symlinkSync('shared/state.json', join(folder, 'middle'))
    symlinkSync(join(folder, 'middle'), path)
    const backend = fileBackend({ path })
    await backend.write(documentText(2), { expected: 1, next: 2 })
    expect(readFileSync(real, 'utf8')).toBe(documentText(2))
    expect(readlinkSync(path)).toBe(join(folder, 'middle'))
    expect(readdirSync(join(folder, 'shared'))).toEqual(['state.json'])
    expect((await backend.read())?.revision).toBe(2)
  })

  it('is followed to nowhere, and the file is made there', async () => {
    symlinkSync('not/yet/state.json', path)
    const backend = fileBackend({ path })
    expect(await backend.read()).toBeUndefined()
    expect(existsSync(join(folder, 'not'))).toBe(false)
    await backend.write(documentText(1), first)
    expect(readFileSync(join(folder, 'not/yet/state.json'), 'utf8')).toBe(documentText(1))
    expect(readlinkSync(path)).toBe('not/yet/state.json')
  })

  it('has the same lock as the file itself', async () => {
    const real = join(folder, 'real.json')
    writeFileSync(real, documentText(1))
    symlinkSync('real.json', path)
    const backends = [fileBackend({ path }), fileBackend({ path: real })]
    const writes = Array.from({ length: 8 }, (_, index) =>
      backends[index % 2]?.write(documentText(2), { expected: 1, next: 2 }),
    )
    const results = await Promise.allSettled(writes)
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
  })
})
