import { once } from 'node:events'
import { connect } from 'node:net'
import { withMaintenanceMode } from '../adapters/fetch.js'
import { createMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { check, equal } from './assertions.js'

/** What a client was answered, read to its end. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export type Ask = (path: string, init?: RequestInit) => Promise<Answered>

export function client(url: string): Ask {
  return async (path, init) => {
    const response = await fetch(url + path, { redirect: 'manual', ...init, signal: AbortSignal.timeout(10_000) })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
}

/** The status of the answer to a WebSocket handshake. */
export async function upgrade(url: string): Promise<number> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  try {
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13'
    socket.write(`GET /socket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`)
    const [answer] = await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(String(answer))?.[1])
  } finally {
    socket.destroy()
  }
}

/** What differs from one answer to the next, or belongs to the connection. */
const ofTheMessage = ['retry-after', 'date', 'connection', 'keep-alive', 'transfer-encoding', 'vary']

/** The refusal that the fetch adapter, by itself, gives the same client. */
async function reference(path: string, init: RequestInit): Promise<Response> {
  const options: MaintenanceOptions = { stateBackend: 'memory:', silence: ['memory-backend'] }
  const maintenance = createMaintenance(options, { environment: {} })
  await maintenance.setMode('on')
  // What fetch itself sends where nothing is asked for.
  const headers = new Headers({ accept: '*/*', 'accept-language': '*', ...init.headers })
  const request = new Request(`http://localhost${path}`, { ...init, headers })
  const response = await withMaintenanceMode(maintenance, () => new Response('passed'))(request)
  await maintenance.close()
  return response
}

/** Whether an answer is a refusal, and all of it: status, headers and body. */
export async function assertRefused(answered: Answered, path: string, init: RequestInit = {}): Promise<void> {
  const { status, headers, text } = answered
  equal(status, 503, `${init.method ?? 'GET'} ${path} was not refused`)
  check(Number(headers.get('retry-after')) >= 1, `Retry-After is ${headers.get('retry-after')}`)
  const expected = await reference(path, init)
  // Where a server frames the message anew there is no length (RFC 9112, 6.2).
  if (headers.has('transfer-encoding')) expected.headers.delete('content-length')
  for (const [name, value] of expected.headers) {
    if (!ofTheMessage.includes(name)) equal(headers.get(name), value, `the header ${name} of the refusal`)
  }
  const vary = headers.get('vary')?.toLowerCase() ?? ''
  for (const name of expected.headers.get('vary')?.toLowerCase().split(/,\s*/) ?? []) {
    check(vary.includes(name), `Vary is "${vary}", without ${name}`)
  }
  equal(text, await expected.text(), 'the body of the refusal')
}
