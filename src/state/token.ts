import * as v from 'valibot'
import { MaintenanceError } from '../errors.js'
import { limits } from './document.js'
import { type Actor, toInstant } from './terms.js'
import type { Transition } from './transitions.js'
import type { StateDocument } from './window.js'

/** What opens the control URLs without a user, as stored: of the secret only its digest. */
export interface AccessToken {
  id: string
  /** Unique, for people and for the history: `token:ci`. */
  name: string
  /** SHA-256 of the secret, in hex. The secret is random, so nothing is gained by a slow hash. */
  hash: string
  created: string
  /** Opens nothing from then on. Default: never. */
  expires?: string | undefined
  by: string
  from: string
}

const prefix = 'mm_'
const secretSyntax = /^mm_[\w-]{43}$/
const nameSyntax = /^[^\s\p{C}](?:[^\p{C}]{0,62}[^\s\p{C}])?$/u
const hashSyntax = /^[0-9a-f]{64}$/

const instant = v.pipe(
  v.string(),
  v.check((text) => !Number.isNaN(Date.parse(text))),
)

// Strict: a field of a later version may narrow what the token opens, so one that is not known here opens nothing.
const tokenSchema = v.strictObject({
  id: v.pipe(v.string(), v.nonEmpty()),
  name: v.pipe(v.string(), v.regex(nameSyntax)),
  hash: v.pipe(v.string(), v.regex(hashSyntax)),
  created: instant,
  expires: v.optional(instant),
  by: v.string(),
  from: v.string(),
})

/** A secret that nobody guesses: 32 random bytes, under a prefix by which scanners for leaked secrets find it. */
export function createSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  const text = btoa(String.fromCharCode(...bytes))
  return prefix + text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Whether a text can be the secret of a stored token. */
export function isSecret(text: string): boolean {
  return secretSyntax.test(text)
}

/** As it is stored: SHA-256 in hex. */
export async function hashSecret(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The tokens that this version understands. Others are kept, and open nothing. */
export function tokensOf(document: StateDocument | undefined): AccessToken[] {
  return (document?.tokens ?? []).filter(isToken)
}

export function hasExpired({ expires }: Pick<AccessToken, 'expires'>, now: number): boolean {
  return expires !== undefined && Date.parse(expires) <= now
}

/**
 * Adds a token, and drops those that have expired.
 *
 * @throws MaintenanceError where the name is taken or cannot be one, or there are as many as a state takes
 */
export function createToken(
  document: StateDocument,
  ask: { id: string; name: string; hash: string; expires?: number | undefined },
  actor: Actor,
  now: number,
): Transition<AccessToken> {
  const { id, name, hash, expires } = ask
  if (!nameSyntax.test(name)) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_TOKEN',
      'The name of a token must be 1 to 64 characters, without control characters and without blanks at its ends.',
    )
  }
  const others = document.tokens.filter((token) => !isToken(token) || !hasExpired(token, now))
  if (others.some((token) => isNamed(token, name))) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_TOKEN',
      `There is already a token "${name}": revoke it first, or give another name.`,
    )
  }
  if (others.length >= limits.tokens) {
    throw new MaintenanceError(
      'ERR_MAINTENANCE_LIMIT',
      `The state already holds ${limits.tokens} tokens, the most it takes. Revoke some first: \`token list\` names them.`,
    )
  }
  const token: AccessToken = { id, name, hash, created: toInstant(now), ...actor }
  if (expires !== undefined) token.expires = toInstant(expires)
  return { document: { ...document, tokens: [...others, token] }, result: token }
}

/**
 * Takes the token with this name or id away, also one that this version does not understand.
 *
 * @throws MaintenanceError where there is none
 */
export function revokeToken(document: StateDocument, nameOrId: string): Transition<{ id: string; name: string }> {
  const revoked = document.tokens.find((token) => isNamed(token, nameOrId))
  if (revoked === undefined) {
    const names = tokensOf(document).map(({ name }) => `"${name}"`)
    const known = names.length > 0 ? `There is ${names.join(', ')}.` : 'There is none at all.'
    throw new MaintenanceError('ERR_MAINTENANCE_TOKEN', `There is no token "${nameOrId}" to revoke. ${known}`)
  }
  const { id = nameOrId, name = nameOrId } = revoked as Partial<AccessToken>
  return {
    document: { ...document, tokens: document.tokens.filter((token) => token !== revoked) },
    result: { id: String(id), name: String(name) },
  }
}

function isToken(value: unknown): value is AccessToken {
  return v.is(tokenSchema, value)
}

/** No name is another's id, so either tells a token. */
function isNamed(value: unknown, nameOrId: string): boolean {
  const { id, name } = (value ?? {}) as Partial<Record<string, unknown>>
  return name === nameOrId || id === nameOrId
}
