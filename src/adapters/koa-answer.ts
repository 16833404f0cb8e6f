import type { Reply } from '../reply/reply.js'
import type { KoaNativeContext } from './koa-request.js'
import { besideEarlier, toBuffer } from './node-answer.js'

/** Through Koa, so that what runs after it on the way out, such as the session, still has its say. */
export function answer(ctx: KoaNativeContext, { status, headers, body }: Reply): void {
  const { res } = ctx
  const all = besideEarlier(headers, res)
  ctx.status = status
  // Before the body, whose type and length Koa would else look for.
  for (const name in all) res.setHeader(name, all[name] as string)
  ctx.body = toBuffer(body)
  if (body.length > 0) return
  ctx.remove('Content-Type')
  ctx.set(all)
}
