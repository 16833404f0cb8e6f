import { formatInstant } from '../settings/instant.js'
import {
  type AccessToken,
  createSecret,
  createToken,
  hasExpired,
  hashSecret,
  revokeToken,
  tokensOf,
} from '../state/token.js'
import { parseLength } from './change.js'
import type { CommonOptions, Context } from './context.js'
import type { Outcome, Row } from './outcome.js'
import { stateText, timeText } from './window-text.js'

export interface CreateOptions extends CommonOptions {
  for?: string
}

/** Makes a token. The state holds its digest only, so the secret is shown this once. */
export async function create(
  context: Context,
  { for: length, json }: CreateOptions,
  [given]: readonly string[],
): Promise<Outcome> {
  const { store, now, actor, commandLine } = context
  const expires = length === undefined ? undefined : now() + parseLength(length)
  const id = crypto.randomUUID().slice(0, 8)
  const secret = createSecret()
  const ask = { id, name: given ?? id, hash: await hashSecret(secret), expires }
  // Tokens come and go also while the mode is pinned.
  let begun = false
  const { document, result } = await store.commit((before) => {
    // What is absent where that is an accident may have closed the site.
    begun = before.revision === 0 && before.windows.length === 0 && !store.backend.absentMeansOff
    return createToken(before, ask, actor(), now())
  })
  const rows: Row[] = [
    ['id', id],
    ['expires', expiryText(result, context)],
    ['may', 'everything: switch the mode, read the state with its notes, make and revoke tokens'],
    ['state', stateText(context, document.revision)],
  ]
  if (begun) rows.push(['begun', 'nothing was stored, so a new state is begun, in which the mode is off', 'loud'])
  return {
    headline: `Token "${result.name}" is made. Its secret is shown this once`,
    closed: false,
    rows,
    next: `To take it away: ${commandLine(`token revoke ${id}`)}`,
    data: { token: dataOf(result, context), secret, revision: document.revision, stateBackend: store.backend.address },
    document: json ? undefined : `${secret}\n`,
  }
}

/** Every token that the state holds. */
export async function list(context: Context): Promise<Outcome> {
  const { store, timezone } = context
  const document = await store.read()
  const tokens = tokensOf(document)
  const others = (document?.tokens.length ?? 0) - tokens.length
  const rows: Row[] = [['state', stateText(context, document?.revision)]]
  if (others > 0) rows.push(['others', `${others} that this version does not understand, and that open nothing in it`])
  const count = `${tokens.length === 0 ? 'No' : tokens.length} token${tokens.length === 1 ? '' : 's'}`
  return {
    headline: `${count}${tokens.length === 0 ? '' : ' for --via and the control URLs'}`,
    closed: false,
    rows,
    table: {
      head: ['name', 'id', 'created', 'by', 'from', 'expires'],
      lines: tokens.map((token) => ({
        cells: [
          token.name,
          token.id,
          formatInstant(new Date(token.created), timezone()),
          token.by,
          token.from,
          expiryText(token, context),
        ],
        loud: hasExpired(token, context.now()),
      })),
    },
    data: {
      tokens: tokens.map((token) => dataOf(token, context)),
      others,
      revision: document?.revision,
      stateBackend: store.backend.address,
    },
  }
}

/** Takes one token away. */
export async function revoke(
  context: Context,
  _options: CommonOptions,
  [nameOrId = '']: readonly string[],
): Promise<Outcome> {
  const { store } = context
  const { document, result } = await store.commit((before) => revokeToken(before, nameOrId))
  return {
    headline: `Token "${result.name}" is revoked`,
    closed: false,
    rows: [
      ['id', result.id],
      ['state', stateText(context, document.revision)],
      ['applies', 'in each instance as soon as it knows, as with any change of the state'],
    ],
    data: { token: result, revision: document.revision, stateBackend: store.backend.address },
  }
}

function expiryText(token: AccessToken, context: Context): string {
  if (token.expires === undefined) return 'never'
  return `${timeText(token.expires, context)}${hasExpired(token, context.now()) ? ': it opens nothing' : ''}`
}

function dataOf({ hash: _, ...token }: AccessToken, { now }: Context): Record<string, unknown> {
  return { ...token, expired: hasExpired(token, now()) }
}
