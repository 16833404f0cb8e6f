import type { Presence, StateBackend, StoredState } from '../backends/backend.js'
import { createDocument, parseDocument, serializeDocument } from '../state/document.js'
import { check, deepEqual, equal, eventually, isConflict, isRevision, patience, rejects } from './assertions.js'

/** What the suite needs of a test runner: vitest, node:test, mocha, jest and others have it. */
export interface SuiteRunner {
  describe(name: string, define: () => void): unknown
  it(name: string, run: () => Promise<void>): unknown
}

/** One stored state, still empty, and ways to reach it. */
export interface BackendUnderTest {
  backend: StateBackend
  /** A second, independent handle on the same stored state, as another process would have. */
  other(): Promise<StateBackend>
  /** Puts text in the place of the document, past the backend: damaged, or a document where the backend cannot write. */
  corrupt?(text: string): Promise<void>
  /** Removes the document, past the backend. */
  remove?(): Promise<void>
  /** Puts the engine out of reach, and back. */
  outage?: { begin(): Promise<void>; end(): Promise<void> }
  /** Ends every handle and removes what is stored. */
  cleanup(): Promise<void>
}

export interface BackendSuiteOptions {
  /** For the names of the tests. */
  name: string
  create(): Promise<BackendUnderTest>
}

/**
 * The contract of a state backend, as tests. A backend that passes can be given as `stateBackend`.
 *
 * @example
 * ```ts
 * import { describe, it } from 'node:test'
 *
 * backendSuite({ describe, it }, {
 *   name: 'my backend',
 *   async create() {
 *     const store = await emptyStore()
 *     return { backend: myBackend(store), other: async () => myBackend(store), cleanup: () => store.drop() }
 *   },
 * })
 * ```
 */
