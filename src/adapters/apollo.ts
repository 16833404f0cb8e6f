import type { ApolloServerPlugin, BaseContext } from '@apollo/server'
import { engineOf, type Verdict } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { documentWrites } from '../request/operation.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { toExtensions, toOperationRefusal, withoutStack } from './operation-refusal.js'
import { type ContextOptions, compileOperationJudge, markOperation, requestOf } from './operation-request.js'

export type { ContextOptions } from './operation-request.js'

/**
 * Maintenance mode as a plugin of Apollo Server 5: operations that are not let through are refused before a resolver runs,
 * as a GraphQL error with the code `SERVICE_UNAVAILABLE`, and with the status and headers of every refusal. What the server
 * runs by itself (`executeOperation`) is left alone.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example new ApolloServer({ typeDefs, resolvers, plugins: [maintenanceMode(maintenance)] })
 */
export function maintenanceMode<Context extends BaseContext = BaseContext>(
  given?: Maintenance | MaintenanceOptions,
  { request: find = requestOf }: ContextOptions<Context> = {},
): ApolloServerPlugin<Context> {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const judge = compileOperationJudge(engine)
  const passing = Promise.resolve()
  return {
    async serverWillStart() {
      maintenance.start()
    },
    requestDidStart({ request: { http }, contextValue }) {
      if (engine.open || !http) return passing
      let verdict: Verdict | undefined
      return Promise.resolve({
        // The first hook that may refuse: an error in an earlier one counts as a bug of the server's.
        async didResolveOperation({ document, request: { operationName } }) {
          const native = Object(find(contextValue) ?? http)
          verdict = await judge(native, { writes: documentWrites(document, operationName) })
          const { decision, reply } = verdict
          if (!reply) return
          const refusal = toOperationRefusal(engine, decision, reply)
          // Apollo makes a GraphQLError of it, of whichever copy of `graphql` it uses itself.
          const error = Object.assign(new Error(refusal.message), { extensions: toExtensions(refusal) })
          markOperation(native, error, contextValue, decision)
          throw withoutStack(error)
        },
        async willSendResponse({ response }) {
          if (verdict?.decision.personal) response.http.headers.set('Cache-Control', 'private, no-store')
        },
      })
    },
  }
}
