import { StateBackendError, StateConflictError, StateDamagedError } from '../errors.js'
import { parseDocument, revisionOf } from '../state/document.js'
import type { StateBackend, StoredState, WriteCondition } from './backend.js'

/** The place of an engine that holds the document, with the engine's own compare-and-set. */
export interface Slot<Token> {
  /** What is stored, and what the engine compares: a revision, an ETag, the text itself. */
  load(): Promise<{ text: string; token: Token } | undefined>
  /**
   * Stores the text if the token is still that of what is stored; without a token, if nothing is stored.
   * `false`: it is not, and nothing was changed.
   */
  swap(text: string, token: Token | undefined): Promise<boolean>
  /** Stores a copy of a damaged document elsewhere, and says where; `undefined` where there is no other place. */
  keepAside(text: string): Promise<string | undefined>
}

/** Reading and writing as the contract of a backend has it, over a slot. Errors of the engine come as `failure` makes them. */
export function comparedAccess<Token>(
  address: string,
  slot: Slot<Token>,
  failure: (doing: 'read' | 'written', error: unknown) => Error,
): Pick<StateBackend, 'read' | 'write'> {
  return {
    async read() {
      try {
        const loaded = await slot.load()
        return loaded && toStored(loaded.text)
      } catch (error) {
        throw failure('read', error)
      }
    },
    async write(document, condition) {
      try {
        const loaded = await slot.load()
        const damaged = compareStored(address, loaded?.text, condition)
        const keptAside = damaged ? await slot.keepAside(loaded?.text ?? '') : undefined
        if (!(await slot.swap(document, loaded?.token))) throw conflict(address, condition)
        return keptAside === undefined ? undefined : { keptAside }
      } catch (error) {
        throw failure('written', error)
      }
    },
  }
}

/** What an engine gave. */
export function toStored(document: string): StoredState {
  return { document, revision: revisionOf(document) }
}

/**
 * Whether what is stored may be replaced as the condition says. `true`: it may, and it is damaged.
 *
 * @throws StateDamagedError, StateConflictError, StateBackendError
 */
function compareStored(
  address: string,
  stored: string | undefined,
  { expected, replaceDamaged = false }: WriteCondition,
): boolean {
  const { revision, damage } = stored === undefined ? { revision: 0 } : inspect(stored)
  if (damage !== undefined && !replaceDamaged) {
    throw new StateDamagedError(
      `What is stored at ${address} is not a state of ours (${damage.message}), so it was not overwritten. Repair it, remove it, or replace it on purpose (\`maintenance-mode on\` or \`off\`); then a copy is kept.`,
      { cause: damage },
    )
  }
  if (damage !== undefined && !isOurs.test(stored ?? '')) {
    throw new StateBackendError(
      `What is stored at ${address} is something else than a state (${damage.message}), so it is not replaced. Use another place, ?key=shop for one, or remove it yourself.`,
      { cause: damage },
    )
  }
  if (revision !== expected) throw conflict(address, { expected }, revision)
  return damage !== undefined
}

/** How every document of ours begins, also one that is cut short. What begins otherwise belongs to somebody else. */
const isOurs = /^\s*\{\s*"format"\s*:/

function inspect(document: string): { revision: number; damage?: Error } {
  try {
    return { revision: parseDocument(document).revision }
  } catch (damage) {
    return { revision: 0, damage: damage as Error }
  }
}

function conflict(address: string, { expected }: Pick<WriteCondition, 'expected'>, revision?: number): Error {
  const found =
    revision === undefined ? `has no longer revision ${expected}` : `has revision ${revision}, not ${expected}`
  return new StateConflictError(
    `The state at ${address} ${found}: somebody else changed it. Read it again and repeat the change.`,
  )
}
