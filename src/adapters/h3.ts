import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EventHandler, H3Event, Middleware } from 'h3'
import { createControls } from '../admin/controls.js'
import { isPromise } from '../callback.js'
import type { Decision } from '../decision/decision.js'
import { type Engine, engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { FetchRequest, targetOf } from '../request/plain-request.js'
import type { MaintenanceUser } from '../request/request.js'
import { toMaintenanceUser } from '../request/user.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { keepPrivate, outlive, refuseOr } from './fetch-answer.js'
import { answerControls } from './fetch-controls.js'
import { toNodeRefusal } from './h3-answer.js'
import { followNoted, innerGate, type NodeGate } from './node-connections.js'
import { freshness, makePrivate } from './privacy.js'
import { tellTemplates } from './template-locals.js'

export type { MaintenanceContext } from './h3-context.js'

/**
 * Maintenance mode as a global middleware of h3 2, and of Nitro 3: after what signs users in, if they are to get through,
 * and before all that is to be closed. Handlers find `maintenance_mode` in `event.context`, and `maintenance_mode_bypassed`
 * where the request was let through although the mode is not `off`.
 *
 * A route whose meta says `forceMaintenanceMode: 'off'` stays open in every mode, one that says `'on'` is closed in every
 * mode and for everybody.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example app.use(maintenanceMode(maintenance))
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): Middleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)

  let gate: NodeGate | undefined

  /** Other runtimes have no connections to follow. */
  function follow(event: H3Event): void {
    const { req, res } = (event.runtime?.node ?? {}) as { req?: IncomingMessage; res?: ServerResponse }
    if (!req || !res) return
    gate ??= innerGate(engine, (native: H3Event) => new H3Request(native, engine))
    followNoted(gate, req, res, event)
  }

  function judge(event: H3Event, next: () => unknown): unknown {
    maintenance.start()
    let passed = false
    const pass = ({ mode, personal }: Decision): unknown => {
      passed = true
      tellTemplates(engine, event.context, mode !== 'off')
      return personal ? passPrivately(event, next) : next()
    }
    const request = new H3Request(event, engine)
    const answer = refuseOr(engine, request, pass, engine.judge(request), event.runtime?.node && toNodeRefusal)
    outlive([event], engine.unfinished())
    const settle = (value: unknown): unknown => (passed ? value : prepare(event, value as Response))
    return isPromise(answer) ? answer.then(settle) : settle(answer)
  }

  return function maintenanceMode(event, next) {
    follow(event)
    if (!engine.open || forcedMode(event) === 'on') return judge(event, next)
    tellTemplates(engine, event.context, false)
    return next()
  }
}

/**
 * A handler whose route stays open in every mode: requests get to it past `maintenanceMode`. The same as
 * `meta: { forceMaintenanceMode: 'off' }`.
 *
 * @throws TypeError for what is no function
 *
 * @example app.post('/webhook', forceMaintenanceModeOff(() => noContent()))
 */
export function forceMaintenanceModeOff<Handler extends EventHandler>(handler: Handler): Handler {
  return withMeta(handler, 'off')
}

/**
 * A handler whose route `maintenanceMode` closes in every mode and for everybody. The same as
 * `meta: { forceMaintenanceMode: 'on' }`.
 *
 * @throws TypeError for what is no function
 *
 * @example app.get('/beta', forceMaintenanceModeOn(handler))
 */
export function forceMaintenanceModeOn<Handler extends EventHandler>(handler: Handler): Handler {
  return withMeta(handler, 'on')
}

function withMeta<Handler extends EventHandler>(handler: Handler, forceMaintenanceMode: 'off' | 'on'): Handler {
  if (typeof handler !== 'function') {
    throw new TypeError('Only a handler can be forced. Of anything else, name the path in the setting `routes`.')
  }
  // One of its own: the handler given may stand at other routes too.
  const forced = (event: H3Event): unknown => handler(event)
  return Object.assign(forced, handler, { meta: { ...handler.meta, forceMaintenanceMode } }) as unknown as Handler
}

/**
 * The control URLs below the setting `controlUrl`, for superusers and for who sends a token: a page with the button, `on`,
 * `off`, `status`, `check`, and what the command line's `--via` needs. Mount it after what finds out who the user is.
 *
 * @param given what `createMaintenance` returned, or its options
 * @example app.use(maintenanceControls(maintenance))
 */
export function maintenanceControls(given?: Maintenance | MaintenanceOptions): Middleware {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const controls = createControls(maintenance)
  return function maintenanceControls(event, next) {
    return controls.owns(targetOf(event.req.url)) ? answerControls(controls, new H3Request(event, engine)) : next()
  }
}

class H3Request extends FetchRequest {
  readonly #event: H3Event

  constructor(event: H3Event, { clientAddress }: Engine) {
    super(event.req, clientAddress, { native: event })
    this.#event = event
  }

  override get peerAddress(): string | undefined {
    return this.#event.runtime?.node?.req.socket.remoteAddress ?? this.#event.req.ip
  }

  /** As the server's own `trustProxy` says. */
  override get frameworkAddress(): string | undefined {
    return this.#event.req.ip
  }

  override user(): MaintenanceUser | null | undefined {
    return toMaintenanceUser(this.#event.context.user)
  }

  override forced(): 'off' | 'on' | undefined {
    return forcedMode(this.#event)
  }
}

/** h3 finds the route before any middleware runs. */
function forcedMode({ context }: H3Event): 'off' | 'on' | undefined {
  return context.matchedRoute?.meta?.forceMaintenanceMode as 'off' | 'on' | undefined
}

/** What is staged on `event.res` goes over what a handler returns, and over its failures. */
async function passPrivately({ res }: H3Event, next: () => unknown): Promise<unknown> {
  res.errHeaders.set('Cache-Control', 'private, no-store')
  const value = await next()
  makePrivate(res.headers)
  const { headers } = (value ?? {}) as { headers?: unknown }
  // Of h3's own HTTPResponse; those of what was fetched cannot be changed.
  if (headers instanceof Headers && !(value instanceof Response)) makePrivate(headers)
  return value instanceof Response && !('crossws' in value) ? keepPrivate(value) : value
}

/** A refusal, without what an earlier middleware has staged for the page: h3 would put it over a redirect. */
function prepare({ req, res }: H3Event, response: Response): Response {
  if (response.status < 400) for (const name of [...response.headers.keys(), ...freshness]) res.headers.delete(name)
  // A WebSocket is opened by what crossws finds here, whatever the status.
  return req.headers.has('upgrade') ? Object.assign(response, { crossws: { upgrade: () => response } }) : response
}
