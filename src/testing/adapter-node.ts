import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { ReadableStream as NodeStream } from 'node:stream/web'

/** A request of node:http, or of a framework on top of it, as a route of the fixture takes it. */
export function toSiteRequest(req: IncomingMessage & { originalUrl?: string }): Request {
  const { method = 'GET', headers, originalUrl, url } = req
  const listed = Object.entries(headers).flatMap(([name, value]) => [value ?? []].flat().map((one) => [name, one]))
  const init = { method, headers: listed as [string, string][] }
  const address = `http://${headers.host ?? 'localhost'}${originalUrl ?? url}`
  if (method === 'GET' || method === 'HEAD') return new Request(address, init)
  return new Request(address, { ...init, body: Readable.toWeb(req) as BodyInit, duplex: 'half' } as RequestInit)
}

/** Sends what a route of the fixture has answered. */
export async function sendSiteResponse(res: ServerResponse, given: Response | Promise<Response>): Promise<void> {
  const { status, headers, body } = await given
  const { req } = res
  // What nobody has read would hold up the next request on this connection.
  res.on('finish', () => req.removeAllListeners('data').resume())
  for (const [name, value] of headers) res.appendHeader(name, value)
  res.statusCode = status
  if (!body || req.method === 'HEAD') return void res.end()
  res.flushHeaders()
  Readable.fromWeb(body as NodeStream).pipe(res)
}
