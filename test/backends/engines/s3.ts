import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Engine } from './engine.js'

/** What S3 answers to conditional requests of objects, over HTTP, in this process. */
export interface S3Engine extends Engine {
  /** Bucket and name, and what is there. */
  readonly objects: Map<string, string>
  /** Method, path, condition and answer of every request. */
  readonly requests: string[]
  /** Connections that are open. */
  readonly connections: number
  /** Older stores write whatever the condition is; MinIO did until 2025 where there is no object yet. */
  conditions: 'honoured' | 'honoured with an object' | 'ignored'
  /** Does what the next request to write asks for, and ends the connection instead of answering. */
  losesAnswer: boolean
  /** How a state in the bucket `states` is addressed. */
  urlOf(object: string): string
}

/** The one who may. */
export const credentials = { accessKeyId: 'OPERATOR', secretAccessKey: 'the-secret-of-the-operator' }
/** Known to the store, and may do nothing. */
export const stranger = { accessKeyId: 'STRANGER', secretAccessKey: 'the-secret-of-the-stranger' }
export const region = 'eu-central-1'

const secrets = new Map([credentials, stranger].map((one) => [one.accessKeyId, one.secretAccessKey]))

const answers: Readonly<Record<string, [status: number, message: string]>> = {
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  PreconditionFailed: [412, 'At least one of the pre-conditions you specified did not hold'],
  ConditionalRequestConflict: [409, 'The conditional request cannot succeed due to a conflicting operation.'],
  AccessDenied: [403, 'Access Denied'],
  InvalidAccessKeyId: [403, 'The AWS Access Key Id you provided does not exist in our records.'],
  SignatureDoesNotMatch: [403, 'The request signature we calculated does not match the signature you provided.'],
  AuthorizationHeaderMalformed: [
    400,
    `The authorization header is malformed; the region is wrong; expecting '${region}'`,
  ],
  PermanentRedirect: [301, 'The bucket you are attempting to access must be addressed using the specified endpoint.'],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
}

export async function startS3(): Promise<S3Engine> {
  const objects = new Map<string, string>()
  const writing = new Set<string>()
  const requests: string[] = []
  let frozen: Promise<void> | undefined
  let thaw = (): void => {}

  const serve = async (
    request: IncomingMessage,
    body: string,
  ): Promise<{ code?: string; etag?: string; text?: string }> => {
    const refusal = refuse(request, body)
    if (refusal !== undefined) return { code: refusal }
    const place = decodeURIComponent((request.url ?? '').replace(/\?.*/, '').slice(1))
    if (place.startsWith('elsewhere/')) return { code: 'PermanentRedirect' }
    if (!place.startsWith('states/')) return { code: 'NoSuchBucket' }
    const stored = objects.get(place)
    if (request.method === 'GET')
      return stored === undefined ? { code: 'NoSuchKey' } : { etag: etagOf(stored), text: stored }
    if (request.method === 'DELETE') {
      objects.delete(place)
      return {}
    }
    if (request.method !== 'PUT') return { code: 'MethodNotAllowed' }
    if (engine.conditions !== 'ignored' && conditionOf(request) !== undefined) {
      // While one of them is being written, S3 refuses another that has a condition.
      if (writing.has(place)) return { code: 'ConditionalRequestConflict' }
      const code = unmet(request, stored)
      const overlooked = engine.conditions === 'honoured with an object' && stored === undefined
      if (code !== undefined && !overlooked) return { code }
      writing.add(place)
      await setTimeout(2)
      writing.delete(place)
    }
    objects.set(place, body)
    return { etag: etagOf(body) }
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    await frozen
    const { code, etag, text } = await serve(request, Buffer.concat(parts).toString())
    const [status, message] = answers[code ?? ''] ?? [200, '']
    requests.push(
      [request.method, request.url?.replace(/\?.*/, ''), conditionOf(request), status].filter(Boolean).join(' '),
    )
    if (engine.losesAnswer && request.method === 'PUT' && code === undefined) {
      engine.losesAnswer = false
      return void response.destroy()
    }
    if (etag !== undefined) response.setHeader('ETag', etag)
    if (code === undefined) return void response.writeHead(status).end(text)
    const told = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`
    response.writeHead(status, { 'Content-Type': 'application/xml' }).end(told)
  }

  const http = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  let connections = 0
  http.on('connection', (socket) => {
    connections++
    socket.once('close', () => connections--)
  })
  const listen = async (port: number): Promise<void> => {
    http.listen(port, '127.0.0.1')
    await once(http, 'listening')
  }
  await listen(0)
  const { port } = http.address() as AddressInfo

  const engine: S3Engine = {
    port,
    objects,
    requests,
    conditions: 'honoured',
    losesAnswer: false,
    get connections() {
      return connections
    },
    urlOf: (object) =>
      `s3://states/${object}${object.includes('?') ? '&' : '?'}region=${region}&endpoint=http://127.0.0.1:${port}`,
    freeze() {
      frozen = new Promise((resolve) => {
        thaw = resolve
      })
    },
    thaw() {
      frozen = undefined
      thaw()
    },
    async kill() {
      engine.thaw()
      if (!http.listening) return
      const closed = once(http, 'close')
      http.close()
      http.closeAllConnections()
      await closed
    },
    start: () => listen(port),
    stop: () => engine.kill(),
  }
  return engine
}

function etagOf(text: string): string {
  return `"${createHash('md5').update(text).digest('hex')}"`
}

function conditionOf({ headers }: IncomingMessage): string | undefined {
  const { 'if-match': match, 'if-none-match': none } = headers
  return match === undefined ? none && `none-match ${none}` : `match ${match}`
}

function unmet({ headers }: IncomingMessage, stored: string | undefined): string | undefined {
  if (headers['if-none-match'] === '*' && stored !== undefined) return 'PreconditionFailed'
  if (headers['if-match'] === undefined) return undefined
  if (stored === undefined) return 'NoSuchKey'
  return headers['if-match'] === etagOf(stored) ? undefined : 'PreconditionFailed'
}

/** Whether the request is signed as AWS Signature Version 4 has it, by somebody who may. */
function refuse(request: IncomingMessage, body: string): string | undefined {
  const { method, url = '', headers } = request
  const { authorization = '', 'x-amz-date': date = '', 'x-amz-content-sha256': digest } = headers
  const [, id = '', day = '', place = '', signed = '', signature] =
    /Credential=([^/]+)\/(\d+)\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)/.exec(
      authorization,
    ) ?? []
  const secret = secrets.get(id)
  if (secret === undefined) return 'InvalidAccessKeyId'
  if (place !== region) return 'AuthorizationHeaderMalformed'
  const lines = signed.split(';').map((name) => `${name}:${String(headers[name]).trim()}`)
  const [path, query = ''] = url.split('?')
  const canonical = [method, path, query.split('&').sort().join('&'), ...lines, '', signed, digest].join('\n')
  const scope = `${day}/${place}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')
  const key = [day, place, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`)
  if (hmac(key, toSign).toString('hex') !== signature || digest !== sha256(body)) return 'SignatureDoesNotMatch'
  return id === credentials.accessKeyId ? undefined : 'AccessDenied'
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
