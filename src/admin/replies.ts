import type { Reply } from '../reply/reply.js'
import type { ControlFailure } from './failure.js'

const encoder = new TextEncoder()

/** On every answer: nothing is kept, and no other site can put the button under somebody's pointer (clickjacking). */
const common: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

type Headers = Readonly<Record<string, string>>

export function toReply(status: number, contentType: string, text: string, headers?: Headers): Reply {
  const body = encoder.encode(text)
  const described = { 'Content-Type': `${contentType}; charset=utf-8`, 'Content-Length': String(body.byteLength) }
  return { status, headers: { ...described, ...common, ...headers }, body }
}

export function jsonReply(value: unknown, headers?: Headers): Reply {
  return toReply(200, 'application/json', JSON.stringify(value), headers)
}

/** A 204 has no Content-Length (RFC 9110, 8.6). */
export function emptyReply(status: number, headers?: Headers): Reply {
  const length: Headers = status === 204 ? {} : { 'Content-Length': '0' }
  return { status, headers: { ...length, ...common, ...headers }, body: '' }
}

/** For programs: problem details of RFC 9457. */
export function problemReply({ kind, status, title, message, code, headers }: ControlFailure): Reply {
  const type = `urn:maintenance-mode:${kind}`
  const problem = { type, title, status, detail: message, code }
  return toReply(status, 'application/problem+json', JSON.stringify(problem), headers)
}
