import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDocument, limits } from '../../src/state/document.js'
import { hashSecret } from '../../src/state/token.js'
import type { StateDocument } from '../../src/state/window.js'
import { ask, environment, execute, main, project, stateFile, storedIn, type } from './fixtures/cli.js'

const secretLine = /^(mm_[\w-]{43})\n$/

function store(folder: string, more: Partial<StateDocument>): void {
  writeFileSync(join(folder, stateFile), JSON.stringify({ ...createDocument('', 'the state'), revision: 1, ...more }))
}

const stored = (id: string, more: object = {}) => ({
  id,
  name: `name-${id}`,
  hash: '0'.repeat(64),
  created: '2026-01-01T00:00:00.000Z',
  by: 'ann',
  from: 'cli@web-1',
  ...more,
})

describe('token create', () => {
  it('prints the secret alone on the standard output, and keeps its digest only', async () => {
    const folder = project()
    const { code, output, errors } = type(folder, 'token create ci --for 30d', { SUDO_USER: 'ann' })
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(secretLine) })
    expect(errors).toMatch(/^Token "ci" is made\. Its secret is shown this once\n {2}id {7}[0-9a-f]{8}\n/)
    expect(errors).toMatch(/expires {2}20.* in 30 days\n/)
    expect(errors).toContain(`state    file:${join(folder, stateFile)} (revision 1)`)
    const secret = output.trim()
    expect(errors).not.toContain(secret)
    expect(readFileSync(join(folder, stateFile), 'utf8')).not.toContain(secret.slice(3))
    const { tokens, history, windows } = storedIn(folder)
    expect({ history, windows }).toEqual({ history: [], windows: [] })
    expect(tokens).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{8}$/),
        name: 'ci',
        hash: await hashSecret(secret),
        created: expect.any(String),
        expires: expect.any(String),
        by: 'ann',
        from: expect.stringMatching(/^cli@/),
      },
    ])
  })

  it('can be taken up by a shell', () => {
    const folder = project()
    const command = `TOKEN=$('${process.execPath}' '${main}' token create ci 2>/dev/null) && printf %s "$TOKEN" | wc -c`
    expect(execute('sh', ['-c', command], { cwd: folder }).output.trim()).toBe('46')
  })

  it('names it by its id, and without --for it never expires', () => {
    const folder = project()
    expect(type(folder, 'token create').errors).toContain('expires  never')
    const [token] = storedIn(folder).tokens as { id: string; name: string }[]
    expect(token?.name).toBe(token?.id)
    expect(token).not.toHaveProperty('expires')
  })

  it('drops those that have expired, and no other', () => {
    const folder = project()
    store(folder, { tokens: [stored('old', { expires: '2026-02-01T00:00:00.000Z' }), stored('kept'), { later: true }] })
    type(folder, 'token create name-old')
    expect(storedIn(folder).tokens).toMatchObject([{ id: 'kept' }, { later: true }, { name: 'name-old' }])
  })

  it('works while the mode is pinned, as the other commands of it', () => {
    const folder = project()
    const pinned = { MAINTENANCE_MODE: 'on' }
    expect(type(folder, 'token create ci', pinned).code).toBe(0)
    expect(type(folder, 'token list', pinned).output).toContain('ci ')
    expect(type(folder, 'token revoke ci', pinned).code).toBe(0)
    expect(storedIn(folder).tokens).toEqual([])
  })

  it.each([
    ['a name that is taken', 'token create name-a', 'There is already a token "name-a"'],
    ['a name that is the id of another', 'token create a', 'There is already a token "a"'],
    ['a name that is too long', `token create ${'x'.repeat(65)}`, 'must be 1 to 64 characters'],
    ['a name that steers a terminal', 'token create ci\u001b[2J', 'without control characters'],
    ['no name at all', 'token create ', 'must be 1 to 64 characters'],
  ])('%s is refused, and no secret is printed', (_what, line, message) => {
    const folder = project()
    store(folder, { tokens: [stored('a')] })
    const { code, output, errors } = type(folder, line)
    expect({ code, output, errors }).toEqual({ code: 1, output: '', errors: expect.stringContaining(message) })
    expect(storedIn(folder).revision).toBe(1)
  })

  it('is refused where there are as many as a state takes', () => {
    const folder = project()
    store(folder, { tokens: Array.from({ length: limits.tokens }, (_, index) => stored(String(index))) })
    expect(ask(folder, 'token create ci')).toEqual({
      error: { code: 'ERR_MAINTENANCE_LIMIT', message: expect.stringContaining('already holds 50 tokens') },
    })
  })

  it.each([
    ['damaged', '{"format":1,"id":"half', 'ERR_MAINTENANCE_STATE_DAMAGED'],
    [
      'of a newer format',
      JSON.stringify({ ...createDocument(''), format: 2, revision: 1 }),
      'ERR_MAINTENANCE_STATE_NEWER',
    ],
  ])('is refused where the state is %s, and that is left as it is', (_what, text, code) => {
    const folder = project({ [stateFile]: text })
    expect(ask(folder, 'token create ci')).toMatchObject({ error: { code } })
    expect(readFileSync(join(folder, stateFile), 'utf8')).toBe(text)
    expect(readdirSync(folder).sort()).toEqual([stateFile, 'package.json'])
  })

  it('as JSON gives the secret along with what is stored, and no digest', () => {
    const folder = project()
    const { token, secret, revision, stateBackend } = ask(folder, 'token create ci --for 1h') as never
    expect(token).toEqual({
      id: expect.any(String),
      name: 'ci',
      created: expect.any(String),
      expires: expect.any(String),
      by: expect.any(String),
      from: expect.any(String),
      expired: false,
    })
    expect(`${secret}\n`).toMatch(secretLine)
    expect({ revision, stateBackend }).toEqual({ revision: 1, stateBackend: `file:${join(folder, stateFile)}` })
  })
})

