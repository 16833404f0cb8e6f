import * as v from 'valibot'
import { bounded } from '../clock.js'
import type { Engine } from '../engine.js'
import { MaintenanceError, messageOf, PinnedModeError, StateBackendError } from '../errors.js'
import type { Reply } from '../reply/reply.js'
import { compileScopeCheck } from '../settings/scope-names.js'
import { createDocument, currentFormat, parseDocument } from '../state/document.js'
import { loadRecurrence } from '../state/recurrence.js'
import { openedScopes } from '../state/transitions.js'
import type { StateDocument } from '../state/window.js'
import type { Operator } from './authorize.js'
import { ControlFailure } from './failure.js'
import { type ControlBody, parseBody } from './fields.js'
import { jsonReply } from './replies.js'

/** The longest document that is taken, with what is said of it, in bytes. */
export const documentLimit: number = 1024 * 1024

/** Milliseconds. Less than who asks waits for, so that they hear why there is none. */
const patience = 8000

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const writeSchema = v.strictObject({
  document: v.string(),
  expected: count,
  next: count,
  replaceDamaged: v.optional(v.boolean(), false),
})

/** The stored state itself, for commands that cannot reach the state backend: `--via` of the command line. */
export interface StateControls {
  /** What is stored now, and what decides besides it; a failure where a scope is named that there is not. */
  read(operator: Operator, scope: string | undefined): Promise<Reply>
  /** Compares and sets. */
  write(body: ControlBody, contentType: string | undefined): Promise<Reply>
  /** The instances, as they have announced themselves. */
  fleet(): Promise<Reply>
}

export function compileStateControls({ settings, clock, state }: Engine): StateControls {
  const { backend } = state.store
  const { address, capabilities, absentMeansOff, key = '' } = backend
  const { mode: pinned, pollInterval, drainTimeout } = settings
  const times = { pollInterval, drainTimeout }
  const scopes = { scopes: Object.keys(settings.scopes), tenants: settings.tenants !== undefined }
  const assertScope = compileScopeCheck(settings)

  const inTime = <Answer>(answer: Promise<Answer>, advice = ''): Promise<Answer> =>
    bounded(clock, answer, {
      milliseconds: patience,
      late: () => new StateBackendError(`No answer from ${address} within ${patience / 1000} s.${advice}`),
    })

  async function attempt<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await inTime(answer)
    } catch (error) {
      throw new ControlFailure('unreadable', messageOf(error), { cause: error })
    }
  }

  return {
    async read({ by }, scope) {
      if (scope !== undefined) assertScope(scope)
      const stored = (await attempt(backend.read())) ?? null
      const facts = { address, capabilities, key, absentMeansOff, pinned: pinned ?? null, ...times, ...scopes }
      return jsonReply({ ...facts, operator: by, stored })
    },

    async write(body, contentType) {
      const { document, ...condition } = readWrite(body, contentType)
      const next = readDocument(document, condition, key)
      const before = await inTime(backend.read())
      const known = before && parseQuietly(before.document)
      assertFormats(next, known)
      for (const scope of openedScopes(known, next)) assertScope(scope)
      // Who holds a token that leaked must be able to lose it, whatever else is pinned.
      if (pinned !== undefined && !differInTokens(known ?? (before ? undefined : createDocument(key, next.id)), next)) {
        throw new PinnedModeError(
          `The mode is pinned to "${pinned}" by the setting \`mode\` (MAINTENANCE_MODE) of the site, so it cannot be switched through it.`,
        )
      }
      const advice = ' The change may have been made all the same.'
      const report = await inTime(backend.write(document, condition), advice)
      await loadRecurrence(next)
      state.adopt(next)
      return jsonReply({ keptAside: report?.keptAside })
    },

    async fleet() {
      if (!backend.presence) throw new ControlFailure('not-found', `${address} keeps no list of instances.`)
      return jsonReply({ instances: await attempt(backend.presence.list()) })
    },
  }
}

type Write = v.InferOutput<typeof writeSchema>

function readWrite(body: ControlBody, contentType: string | undefined): Write {
  const result = v.safeParse(writeSchema, parseBody(body, contentType))
  if (result.success) return result.output
  const { issues } = result
  throw badRequest(
    `The body cannot be understood: ${v.getDotPath(issues[0])}: ${issues[0].message}. Send {"document":"…","expected":3,"next":4} as JSON.`,
  )
}

/** What is stored is read by every instance: nothing gets there that they would not understand. */
function readDocument(text: string, { expected, next }: Omit<Write, 'document'>, key: string): StateDocument {
  const document = parse(text)
  if (document.revision !== next || next !== expected + 1) {
    throw badRequest(
      `The document has revision ${document.revision}; \`next\` is ${next}, and must be that, and one more than \`expected\`, ${expected}.`,
    )
  }
  if (document.key === key) return document
  throw badRequest(`The document's key is "${document.key}", and that of this site's state is "${key}".`)
}

function parse(text: string): StateDocument {
  try {
    return parseDocument(text)
  } catch (error) {
    throw badRequest(`The document cannot be read: ${messageOf(error)}.`)
  }
}

function parseQuietly(text: string): StateDocument | undefined {
  try {
    return parseDocument(text)
  } catch {
    return undefined
  }
}

function assertFormats(next: StateDocument, known: StateDocument | undefined): void {
  const format = Math.max(next.format, known?.format ?? 0)
  if (format <= currentFormat) return
  throw new MaintenanceError(
    'ERR_MAINTENANCE_STATE_NEWER',
    `The state has format ${format}, and this site's version of maintenance-mode writes format ${currentFormat}. Upgrade it there, or switch with a command that reaches the state itself.`,
  )
}

/** Whether nothing else differs. */
function differInTokens(before: StateDocument | undefined, after: StateDocument): boolean {
  const rest = (document: StateDocument): string => JSON.stringify({ ...document, revision: 0, tokens: [] })
  return before !== undefined && rest(before) === rest(after)
}

function badRequest(detail: string): ControlFailure {
  return new ControlFailure('bad-request', detail)
}
