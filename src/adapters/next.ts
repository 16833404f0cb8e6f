import { isPromise } from '../callback.js'
import type { Decision } from '../decision/decision.js'
import { engineOf } from '../engine.js'
import { type Maintenance, toMaintenance } from '../maintenance.js'
import { FetchRequest } from '../request/plain-request.js'
import type { MaintenanceOptions } from '../settings/options.js'
import { outlive, refuseOr, settle } from './fetch-answer.js'
import { defaultMaintenance } from './forced-handler.js'
import { notePass } from './passed.js'

export { type FetchControls, maintenanceControls, withMaintenanceMode } from './fetch.js'

/** The part of Next's event that is needed. */
export interface NextEvent {
  waitUntil(work: Promise<unknown>): void
}

// biome-ignore lint/suspicious/noConfusingVoidType: what a proxy without a `return` has for Next.
type Proxied = Response | null | undefined | void

/** A `proxy` of Next.js 16, or a `middleware` of 15.5: it answers, or lets the request through to the app. */
export type NextProxy<Native extends Request = Request, Event extends NextEvent = NextEvent> = (
  request: Native,
  event: Event,
) => Proxied | Promise<Proxied>

/** How a proxy tells Next to go on to the app: what `NextResponse.next()` makes. */
const passMark = 'x-middleware-next'

/** Next keeps these on what the app answers; to a CDN the app's own word would outweigh `Cache-Control` (RFC 9213, 2.2). */
const privately = { [passMark]: '1', 'Cache-Control': 'private, no-store', 'CDN-Cache-Control': 'no-store' }

/**
 * Maintenance mode as the `proxy` of Next.js 16, or the `middleware` of 15.5 with `runtime: 'nodejs'`: before pages, route
 * handlers, server actions, data of the router and files in `public`. What the build has made, below `/_next/static/`, is
 * open in every mode: it is the same for everybody, and pages that are open need it.
 *
 * A proxy is not told the client's address: give `trustProxy` with the number of proxies in front, or
 * `getClientIpAddress`, where addresses matter. Nor does it know a user: give `getAuthenticatedUser`.
 *
 * @param given what `createMaintenance` returned, or its options
 * @throws SettingError
 *
 * @example export const proxy = maintenanceMode(config)
 */
export function maintenanceMode(given?: Maintenance | MaintenanceOptions): NextProxy {
  const maintenance = toMaintenance(given)
  const engine = engineOf(maintenance)
  return function maintenanceMode(native, event) {
    if (engine.open || isBuilt(native)) return undefined
    maintenance.start()
    const letThrough = ({ personal }: Decision): Response | undefined => {
      notePass(engine, native)
      return personal ? new Response(null, { headers: privately }) : undefined
    }
    const answer = refuseOr(engine, new FetchRequest(native, engine.clientAddress), letThrough)
    outlive([event], engine.unfinished())
    if (!native.headers.has('next-action')) return answer
    return isPromise(answer) ? answer.then(asActionError) : asActionError(answer)
  }
}

/**
 * Several proxies in the one that Next allows, in turn: one that returns nothing, or `NextResponse.next()`, hands on to the
 * next, and the headers it set are kept on what that answers; every other response is the answer. Each gets the request
 * as it came.
 *
 * @example export const proxy = chain(maintenanceMode(maintenance), maintenanceControls(maintenance), theirs)
 */
export function chain<Native extends Request = Request, Event extends NextEvent = NextEvent>(
  ...proxies: NextProxy<Native, Event>[]
): NextProxy<Native, Event> {
  function run(index: number, request: Native, event: Event, passed: Proxied): Proxied | Promise<Proxied> {
    const proxy = proxies[index]
    if (!proxy) return passed
    const go = (answer: Proxied): Proxied | Promise<Proxied> => {
      const merged = answer && passed ? withHeadersOf(passed, answer) : answer || passed
      return !merged || merged.headers.has(passMark) ? run(index + 1, request, event, merged) : merged
    }
    const answer = proxy(request, event)
    return isPromise(answer) ? answer.then(go) : go(answer)
  }
  return function chain(request, event) {
    return run(0, request, event, undefined)
  }
}

/**
 * A handler of a file `route.ts` that is closed in every mode and for everybody.
 *
 * @param maintenance answers. Default: one with the settings of the environment.
 *
 * @example export const GET = forceMaintenanceModeOn(handler, maintenance)
 */
export function forceMaintenanceModeOn(
  _handler: (...args: never[]) => unknown,
  maintenance?: Maintenance,
): (request: Request) => Response | Promise<Response> {
  const own = maintenance && engineOf(maintenance)
  return function forceMaintenanceModeOn(native) {
    const engine = own ?? engineOf(defaultMaintenance())
    const request = new FetchRequest(native, engine.clientAddress)
    return settle(engine, request, Response.error, engine.refuse(request))
  }
}

/**
 * By Next's own address: a `basePath` is taken off, and no dot segment is left in it. A catch-all route at the root is asked
 * for what is no file there, so an action, the data of a page (whose address has lost its prefix and reads like a file's),
 * and what decodes to another path are no assets.
 */
function isBuilt({
  nextUrl,
  method,
  headers,
}: Request & { readonly nextUrl?: { readonly pathname: string } }): boolean {
  const path = nextUrl?.pathname
  if (!path?.startsWith('/_next/static/') || /%(?:2[5ef]|5c)/i.test(path)) return false
  return (method === 'GET' || method === 'HEAD') && !headers.has('x-nextjs-data')
}

/** Of a server action that failed Next's client shows a text of exactly this type, and no other answer. */
function asActionError(answer: Response | undefined): Response | undefined {
  if (answer?.headers.get('content-type')?.startsWith('text/plain')) answer.headers.set('Content-Type', 'text/plain')
  return answer
}

function withHeadersOf(passed: Response, { body, status, statusText, headers: given }: Response): Response {
  const headers = new Headers(given)
  const goesOn = given.has(passMark) || given.has('x-middleware-rewrite')
  for (const [name, value] of passed.headers) {
    if (name === 'set-cookie') headers.append(name, value)
    // The other marks are for the app alone: with an answer they would go out to the client.
    else if (name !== passMark && (goesOn || !name.startsWith('x-middleware-'))) headers.set(name, value)
  }
  return new Response(body, { status, statusText, headers })
}
