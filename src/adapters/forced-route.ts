import type { Maintenance } from '../maintenance.js'
import {
  type ExpressApp,
  type ExpressNativeRequest,
  type Stack,
  type Step,
  stackOf,
  stepsOf,
  walk,
} from './express-router.js'
import type { Mark } from './forced-handler.js'

interface Opinion {
  readonly mark: Mark | undefined
}

/**
 * The mark of what Express would bring this request to after `landmark`: the maintenance object, or the mark, of the
 * handler that asks. The first route decides, or the first marked middleware or router before it.
 *
 * @throws URIError for a path that Express answers with 400; any other error where the router cannot be read
 */
export function findForced(req: ExpressNativeRequest, landmark: object): Mark | undefined {
  const found = firstAfter(landmark, req, req.method as string)
  if (found || req.method !== 'OPTIONS') return found?.mark
  // A preflight that no route answers itself asks on behalf of another method.
  const method = req.headers['access-control-request-method']
  return method === undefined ? undefined : firstAfter(landmark, req, method)?.mark
}

function firstAfter(landmark: object, req: ExpressNativeRequest, method: string): Opinion | undefined {
  for (const prefix of prefixesOf(req.baseUrl)) {
    let first: Opinion | undefined
    let located = false
    for (const step of stepsOf(req, req.app, prefix, method, landmark)) {
      const place = placeOf(landmark, step, prefix, req)
      if (place >= 0) {
        located = true
        first = undefined
        if (place === step.handles.length - 1) continue
      }
      first ??= opinionOf(step, method)
      if (located && first) return first
    }
    if (located) return undefined
    // Called by another middleware, such as one that makes exceptions, or the path has been rewritten.
    if (req.baseUrl === '') return first
  }
  throw new Error('not found in the router')
}

function opinionOf({ handles, isRoute, isMounted, rest }: Step, method: string): Opinion | undefined {
  const mark = handles.find((handle) => handle.forceMaintenanceMode)?.forceMaintenanceMode
  if (isRoute) return { mark }
  const router = handles[0]?.stack
  if (mark?.mode === 'off' && router && !isMounted) {
    // A router without a prefix of its own sees every request: it opens what it has something for.
    for (const step of walk(router, rest, method)) if (step.isRoute || step.isMounted) return { mark }
    return undefined
  }
  return mark && { mark }
}

/** The maintenance object of the last `maintenanceMode` on a request's way to the marked handler, else any of the app. */
export function findMaintenance(req: ExpressNativeRequest, app: ExpressApp, mark: Mark): Maintenance | undefined {
  return ifReadable(() => lastBefore(mark, req, app)) ?? ifReadable(() => anyIn(stackOf(app)))
}

function ifReadable<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function lastBefore(mark: Mark, req: ExpressNativeRequest, app: ExpressApp): Maintenance | undefined {
  for (const prefix of prefixesOf(req.baseUrl)) {
    let last: Maintenance | undefined
    for (const step of stepsOf(req, app, prefix, req.method as string, mark)) {
      if (last && placeOf(mark, step, prefix, req) >= 0) return last
      for (const { maintenance } of step.handles) last = maintenance ?? last
    }
  }
  return undefined
}

function anyIn(stack: Stack, seen: Set<Stack> = new Set()): Maintenance | undefined {
  // A router may stand in itself.
  if (seen.has(stack)) return undefined
  seen.add(stack)
  for (const { handle, route } of stack) {
    const found = handle.maintenance ?? anyIn(route?.stack ?? handle.stack ?? [], seen)
    if (found) return found
  }
  return undefined
}

/**
 * What an app may itself be mounted under: nothing, or some of what has been taken off the path so far. Only the right one
 * leads to a landmark with just that taken off.
 */
function* prefixesOf(baseUrl: string): Generator<string> {
  yield ''
  for (let end = 1; end < baseUrl.length; ) {
    const slash = baseUrl.indexOf('/', end)
    end = slash === -1 ? baseUrl.length : slash
    yield baseUrl.slice(0, end++)
  }
}

function placeOf(landmark: object, { handles, base }: Step, prefix: string, req: ExpressNativeRequest): number {
  if (prefix + base !== req.baseUrl) return -1
  return handles.findIndex((handle) => handle.forceMaintenanceMode === landmark || handle.maintenance === landmark)
}
