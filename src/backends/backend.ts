/** What a state backend can do. Everything that waits for, shows or warns about a backend asks here, not for its name. */
export interface BackendCapabilities {
  /** `write` compares and sets in one step, so two operators cannot overwrite each other. */
  compareAndSet: boolean
  /** `watch` tells of changes; otherwise instances poll. */
  watch: boolean
  /** Instances can be seen. */
  presence: boolean
  /** `write` works at all. */
  writable: boolean
}

export interface StoredState {
  /** The document as text; see `state/document.ts`, the only place that reads it. */
  document: string
  /** The document's own revision, 0 where what is stored is not a document of ours (the original's `1`, or something damaged). */
  revision: number
}

export interface WriteCondition {
  /** The revision that must be stored now; 0 when nothing, or no document of ours, may be stored. */
  expected: number
  /** The revision of the document being written. */
  next: number
  /**
   * What is stored is damaged and may be replaced. The backend keeps a copy aside first and returns its place.
   * Without it a damaged document is never overwritten.
   */
  replaceDamaged?: boolean
}

export interface WriteReport {
  /** Where the damaged document was put, if there was one. */
  keptAside?: string
}

/** What one instance says of itself. */
export interface PresenceRecord {
  /** The instance. */
  id: string
  /** For `fleet/instance.ts`, the only place that reads it. */
  text: string
}

/** A record, and how long ago it was announced, by the backend's own clock, in milliseconds. */
export interface PresenceSighting extends PresenceRecord {
  age: number
}

/** Who else decides by this state. */
export interface Presence {
  /**
   * Takes the place of what this instance announced before, and is forgotten after `ttl` milliseconds.
   * Resolves to the backend's own time, in milliseconds since the epoch, where it can be had.
   */
  announce(record: PresenceRecord, ttl: number): Promise<number | undefined>
  list(): Promise<readonly PresenceSighting[]>
  /** The instance ends on purpose. */
  leave(id: string): Promise<void>
}

/**
 * Where the state is kept.
 *
 * Constructing never connects. A read never writes. A write that cannot be done throws.
 */
export interface StateBackend {
  /** For people and messages: `file:/srv/shop/.maintenance-mode.json`, without any secret. */
  readonly address: string
  readonly capabilities: BackendCapabilities
  /** Which state it is, where several apps share an engine (`?key=shop`). Default: the one without a key. */
  readonly key?: string | undefined
  /** The stored state, `undefined` when nothing is stored. */
  read(): Promise<StoredState | undefined>
  /** Where a first answer can be had without waiting. `null`: not now, ask `read`. */
  readSync?(): StoredState | undefined | null
  /** @throws StateConflictError when the stored revision is not `expected` (any more). */
  write(document: string, condition: WriteCondition): Promise<WriteReport | undefined>
  /**
   * Calls `onChange` whenever the stored state may have changed, with what is stored where the engine says it at once, and
   * `onLost` once when the watch has ended by itself. A client that connects again by itself calls `onChange` instead:
   * what changed in between was missed. Resolves, once changes are seen, to a function that stops watching.
   */
  watch?(onChange: (stored?: StoredState) => void, onLost: (error: unknown) => void): Promise<() => Promise<void>>
  readonly presence?: Presence
  /**
   * Whether "nothing is stored" is an operator's word (the state file was deleted: `off`)
   * or an accident (a cache was flushed: the last known state stands).
   */
  readonly absentMeansOff: boolean
  /** Ends every timer, watcher and connection that the backend opened itself, and none that it was given. */
  close?(): Promise<void>
}
