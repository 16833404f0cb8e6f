import { type Engine, engineOf } from '../engine.js'
import type { Maintenance } from '../maintenance.js'
import type { Reply } from '../reply/reply.js'
import { normalizePath } from '../request/path.js'
import { wantedRepresentation } from '../request/representation.js'
import type { AdaptedRequest } from '../request/request.js'
import { type Announcement, announcementsAt } from '../state/announcement.js'
import { effectiveModes } from '../state/effective-mode.js'
import { wholeSite } from '../state/window.js'
import type { MaintenanceStatus } from '../status.js'
import { compileAuthorize, type Operator } from './authorize.js'
import { bannerReply } from './banner.js'
import { compileCheck } from './check.js'
import { type ControlView, controlPage, type Done } from './control-page.js'
import { ControlFailure, toFailure } from './failure.js'
import { assertNoQuery, bodyLimit, type ControlBody, type Fields, parseBody, readAsked } from './fields.js'
import { failurePage } from './page-frame.js'
import { emptyReply, jsonReply, problemReply } from './replies.js'
import { assertSameOrigin, pathCameFrom } from './same-origin.js'
import { compileStateControls, documentLimit } from './state.js'

/** What an adapter gives of a request to a control URL. */
interface ControlRequest {
  request: AdaptedRequest
  /** Host and port that the request was sent to. */
  authority: string | undefined
  /** Reads the body, of so many bytes at most. @throws ControlFailure */
  body(limit: number): Promise<ControlBody>
}

/** The control URLs, for any adapter. */
export interface Controls {
  /** Whether a request target, path and query, is theirs. */
  owns(url: string): boolean
  /** Answers one of theirs. Never rejects. */
  answer(asked: ControlRequest): Promise<Reply>
}

type Answer = (asked: ControlRequest) => Promise<Reply>

interface Route {
  get: Answer
  post?: Answer
  put?: Answer
}

