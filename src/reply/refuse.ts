import { type CallbackRunner, isPromise } from '../callback.js'
import type { Clock } from '../clock.js'
import { representationOf } from '../decision/decide.js'
import type { Decision } from '../decision/decision.js'
import type { Representation } from '../request/representation.js'
import type { AdaptedRequest } from '../request/request.js'
import type { Settings } from '../settings/options.js'
import { compileLastWord } from './last-word.js'
import { pageSecurityPolicy, renderPage } from './page/page.js'
import { renderProblem } from './problem.js'
import type { Reply } from './reply.js'
import { retryAfterSeconds } from './retry-after.js'
import { compileTemplate } from './template.js'
import { renderText } from './text.js'

/** Makes the answer to a request that is not let through. */
export type Refuser = (decision: Decision, request: AdaptedRequest) => Reply | Promise<Reply>

type Context = Readonly<Record<string, unknown>>

/** How long a template that failed is left alone, in milliseconds: it may be slow, or lean on what is being worked on. */
const pause = 10_000

const encoder = new TextEncoder()
const contentTypes = {
  html: 'text/html; charset=utf-8',
  json: 'application/problem+json; charset=utf-8',
  text: 'text/plain; charset=utf-8',
} as const

/**
 * Bodies tell absolute instants only, so each is rendered once for as long as a closure lasts; of a reused reply only
 * Retry-After differs from one answer to the next.
 */
export function compileRefuser(settings: Settings, clock: Clock, run: CallbackRunner): Refuser {
  const { statusCode, readOnlyStatusCode, getContext, redirectUrl } = settings
  const template = compileTemplate(settings.template)
  const lastWord = compileLastWord(settings.reply, run)
  const rendered = new WeakMap<Decision, Map<string, Reply | Promise<Reply>>>()
  const standIns = new WeakMap<Reply | Promise<Reply>, number>()

  const statusOf = ({ mode }: Decision): number => (mode === 'read-only' ? readOnlyStatusCode : statusCode)

  const toReply = (decision: Decision, representation: Representation, page: string, own: boolean): Reply => {
    const body = encoder.encode(page)
    const headers: Record<string, string> = {
      'Content-Type': contentTypes[representation],
      'Content-Length': String(body.byteLength),
      ...common(decision),
      'X-Content-Type-Options': 'nosniff',
    }
    if (own) headers['Content-Security-Policy'] = pageSecurityPolicy
    return { status: statusOf(decision), headers, body }
  }

  const builtIn = (decision: Decision, notProcessed: boolean): Reply => {
    const { mode, reopening, publicReason: reason, until } = decision
    return toReply(decision, 'html', renderPage({ mode, reopening, reason, until, notProcessed }), true)
  }

  const templated = (decision: Decision, notProcessed: boolean, context: Context): Reply | Promise<Reply> => {
    const { mode, reopening, publicReason: reason, until } = decision
    const known = {
      ...context,
      maintenance_mode: true,
      mode,
      reopening,
      reason,
      until: until?.toISOString(),
      not_processed: notProcessed,
    }
    const page = run('template', () => template?.(known))
    const finish = (html: string | undefined): Reply => {
      if (html !== undefined) return toReply(decision, 'html', html, false)
      // What cannot be rendered must not leave people without an answer.
      const standIn = builtIn(decision, notProcessed)
      standIns.set(standIn, clock.now() + pause)
      return standIn
    }
    return isPromise(page) ? page.then(finish) : finish(page)
  }

  const render = (
    decision: Decision,
    representation: Representation,
    notProcessed: boolean,
    context: Context,
  ): Reply | Promise<Reply> => {
    const { publicReason } = decision
    if (representation === 'json') {
      const problem = run('getContext', () => renderProblem(decision, statusOf(decision), publicReason, context))
      const body = typeof problem === 'string' ? problem : renderProblem(decision, statusOf(decision), publicReason)
      return toReply(decision, 'json', body, false)
    }
    if (representation === 'text') return toReply(decision, 'text', renderText(decision, publicReason), false)
    return template ? templated(decision, notProcessed, context) : builtIn(decision, notProcessed)
  }

  const reused = (
    decision: Decision,
    representation: Representation,
    notProcessed: boolean,
  ): Reply | Promise<Reply> => {
    const replies = rendered.get(decision) ?? new Map<string, Reply | Promise<Reply>>()
    if (replies.size === 0) rendered.set(decision, replies)
    const key = notProcessed ? `${representation} of an unsafe request` : representation
    const known = replies.get(key)
    if (known && (!template || clock.now() < (standIns.get(known) ?? Number.POSITIVE_INFINITY))) return known
    const reply = render(decision, representation, notProcessed, {})
    replies.set(key, reply)
    if (isPromise(reply)) void reply.then((done) => replies.set(key, done))
    return reply
  }

  const withContext = (
    request: AdaptedRequest,
    use: (context: Context) => Reply | Promise<Reply>,
  ): Reply | Promise<Reply> => {
    const context = run('getContext', () => {
      const found = getContext?.(request)
      return isPromise(found) ? found.then(checkedContext) : checkedContext(found)
    })
    return isPromise(context) ? context.then((found) => use(found ?? {})) : use(context ?? {})
  }

  const finish = (reply: Reply, decision: Decision, request: AdaptedRequest): Reply | Promise<Reply> => {
    const seconds = retryAfterSeconds(decision, clock, settings.retryAfter)
    if (seconds > 0) reply.headers['Retry-After'] = String(seconds)
    return lastWord ? lastWord(reply, decision, request) : reply
  }

  return (decision, request) => {
    if (decision.action === 'redirect') {
      const headers = { Location: redirectUrl as string, 'Content-Length': '0', ...common(decision) }
      return finish({ status: 302, headers, body: '' }, decision, request)
    }
    const representation = representationOf(settings, request, run)
    // Of a GET too, mode read-only refuses only what was to do something.
    const notProcessed = decision.mode === 'read-only' || (request.method !== 'GET' && request.method !== 'HEAD')
    const reply =
      getContext && representation !== 'text'
        ? withContext(request, (context) => render(decision, representation, notProcessed, context))
        : reused(decision, representation, notProcessed)
    return isPromise(reply) ? reply.then((done) => finish(done, decision, request)) : finish(reply, decision, request)
  }
}

/** A refusal must never be kept: it would outlive the maintenance in browsers and at edges (RFC 9111, 5.2.2.5). */
function common({ mode }: Decision): Record<string, string> {
  return { 'Cache-Control': 'no-store', 'Maintenance-Mode': mode, Vary: 'Accept, Sec-Fetch-Dest' }
}

function checkedContext(context: unknown): Context {
  if (typeof context === 'object' && context !== null && !Array.isArray(context)) return context as Context
  if (context === undefined || context === null) return {}
  throw new TypeError('it must return an object, such as { shop: "Tea shop" }')
}
