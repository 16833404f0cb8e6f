import type { FastifyReply } from 'fastify'
import type { Engine } from '../engine.js'
import type { Reply } from '../reply/reply.js'
import type { FastifyRequest } from './fastify-request.js'
import { besideEarlier, settle, toBuffer } from './node-answer.js'
import { tellTemplates } from './template-locals.js'

/** Answers a request of Fastify by its verdict, or lets it pass. */
export function settleReply(
  engine: Engine,
  request: FastifyRequest,
  reply: FastifyReply,
  pass: (closed: boolean) => void,
): void {
  settle(
    engine,
    request,
    reply.raw,
    ({ mode }) => {
      tellLocals(engine, reply, mode !== 'off')
      pass(mode !== 'off')
    },
    engine.judge(request),
    (refusal) => send(reply, refusal),
  )
}

export function send(reply: FastifyReply, { status, headers, body }: Reply): FastifyReply {
  const all = besideEarlier(headers, reply)
  return reply
    .code(status)
    .headers(all)
    .send(body.length > 0 ? toBuffer(body) : undefined)
}

/** @fastify/view renders with what is in `reply.locals`. */
export function tellLocals(
  engine: Engine,
  { locals }: FastifyReply & { locals?: Record<string, unknown> | null },
  closed: boolean,
): void {
  if (locals) tellTemplates(engine, locals, closed)
}
