import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a request was answered with. */
export interface Served {
  url: string
  headers: IncomingMessage['headers']
  status: number
}

/** By what a server tells whether a file has changed. */
export type Validator = 'etag' | 'last-modified' | 'both' | 'none'

/** A server of static files, in this process. */
export interface StaticServer {
  readonly port: number
  /** The URL of a file. */
  urlOf(path: string): string
  /** Puts a file there. `modified` is told in whole seconds, as servers do. */
  put(path: string, text: string, modified?: number): void
  remove(path: string): void
  validator: Validator
  /** Answers instead; `undefined` leaves it to the files. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  readonly served: Served[]
  /** Ends every connection, and accepts none. */
  begin(): Promise<void>
  end(): Promise<void>
}

export async function startStaticServer(validator: Validator = 'both'): Promise<StaticServer> {
  const files = new Map<string, { text: string; modified: number; version: number }>()
  let version = 0

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const file = files.get(new URL(request.url ?? '', 'http://files').pathname)
    if (!file) return void response.writeHead(404, { 'Content-Type': 'text/html' }).end('<h1>Not found</h1>')
    const etag = `"${file.version}"`
    const modified = new Date(file.modified).toUTCString()
    if (server.validator === 'etag' || server.validator === 'both') response.setHeader('ETag', etag)
    if (server.validator === 'last-modified' || server.validator === 'both')
      response.setHeader('Last-Modified', modified)
    const { 'if-none-match': noneMatch, 'if-modified-since': since } = request.headers
    const same = noneMatch === undefined ? since !== undefined && modified === since : noneMatch === etag
    if (same) return void response.writeHead(304).end()
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(file.text)
  }

  const http = createServer((request, response) => {
    response.once('finish', () => {
      server.served.push({ url: request.url ?? '', headers: request.headers, status: response.statusCode })
    })
    ;(server.answer ?? serve)(request, response)
  })
  const listen = async (port: number): Promise<void> => {
    http.listen(port, '127.0.0.1')
    await once(http, 'listening')
  }
  await listen(0)
  const { port } = http.address() as AddressInfo

  const server: StaticServer = {
    port,
    urlOf: (path) => `http://127.0.0.1:${port}${path}`,
    put(path, text, modified = Date.now()) {
      files.set(path, { text, modified, version: ++version })
    },
    remove: (path) => void files.delete(path),
    validator,
    answer: undefined,
    served: [],
    async begin() {
      const closed = once(http, 'close')
      http.close()
      http.closeAllConnections()
      await closed
    },
    end: () => listen(port),
  }
  return server
}
