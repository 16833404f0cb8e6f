import * as v from 'valibot'
import { MaintenanceError, messageOf, StateDamagedError } from '../errors.js'
import { splitText, toText } from './document-text.js'
import type { Told } from './told.js'
import { type HistoryEntry, isMode, manualId, type StateDocument, type Window, wholeSite } from './window.js'

/** The format this version writes. A newer document is read as far as it is understood, and never written. */
export const currentFormat = 1

/** More than this would be a programming error somewhere; the history drops its oldest, the others refuse. */
export const limits = { windows: 200, passes: 500, tokens: 50, history: 200 } as const

const instant = v.pipe(
  v.string(),
  v.check((text) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)), 'is not an ISO 8601 instant'),
)
const text = v.string()

// Loose objects: fields that a later version added are kept when this one writes.
const windowSchema = v.looseObject({
  id: text,
  origin: text,
  mode: text,
  scope: text,
  start: instant,
  end: v.optional(instant),
  expectedEnd: v.optional(instant),
  announceFrom: v.optional(instant),
  holdClosed: v.optional(v.boolean()),
  ramp: v.optional(v.looseObject({ from: instant, until: instant })),
  holder: v.optional(text),
  leaseUntil: v.optional(instant),
  onLapse: v.optional(text),
  reason: v.optional(text),
  note: v.optional(text),
  by: v.optional(text, 'unknown'),
  from: v.optional(text, 'unknown'),
})

const documentSchema = v.looseObject({
  format: v.pipe(v.number(), v.integer(), v.minValue(1)),
  id: v.pipe(text, v.minLength(1)),
  key: text,
  revision: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  windows: v.array(windowSchema),
  passes: v.optional(v.array(v.unknown()), []),
  tokens: v.optional(v.array(v.unknown()), []),
  // Decides nothing, and is most of the text: it is looked at when it is shown.
  history: v.optional(v.array(v.unknown()), []),
  told: v.fallback(v.optional(v.custom<Told>(isTold)), undefined),
})

/** Not `v.record`, which loses the scopes called `constructor` or `prototype`. */
function isTold(given: unknown): boolean {
  const { scopes, announced } = (given ?? {}) as Partial<Told>
  return (
    typeof scopes === 'object' &&
    scopes !== null &&
    Object.values(scopes).every((scope) => isMode(scope?.mode)) &&
    Array.isArray(announced) &&
    announced.every((name) => typeof name === 'string')
  )
}

/** A document that says nothing yet: the mode is `off`. */
export function createDocument(key: string, id: string = crypto.randomUUID()): StateDocument {
  return { format: currentFormat, id, key, revision: 0, windows: [], passes: [], tokens: [], history: [] }
}

interface Parsed {
  stored: string
  document: StateDocument
  /** The text of the history, as long as nobody has seen to it that it is one. */
  unread?: string | undefined
}

let last: Parsed | undefined

/**
 * Reads a stored document. The last one is remembered: backend and store ask about the same text one after the other.
 *
 * @throws StateDamagedError when the text is no document; the message says why, the caller says where.
 */
export function parseDocument(stored: string): StateDocument {
  const parsed = parse(stored)
  if (parsed.unread !== undefined) setHistory(parsed.document, readHistory(parsed.unread))
  parsed.unread = undefined
  return parsed.document
}

/**
 * The same for what every instance of a fleet is told in the same moment: the history, which decides nothing and takes
 * longer than all the rest, is read when it is asked for. One that is damaged is empty then.
 *
 * @throws StateDamagedError
 */
export function parseNews(stored: string): StateDocument {
  return parse(stored).document
}

function parse(stored: string): Parsed {
  if (last?.stored !== stored) last = parseAllButHistory(stored) ?? { stored, document: readDocument(stored) }
  return last
}

function parseAllButHistory(stored: string): Parsed | undefined {
  const parts = splitText(stored)
  if (!parts) return undefined
  try {
    const document = validated(JSON.parse(parts.rest))
    const get = (): HistoryEntry[] => setHistory(document, readQuietly(parts.history))
    Object.defineProperty(document, 'history', { get, enumerable: true, configurable: true })
    return { stored, document, unread: parts.history }
  } catch {
    // It is read whole, and what is wrong is said.
    return undefined
  }
}

function setHistory(document: StateDocument, value: HistoryEntry[]): HistoryEntry[] {
  Object.defineProperty(document, 'history', { value, writable: true })
  return value
}

function readQuietly(history: string): HistoryEntry[] {
  try {
    return readHistory(history)
  } catch {
    return []
  }
}

function readHistory(text: string): HistoryEntry[] {
  const history = parseJson(text)
  if (Array.isArray(history)) return history
  throw new StateDamagedError('"history": is no list')
}

function readDocument(stored: string): StateDocument {
  const trimmed = stored.trim()
  if (trimmed === '') throw new StateDamagedError('it is empty')
  const value = parseJson(trimmed)
  return fromOriginal(trimmed, value) ?? validated(value)
}

function validated(value: unknown): StateDocument {
  const result = v.safeParse(documentSchema, value)
  if (result.success) return result.output as StateDocument
  const [issue] = result.issues
  const where = v.getDotPath(issue)
  throw new StateDamagedError(where ? `"${where}": ${issue.message}` : issue.message)
}

/** The revision of a stored text; 0 for one that is damaged or not ours. */
export function revisionOf(stored: string): number {
  try {
    return parseNews(stored).revision
  } catch {
    return 0
  }
}

/** @throws MaintenanceError when the document comes from a newer version, which alone may write it. */
export function serializeDocument(document: StateDocument): string {
  if (document.format > currentFormat) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_STATE_NEWER',
      `The stored state has format ${document.format}, this version writes format ${currentFormat}. Upgrade the maintenance-mode package that you switch with.`,
    )
  }
  return toText(document)
}

function parseJson(stored: string): unknown {
  try {
    return JSON.parse(stored)
  } catch (error) {
    throw new StateDamagedError(`it is not JSON (${messageOf(error)})`, { cause: error })
  }
}

/** The Python original's content: `0`, `1`, or `{"start", "end"}` of which at least one is set. */
function fromOriginal(stored: string, value: unknown): StateDocument | undefined {
  // Another text is another state, so it is always adopted: the id is made of it, as there is no revision.
  const document = createDocument('', `original:${stored}`)
  if (stored === '0') return document
  if (stored === '1') return { ...document, windows: [originalWindow(undefined, undefined)] }
  if (!isOriginalSchedule(value)) return undefined
  return { ...document, windows: [originalWindow(value.start ?? undefined, value.end ?? undefined)] }
}

function isOriginalSchedule(value: unknown): value is { start?: string | null; end?: string | null } {
  if (typeof value !== 'object' || value === null) return false
  const keys = Object.keys(value)
  const { start, end } = value as { start?: unknown; end?: unknown }
  return (
    keys.length > 0 &&
    keys.every((key) => key === 'start' || key === 'end') &&
    [start, end].every((time) => time == null || v.is(instant, time)) &&
    (start != null || end != null)
  )
}

function originalWindow(start: string | undefined, end: string | undefined): Window {
  const window: Window = {
    id: manualId,
    origin: 'manual',
    mode: 'on',
    scope: wholeSite,
    start: new Date(start ?? 0).toISOString(),
    by: 'django-maintenance-mode',
    from: 'state file',
  }
  return end === undefined ? window : { ...window, end: new Date(end).toISOString() }
}
