import type { StateBackend, StoredState } from '../backends/backend.js'
import type { MaintenanceErrorCode } from '../errors.js'
import { createDocument, parseDocument, serializeDocument } from '../state/document.js'

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
  /** Puts text in the place of the document, past the backend. */
  corrupt?(text: string): Promise<void>
  /** Removes the document, past the backend. */
  remove?(): Promise<void>
  /** Ends every handle and removes what is stored. */
  cleanup(): Promise<void>
}

export interface BackendSuiteOptions {
  /** For the names of the tests. */
  name: string
  create(): Promise<BackendUnderTest>
}

/** A watcher that has not been called after so many milliseconds never will be. */
const patience = 5000

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
  const test = (name: string, run: (tested: BackendUnderTest) => Promise<void>): unknown =>
    runner.it(name, async () => {
      const tested = await options.create()
      try {
        await run(tested)
      } finally {
        await tested.cleanup()
      }
    })

  runner.describe(`state backend contract: ${options.name}`, () => {
    test('says where it is, and what it can do', async ({ backend }) => {
      check(backend.address.length > 0, 'address is empty')
      const { compareAndSet, watch, presence, writable } = backend.capabilities
      for (const capability of [compareAndSet, watch, presence, writable]) equal(typeof capability, 'boolean')
      equal(typeof backend.absentMeansOff, 'boolean')
      equal(watch, backend.watch !== undefined, 'capabilities.watch does not say whether there is a watch')
    })

    test('reads nothing where nothing is stored', async ({ backend }) => {
      equal(await backend.read(), undefined)
      equal(await backend.read(), undefined, 'reading stored something')
      if (backend.readSync) equal(backend.readSync() ?? undefined, undefined)
    })

    test('reads what was written, through every handle', async ({ backend, other }) => {
      await write(backend, 1)
      isRevision(await backend.read(), 1)
      const second = await other()
      isRevision(await second.read(), 1)
      await write(second, 2)
      isRevision(await backend.read(), 2)
      if (backend.readSync) isRevision(backend.readSync() ?? (await backend.read()), 2)
    })

    test('refuses a write that expects another revision, and changes nothing', async ({ backend, other }) => {
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
        equal(stored.key, keyOf(won[0]), 'what is stored is not what the winner wrote')
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
      if (backend.watch) await backend.watch(() => {})
      await backend.close?.()
      await backend.close?.()
    })

    test('hands out a damaged document as it is, and does not overwrite it unasked', async ({ backend, corrupt }) => {
      if (!corrupt) return
      await write(backend, 1)
      await corrupt(damaged)
      deepEqual(await backend.read(), { document: damaged, revision: 0 })
      await rejects(write(backend, 1), 'ERR_MAINTENANCE_STATE_DAMAGED')
      await rejects(write(backend, 2), 'ERR_MAINTENANCE_STATE_DAMAGED')
      equal((await backend.read())?.document, damaged)
    })

    test('replaces a damaged document when told to, and says where the copy is', async ({ backend, corrupt }) => {
      if (!corrupt) return
      await write(backend, 1)
      await corrupt(damaged)
      await rejects(write(backend, 3, 0, true), 'ERR_MAINTENANCE_CONFLICT')
      const report = await write(backend, 1, 0, true)
      if (report?.keptAside !== undefined) check(report.keptAside.length > 0, 'keptAside is empty')
      isRevision(await backend.read(), 1)
      await write(backend, 2)
    })

    test('compares as ever when a document that was thought damaged is not', async ({ backend }) => {
      await write(backend, 1)
      await rejects(write(backend, 1, 0, true), 'ERR_MAINTENANCE_CONFLICT')
      isRevision(await backend.read(), 1)
    })

    test('starts anew when the document was removed', async ({ backend, remove }) => {
      if (!remove) return
      await write(backend, 1)
      await remove()
      equal(await backend.read(), undefined)
      await rejects(write(backend, 2), 'ERR_MAINTENANCE_CONFLICT')
      await write(backend, 1)
      isRevision(await backend.read(), 1)
    })
  })
}

const damaged = '{"format":1,"id":"half'
const keyOf = (writer: number | undefined): string => `writer-${writer}`

/** Writes a document of this revision on top of the one before. */
function write(backend: StateBackend, revision: number, writer = 0, replaceDamaged = false) {
  const document = serializeDocument({ ...createDocument(keyOf(writer)), revision })
  return backend.write(document, { expected: revision - 1, next: revision, replaceDamaged })
}

async function watching(backend: StateBackend) {
  let calls = 0
  let wake = (): void => {}
  const stop = await backend.watch?.(() => {
    calls++
    wake()
  })
  return {
    calls: () => calls,
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

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

function equal(actual: unknown, expected: unknown, message = 'not the expected value'): void {
  check(Object.is(actual, expected), `${message}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`)
}

function deepEqual(actual: unknown, expected: unknown): void {
  equal(JSON.stringify(actual), JSON.stringify(expected))
}

function isRevision(stored: StoredState | undefined, revision: number): void {
  equal(stored?.revision, revision, 'not the revision that was written')
  equal(parseDocument(stored?.document ?? '').revision, revision, 'not the document that was written')
}

function isConflict(error: unknown): void {
  equal((error as { code?: unknown }).code, 'ERR_MAINTENANCE_CONFLICT' satisfies MaintenanceErrorCode)
}

async function rejects(attempt: Promise<unknown>, code: MaintenanceErrorCode): Promise<void> {
  let error: { code?: unknown } | undefined
  try {
    await attempt
  } catch (reason) {
    error = reason as { code?: unknown }
  }
  check(error !== undefined, `the write was done, instead of failing with ${code}`)
  equal(error.code, code, 'the write failed with another error')
}
