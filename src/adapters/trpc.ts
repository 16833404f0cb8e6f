import { TRPCError } from '@trpc/server'
import { engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { typeWrites } from '../request/operation.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { type OperationRefusal, type RefusalDetails, toOperationRefusal, withoutStack } from './operation-refusal.js'
import { type ContextOptions, compileOperationJudge, markOperation, requestOf } from './operation-request.js'

export type { RefusalDetails } from './operation-refusal.js'
export type { ContextOptions } from './operation-request.js'

/** For `initTRPC.meta<MaintenanceMeta>()`: procedures that stay open in every mode, or are closed in every mode. */
export interface MaintenanceMeta {
  forceMaintenanceMode?: 'off' | 'on' | undefined
}

/** The parts of a call that are read. */
interface Call<Context, Result> {
  readonly ctx: Context
  readonly type: string
  readonly meta: unknown
  next(): Promise<Result>
}

/** A middleware of a tRPC procedure. It adds nothing to the context. */
export type TRPCMiddleware<Context> = <Result>(call: Call<Context, Result>) => Promise<Result>

/**
 * Maintenance mode as a middleware of tRPC 11: procedures that are not let through are refused with a `TRPCError` whose
 * code is `SERVICE_UNAVAILABLE`. `maintenanceResponseMeta` adds the headers of a refusal, `maintenanceRefusal` tells the
 * error formatter more of it.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example const publicProcedure = t.procedure.use(maintenanceMode(maintenance))
 */
export function maintenanceMode<Context = unknown>(
  given?: Maintenance | MaintenanceOptions,
  { request: find = requestOf }: ContextOptions<Context> = {},
): TRPCMiddleware<Context> {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const judge = compileOperationJudge(engine)

  async function settle<Result>(call: Call<Context, Result>, forced: 'off' | 'on' | undefined): Promise<Result> {
    maintenance.start()
    const { ctx, type } = call
    const native = Object(find(ctx) ?? ctx)
    const { decision, reply } = await judge(native, { writes: typeWrites(type), forced })
    if (reply) {
      const refusal = toOperationRefusal(engine, decision, reply)
      const error = withoutStack(new TRPCError({ code: 'SERVICE_UNAVAILABLE', message: refusal.message }))
      refusals.set(error, refusal)
      markOperation(native, error, ctx, decision)
      throw error
    }
    if (decision.personal) personal.add(native)
    return call.next()
  }

  return function maintenanceMode(call) {
    const forced = (call.meta as MaintenanceMeta | undefined)?.forceMaintenanceMode
    return engine.open && forced !== 'on' ? call.next() : settle(call, forced)
  }
}

const refusals = new WeakMap<object, OperationRefusal>()
/** Requests with a call that was let through by who asks. */
const personal = new WeakSet<object>()

/**
 * What a client should know of a refusal; `undefined` for every other error.
 *
 * @example
 * initTRPC.create({
 *   errorFormatter: ({ shape, error }) => ({ ...shape, data: { ...shape.data, maintenance: maintenanceRefusal(error) } }),
 * })
 */
export function maintenanceRefusal(error: object): RefusalDetails | undefined {
  return refusals.get(error)?.details
}

interface Outcome {
  readonly data: readonly unknown[]
  readonly errors: readonly object[]
  readonly ctx?: unknown
}

/**
 * The headers of a refusal (`Retry-After`, `Cache-Control: no-store`, `Maintenance-Mode`), and `private` for what was let
 * through by who asks.
 *
 * @example createHTTPServer({ router, createContext, responseMeta: maintenanceResponseMeta })
 */
export function maintenanceResponseMeta({ data, errors, ctx }: Outcome): { status?: number; headers?: Headers } {
  const refused = errors.map((error) => refusals.get(error)).filter((refusal) => refusal !== undefined)
  const [first] = refused
  if (first) {
    const headers = new Headers(first.headers)
    return refused.length === data.length ? { status: first.status, headers } : { headers }
  }
  const isPersonal = Object.values(Object(ctx)).some((value) => personal.has(Object(value)))
  return isPersonal ? { headers: new Headers({ 'Cache-Control': 'private, no-store' }) } : {}
}