export function backendSuite(runner: SuiteRunner, options: BackendSuiteOptions): void {
  const test = (name: string, run: (tested: BackendUnderTest) => Promise<unknown>): unknown =>
    runner.it(name, async () => {
      const tested = await options.create()
      try {
        await run(tested)
      } finally {
        await tested.cleanup()
      }
    })

  const writing: typeof test = (name, run) =>
    test(name, async (tested) => tested.backend.capabilities.writable && run(tested))

  runner.describe(`state backend contract: ${options.name}`, () => {
    test('says where it is, and what it can do', async ({ backend }) => {
      check(backend.address.length > 0, 'address is empty')
      const { compareAndSet, watch, presence, writable } = backend.capabilities
      for (const capability of [compareAndSet, watch, presence, writable]) equal(typeof capability, 'boolean')
      equal(typeof backend.absentMeansOff, 'boolean')
      equal(watch, backend.watch !== undefined, 'capabilities.watch does not say whether there is a watch')
      equal(presence, backend.presence !== undefined, 'capabilities.presence does not say whether there is presence')
    })

    test('reads nothing where nothing is stored', async ({ backend }) => {
      equal(await backend.read(), undefined)
      equal(await backend.read(), undefined, 'reading stored something')
      if (backend.readSync) equal(backend.readSync() ?? undefined, undefined)
    })

    test('reads what was written, through every handle', async (tested) => {
      const { backend, other } = tested
      await store(tested, 1)
      isRevision(await backend.read(), 1)
      const second = await other()
      isRevision(await second.read(), 1)
      await store({ ...tested, backend: second }, 2)
      isRevision(await backend.read(), 2)
      if (backend.readSync) isRevision(backend.readSync() ?? (await backend.read()), 2)
    })

    test('refuses to write where it cannot, and changes nothing', async (tested) => {
      const { backend } = tested
      if (backend.capabilities.writable) return
      await rejects(write(backend, 1), 'ERR_MAINTENANCE_BACKEND')
      equal(await backend.read(), undefined)
      await store(tested, 1)
      await rejects(write(backend, 2), 'ERR_MAINTENANCE_BACKEND')
      isRevision(await backend.read(), 1)
    })

    writing('refuses a write that expects another revision, and changes nothing', async ({ backend, other }) => {
      await rejects(write(backend, 4), 'ERR_MAINTENANCE_CONFLICT')
      equal(await backend.read(), undefined)
      await write(backend, 1)
      await write(await other(), 2)
      await rejects(write(backend, 1), 'ERR_MAINTENANCE_CONFLICT')
      await rejects(write(backend, 2), 'ERR_MAINTENANCE_CONFLICT')
      await rejects(write(backend, 4), 'ERR_MAINTENANCE_CONFLICT')
      isRevision(await backend.read(), 2)
    })

    test('lets exactly one of many concurrent writers win', async ({ backend, other }) => {
      if (!backend.capabilities.compareAndSet) return
      const second = await other()
      for (let revision = 1; revision <= 3; revision++) {
        const attempts = Array.from({ length: 10 }, (_, index) => write(index % 2 ? second : backend, revision, index))
        const results = await Promise.allSettled(attempts)
        const won = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []))
        equal(won.length, 1, `${won.length} of 10 writers won`)
        for (const result of results) if (result.status === 'rejected') isConflict(result.reason)
        const stored = parseDocument((await backend.read())?.document ?? '')
        equal(stored.revision, revision)
        equal(stored.id, idOf(won[0]), 'what is stored is not what the winner wrote')
      }
    })

    test('tells a watcher of what another handle writes, until it is stopped', async ({ backend, other }) => {
      if (!backend.watch) return
      const second = await other()
      const stopped = await watching(backend)
      const kept = await watching(backend)
      for (const revision of [1, 2, 3]) {
        if (revision === 3) await stopped.stop()
        const calls = stopped.calls()
        await write(second, revision)
        await kept.until(async () => (await backend.read())?.revision === revision)
        if (revision < 3) await stopped.until(async () => stopped.calls() > calls)
        else equal(stopped.calls(), calls, 'a stopped watcher was called')
      }
      await stopped.stop()
      await kept.stop()
    })

    test('closes as often as it is told to', async ({ backend }) => {
      if (backend.watch)
        await backend.watch(
          () => {},
          () => {},
        )
      await backend.close?.()
      await backend.close?.()
    })

    test('hands out a damaged document as it is, and does not overwrite it unasked', async ({ backend, corrupt }) => {
      if (!corrupt) return
      await store({ backend, corrupt }, 1)
      await corrupt(damaged)
      deepEqual(await backend.read(), { document: damaged, revision: 0 })
      if (!backend.capabilities.writable) return
      await rejects(write(backend, 1), 'ERR_MAINTENANCE_STATE_DAMAGED')
      await rejects(write(backend, 2), 'ERR_MAINTENANCE_STATE_DAMAGED')
      equal((await backend.read())?.document, damaged)
    })

    writing('replaces a damaged document when told to, and says where the copy is', async ({ backend, corrupt }) => {
      if (!corrupt) return
      await write(backend, 1)
      await corrupt(damaged)
      await rejects(write(backend, 3, 0, true), 'ERR_MAINTENANCE_CONFLICT')
      const report = await write(backend, 1, 0, true)
      if (report?.keptAside !== undefined) check(report.keptAside.length > 0, 'keptAside is empty')
      isRevision(await backend.read(), 1)
      await write(backend, 2)
    })

    writing('compares as ever when a document that was thought damaged is not', async ({ backend }) => {
      await write(backend, 1)
      await rejects(write(backend, 1, 0, true), 'ERR_MAINTENANCE_CONFLICT')
      isRevision(await backend.read(), 1)
    })

    test('tells the watcher what is stored, where it tells more than that it changed', async ({ backend, other }) => {
      if (!backend.watch) return
      const told: StoredState[] = []
      const stop = await backend.watch(
        (stored) => stored && told.push(stored),
        () => {},
      )
      await write(await other(), 1)
      const kept = await watching(backend)
      await write(await other(), 2)
      await kept.until(async () => (await backend.read())?.revision === 2)
      for (const stored of told) isRevision(stored, stored.revision)
      await kept.stop()
      await stop()
    })

    test('keeps a document of 100,000 characters, in any language, as it is', async (tested) => {
      const { backend, other } = tested
      const reason = 'Wartung ☕ 保守 \u{1f6a7} "\\\n\u0000'.repeat(5_000).slice(0, 100_000)
      const document = documentOf(backend, 1, 0, { reason })
      await store(tested, 1, document)
      equal((await backend.read())?.document, document, 'not the document that was written')
      equal((await (await other()).read())?.document, document, 'not the document that was written')
    })

    test('fails while the engine is out of reach, and works again afterwards', async (tested) => {
      const { backend, outage } = tested
      if (!outage) return
      await store(tested, 1)
      await outage.begin()
      await rejects(backend.read(), 'ERR_MAINTENANCE_BACKEND')
      await rejects(write(backend, 2), 'ERR_MAINTENANCE_BACKEND')
      await outage.end()
      await eventually(async () => (await backend.read())?.revision !== undefined)
      await store(tested, 2)
      isRevision(await backend.read(), 2)
    })

    test('says that a watch was lost with its engine, or watches on afterwards', async ({ backend, other, outage }) => {
      if (!backend.watch || !outage) return
      const watched = await watching(backend)
      await outage.begin()
      await outage.end()
      const second = await other()
      await eventually(async () => {
        const revision = (await second.read())?.revision ?? 0
        await write(second, revision + 1)
        return true
      })
      const calls = watched.calls()
      await eventually(async () => {
        if (watched.lost() !== undefined || watched.calls() > calls) return true
        await write(second, ((await second.read())?.revision ?? 0) + 1)
        return false
      })
      await watched.stop()
    })

    test('lists the instances that have announced themselves, and those alone', async ({ backend, other }) => {
      if (!backend.presence) return
      const second = (await other()).presence as Presence
      deepEqual(await backend.presence.list(), [])
      await backend.presence.announce({ id: 'web-1:17', text: '{"round":1}' }, minute)
      const now = await second.announce({ id: 'web-2:17', text: '{"round":1}' }, minute)
      if (now !== undefined) check(Math.abs(now - Date.now()) < minute, 'not the time of the backend')
      await backend.presence.announce({ id: 'web-1:17', text: '{"round":2} ☕' }, minute)
      const seen = [...(await second.list())].sort((a, b) => a.id.localeCompare(b.id))
      deepEqual(
        seen.map(({ id, text }) => [id, text]),
        [
          ['web-1:17', '{"round":2} ☕'],
          ['web-2:17', '{"round":1}'],
        ],
      )
      for (const { age } of seen) check(age >= 0 && age < 5_000, `an age of ${age} ms`)
      await second.leave('web-1:17')
      await second.leave('web-1:17')
      deepEqual(
        (await backend.presence.list()).map(({ id }) => id),
        ['web-2:17'],
      )
      equal(await backend.read(), undefined, 'presence stored something in the place of the state')
    })

    test('forgets an instance when its time has passed', async ({ backend }) => {
      const { presence } = backend
      if (!presence) return
      await presence.announce({ id: 'stays', text: '{}' }, minute)
      await presence.announce({ id: 'goes', text: '{}' }, 1_000)
      await eventually(async () => (await presence.list()).length === 1)
      deepEqual(
        (await presence.list()).map(({ id }) => id),
        ['stays'],
      )
    })

    test('starts anew when the document was removed', async (tested) => {
      const { backend, remove } = tested
      if (!remove) return
      await store(tested, 1)
      await remove()
      equal(await backend.read(), undefined)
      if (backend.capabilities.writable) await rejects(write(backend, 2), 'ERR_MAINTENANCE_CONFLICT')
      await store(tested, 1)
      isRevision(await backend.read(), 1)
    })
  })
}

