import type { Reply } from '../reply/reply.js'
import type { KoaNativeContext } from './koa-request.js'
import { besideEarlier, toBuffer } from './node-answer.js'

/** Through Koa, so that what runs after it on the way out, such as the session, still has its say. */
export function answer(ctx: KoaNativeContext, { status, headers, body }: Reply): void {
  const all = besideEarlier(headers, ctx.res)
  ctx.status = status
  ctx.body = toBuffer(body)
  if (body.length === 0) ctx.remove('Content-Type')
  ctx.set(all)
}
