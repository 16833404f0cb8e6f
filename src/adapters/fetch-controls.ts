import { type Controls, createControls } from '../admin/controls.js'
import { bodyAlreadyRead, bodyTooLong } from '../admin/fields.js'
import { engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { FetchRequest, targetOf } from '../request/plain-request.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { toResponse } from './fetch-answer.js'

/** Answers the control URLs, and `undefined` for every other path. */
export type FetchControls = (request: Request, ...rest: unknown[]) => Promise<Response | undefined>

/**
 * The control URLs below the setting `controlUrl`, for superusers and for who sends a token: a page with the button, `on`,
 * `off`, `status`, `check`, and what the command line's `--via` needs. A fetch Request knows no user: set
 * `getAuthenticatedUser`, or use a token.
 *
 * @param given what `createMaintenance` returned, or its options
 * @example withMaintenanceMode(maintenance, async (request) => (await controls(request)) ?? app.fetch(request))
 */
export function maintenanceControls(given?: Maintenance | MaintenanceOptions): FetchControls {
  const maintenance = toMaintenance(given)
  const { clientAddress } = engineOf(maintenance)
  const controls = createControls(maintenance)
  return async function maintenanceControls(native) {
    if (!controls.owns(targetOf(native.url))) return undefined
    return answerControls(controls, new FetchRequest(native, clientAddress))
  }
}

/** Answers a control URL. */
export async function answerControls(controls: Controls, request: FetchRequest): Promise<Response> {
  const { raw } = request
  const authority = request.header('host') ?? new URL(raw.url).host
  const reply = await controls.answer({ request, authority, body: (limit) => readText(raw, limit) })
  return toResponse(reply, raw.method)
}

async function readText(request: Request, limit: number): Promise<string> {
  if (request.bodyUsed) throw bodyAlreadyRead()
  const decoder = new TextDecoder()
  const reader = request.body?.getReader()
  let text = ''
  let length = 0
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    length += part.value.byteLength
    if (length > limit) {
      await reader?.cancel()
      throw bodyTooLong(limit)
    }
    text += decoder.decode(part.value, { stream: true })
  }
  return text + decoder.decode()
}
