import type { IncomingMessage, ServerResponse } from 'node:http'
import { isMaintenanceRefusal, isRefused } from '../refused.js'

type PinoLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

/**
 * pino-http's `customLogLevel`: nothing is logged of what maintenance refused.
 *
 * @param otherwise the level of every other answer. Default: `info`, as pino-http does without it
 * @param level the level of refusals. Default: `silent`
 * @example pinoHttp({ customLogLevel: pinoHttpLogLevel((req, res) => (res.statusCode < 500 ? 'info' : 'error')) })
 */
export function pinoHttpLogLevel<
  Req extends IncomingMessage,
  Res extends ServerResponse,
  Level extends string = PinoLevel,
>(
  otherwise?: (req: Req, res: Res, error?: Error) => Level,
  level?: Level,
): (req: Req, res: Res, error?: Error) => Level | 'info' | 'silent' {
  return function pinoHttpLogLevel(req, res, error) {
    if (isRefused(res)) return level ?? 'silent'
    return otherwise?.(req, res, error) ?? 'info'
  }
}

/** Pino's `hooks.logMethod`. */
export type PinoLogMethod = (
  this: { readonly levels: { readonly values: Readonly<Record<string, number>> } },
  args: unknown[],
  method: (...args: never[]) => void,
  level: number,
) => void

/**
 * Pino's `hooks.logMethod`: drops records of what maintenance refused, or lowers them. Those are the records that are
 * given its request or response, or an error caused by it.
 *
 * @param level the highest level of such a record. Default: `silent`, which drops it
 * @example const logger = pino({ hooks: { logMethod: pinoLogMethod('debug') } })
 */
export function pinoLogMethod(level = 'silent'): PinoLogMethod {
  return function pinoLogMethod(args, method, given) {
    const highest = args.some(isMaintenanceRefusal) ? (this.levels.values[level] ?? Infinity) : given
    // Pino's number of `silent`.
    if (highest === Infinity) return
    if (given <= highest) Reflect.apply(method, this, args)
    else (this as unknown as Record<string, (...args: unknown[]) => void>)[level]?.(...args)
  }
}
