import { parse } from 'graphql'
import { createGraphQLError, type GraphQLParams, type Plugin } from 'graphql-yoga'
import { engineOf, type Verdict } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { documentWrites } from '../request/operation.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { toResponse } from './fetch-answer.js'
import { toExtensions, toOperationRefusal } from './operation-refusal.js'
import { isHttpRequest, markOperation, toOperationRequest } from './operation-request.js'

type Params = GraphQLParams | GraphQLParams[]

interface ServerContext {
  /** Where Yoga runs on Node. */
  readonly req?: unknown
  waitUntil?(work: unknown): void
}

/**
 * Maintenance mode as a plugin of GraphQL Yoga 5: operations that are not let through are refused before anything of them
 * is run, as a GraphQL error with the code `SERVICE_UNAVAILABLE`, and with the status and headers of every refusal.
 * Browsers that ask for GraphiQL get the page.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example createYoga({ schema, plugins: [maintenanceMode(maintenance)] })
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): Plugin {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const verdicts = new WeakMap<Request, Verdict>()

  async function judge(request: Request, context: ServerContext, params: Params): Promise<Verdict> {
    maintenance.start()
    const operation = {
      // Parsed only if somebody asks.
      get writes() {
        return anyWrites(params)
      },
    }
    const verdict = await engine.judge(toOperationRequest(nativeOf(request, context), engine, operation))
    const unfinished = engine.unfinished()
    if (unfinished) context.waitUntil?.(unfinished)
    verdicts.set(request, verdict)
    return verdict
  }

  return {
    onRequestParse({ request, serverContext }) {
      if (engine.open) return
      return {
        async onRequestParseDone({ requestParserResult }) {
          const { decision, reply } = await judge(request, serverContext, requestParserResult)
          if (!reply) return
          const refusal = toOperationRefusal(engine, decision, reply)
          const error = createGraphQLError(refusal.message, { extensions: toExtensions(refusal) })
          markOperation(nativeOf(request, serverContext), error, serverContext, decision)
          throw error
        },
      }
    },
    onResponse({ request, response, serverContext, setResponse }) {
      if (engine.open) return
      const known = verdicts.get(request)
      const finish = ({ decision, reply }: Verdict): void => {
        if (decision.personal) response.headers.set('Cache-Control', 'private, no-store')
        if (!reply) return
        markOperation(nativeOf(request, serverContext), response, serverContext, decision)
        if (!known) setResponse(toResponse(reply, request.method))
      }
      if (known) return finish(known)
      // Yoga answers with pages of its own before any plugin is asked. They have no effect, so they can be thrown away.
      return asksForPage(request) ? judge(request, serverContext, []).then(finish) : undefined
    },
  }
}

function nativeOf(request: Request, { req }: ServerContext): object {
  return isHttpRequest(req) ? req : request
}

function asksForPage({ method, headers }: Request): boolean {
  return method === 'HEAD' || (method === 'GET' && headers.get('accept')?.includes('text/html') === true)
}

/** A batch writes if one of its operations does. */
function anyWrites(params: Params): boolean {
  return [params].flat().some(({ query, operationName }) => {
    try {
      return documentWrites(parse(query as string), operationName)
    } catch {
      return true
    }
  })
}