describe('token list', () => {
  it('says that there is none', () => {
    const { code, output } = type(project(), 'token list')
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^No tokens\n/) })
  })

  it('names each, when it expires, and how many are not understood; nothing stored steers the terminal', () => {
    const folder = project()
    store(folder, {
      tokens: [
        stored('a', { by: 'ann\u001b[2J' }),
        stored('b', { expires: '2026-02-01T00:00:00.000Z' }),
        stored('c', { may: ['status'] }),
        'x',
      ],
    })
    const { output } = type(folder, 'token list')
    expect(output).toMatch(/^2 tokens for --via and the control URLs\n/)
    expect(output).toContain('others  2 that this version does not understand')
    expect(output).toMatch(/name-a {2}a {3}2026-01-01 01:00:00 \+01:00 \(Europe\/Rome\) {2}ann \[2J .* never\n/)
    expect(output).toMatch(/name-b .* ago: it opens nothing\n/)
    expect(ask(folder, 'token list')).toMatchObject({
      tokens: [
        { id: 'a', expired: false },
        { id: 'b', expired: true },
      ],
      others: 2,
      revision: 1,
    })
    expect(JSON.stringify(ask(folder, 'token list'))).not.toContain('0'.repeat(64))
  })
})

describe('token revoke', () => {
  it.each([
    ['by its name', 'name-a'],
    ['by its id', 'a'],
    ['by the id of one that this version does not understand', 'c'],
  ])('takes one away %s, and leaves the others', (_how, operand) => {
    const folder = project()
    store(folder, { tokens: [stored('a'), stored('b'), { id: 'c', may: [] }] })
    expect(type(folder, `token revoke ${operand}`)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^Token ".*" is revoked\n/),
    })
    const left = (storedIn(folder).tokens as { id: string }[]).map(({ id }) => id)
    expect(left).toEqual(['a', 'b', 'c'].filter((id) => id !== operand.replace('name-', '')))
  })

  it('says which there are, where there is none of that name', () => {
    const folder = project()
    store(folder, { tokens: [stored('a'), stored('b')] })
    const { code, errors } = type(folder, 'token revoke ci')
    expect({ code, errors }).toEqual({
      code: 1,
      errors: 'There is no token "ci" to revoke. There is "name-a", "name-b".\n',
    })
    expect(ask(project(), 'token revoke ci')).toMatchObject({
      error: { code: 'ERR_MAINTENANCE_TOKEN', message: expect.stringContaining('There is none at all.') },
    })
  })
})

describe('wrong usage ends with 2, and says what was meant', () => {
  it.each([
    ['token', 'No command was given.'],
    ['token creat', "unknown command 'creat' (Did you mean create?)"],
    ['token remove ci', "unknown command 'remove'"],
    ['tokens list', "unknown command 'tokens' (Did you mean token?)"],
    ['token revoke', "missing required argument 'name'"],
    ['token create a b', "too many arguments for 'create'"],
    ['token list x', "too many arguments for 'list'"],
    ['token create --fo 1h', "unknown option '--fo' (Did you mean --for?)"],
    ['token create --for 0', 'The duration "0" is none at all'],
    ['token create --for 30x', 'The duration "30x" cannot be read'],
    ['token create --for 300000000000', 'The time must lie before the year 10000'],
    ['token list --for 1h', "unknown option '--for'"],
  ])('%s', (line, message) => {
    const folder = project()
    const { code, output, errors } = type(folder, line)
    expect({ code, message: output + errors }).toEqual({ code: 2, message: expect.stringContaining(message) })
    expect(readdirSync(folder)).toEqual(['package.json'])
  })

  it('and help is given for each', () => {
    const folder = project()
    expect(type(folder, 'token --help').output).toMatch(/Commands:\n {2}create .*list .*revoke /s)
    for (const line of ['token create --help', 'token help create', 'help token']) {
      expect(type(folder, line), line).toMatchObject({
        code: 0,
        output: expect.stringContaining('maintenance-mode token'),
      })
    }
    expect(
      execute(process.execPath, [main, 'token', 'create', '-h'], { cwd: folder, env: environment }).output,
    ).toContain('--for <duration>')
  })
})
