import type { Reply } from '../reply/reply.js'
import { toResponse } from './fetch-answer.js'

/**
 * A refusal that srvx, the server below h3 on Node, sends as it is: to make a Response of the platform's own, and to read it
 * as a stream, takes longer than all the rest. To everybody else it is such a Response, made once somebody looks into it.
 */
class NodeRefusal {
  readonly #reply: Reply
  #response: Response | undefined

  constructor(reply: Reply) {
    this.#reply = reply
  }

  static response(refusal: NodeRefusal): Response {
    refusal.#response ??= toResponse(refusal.#reply)
    return refusal.#response
  }

  get status(): number {
    return this.#reply.status
  }

  /** What srvx asks of its own responses; it sends others as any Response. */
  _toNodeResponse(): object {
    const made = this.#response
    const { status, headers, body } = made ?? this.#reply
    const flat: string[] = []
    if (made) for (const [name, value] of made.headers) flat.push(name, value)
    else for (const name in headers) flat.push(name, (headers as Reply['headers'])[name] as string)
    return { status, statusText: '', headers: flat, body }
  }
}

Object.setPrototypeOf(NodeRefusal.prototype, Response.prototype)
for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(Response.prototype))) {
  if (Object.hasOwn(NodeRefusal.prototype, name)) continue
  function inherited(this: NodeRefusal): unknown {
    const response = NodeRefusal.response(this)
    const member: unknown = response[name as keyof Response]
    return typeof member === 'function' ? member.call(response) : member
  }
  Object.defineProperty(NodeRefusal.prototype, name, get ? { get: inherited } : { value: inherited })
}

/** A reply as a Response, for h3 on Node. */
export function toNodeRefusal(reply: Reply, method: string): Response {
  // Others put a Response of their own in the place of the global one, as Hono does: to h3 ours would be any object, and a 200.
  const isResponse = NodeRefusal.prototype instanceof Response
  if (method === 'HEAD' || reply.body.length === 0 || !isResponse) return toResponse(reply, method)
  return new NodeRefusal(reply) as unknown as Response
}
