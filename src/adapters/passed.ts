import type { Engine } from '../engine.js'

const passed = new WeakMap<object, Engine>()

/**
 * Notes that a request was let through, and warns where the same maintenance object has let it through already.
 *
 * @param answer what stays the same from one place to the next: the response of Node, the request of fetch
 */
export function notePass(engine: Engine, answer: object): void {
  if (passed.get(answer) !== engine) passed.set(answer, engine)
  else {
    engine.reporter.warn(
      'mounted-twice',
      'A request was judged twice: maintenance mode is mounted twice, or around the app and in it. Take one away: the outermost place is the best one where no user of the app has to get through.',
    )
  }
}

/** It is to be judged again on purpose. */
export function forgetPass(answer: object): void {
  passed.delete(answer)
}
