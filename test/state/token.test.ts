import { describe, expect, test } from 'vitest'
import { createDocument, limits, parseDocument, serializeDocument } from '../../src/state/document.js'
import {
  createSecret,
  createToken,
  hasExpired,
  hashSecret,
  isSecret,
  revokeToken,
  tokensOf,
} from '../../src/state/token.js'

const now = Date.parse('2026-01-01T00:00:00.000Z')
const actor = { by: 'ann', from: 'test' }
const hash = 'a'.repeat(64)

const withTokens = (count: number, expires?: number) => {
  let document = { ...createDocument('', 'the state'), revision: 1 }
  for (let index = 0; index < count; index++) {
    document = createToken(document, { id: `id-${index}`, name: `name-${index}`, hash, expires }, actor, now).document
  }
  return document
}

test('a secret is never the same, and its digest is that of SHA-256', async () => {
  const secrets = new Set(Array.from({ length: 1000 }, createSecret))
  expect(secrets.size).toBe(1000)
  for (const secret of secrets) expect(isSecret(secret)).toBe(true)
  expect(await hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

describe('a state', () => {
  test(`takes ${limits.tokens} tokens, of which those that have expired make room`, () => {
    const full = withTokens(limits.tokens, now + 1000)
    const ask = { id: 'more', name: 'more', hash }
    expect(() => createToken(full, ask, actor, now + 999)).toThrow(
      expect.objectContaining({ code: 'ERR_MAINTENANCE_LIMIT' }),
    )
    const { document } = createToken(full, ask, actor, now + 1000)
    expect(tokensOf(document).map(({ name }) => name)).toEqual(['more'])
  })

  test('is not changed itself, and keeps what is made through text', () => {
    const before = withTokens(1)
    const { document } = createToken(before, { id: 'x', name: 'Büro 保守', hash, expires: now }, actor, now)
    expect(before.tokens).toHaveLength(1)
    const read = parseDocument(serializeDocument(document))
    expect(tokensOf(read).at(-1)).toEqual({
      id: 'x',
      name: 'Büro 保守',
      hash,
      created: '2026-01-01T00:00:00.000Z',
      expires: '2026-01-01T00:00:00.000Z',
      ...actor,
    })
    expect(revokeToken(read, 'x').document.tokens).toHaveLength(1)
  })

  test('that holds anything at all for tokens is sound, and none of it opens', () => {
    const odd = [null, 7, 'x', [], {}, { ...tokensOf(withTokens(1))[0], hash: hash.toUpperCase() }]
    const document = parseDocument(JSON.stringify({ ...withTokens(0), tokens: odd }))
    expect(document.tokens).toEqual(odd)
    expect(tokensOf(document)).toEqual([])
    expect(createToken(document, { id: 'x', name: 'x', hash }, actor, now).document.tokens).toHaveLength(odd.length + 1)
  })
})

test('a token opens up to the instant at which it expires, and one without any for ever', () => {
  const expires = '2026-01-01T00:00:01.000Z'
  expect([now, now + 999, now + 1000].map((at) => hasExpired({ expires }, at))).toEqual([false, false, true])
  expect(hasExpired({}, Number.MAX_SAFE_INTEGER)).toBe(false)
})

test.each([' ci', 'ci ', '', ' ', 'a\nb', 'a\u202eb', 'x'.repeat(65)])('%j is no name', (name) => {
  expect(() => createToken(withTokens(0), { id: 'x', name, hash }, actor, now)).toThrow('must be 1 to 64 characters')
})
