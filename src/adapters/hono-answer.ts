import type { Context, Next } from 'hono'
import { isPromise } from '../callback.js'
import type { Engine } from '../engine.js'
import { engineOf } from '../engine.js'
import type { Maintenance } from '../maintenance.js'
import { keepPrivate, outlive, refuseOr } from './fetch-answer.js'
import { HonoRequest } from './hono-request.js'
import { freshness } from './privacy.js'

/** Answers with a refusal, or passes on what is let through. */
export function judge(maintenance: Maintenance, c: Context, next: Next): Promise<Response | undefined> {
  maintenance.start()
  const engine = engineOf(maintenance)
  const answer = refuseOr<undefined>(engine, new HonoRequest(c, engine), async ({ mode, personal }) => {
    tellVariables(engine, c, mode !== 'off')
    await next()
    if (personal) replace(c, keepPrivate(c.res))
    return undefined
  })
  const unfinished = engine.unfinished()
  // Where there is no context, Hono throws to say so, which takes longer than all the rest.
  if (unfinished) outlive([executionContext(c)], unfinished)
  return isPromise(answer) ? answer.then((response) => send(c, response)) : Promise.resolve(send(c, answer))
}

/** Sends a refusal along with what earlier middlewares have put on the response, such as CORS. */
export function send(c: Context, response: Response | undefined): Response | undefined {
  if (!response) return undefined
  for (const [name, value] of c.res.headers) {
    const ofThePage =
      name !== 'vary' && (response.headers.has(name) || freshness.some((one) => one.toLowerCase() === name))
    if (!ofThePage) response.headers.append(name, value)
  }
  return replace(c, response)
}

/** Hono would put the headers of the earlier response over those of the new one. */
function replace(c: Context, response: Response): Response {
  c.res = undefined
  c.res = response
  return c.res
}

/** Tells handlers and JSX whether there is maintenance, and that this request was let through in spite of it. */
export function tellVariables({ announcement }: Engine, c: Context, closed: boolean): void {
  if (announcement) c.set('maintenance_announcement', announcement)
  // Another maintenance object of the app may have told them already.
  if (!closed && c.get('maintenance_mode') !== undefined) return
  c.set('maintenance_mode', closed)
  c.set('maintenance_mode_bypassed', closed)
}

function executionContext(c: Context): unknown {
  try {
    return c.executionCtx
  } catch {
    // Only some runtimes have one.
    return undefined
  }
}
