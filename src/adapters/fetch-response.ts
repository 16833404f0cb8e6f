import type { Reply } from '../reply/reply.js'

/** A reply as a Response. */
export function toResponse({ status, headers, body }: Reply, method = 'GET'): Response {
  const empty = method === 'HEAD' || body.length === 0
  return new Response(empty ? null : (body as BodyInit), { status, headers })
}
