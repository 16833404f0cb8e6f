import { bounded, type Clock, kept, systemClock } from '../clock.js'
import { hasCode, messageOf, StateBackendError, StateConflictError, StateDamagedError } from '../errors.js'
import { createDocument, parseDocument, parseNews, serializeDocument } from '../state/document.js'
import { loadRecurrence } from '../state/recurrence.js'
import type { Transition } from '../state/transitions.js'
import type { StateDocument } from '../state/window.js'
import type { StateBackend, StoredState, WriteCondition, WriteReport } from './backend.js'

const tries = 10

/** What takes longer has failed, or an engine that never answers would be waited for until the end of days. Milliseconds. */
const patience = 10_000

/** What a write did. */
export interface Committed<Result> {
  document: StateDocument
  result: Result
  /** Where a damaged state was put before it was replaced. */
  keptAside: string | undefined
}

/** Documents in and out of a backend. */
export interface StateStore {
  readonly backend: StateBackend
  /** The stored document, `undefined` when nothing is stored, and loaded what its recurring windows need. @throws StateDamagedError */
  read(): Promise<StateDocument | undefined>
  /** As `read`, where there is an answer at once; `null` where there is none. @throws StateDamagedError */
  readSync(): StateDocument | undefined | null
  /** What a backend told of a change; the history is read when it is asked for. @throws StateDamagedError */
  parseNews(stored: StoredState): StateDocument
  /**
   * Applies a transition with compare-and-set; tried again on a conflict, up to ten times.
   *
   * @param options.replace An operator's word: a new state may begin where the stored one is damaged (a copy is kept
   * aside) or has vanished.
   * @throws StateDamagedError
   */
  commit<Result>(
    transition: (document: StateDocument) => Transition<Result>,
    options?: { replace?: boolean },
  ): Promise<Committed<Result>>
}

export function createStateStore(backend: StateBackend, clock: Clock = systemClock): StateStore {
  const { address, key = '' } = backend
  const parse = (stored: StoredState, read = parseDocument): StateDocument => {
    const document = parseStored(backend, stored, read)
    // A state that is not ours, the original's `1` for one, has no key.
    if (document.revision === 0 || document.key === key) return document
    throw new StateBackendError(
      `The state at ${address} is another app's: its key is "${document.key}", not "${key}". Nothing was changed. Add ?key=${document.key} if that state is meant, or use another place.`,
    )
  }

  const late = (advice: string): Error =>
    new StateBackendError(`No answer from ${address} within ${patience / 1000} s.${advice}`)

  const store: Omit<StateStore, 'commit'> = {
    backend,
    async read() {
      const stored = await bounded(clock, backend.read(), { milliseconds: patience, late: () => late('') })
      const document = stored && parse(stored)
      const loading = document && loadRecurrence(document)
      if (loading) await loading
      return document
    },
    readSync() {
      const stored = backend.readSync ? backend.readSync() : null
      const document = stored && parse(stored)
      return document && loadRecurrence(document) ? null : document
    },
    parseNews: (stored) => parse(stored, parseNews),
  }

  const write = async (document: StateDocument, condition: WriteCondition): Promise<WriteReport | undefined> =>
    bounded(clock, backend.write(serializeDocument(document), condition), {
      milliseconds: patience,
      late: () => late(' The change may have been made all the same: look at `maintenance-mode status`.'),
    })

  async function attempt<Result>(
    transition: (document: StateDocument) => Transition<Result>,
    replace: boolean,
  ): Promise<Committed<Result>> {
    const { current, damaged } = await readForChange(store, replace)
    const base = current ?? createDocument(key)
    const { document: next, result } = transition(base)
    // Where an absent state is an accident, others still decide by the last one: an operator's `off` must be written.
    const mustWrite = current === undefined && replace && (damaged || !backend.absentMeansOff)
    if (next === base && !mustWrite) return { document: base, result, keptAside: undefined }
    const document = numbered(next, key)
    const condition = { expected: base.revision, next: document.revision, replaceDamaged: damaged }
    const report = await write(document, condition)
    return { document, result, keptAside: report?.keptAside }
  }

  let took = 0
  async function timed<Result>(work: Promise<Result>): Promise<Result> {
    const from = performance.now()
    try {
      return await work
    } finally {
      took = performance.now() - from
    }
  }

  async function repeat<Result>(make: () => Promise<Committed<Result>>): Promise<Committed<Result>> {
    for (let count = 2; ; count++) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longestPause(took, count)))
      try {
        return await timed(make())
      } catch (error) {
        if (!hasCode(error, 'ERR_MAINTENANCE_CONFLICT')) throw error
        if (count >= tries) throw new StateConflictError(conflict(backend, error), { cause: error })
      }
    }
  }

  let repeating: Promise<unknown> = Promise.resolve()
  let waiting = 0
  async function commit<Result>(make: () => Promise<Committed<Result>>): Promise<Committed<Result>> {
    try {
      // While others of this process try again, one more would only be in their way.
      if (waiting === 0) return await timed(make())
    } catch (error) {
      if (!hasCode(error, 'ERR_MAINTENANCE_CONFLICT')) throw error
    }
    // From now on one after the other: the writers of one process need not conflict with each other.
    waiting++
    const result = repeating.then(() => repeat(make)).finally(() => waiting--)
    repeating = result.catch(() => {})
    return result
  }

  return {
    ...store,
    commit: (transition, { replace = false } = {}) =>
      kept(
        clock,
        commit(() => attempt(transition, replace)),
      ),
  }
}

/**
 * Milliseconds. Long enough for the tries of several processes to miss each other, however slow the backend is, and ever
 * shorter: who has waited long goes before who has just written.
 */
function longestPause(took: number, attempt: number): number {
  return Math.min(Math.max(12 * took, 20), 3000) / (attempt - 1)
}

function parseStored(
  { address, capabilities }: StateBackend,
  stored: StoredState,
  read: (text: string) => StateDocument,
): StateDocument {
  try {
    return read(stored.document)
  } catch (error) {
    if (!(error instanceof StateDamagedError)) throw error
    const repair = capabilities.writable
      ? '`maintenance-mode on` or `off` keeps a copy aside and writes a new one'
      : '`maintenance-mode on --print` or `off --print` gives a new one to put there'
    throw new StateDamagedError(`The stored state is damaged: ${error.message}. It is at ${address}; ${repair}.`, {
      cause: error,
    })
  }
}

async function readForChange(
  store: Pick<StateStore, 'read'>,
  replace: boolean,
): Promise<{ current: StateDocument | undefined; damaged: boolean }> {
  try {
    return { current: await store.read(), damaged: false }
  } catch (error) {
    if (!replace || !hasCode(error, 'ERR_MAINTENANCE_STATE_DAMAGED')) throw error
    return { current: undefined, damaged: true }
  }
}

/** The next revision; a state that was not ours, the original's `1` for one, gets id and key with the first write. */
function numbered(document: StateDocument, key: string): StateDocument {
  const id = document.revision === 0 ? crypto.randomUUID() : document.id
  return { ...document, id, key, revision: document.revision + 1 }
}

function conflict(backend: StateBackend, error: unknown): string {
  return `The state at ${backend.address} was changed by somebody else ${tries} times in a row (${messageOf(error)}). Look at \`maintenance-mode status\` and try again.`
}
