import fc from 'fast-check'
import { buildSchema, execute, getOperationAST, parse, print } from 'graphql'
import { describe, expect, it } from 'vitest'
import { documentWrites, typeWrites } from '../../src/request/operation.js'

const writes = (text: string, operationName?: unknown): boolean => documentWrites(parse(text), operationName)

describe('whether a GraphQL operation writes', () => {
  it('is told by the operation, not by fields, fragments, directives or the order of definitions', () => {
    expect(writes('{ deleteEverything }')).toBe(false)
    expect(writes('query { a }')).toBe(false)
    expect(writes('subscription { a }')).toBe(false)
    expect(writes('mutation { a }')).toBe(true)
    expect(writes('mutation Q @skip(if: true) { a @include(if: false) }')).toBe(true)
    expect(writes('fragment F on Query { a } query { ...F }')).toBe(false)
    expect(writes('fragment query on Mutation { a } mutation { ...query @skip(if: true) }')).toBe(true)
    expect(writes('mutation query { a }', 'query')).toBe(true)
    expect(writes('query mutation { a }', 'mutation')).toBe(false)
  })

  it('goes by the operation that would run, where a document has several', () => {
    const several = 'query Read { a } mutation Write { a } subscription Watch { a }'
    expect([writes(several, 'Read'), writes(several, 'Write'), writes(several, 'Watch')]).toEqual([false, true, false])
  })

  it('takes what cannot be told for writing', () => {
    expect(writes('query A { a } query B { a }')).toBe(true)
    expect(writes('query A { a }', 'B')).toBe(true)
    expect(writes('query A { a }', '')).toBe(true)
    expect(writes('query A { a }', 1)).toBe(true)
    expect(writes('{ a }', 'A')).toBe(true)
    expect(writes('fragment F on Query { a }')).toBe(true)
    expect(writes('type Query { a: Int }')).toBe(true)
    expect(typeWrites(undefined)).toBe(true)
    expect(typeWrites('Query')).toBe(true)
  })

  it('lets no mutation hide behind a query of the same name', () => {
    expect(writes('query A { a } mutation A { a }', 'A')).toBe(true)
    expect(writes('mutation A { a } query A { a }', 'A')).toBe(true)
  })
})

const schema = buildSchema(`
  type Query { a: Int b: Query }
  type Mutation { a: Int b: Query }
  type Subscription { a: Int b: Query }
`)

const name = fc.constantFrom('A', 'mutation')
const directives = fc.constantFrom(
  '',
  '@skip(if: true)',
  '@include(if: false)',
  '@skip(if: false)',
  '@include(if: $on)',
)
const { selection } = fc.letrec<{ selection: string; field: string }>((tie) => ({
  selection: fc.array(tie('field'), { minLength: 1, maxLength: 3 }).map((fields) => `{ ${fields.join(' ')} }`),
  field: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(fc.constantFrom('a', 'x: a'), directives).map((parts) => parts.join(' ')),
    fc.tuple(fc.constant('b'), directives, tie('selection')).map((parts) => parts.join(' ')),
    fc.tuple(fc.constantFrom('...F', '...A'), directives).map((parts) => parts.join(' ')),
    fc
      .tuple(fc.constantFrom('...', '... on Mutation', '... on Query'), directives, tie('selection'))
      .map((p) => p.join(' ')),
  ),
}))
const operation = fc.oneof(
  selection,
  fc
    .tuple(fc.constantFrom('query', 'mutation', 'subscription'), fc.option(name, { nil: '' }), directives, selection)
    .map(
      ([type, called, directive, body]) => `${type} ${called}${called && '($on: Boolean = true)'} ${directive} ${body}`,
    ),
)
const fragment = fc
  .tuple(fc.constantFrom('F', 'A'), fc.constantFrom('Query', 'Mutation'), directives, selection)
  .map(([called, type, directive, body]) => `fragment ${called} on ${type} ${directive} ${body}`)
const document = fc
  .array(fc.oneof({ weight: 3, arbitrary: operation }, { weight: 1, arbitrary: fragment }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((definitions) => definitions.join('\n'))
const operationName = fc.option(fc.oneof(name, fc.constant('')), { nil: undefined })

describe('on any document', () => {
  it('nothing that graphql executes changes anything where the operation is said not to write', () => {
    let changed = 0
    fc.assert(
      fc.property(document, operationName, (text, called) => {
        const node = parse(text)
        let wrote = false
        const fieldResolver = (
          _: unknown,
          __: unknown,
          ___: unknown,
          info: { parentType: { name: string }; fieldName: string },
        ) => {
          if (info.parentType.name === 'Mutation') wrote = true
          return info.fieldName === 'a' ? 1 : {}
        }
        execute({ schema, document: node, operationName: called ?? null, fieldResolver, rootValue: {} })
        if (wrote) changed++
        return !wrote || documentWrites(node, called)
      }),
      { numRuns: 5000, seed: 4 },
    )
    expect(changed).toBeGreaterThan(100)
  })

  it('agrees with the operation that graphql finds, printed or not, wherever names are unique', () => {
    let reads = 0
    fc.assert(
      fc.property(document, operationName, (text, called) => {
        const node = parse(text)
        const names = node.definitions.flatMap((one) =>
          one.kind === 'OperationDefinition' && one.name ? [one.name.value] : [],
        )
        fc.pre(new Set(names).size === names.length)
        const found = getOperationAST(node, called)?.operation
        const verdict = documentWrites(node, called)
        if (!verdict) reads++
        expect(verdict).toBe(found !== 'query' && found !== 'subscription')
        expect(documentWrites(parse(print(node)), called)).toBe(verdict)
      }),
      { numRuns: 2000, seed: 4 },
    )
    expect(reads).toBeGreaterThan(100)
  })
})
