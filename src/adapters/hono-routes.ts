import type { Maintenance } from '../maintenance.js'
import type { Mark } from './forced-handler.js'

/** A handler or middleware that a request is brought to. */
interface Route {
  readonly method: string
  readonly path: string
  readonly handler: Handler
}

/** Ours carry what they belong to. */
interface Handler {
  readonly length: number
  readonly maintenance?: Maintenance
  readonly forceMaintenanceMode?: Mark
  /** What Hono has wrapped, for a sub-app with an error handler of its own. */
  readonly __COMPOSED_HANDLER?: Handler
}

/** Whether the first route of those from `start` on, or a middleware before it, is forced. */
export function findForced(routes: readonly Route[], start: number): Mark['mode'] | undefined {
  for (let i = start; i < routes.length; i++) {
    const { method, path, handler } = routes[i] as Route
    const { forceMaintenanceMode, length } = unwrap(handler)
    if (forceMaintenanceMode) return forceMaintenanceMode.mode
    // One that takes no `next` answers, and so does at the latest the last one of a route: only `use` and `all` pass on.
    const next = routes[i + 1]
    if (length < 2 || (method !== 'ALL' && (next?.method !== method || next.path !== path))) return undefined
  }
  return undefined
}

/** The maintenance object of the last `maintenanceMode` before a place. */
export function findMaintenance(routes: readonly Route[], place: number): Maintenance | undefined {
  for (let i = place; i >= 0; i--) {
    const { maintenance } = unwrap((routes[i] as Route).handler)
    if (maintenance) return maintenance
  }
  return undefined
}

/** How the handlers of these routes are forced. */
export function marksOf(routes: readonly Route[]): Mark[] {
  return routes.flatMap(({ handler }) => unwrap(handler).forceMaintenanceMode ?? [])
}

function unwrap(handler: Handler): Handler {
  let inner = handler
  while (inner.__COMPOSED_HANDLER) inner = inner.__COMPOSED_HANDLER
  return inner
}
