import { bounded } from '../clock.js'
import type { Engine } from '../engine.js'
import type { Maintenance } from '../maintenance.js'
import { type AccessToken, hashSecret, isSecret, tokensOf } from '../state/token.js'
import type { StateDocument } from '../state/window.js'
import { ControlFailure } from './failure.js'

/** Milliseconds. How long a look-up may take, and how often the state is read for tokens that are not known. */
const patience = 1000

/**
 * Finds the stored token with a secret in what this instance knows. For one that is not known the state is read once
 * more, at most once a second for all requests together: wrong tokens must not load the backend.
 *
 * @throws ControlFailure where the token is not known and the state cannot be read
 */
export function compileTokenLookUp(
  maintenance: Maintenance,
  { settings, clock, state }: Engine,
): (secret: string) => Promise<AccessToken | undefined> {
  const pinned = settings.mode !== undefined
  let read: StateDocument | undefined
  let looking: Promise<boolean> | undefined
  let lookedAt = 0

  // Where the mode is pinned, nothing but this reads the state.
  const known = (): StateDocument | undefined => (pinned ? read : state.known())
  async function look(): Promise<boolean> {
    if (!pinned) return (await maintenance.refresh()).snapshot === 'ready'
    read = await state.store.read()
    return true
  }

  function lookOnce(): Promise<boolean> {
    // The clock may have been set back.
    if (!looking || Math.abs(clock.now() - lookedAt) >= patience) {
      lookedAt = clock.now()
      looking = bounded(clock, look(), { milliseconds: patience, late: () => new Error('late') }).catch(() => false)
    }
    return looking
  }

  return async (secret) => {
    if (!isSecret(secret)) return undefined
    const hash = await hashSecret(secret)
    const found = pinned ? undefined : findToken(known(), hash)
    if (found) return found
    const answered = await lookOnce()
    const token = findToken(known(), hash)
    if (token || answered) return token
    // Not why: whoever asks is not known yet.
    throw new ControlFailure('unreadable', 'It cannot be told just now whether this token is right. Try again.')
  }
}

function findToken(document: StateDocument | undefined, hash: string): AccessToken | undefined {
  return tokensOf(document).find((token) => isSameDigest(token.hash, hash))
}

/** How long it takes tells nothing of where two digests of one length differ. */
export function isSameDigest(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let place = 0; place < a.length; place++) difference |= a.charCodeAt(place) ^ b.charCodeAt(place)
  return difference === 0
}