const minute = 60_000

const damaged = '{"format":1,"id":"half'
const idOf = (writer: number | undefined): string => `writer-${writer}`

/** A document as the state of this backend has it, which tells who wrote it. */
const documentOf = ({ key = '' }: StateBackend, revision: number, writer = 0, more: object = {}): string =>
  serializeDocument({ ...createDocument(key, idOf(writer)), revision, ...more })

/** Writes a document of this revision on top of the one before; past the backend, where that cannot write. */
async function store(
  { backend, corrupt }: Pick<BackendUnderTest, 'backend' | 'corrupt'>,
  revision: number,
  document: string = documentOf(backend, revision),
): Promise<void> {
  if (backend.capabilities.writable) await backend.write(document, { expected: revision - 1, next: revision })
  else {
    check(corrupt !== undefined, 'a backend that cannot write is tested with `corrupt`')
    await corrupt(document)
  }
}

function write(backend: StateBackend, revision: number, writer = 0, replaceDamaged = false) {
  const document = documentOf(backend, revision, writer)
  return backend.write(document, { expected: revision - 1, next: revision, replaceDamaged })
}

async function watching(backend: StateBackend) {
  let calls = 0
  let wake = (): void => {}
  let lost: unknown
  const stop = await backend.watch?.(
    () => {
      calls++
      wake()
    },
    (error) => {
      lost = error ?? new Error('the watch was lost')
      wake()
    },
  )
  return {
    calls: () => calls,
    lost: () => lost,
    stop: async () => stop?.(),
    /** Asks at once, and again at each call. */
    async until(done: () => Promise<boolean>): Promise<void> {
      const deadline = Date.now() + patience
      while (!(await done())) {
        const left = deadline - Date.now()
        check(left > 0, `the watcher was not told of a change within ${patience} ms`)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    },
  }
}
