import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { fileBackend } from '../../src/backends/file.js'
import { acquireLock, whereabouts } from '../../src/backends/lock-file.js'
import { deadPid, isRoot, nobody, startScript, temporaryFolder } from './fixtures/child.js'
import { documentText } from './fixtures/document.mjs'

const timing = { staleAfter: 10_000, unsignedStaleAfter: 1000, waitFor: 10_000 }

async function increment(path: string, times: number, more: string[] = [], users: (number | undefined)[] = []) {
  const processes = [0, 1, 2, 3].map((index) => {
    const uid = users[index]
    const as = uid === undefined ? {} : { uid, gid: uid, env: { ...process.env, TMPDIR: join(path, '../../tmp') } }
    return startScript('increment.mjs', [path, times, ...more], as)
  })
  await Promise.all(processes.map((child) => child.says('ready')))
  for (const child of processes) child.process.stdin?.write('go')
  const outputs = await Promise.all(processes.map((child) => child.ended))
  return outputs.flatMap((output) => JSON.parse(output.split('\n')[1] ?? '') as number[]).sort((a, b) => a - b)
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

describe('writers in several processes', () => {
  it('lose no change, and leave no gap in the revisions', { timeout: 30_000 }, async () => {
    const folder = temporaryFolder()
    const path = join(folder, '.maintenance-mode.json')
    expect(await increment(path, 25)).toEqual(upTo(100))
    expect((await fileBackend({ path }).read())?.revision).toBe(100)
    expect(readdirSync(folder)).toEqual(['.maintenance-mode.json'])
  })

  it('take over the locks of dead processes, one at a time', { timeout: 30_000 }, async () => {
    const folder = temporaryFolder()
    const path = join(folder, '.maintenance-mode.json')
    expect(await increment(path, 12, [String(deadPid())])).toEqual(upTo(48))
    expect((await fileBackend({ path }).read())?.revision).toBe(48)
    expect(readdirSync(folder).filter((name) => name.endsWith('.takeover') || name.endsWith('.tmp'))).toEqual([])
  })

  it.skipIf(!isRoot)(
    'exclude each other also when some may write the file only, and others its folder (needs root)',
    { timeout: 30_000 },
    async () => {
      const base = temporaryFolder()
      chmodSync(base, 0o755)
      mkdirSync(join(base, 'tmp'))
      chmodSync(join(base, 'tmp'), 0o1777)
      mkdirSync(join(base, 'app'))
      const path = join(base, 'app/.maintenance-mode.json')
      writeFileSync(path, documentText(0).replace('"revision": 0', '"revision": 1'))
      chownSync(path, nobody, nobody)
      expect(await increment(path, 12, [], [nobody, 0, nobody, 0])).toEqual(upTo(49).slice(1))
    },
  )
})

describe('a lock', () => {
  it('has one holder at a time, however many take over a stale one', { timeout: 20_000 }, async () => {
    const lock = join(temporaryFolder(), '.state.lock')
    const pid = deadPid()
    let holders = 0
    for (let round = 0; round < 20; round++) {
      writeFileSync(lock, JSON.stringify({ pid, ...whereabouts, token: `${round}`, at: new Date().toISOString() }))
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          const held = await acquireLock(lock, 'state', timing)
          holders++
          expect(holders).toBe(1)
          await setImmediate()
          held?.verify()
          holders--
          held?.release()
        }),
      )
    }
  })
})
