import type { IncomingMessage } from 'node:http'
import { createControls } from '../admin/controls.js'
import type { Decision } from '../decision/decision.js'
import { type Engine, engineOf, type Verdict } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { LocalsRequest } from './app-locals.js'
import { outlive } from './fetch-answer.js'
import { answerControls } from './fetch-controls.js'
import { answerTo, followNoted, innerGate, type NodeGate } from './node-connections.js'
import { tellTemplates } from './template-locals.js'
import { settleAndDrain } from './unread-body.js'

// Its declarations of `App.Locals` come along.
export type { MaintenanceLocals } from './app-locals.js'

/** The parts of SvelteKit's `RequestEvent` that are read. */
export interface SvelteKitEvent {
  readonly request: Request
  readonly url: URL
  readonly locals: object
  readonly platform?: unknown
  readonly isDataRequest: boolean
  readonly isSubRequest: boolean
  getClientAddress(): string
}

/** SvelteKit's `Handle`. */
export type SvelteKitHandle = <Event extends SvelteKitEvent>(input: {
  event: Event
  resolve(event: Event): Response | Promise<Response>
}) => Response | Promise<Response>

declare global {
  namespace App {
    interface Error {
      /** True where maintenance mode has refused what a page asked for: data, or what a form has sent. */
      maintenance_mode?: boolean
    }
  }
}

/**
 * Maintenance mode as SvelteKit's `handle`. In `locals`, pages and endpoints find `maintenance_mode`, and
 * `maintenance_mode_bypassed` where the request was let through although the mode is not `off`. The user is `locals.user`,
 * as an earlier `handle` has set it.
 *
 * What is prerendered during a build is never refused.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example export const handle = sequence(signIn, maintenanceMode(maintenance), maintenanceControls(maintenance))
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): SvelteKitHandle {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const building = isBuilding()
  let gate: NodeGate | undefined

  /** The adapter for Node tells Node's request, others have no connections to follow. */
  function follow(event: SvelteKitEvent): void {
    const { req } = (event.platform ?? {}) as { req?: IncomingMessage }
    const res = req && answerTo(req)
    if (!res || event.isSubRequest) return
    gate ??= innerGate(engine, (native: SvelteKitEvent) => new SvelteKitRequest(native, engine))
    followNoted(gate, req, res, event)
  }

  return function maintenanceMode({ event, resolve }) {
    follow(event)
    if (engine.open || building) {
      tellTemplates(engine, event.locals, false)
      return resolve(event)
    }
    maintenance.start()
    // The app's own `fetch`, on behalf of a request that has been let through.
    if (event.isSubRequest) {
      tellTemplates(engine, event.locals, maintenance.status().mode !== 'off')
      return resolve(event)
    }
    const request = new SvelteKitRequest(event, engine)
    const pass = ({ mode }: Decision): Response | Promise<Response> => {
      tellTemplates(engine, event.locals, mode !== 'off')
      return resolve(event)
    }
    const response = settleAndDrain(engine, request, pass, inClientsShape(engine.judge(request), event))
    const { ctx, context } = (event.platform ?? {}) as { ctx?: unknown; context?: unknown }
    outlive([ctx, context], engine.unfinished())
    return response
  }
}

/**
 * The control URLs below the setting `controlUrl`, as a `handle`, for superusers and for who sends a token. Put it after
 * what finds out who the user is.
 *
 * @param given what `createMaintenance` returned, or its options
 * @example export const handle = sequence(signIn, maintenanceMode(maintenance), maintenanceControls(maintenance))
 */
export function maintenanceControls(given?: Maintenance | MaintenanceOptions): SvelteKitHandle {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const controls = createControls(maintenance)
  return function maintenanceControls({ event, resolve }) {
    if (!controls.owns(event.url.pathname)) return resolve(event)
    return answerControls(controls, new SvelteKitRequest(event, engine))
  }
}

class SvelteKitRequest extends LocalsRequest {
  declare url: string
  readonly #isDataRequest: boolean

  constructor(event: SvelteKitEvent, engine: Engine) {
    super(event, engine, () => event.getClientAddress())
    // Only of these: the URL of a remote function's event is whatever page the client says it is on.
    if (event.isDataRequest) this.url = event.url.pathname + event.url.search
    this.#isDataRequest = event.isDataRequest
  }

  override header(name: string): string | undefined {
    return this.#isDataRequest && name.toLowerCase() === 'accept' ? 'application/json' : super.header(name)
  }
}

/**
 * SvelteKit's client shows `+error.svelte` for an error in its own shape; what it cannot read it takes for a success of
 * the form that was sent.
 */
async function inClientsShape(
  verdict: Verdict | Promise<Verdict>,
  { request, isDataRequest }: SvelteKitEvent,
): Promise<Verdict> {
  const { decision, reply } = await verdict
  const isAction = request.headers.get('x-sveltekit-action') === 'true'
  if (!reply || !(isDataRequest || isAction)) return verdict
  const error = { message: decision.publicReason ?? 'Down for maintenance', maintenance_mode: true }
  const { status } = reply
  const body = new TextEncoder().encode(JSON.stringify(isDataRequest ? error : { type: 'error', status, error }))
  const type = { 'Content-Type': 'application/json', 'Content-Length': String(body.byteLength) }
  return { decision, reply: { status, headers: { ...reply.headers, ...type }, body } }
}

/** As `building` of `$app/environment`, which only the app's own modules can import: workers of a build are marked so. */
function isBuilding(): boolean {
  return globalThis.process?.env?.SVELTEKIT_FORK === 'true'
}
