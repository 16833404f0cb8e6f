import { createMaintenance, type Maintenance } from '../maintenance.js'
import { forgetPass } from './passed.js'

/** A handler of any kind: of a request, of an error, or a whole router. */
export type ForcibleHandler = (...args: never[]) => unknown

/** What a standard method decorator is told besides the method. */
export interface MethodContext {
  readonly kind: 'method'
}

/** How one handler is forced. An object of its own, so that a router's walk can tell where that handler stands. */
export interface Mark {
  readonly mode: 'off' | 'on'
  /** What a request has to go through once the handler has passed it on, for those that the mark let in. */
  readonly afterwards: WeakMap<object, Judge>
}

type Judge = (next: () => unknown) => unknown

let anyMarked = false

/** Whether any handler is forced at all: if none is, no router has to be walked. */
export function hasForcedHandlers(): boolean {
  return anyMarked
}

/**
 * A handler like the given one, marked. Its name, `this`, length and return value stay as they are: Express tells error
 * handlers by their length, and Express 5 catches what a returned promise rejects with.
 */
export function markHandler<Handler extends ForcibleHandler>(
  handler: Handler,
  mode: Mark['mode'],
  call: (mark: Mark, args: unknown[], proceed: (args: unknown[]) => unknown) => unknown,
): Handler {
  assertForcible(handler, mode)
  const mark: Mark = { mode, afterwards: new WeakMap() }
  function forced(this: unknown, ...args: unknown[]): unknown {
    return call(mark, args, (passed) => Reflect.apply(handler, this, passed))
  }
  // On the prototype and enumerable: so it gets to what `bind` makes of a method, and to what tracers put in its place.
  Object.setPrototypeOf(
    forced,
    Object.create(handler, { forceMaintenanceMode: { value: mark, enumerable: true } }) as object,
  )
  for (const key of ['name', 'length'] as const) {
    Object.defineProperty(forced, key, { value: handler[key], configurable: true })
  }
  anyMarked = true
  return forced as unknown as Handler
}

/** Has a request judged again when the handler has passed it on: by each maintenance object that let it in by this mark. */
export function onceItHasPassed(mark: Mark, request: object, answer: object, judge: Judge): void {
  const earlier = mark.afterwards.get(request)
  const again: Judge = (next) => {
    forgetPass(answer)
    return judge(next)
  }
  mark.afterwards.set(request, earlier ? (next) => earlier(() => again(next)) : again)
}

let byDefault: Maintenance | undefined

/** Answers for handlers that are forced on where the app has no maintenance object. */
export function defaultMaintenance(): Maintenance {
  byDefault ??= createMaintenance()
  return byDefault
}

function assertForcible(handler: unknown, mode: Mark['mode']): void {
  const name = mode === 'off' ? 'forceMaintenanceModeOff' : 'forceMaintenanceModeOn'
  if (typeof handler !== 'function') {
    throw new TypeError(
      `${name} takes a handler or a router, not ${handler === null ? 'null' : `a value of type ${typeof handler}`}. As a decorator it is a standard one: switch \`experimentalDecorators\` off.`,
    )
  }
  // Express' own test for an app, which it mounts by other means than by calling it.
  if ('handle' in handler && 'set' in handler) {
    throw new TypeError(
      `${name} cannot mark an app: what is inside a mounted app cannot be seen. Mark a router, or name the paths in the setting \`routes\`.`,
    )
  }
}
