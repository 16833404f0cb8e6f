import { type CallbackRunner, isPromise } from '../callback.js'
import type { Decision } from '../decision/decision.js'
import type { MaintenanceRequest } from '../request/request.js'
import type { Settings } from '../settings/options.js'
import type { Reply } from './reply.js'

/** Makes of a refusal what the operator wants to be sent. */
export type LastWord = (reply: Reply, decision: Decision, request: MaintenanceRequest) => Reply | Promise<Reply>

/** What fails, or returns what cannot be sent, has said nothing: the refusal goes out as it was. */
export function compileLastWord(given: Settings['reply'], run: CallbackRunner): LastWord | undefined {
  if (!given) return undefined
  return (reply, decision, request) => {
    // A copy of all of it: what is changed for one request must not show in the next one's answer.
    const copy: Reply = { ...reply, headers: { ...reply.headers }, body: reply.body.slice() }
    const word = run('reply', () => {
      const said = given(decision, request, copy)
      return isPromise(said) ? said.then((other) => checked(other ?? copy)) : checked(said ?? copy)
    })
    return isPromise(word) ? word.then((other) => other ?? reply) : (word ?? reply)
  }
}

const encoder = new TextEncoder()
const isHeaderName = /^[\w!#$%&'*+.^`|~-]+$/
const isHeaderValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** With the length that the body really has, and each header once. */
function checked({ status, headers, body }: Reply): Reply {
  const isBody = typeof body === 'string' || body instanceof Uint8Array
  if (!Number.isInteger(status) || status < 200 || status > 599 || !isBody) {
    throw new TypeError('it must return { status, headers, body } with a status from 200 to 599 and a text or bytes')
  }
  const once = new Map<string, [string, string]>()
  for (const [name, given] of Object.entries(headers)) {
    const value = String(given)
    if (given == null || !isHeaderName.test(name) || !isHeaderValue.test(value)) {
      throw new TypeError(`the header ${JSON.stringify(name)} cannot be sent`)
    }
    once.set(name.toLowerCase(), [name, value])
  }
  const length = typeof body === 'string' ? encoder.encode(body).byteLength : body.byteLength
  once.set('content-length', ['Content-Length', String(length)])
  return { status, headers: Object.fromEntries(once.values()), body }
}
