/** The parts of a parsed GraphQL document that are read. */
export interface OperationDocument {
  readonly definitions: readonly {
    readonly kind: string
    readonly operation?: string | undefined
    readonly name?: { readonly value: string } | undefined
  }[]
}

/** Whether an operation of this type may change something; GraphQL and tRPC have the same three. What is unknown may. */
export function typeWrites(type: string | undefined): boolean {
  return type !== 'query' && type !== 'subscription'
}

/**
 * Whether the operation of a GraphQL document that would run may change something (GraphQL, 2.3 and 6.1). Only a query or
 * subscription that is told for certain may not: neither fragments nor directives change what an operation is.
 */
export function documentWrites({ definitions }: OperationDocument, operationName?: unknown): boolean {
  const operations = definitions.filter(({ kind }) => kind === 'OperationDefinition')
  if (operationName == null) return operations.length !== 1 || typeWrites(operations[0]?.operation)
  const named = operations.filter(({ name }) => name?.value === operationName)
  // Of two that share a name, `getOperationAST` takes the first and `execute` the last.
  return named.length === 0 || named.some(({ operation }) => typeWrites(operation))
}
