import type { IncomingMessage, ServerResponse } from 'node:http'
import { isRefused } from '../refused.js'

/**
 * Morgan's `skip`: no line for what maintenance refused.
 *
 * @param otherwise decides for every other request. Default: none is skipped
 * @example app.use(morgan('combined', { skip: morganSkip((req, res) => res.statusCode < 500) }))
 */
export function morganSkip<Req extends IncomingMessage, Res extends ServerResponse>(
  otherwise?: (req: Req, res: Res) => boolean,
): (req: Req, res: Res) => boolean {
  return function morganSkip(req, res) {
    return isRefused(res) || (otherwise?.(req, res) ?? false)
  }
}
