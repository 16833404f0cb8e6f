import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Controls, createControls } from '../admin/controls.js'
import { type Engine, engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { FetchRequest } from '../request/plain-request.js'
import type { MaintenanceUser } from '../request/request.js'
import { toMaintenanceUser } from '../request/user.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { outlive, refuseOr } from './fetch-answer.js'
import { settle } from './node-answer.js'
import { followNoted, innerGate } from './node-connections.js'
import { authorityOf, readBody } from './node-controls.js'
import { NodeRequest } from './node-request.js'
import { tellTemplates } from './template-locals.js'

/** The parts of an event of h3 1 that are read. */
interface NuxtEvent {
  readonly node: {
    readonly req: IncomingMessage & { readonly __unenv__?: object | undefined }
    readonly res: ServerResponse
  }
  readonly context: Record<string, unknown>
}

type Upgrade = (request: Request & { readonly _req?: IncomingMessage }) => unknown

/** The parts of an app of Nitro 2 that are used. */
export interface NitroApp {
  readonly h3App: {
    readonly stack: { route: string; handler(event: NuxtEvent): unknown }[]
    readonly options: { websocket?: { hooks?: { upgrade?: Upgrade } } | undefined }
  }
}

/** What the Nuxt module adds to the server: maintenance mode and its control URLs, before all else that answers. */
export function maintenancePlugin(given: Maintenance | MaintenanceOptions): (nitroApp: NitroApp) => void {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  const controls = createControls(maintenance)

  const gate = innerGate(engine, (event: NuxtEvent) => new NuxtRequest(event, engine))

  function maintenanceMode(event: NuxtEvent): unknown {
    followNoted(gate, event.node.req, event.node.res, event)
    if (!engine.open) return judge(maintenance, engine, event)
    tellTemplates(engine, event.context, false)
    return undefined
  }

  function maintenanceControls(event: NuxtEvent): unknown {
    return controls.owns(event.node.req.url ?? '') ? control(controls, engine, event) : undefined
  }

  return ({ h3App }) => {
    // Public files, prerendered pages among them, are served by what comes first in the stack.
    h3App.stack.unshift({ route: '/', handler: maintenanceMode }, { route: '/', handler: maintenanceControls })
    h3App.options.websocket = guardUpgrades(maintenance, engine, h3App.options.websocket)
  }
}

/** What has been let through already: what a page asks of its own server comes with the context of the page. */
const passed = new WeakSet<object>()

function judge(maintenance: Maintenance, engine: Engine, event: NuxtEvent): unknown {
  maintenance.start()
  const { req, res } = event.node
  const pass = (mode: string): void => {
    if (mode !== 'off') passed.add(event.context)
    tellTemplates(engine, event.context, mode !== 'off')
  }
  if (isOfPassed(req)) return pass('on')
  const done = settle(engine, new NuxtRequest(event, engine), res, ({ mode }) => pass(mode))
  outlive([event], engine.unfinished())
  return done
}

/** Whether the server asks itself, for what it has let through: by its context, or for the page of an error. */
function isOfPassed(req: NuxtEvent['node']['req']): boolean {
  if (!('__unenv__' in req)) return false
  return (req.__unenv__ !== undefined && passed.has(req.__unenv__)) || /\/__nuxt_error(?:\?|$)/.test(req.url ?? '')
}

class NuxtRequest extends NodeRequest<NuxtEvent> {
  constructor(event: NuxtEvent, { clientAddress }: Engine) {
    super(event, clientAddress, event.node.req)
  }

  /** Some hosts tell it. */
  override get frameworkAddress(): string | undefined {
    const { clientAddress } = this.native.context
    return typeof clientAddress === 'string' ? clientAddress : super.frameworkAddress
  }

  override user(): MaintenanceUser | null | undefined {
    return toMaintenanceUser(this.native.context.user)
  }
}

async function control(controls: Controls, engine: Engine, event: NuxtEvent): Promise<void> {
  const request = new NuxtRequest(event, engine)
  const { req, res } = event.node
  const body = (limit: number): ReturnType<typeof readBody> => readBody(req, limit)
  const reply = await controls.answer({ request, authority: authorityOf(request), body })
  res.writeHead(reply.status, reply.headers).end(reply.body)
}

type WebSocketOptions = NitroApp['h3App']['options']['websocket']

/** Nitro gives upgrades to no handler, but to hooks. */
function guardUpgrades(maintenance: Maintenance, engine: Engine, given: WebSocketOptions): WebSocketOptions {
  const upgrade: Upgrade = async (request) => {
    if (!engine.open) {
      maintenance.start()
      const { clientAddress } = engine
      const known = { native: request, ip: request._req?.socket.remoteAddress }
      const judged = new FetchRequest(new Request(request.url, { headers: request.headers }), clientAddress, known)
      const refused = await refuseOr<undefined>(engine, judged, () => undefined)
      // What is returned, the hooks of the app's own handler would overrule.
      if (refused) throw refused
    }
    return given?.hooks?.upgrade?.(request)
  }
  return { ...given, hooks: { ...given?.hooks, upgrade } }
}
