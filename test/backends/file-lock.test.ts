import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { createFileBackend } from '../../src/backends/file.js'
import { lookAtLock, takeOver, whereabouts } from '../../src/backends/lock-file.js'
import { deadPid, temporaryFolder } from './fixtures/child.js'
import { documentText } from './fixtures/document.mjs'

let folder: string
let path: string
let lock: string

beforeEach(() => {
  folder = temporaryFolder()
  path = join(folder, '.maintenance-mode.json')
  lock = `${path}.lock`
})

const ago = (milliseconds: number) => new Date(Date.now() - milliseconds).toISOString()
const signed = (more: object) =>
  JSON.stringify({ pid: process.pid, ...whereabouts, token: 'other', at: ago(0), ...more })

/** Waits so little that only a lock that is taken over at once lets it write. */
function write(waitFor = 50, more = {}) {
  return createFileBackend(path, { waitFor, ...more }).write(documentText(1), { expected: 0, next: 1 })
}

async function expectWritten(writing: Promise<unknown>): Promise<void> {
  await writing
  expect(readFileSync(path, 'utf8')).toBe(documentText(1))
  expect(readdirSync(folder)).toEqual(['.maintenance-mode.json'])
}

async function expectLocked(writing: Promise<unknown>, ...words: string[]): Promise<void> {
  await expect(writing).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND' })
  for (const word of [path, lock, ...words]) await expect(writing).rejects.toThrow(word)
  expect(readdirSync(folder)).toEqual(['.maintenance-mode.json.lock'])
}

describe('the lock of somebody else', () => {
  it('is respected, and the message names the holder and what to do', async () => {
    const text = signed({})
    writeFileSync(lock, text)
    await expectLocked(write(), `process ${process.pid} on ${whereabouts.host}`, 'delete the lock file')
    expect(readFileSync(lock, 'utf8')).toBe(text)
  })

  it('is waited for', async () => {
    const backend = createFileBackend(path)
    const writes = [1, 2, 3].map((next) => backend.write(documentText(next), { expected: 0, next }))
    const results = await Promise.allSettled(writes)
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
  })

  it('is taken over at once when its process is dead', async () => {
    writeFileSync(lock, signed({ pid: deadPid() }))
    await expectWritten(write())
  })

  it('is respected when only another machine or container can know whether its process lives', async () => {
    writeFileSync(lock, signed({ pid: deadPid(), host: 'elsewhere' }))
    await expectLocked(write(), 'on elsewhere')
    writeFileSync(lock, signed({ pid: deadPid(), space: 'pid:[1]' }))
    await expectLocked(write())
  })

  it('is taken over when it is older than ten seconds, or from a clock that was wrong', async () => {
    for (const at of [ago(10_500), ago(-3_600_000), 'never']) {
      writeFileSync(lock, signed({ at, host: 'elsewhere' }))
      await write()
      expect(readdirSync(folder)).toEqual(['.maintenance-mode.json'])
      writeFileSync(path, '0')
    }
    writeFileSync(lock, signed({ at: ago(9_000), host: 'elsewhere' }))
    await expect(write()).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND' })
  })

  it('is taken over after a second when it was never signed', async () => {
    writeFileSync(lock, '')
    await expectLocked(write(), 'an unknown process')
    const before = new Date(Date.now() - 1_100)
    utimesSync(lock, before, before)
    await expectWritten(write())
  })

  it('is taken over by somebody who waits while it goes stale', async () => {
    writeFileSync(lock, signed({ host: 'elsewhere' }))
    await expectWritten(write(5_000, { staleAfter: 150 }))
  })

  it('is taken over also when the one who was to take it over died', async () => {
    writeFileSync(lock, signed({ pid: deadPid() }))
    writeFileSync(`${lock}.takeover`, signed({ pid: deadPid() }))
    await expectWritten(write(1_000))
  })

  it('is left alone when a quicker one has taken over already', () => {
    const timing = { staleAfter: 10_000, unsignedStaleAfter: 1_000, waitFor: 0 }
    writeFileSync(lock, signed({ pid: deadPid() }))
    const stale = lookAtLock(lock)
    writeFileSync(lock, signed({ token: 'quicker' }))
    expect(takeOver(lock, stale!, timing)).toBe(true)
    expect(lookAtLock(lock)?.holder?.token).toBe('quicker')
    expect(readdirSync(folder)).toEqual(['.maintenance-mode.json.lock'])
  })

  it('is left alone while somebody else takes it over', async () => {
    writeFileSync(lock, signed({ pid: deadPid() }))
    writeFileSync(`${lock}.takeover`, signed({}))
    await expect(write()).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND' })
    expect(readdirSync(folder)).toHaveLength(2)
  })
})
