import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Presence } from '../../src/backends/backend.js'
import { fileBackend } from '../../src/backends/file.js'
import { watchFile } from '../../src/backends/file-watch.js'
import { attempt, isRoot, nobody, temporaryFolder } from './fixtures/child.js'

const minute = 60_000
const asNobody = { uid: nobody, gid: nobody }

function presenceOf(path: string): Presence {
  return fileBackend({ path }).presence as Presence
}

function place(name = '.maintenance-mode.json') {
  const folder = temporaryFolder()
  const path = join(folder, name)
  return { folder, path, instances: join(folder, '.maintenance-mode.json.instances'), presence: presenceOf(path) }
}

const record = (id: string, text = '{}') => ({ id, text })
const idsOf = async (presence: Presence) => (await presence.list()).map(({ id }) => id).sort()

/** As if a file had been written so long ago. */
function makeOlder(folder: string, milliseconds: number): void {
  for (const name of readdirSync(folder)) {
    const then = (Date.now() - milliseconds) / 1000
    utimesSync(join(folder, name), then, then)
  }
}

describe('the list of instances beside a state file', () => {
  it.each([['.maintenance-mode.json'], ['maintenance-mode.json']])(
    'is a folder with a leading dot, which file watchers of development servers overlook (%s)',
    async (name) => {
      const { folder, presence, instances } = place(name)
      await presence.announce(record('web-1'), minute)
      expect(readdirSync(folder)).toEqual([basename(instances)])
    },
  )

  it('is there for as long as it has something to tell', async () => {
    const { folder, presence } = place()
    expect(await presence.list()).toEqual([])
    await presence.leave('web-1')
    expect(readdirSync(folder)).toEqual([])
    await presence.announce(record('web-1'), minute)
    await presence.announce(record('web-2'), minute)
    await presence.leave('web-1')
    expect(await idsOf(presence)).toEqual(['web-2'])
    await presence.leave('web-2')
    expect(readdirSync(folder)).toEqual([])
    await presence.announce(record('web-1'), minute)
    expect(await idsOf(presence)).toEqual(['web-1'])
  })

  it('takes an id that is no name of a file', async () => {
    const { presence, folder } = place()
    const ids = ['..', '../../etc/passwd', 'host:17:é', 'x'.repeat(1000), '']
    for (const id of ids) await presence.announce(record(id), minute)
    expect(await idsOf(presence)).toEqual([...ids].sort())
    for (const id of ids) await presence.leave(id)
    expect(readdirSync(folder)).toEqual([])
  })

  it('lies beside the real file, whichever link led to it', async () => {
    const { folder, path, presence } = place()
    const elsewhere = temporaryFolder()
    symlinkSync(path, join(elsewhere, 'link.json'))
    await presenceOf(join(elsewhere, 'link.json')).announce(record('web-1'), minute)
    expect(await idsOf(presence)).toEqual(['web-1'])
    expect(readdirSync(elsewhere)).toEqual(['link.json'])
    expect(readdirSync(folder)).toHaveLength(1)
  })

  it('is one for each state file of a folder', async () => {
    const { folder, presence } = place()
    const other = presenceOf(join(folder, '.maintenance-mode'))
    await presence.announce(record('web-1'), minute)
    await other.announce(record('web-2'), minute)
    expect([await idsOf(presence), await idsOf(other)]).toEqual([['web-1'], ['web-2']])
  })

  it('does not bring back a folder that was removed, a release of long ago for one', async () => {
    const { folder, presence } = place()
    await presence.announce(record('web-1'), minute)
    rmSync(folder, { recursive: true })
    await expect(presence.announce(record('web-1'), minute)).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND' })
    expect(existsSync(folder)).toBe(false)
    expect(await presence.list()).toEqual([])
  })

  it('wakes nobody who watches the state', async () => {
    const { path, presence } = place()
    writeFileSync(path, '0')
    const onChange = vi.fn()
    onTestFinished(await watchFile(path, onChange))
    for (let round = 0; round < 20; round++) {
      await presence.announce(record(`web-${round % 3}`), minute)
      await presence.list()
    }
    for (const id of ['web-0', 'web-1', 'web-2']) await presence.leave(id)
    expect(onChange).not.toHaveBeenCalled()
    writeFileSync(path, '1')
    await expect.poll(() => onChange.mock.calls.length).toBeGreaterThan(0)
  })

  it('tells ages by the clock of the file system, not by that of this machine', async () => {
    const { presence } = place()
    await presence.announce(record('web-1'), minute)
    vi.useFakeTimers({ now: Date.now() + 10 * minute, toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const [seen] = await presence.list()
    expect(seen?.age).toBeLessThan(10_000)
    expect(await presence.announce(record('web-1'), minute)).toBeLessThan(Date.now() - 9 * minute)
  })

  it('tells how long ago an instance was heard of, and forgets it when its time has passed', async () => {
    const { presence, instances } = place()
    await presence.announce(record('web-1'), minute)
    makeOlder(instances, 20_000)
    const [seen] = await presence.list()
    expect(seen?.age).toBeGreaterThanOrEqual(19_900)
    expect(seen?.age).toBeLessThan(30_000)
    makeOlder(instances, minute + 1000)
    expect(await presence.list()).toEqual([])
  })

  it('loses what instances have left behind that were killed, with the announcement of another one', async () => {
    const { path, presence, instances } = place()
    await presence.announce(record('web-1'), minute)
    writeFileSync(join(instances, '.half-written.tmp'), '')
    makeOlder(instances, 2 * minute)
    writeFileSync(join(instances, '.being-written.tmp'), '')
    expect(readdirSync(instances)).toHaveLength(3)
    await presenceOf(path).announce(record('web-2'), minute)
    expect(readdirSync(instances).sort()).toEqual(['.being-written.tmp', expect.stringMatching(/^[0-9a-f]{24}\.json$/)])
    expect(await idsOf(presence)).toEqual(['web-2'])
  })

  it('overlooks what is none of its own', async () => {
    const { presence, instances } = place()
    await presence.announce(record('web-1'), minute)
    writeFileSync(join(instances, 'notes.txt'), 'x')
    writeFileSync(join(instances, 'half.json'), '{"id":"web-2"')
    writeFileSync(join(instances, 'other.json'), '{"id":7}')
    mkdirSync(join(instances, 'folder.json'))
    expect(await idsOf(presence)).toEqual(['web-1'])
  })

  it('never shows half of a record', async () => {
    const { path, presence, instances } = place()
    const texts = ['a'.repeat(50_000), 'b'.repeat(50_000)]
    await presence.announce(record('web-1', texts[0]), minute)
    const other = presenceOf(path)
    const writing = (async () => {
      for (let round = 1; round <= 100; round++) await presence.announce(record('web-1', texts[round % 2]), minute)
    })()
    let done = false
    void writing.then(() => {
      done = true
    })
    while (!done) {
      const seen = await other.list()
      expect(seen).toHaveLength(1)
      expect(texts).toContain(seen[0]?.text)
    }
    expect(readdirSync(instances)).toHaveLength(1)
  })

  it('is moved along with its folder', async () => {
    const { folder, presence } = place()
    await presence.announce(record('web-1'), minute)
    renameSync(folder, `${folder}-moved`)
    onTestFinished(() => rmSync(`${folder}-moved`, { recursive: true }))
    expect(await idsOf(presenceOf(join(`${folder}-moved`, '.maintenance-mode.json')))).toEqual(['web-1'])
  })
})

describe('who may write and read it', () => {
  it('are those who may write and read beside the state file, whatever the umask', async () => {
    const { folder, presence, instances } = place()
    chmodSync(folder, 0o2770)
    const umask = process.umask(0o077)
    onTestFinished(() => void process.umask(umask))
    await presence.announce(record('web-1'), minute)
    expect(statSync(instances).mode & 0o777).toBe(0o770)
    const [name = ''] = readdirSync(instances)
    expect(statSync(join(instances, name)).mode & 0o777).toBe(0o644)
  })

  it.skipIf(!isRoot)('is the owner of the folder, also where root was the first (needs root)', async () => {
    const { folder, path, presence, instances } = place()
    chownSync(folder, nobody, nobody)
    await presence.announce(record('web-1'), minute)
    const { uid, gid } = statSync(instances)
    expect([uid, gid]).toEqual([nobody, nobody])
    const other = await attempt(['announce', path, 'web-2'], asNobody)
    expect(other.code).toBeUndefined()
    expect(await idsOf(presence)).toEqual(['web-1', 'web-2'])
  })

  it.skipIf(!isRoot)(
    'are not others: who may only read sees who is there, and cannot announce itself (needs root)',
    async () => {
      const { folder, path, presence, instances } = place()
      chmodSync(folder, 0o755)
      for (let round = 0; round < 2; round++) {
        const refused = await attempt(['announce', path, 'web-2'], asNobody)
        expect(refused).toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND', message: expect.stringContaining(instances) })
        expect(refused.message).toContain('EACCES')
        await presence.announce(record('web-1'), minute)
      }
      expect(await attempt(['list', path], asNobody)).toEqual({
        result: [{ id: 'web-1', text: '{}', age: expect.any(Number) }],
      })
      expect(await idsOf(presence)).toEqual(['web-1'])
    },
  )

  it.skipIf(!isRoot)('and who may not even read it is told so (needs root)', async () => {
    const { folder, path, presence, instances } = place()
    await presence.announce(record('web-1'), minute)
    chmodSync(folder, 0o755)
    chmodSync(instances, 0o700)
    const refused = await attempt(['list', path], asNobody)
    expect(refused).toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND', message: expect.stringContaining(instances) })
  })
})
