import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.js'
import { createStateStore, type StateStore } from '../../src/backends/store.js'
import { StateConflictError } from '../../src/errors.js'
import { openByHand } from '../../src/state/transitions.js'
import type { StateDocument } from '../../src/state/window.js'
import { scriptedBackend } from '../snapshot/scripted-backend.js'
import { documentOf, minute, windowOf } from '../state/windows.js'

const ann = { by: 'ann', from: 'cli@desk' }
const open = (id: string) => (document: StateDocument) =>
  openByHand(document, { id, mode: 'on', scope: '*' }, ann, minute(0))
const nothing = (document: StateDocument) => ({ document, result: 'nothing' })

describe('a change of the stored state', () => {
  it('counts revisions from 1 under one id', async () => {
    const store = createStateStore(memoryBackend())
    const [first, second] = [await store.commit(open('a')), await store.commit(open('b'))]
    expect([first.document.revision, second.document.revision]).toEqual([1, 2])
    expect(second.document.id).toBe(first.document.id)
    expect(await store.read()).toEqual(second.document)
  })

  it('is made again on what somebody else has written meanwhile: no change is lost', async () => {
    const backend = memoryBackend()
    const ids = Array.from({ length: 8 }, (_, index) => `w${index}`)
    const stores: StateStore[] = ids.map(() => createStateStore(backend))
    await Promise.all(stores.map((store, index) => store.commit(open(ids[index] as string))))
    const document = (await stores[0]?.read()) as StateDocument
    expect(document.windows.map(({ id }) => id).sort()).toEqual(ids)
    expect(document.revision).toBe(8)
  })

  it('is given up after ten conflicts, and says what to do', async () => {
    const backend = scriptedBackend()
    backend.write = async () => {
      throw new StateConflictError('has revision 7, not 6')
    }
    const committed = createStateStore(backend).commit(open('a'))
    await expect(committed).rejects.toThrow(StateConflictError)
    await expect(committed).rejects.toThrow(/state at script: .*10 times in a row .*revision 7.* try again/)
    expect(backend.reads).toBe(10)
  })

  it('that fails otherwise is not tried again', async () => {
    const backend = scriptedBackend()
    backend.write = async () => {
      throw new Error('disk full')
    }
    await expect(createStateStore(backend).commit(open('a'))).rejects.toThrow('disk full')
    expect(backend.reads).toBe(1)
  })

  it('that changes nothing is not written', async () => {
    const backend = scriptedBackend(documentOf(windowOf()))
    const { document, result } = await createStateStore(backend).commit(nothing)
    expect([document.revision, result, backend.writes]).toEqual([1, 'nothing', 0])
  })

  it('of a newer version’s state is refused, and nothing is written', async () => {
    const newer = JSON.stringify({ ...documentOf(windowOf()), format: 2 })
    const backend = scriptedBackend()
    backend.stored = newer
    await expect(createStateStore(backend).commit(open('a'), { replace: true })).rejects.toMatchObject({
      code: 'ERR_MAINTENANCE_STATE_NEWER',
    })
    expect(backend.stored).toBe(newer)
  })

  it.each(['0\n', '1', '{"start": null, "end": "2099-01-01T00:00:00+00:00"}'])(
    'makes our own of the original’s %j, under a random id',
    async (stored) => {
      const backend = scriptedBackend()
      backend.stored = stored
      const { document } = await createStateStore(backend).commit(open('a'))
      expect(document.revision).toBe(1)
      expect(document.id).toMatch(/^[\da-f-]{36}$/)
    },
  )
})

describe('a damaged state', () => {
  it('is told with its place, and what repairs it', async () => {
    const backend = scriptedBackend()
    backend.stored = '{"format": 1}'
    await expect(createStateStore(backend).read()).rejects.toThrow(
      /^The stored state is damaged: "id": .*\. It is at script:; `maintenance-mode on` or `off` keeps a copy aside and writes a new one\.$/,
    )
  })

  it('is replaced by an operator’s word alone, even one that changes nothing', async () => {
    const backend = scriptedBackend()
    backend.stored = 'junk'
    const store = createStateStore(backend)
    await expect(store.commit(nothing)).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_STATE_DAMAGED' })
    expect(backend.stored).toBe('junk')
    expect((await store.commit(nothing, { replace: true })).document).toMatchObject({ revision: 1, windows: [] })
    expect(JSON.parse(backend.stored)).toMatchObject({ revision: 1 })
  })
})

describe('a state that is absent', () => {
  it.each([
    [true, true, 0],
    [true, false, 0],
    [false, false, 0],
    [false, true, 1],
  ])(
    'meaning off: %s, by an operator’s word: %s, is written %d times by what changes nothing',
    async (off, replace, writes) => {
      const backend = scriptedBackend()
      backend.absentMeansOff = off
      await createStateStore(backend).commit(nothing, { replace })
      expect(backend.writes).toBe(writes)
    },
  )
})
