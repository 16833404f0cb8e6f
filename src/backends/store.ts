import { hasCode, messageOf, StateConflictError, StateDamagedError } from '../errors.js'
import { createDocument, parseDocument, serializeDocument } from '../state/document.js'
import type { Transition } from '../state/transitions.js'
import type { StateDocument } from '../state/window.js'
import type { StateBackend, StoredState } from './backend.js'

const tries = 10

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
  /** The stored document, `undefined` when nothing is stored. @throws StateDamagedError */
  read(): Promise<StateDocument | undefined>
  /** As `read`, where the backend can answer at once; `null` where it cannot. @throws StateDamagedError */
  readSync(): StateDocument | undefined | null
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

export function createStateStore(backend: StateBackend, key = ''): StateStore {
  const parse = (stored: StoredState): StateDocument => {
    try {
      return parseDocument(stored.document)
    } catch (error) {
      if (!(error instanceof StateDamagedError)) throw error
      throw new StateDamagedError(
        `The stored state is damaged: ${error.message}. It is at ${backend.address}; \`maintenance-mode on\` or \`off\` keeps a copy aside and writes a new one.`,
        { cause: error },
      )
    }
  }

  const store: StateStore = {
    backend,
    async read() {
      const stored = await backend.read()
      return stored && parse(stored)
    },
    readSync() {
      const stored = backend.readSync ? backend.readSync() : null
      return stored && parse(stored)
    },
    async commit(transition, { replace = false } = {}) {
      for (let attempt = 1; ; attempt++) {
        const { current, damaged } = await readForChange(store, replace)
        const base = current ?? createDocument(key)
        const { document: next, result } = transition(base)
        // Where an absent state is an accident, others still decide by the last one: an operator's `off` must be written.
        const mustWrite = current === undefined && replace && (damaged || !backend.absentMeansOff)
        if (next === base && !mustWrite) return { document: base, result, keptAside: undefined }
        const document = numbered(next)
        try {
          const report = await backend.write(serializeDocument(document), {
            expected: base.revision,
            next: document.revision,
            replaceDamaged: damaged,
          })
          return { document, result, keptAside: report?.keptAside }
        } catch (error) {
          if (!hasCode(error, 'ERR_MAINTENANCE_CONFLICT')) throw error
          if (attempt >= tries) throw new StateConflictError(conflict(backend, error), { cause: error })
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * attempt))
        }
      }
    },
  }
  return store
}

async function readForChange(
  store: StateStore,
  replace: boolean,
): Promise<{ current: StateDocument | undefined; damaged: boolean }> {
  try {
    return { current: await store.read(), damaged: false }
  } catch (error) {
    if (!replace || !hasCode(error, 'ERR_MAINTENANCE_STATE_DAMAGED')) throw error
    return { current: undefined, damaged: true }
  }
}

/** The next revision; a state that was not ours, the original's `1` for one, gets an id of its own with the first write. */
function numbered(document: StateDocument): StateDocument {
  const id = document.revision === 0 ? crypto.randomUUID() : document.id
  return { ...document, id, revision: document.revision + 1 }
}

function conflict(backend: StateBackend, error: unknown): string {
  return `The state at ${backend.address} was changed by somebody else ${tries} times in a row (${messageOf(error)}). Look at \`maintenance-mode status\` and try again.`
}
