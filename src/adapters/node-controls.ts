import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createControls } from '../admin/controls.js'
import { bodyAlreadyRead, bodyTooLong, type ControlBody } from '../admin/fields.js'
import { engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { AdaptedRequest } from '../request/request.js'
import type { MaintenanceOptions } from '../settings/options.js'
import type { NodeMiddleware } from './node.js'
import { NodeRequest, type NodeRequestExtras } from './node-request.js'

/**
 * The control URLs below the setting `controlUrl`, for superusers and for who sends a token: a page with the button, `on`,
 * `off`, `status`, `check`, and what the command line's `--via` needs. Mount it after what finds out who the user is.
 * Other paths go on to `next`.
 *
 * @param given what `createMaintenance` returned, or its options
 * @example app.use(maintenanceControls(maintenance))
 */
export function maintenanceControls(given?: Maintenance | MaintenanceOptions): NodeMiddleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const controls = createControls(maintenance)
  maintenance.start()
  return function maintenanceControls(req: IncomingMessage & NodeRequestExtras, res, next) {
    if (!controls.owns(req.originalUrl ?? req.url ?? '')) return next()
    const request = new ControlledRequest(req, engine.clientAddress)
    const answered = controls.answer({
      request,
      authority: authorityOf(request),
      body: (limit) => readBody(req, limit),
    })
    answered.then(({ status, headers, body }) => {
      if (!res.headersSent && !res.destroyed) res.writeHead(status, headers).end(body)
    }, next)
  }
}

class ControlledRequest extends NodeRequest {
  /** Express judges by its own setting 'trust proxy'. */
  override get frameworkAddress(): string | undefined {
    const { ip } = this.native as { ip?: unknown }
    return typeof ip === 'string' ? ip : super.frameworkAddress
  }
}

/** Host and port that a request was sent to, by HTTP/1 and 2. */
export function authorityOf(request: AdaptedRequest): string | undefined {
  return request.header('host') ?? request.header(':authority')
}

/** What a body parser has left, or the body itself where none has touched it; Express 4's leave an empty object then. */
export async function readBody(
  req: Readable & { body?: unknown },
  limit: number,
  body: unknown = req.body,
): Promise<ControlBody> {
  if (!req.readableDidRead) return readText(req, limit)
  if (typeof body === 'string') return body
  if (body instanceof Uint8Array) return new TextDecoder().decode(body)
  if (typeof body === 'object' && body !== null) return body as ControlBody
  throw bodyAlreadyRead()
}

function readText(req: Readable, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    // A parser has looked, and there was nothing to read.
    if (req.readableEnded) return resolve('')
    if (req.destroyed) return reject(clientGone())
    const chunks: Buffer[] = []
    let length = 0
    req.on('data', (chunk: Buffer) => {
      length += chunk.length
      // What is left flows on and is dropped, so that the client can read the answer.
      if (length > limit) reject(bodyTooLong(limit))
      else chunks.push(chunk)
    })
    req.on('end', () => resolve(Buffer.concat(chunks).toString()))
    req.on('close', () => reject(clientGone()))
  })
}

function clientGone(): Error {
  return new Error('The client went away before its request was complete.')
}