export function createControls(maintenance: Maintenance): Controls {
  const engine = engineOf(maintenance)
  const { controlUrl, siteUrl, scopes, tenants } = engine.settings
  const closable = { parts: Object.keys(scopes), tenants: tenants !== undefined }
  const authorize = compileAuthorize(maintenance, engine)
  const check = compileCheck(maintenance, engine)
  const state = compileStateControls(engine)

  const show = async (
    { request, authority }: ControlRequest,
    { by }: Operator,
    told: Partial<Pick<ControlView, 'failure' | 'draft' | 'keptAside'>> = {},
  ): Promise<Reply> => {
    await refresh(maintenance, engine)
    const { failure, keptAside, draft = {} } = told
    const status = maintenance.status()
    const [now, done] = [engine.clock.now(), readDone(request.url)]
    return controlPage({ status, controlUrl, authority, by, now, done, failure, keptAside, draft, ...closable })
  }

  const change = async (to: 'on' | 'off', asked: ControlRequest, operator: Operator): Promise<Reply> => {
    const { request, authority } = asked
    let draft: Fields = {}
    try {
      assertNoQuery(request.url)
      draft = parseBody(await asked.body(bodyLimit), request.header('content-type'))
      const from = `control@${request.ip ?? 'unknown'}`
      const { mode, options } = readAsked(to, draft, engine.clock.now())
      const made = await maintenance.setMode(mode, { ...options, by: operator.by, from })
      if (!isBrowser(request)) return jsonReply(made)
      if (made.keptAside !== undefined) return await show(asked, operator, { keptAside: made.keptAside })
      const cameFrom = pathCameFrom(request, authority, siteUrl)
      if (cameFrom !== undefined && placeOf(cameFrom) === undefined) return emptyReply(303, { Location: cameFrom })
      const done: Done = to === 'off' ? 'opened' : made.alreadySince === undefined ? 'closed' : 'updated'
      return emptyReply(303, { Location: `${controlUrl}?done=${done}` })
    } catch (error) {
      const failure = toFailure(error)
      if (isBrowser(request)) return show(asked, operator, { failure, draft })
      throw failure
    }
  }

  /** Who the tenants are is nobody else's business. */
  const publicParts = ({ scopes: apart }: Pick<MaintenanceStatus, 'scopes'>): object => {
    if (closable.parts.length === 0) return {}
    const parts = apart.filter(({ scope }) => Object.hasOwn(scopes, scope))
    return { scopes: parts.map(({ windows, defined, ...told }) => told) }
  }

  /** For a banner: those of the site, or of the part that is asked for. */
  const announcements = (url: string): Announcement[] => {
    const scope = queryOf(url).get('scope') ?? wholeSite
    const document = engine.state.known()
    if (!document || (scope !== wholeSite && !Object.hasOwn(scopes, scope))) return []
    const now = engine.clock.now()
    return announcementsAt(document, effectiveModes(document, now), now, scope)
  }

  const page: Answer = async (asked) => show(asked, await authorize(asked.request))

  const switchTo = (mode: 'on' | 'off'): Route => ({
    get: page,
    post: async (asked) => {
      const operator = await authorize(asked.request)
      if (!operator.bearer) assertSameOrigin(asked.request, asked.authority, siteUrl)
      return change(mode, asked, operator)
    },
  })

  const status: Answer = async ({ request }) => {
    const { mode, since, until, reason, ...details } = maintenance.status()
    const told = { mode, since, until, reason, announcements: announcements(request.url) }
    const isOperator = await authorize(request).then(
      () => true,
      () => false,
    )
    if (isOperator) return jsonReply({ ...told, ...details })
    // Pages of other origins may read what everybody may know.
    return jsonReply({ ...told, ...publicParts(details) }, { 'Access-Control-Allow-Origin': '*' })
  }

  const readState: Answer = async ({ request }) =>
    state.read(await authorize(request), queryOf(request.url).get('scope') ?? undefined)

  const writeState: Answer = async ({ request, body }) => {
    const { bearer } = await authorize(request)
    // A browser sends the user's cookies along; a form and a click of theirs must not replace the state.
    if (!bearer) throw new ControlFailure('forbidden', 'The state itself is written with a bearer token only.')
    return state.write(await body(documentLimit), request.header('content-type'))
  }

  const fleet: Answer = async ({ request }) => {
    await authorize(request)
    return state.fleet()
  }

  const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
    ['', { get: page }],
    ['/on', switchTo('on')],
    ['/off', switchTo('off')],
    ['/status', { get: status }],
    ['/banner.js', { get: async ({ request }) => bannerReply(request.header('accept-language')) }],
    ['/check', { get: ({ request }) => check(request) }],
    ['/state', { get: readState, put: writeState }],
    ['/fleet', { get: fleet }],
  ])

  /** What follows controlUrl in the path; `undefined` for what is not below it. */
  const placeOf = (url: string): string | undefined => {
    if (!url.startsWith(controlUrl)) return undefined
    const { plain, text } = normalizePath(url)
    if (!plain || text === undefined || !text.startsWith(controlUrl)) return undefined
    const place = text.slice(controlUrl.length)
    return place === '' || place.startsWith('/') ? place : undefined
  }

  const answer: Answer = async (asked) => {
    const { method, url } = asked.request
    const place = placeOf(url)
    const route = place === undefined ? undefined : routes.get(place)
    if (!route) {
      const names = [...routes.keys()].filter((name) => name !== '')
      throw new ControlFailure('not-found', `Below ${controlUrl} there are ${names.join(', ')}.`)
    }
    // Only before the very first answer of the state may a request wait.
    await maintenance.ready()
    if (method === 'GET' || method === 'HEAD') return route.get(asked)
    if (method === 'POST' && route.post) return route.post(asked)
    if (method === 'PUT' && route.put) return route.put(asked)
    const allow = ['GET', 'HEAD', ...(route.post ? ['POST'] : []), ...(route.put ? ['PUT'] : [])].join(', ')
    throw new ControlFailure('method-not-allowed', `Use one of these: ${allow}.`, { headers: { Allow: allow } })
  }

  return {
    owns: (url) => placeOf(url) !== undefined,
    async answer(asked) {
      try {
        return await answer(asked)
      } catch (error) {
        const failure = toFailure(error)
        if (!isBrowser(asked.request)) return problemReply(failure)
        return failurePage(failure, { authority: asked.authority, controlUrl, loginUrl: loginUrlOf(engine) })
      }
    },
  }
}

/** A person in front of a browser names HTML; `*\/*` alone is what programs send. */
function isBrowser(request: AdaptedRequest): boolean {
  return /html/i.test(request.header('accept') ?? '') && wantedRepresentation(request) === 'html'
}

function queryOf(url: string): URLSearchParams {
  return new URLSearchParams(url.split('?')[1])
}

function readDone(url: string): Done | undefined {
  const done = queryOf(url).get('done')
  return done === 'closed' || done === 'updated' || done === 'opened' ? done : undefined
}

/** Reads the state for a person who will act on it; what is known stands where that takes long. */
async function refresh(maintenance: Maintenance, { clock }: Engine): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = clock.setTimer(resolve, 1000)
    void maintenance.refresh().then(() => {
      timer.cancel()
      resolve()
    })
  })
}

/** The log-in page, where the settings name one that can be linked. */
function loginUrlOf({ settings }: Engine): string | undefined {
  return settings.loginUrls.find((url) => typeof url === 'string' && /^\/[\w./-]*$/.test(url)) as string | undefined
}
