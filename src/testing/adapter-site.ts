/** Who is signed in to the fixture, by its cookie. */
export interface SiteUser {
  readonly id: string
  readonly isAuthenticated: true
  readonly isStaff: boolean
  readonly isSuperuser: false
}

/** One route of the fixture. */
export interface SiteRoute {
  readonly method: 'GET' | 'POST' | 'OPTIONS'
  /** What it stands under: nothing, a router of its own, or an app of its own that is mounted there. */
  readonly under: '' | '/nested' | '/mounted'
  /** The path below that. */
  readonly path: string
  /** How it is forced, in the way that the framework has for a single route. */
  readonly forced?: 'off' | 'on'
  /**
   * What the app itself answers.
   *
   * @param locals what templates of the framework see, where it has such values
   */
  answer(request: Request, locals?: Readonly<Record<string, unknown>>): Response | Promise<Response>
}

const html = (text: string): Response =>
  new Response(`<!doctype html><title>Shop</title><h1>${text}</h1>`, {
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'public, max-age=60' },
  })
const json = (value: unknown, status = 200): Response => Response.json(value, { status })

const root: readonly Omit<SiteRoute, 'under'>[] = [
  { method: 'GET', path: '/', answer: () => html('Shop') },
  { method: 'GET', path: '/api/items', answer: () => json({ items: ['tea', 'cups'] }) },
  { method: 'POST', path: '/api/items', answer: () => json({ added: true }, 201) },
  { method: 'OPTIONS', path: '/api/items', answer: preflight },
  { method: 'GET', path: '/assets/app.css', answer: () => typed('body { margin: 0 }', 'text/css') },
  { method: 'GET', path: '/open', forced: 'off', answer: () => html('Open') },
  { method: 'GET', path: '/closed', forced: 'on', answer: () => html('Closed') },
  { method: 'GET', path: '/routed/open', answer: () => html('Open by a setting') },
  { method: 'GET', path: '/routed/closed', answer: () => html('Closed by a setting') },
  { method: 'POST', path: '/login', answer: logIn },
  { method: 'GET', path: '/whoami', answer: ({ headers }) => json(siteUser(headers.get('cookie'))) },
  { method: 'GET', path: '/locals', answer: (_, locals = {}) => json(localsOf(locals)) },
  { method: 'GET', path: '/healthz', answer: () => json({ healthy: true }) },
  { method: 'GET', path: '/stream', answer: stream },
  { method: 'POST', path: '/upload', answer: upload },
]
const nested: readonly Omit<SiteRoute, 'under'>[] = [
  { method: 'GET', path: '/page', answer: () => html('Nested') },
  { method: 'GET', path: '/open', forced: 'off', answer: () => html('Nested and open') },
]
const mounted: readonly Omit<SiteRoute, 'under'>[] = [
  { method: 'GET', path: '/page', answer: () => html('Mounted') },
  { method: 'GET', path: '/open', answer: () => html('Mounted and open') },
]

/**
 * The fixture of `adapterSuite`, as data: an adapter's test builds it as an app of its framework would be built, with a
 * router for what is under `/nested`, and an app of its own mounted at `/mounted`.
 */
export const siteRoutes: readonly SiteRoute[] = [
  ...root.map((route) => ({ under: '' as const, ...route })),
  ...nested.map((route) => ({ under: '/nested' as const, ...route })),
  ...mounted.map((route) => ({ under: '/mounted' as const, ...route })),
]

/** How many parts `/stream` sends, and milliseconds between two of them. */
export const streaming = { parts: 20, pause: 50 } as const

/** Whom the cookie of a request belongs to: the sign-in of the fixture. `null`: nobody is signed in. */
export function siteUser(cookie: string | null | undefined): SiteUser | null {
  const [, id] = /(?:^|;\s*)user=(\w+)/.exec(cookie ?? '') ?? []
  return id === undefined ? null : { id, isAuthenticated: true, isStaff: id === 'staff', isSuperuser: false }
}

/** The whole fixture as one fetch handler, where a framework is given one; 404 for what it does not have. */
export function answerSite(request: Request, locals?: Readonly<Record<string, unknown>>): Response | Promise<Response> {
  const { pathname } = new URL(request.url)
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = siteRoutes.find((one) => one.method === method && one.under + one.path === pathname)
  return route ? route.answer(request, locals) : new Response('Not here', { status: 404 })
}

function typed(text: string, type: string): Response {
  return new Response(text, { headers: { 'content-type': type } })
}

function preflight(): Response {
  const headers = { 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET, POST' }
  return new Response(null, { status: 204, headers })
}

function logIn({ url }: Request): Response {
  const id = new URL(url).searchParams.get('as') === 'staff' ? 'staff' : 'customer'
  return new Response(null, { status: 204, headers: { 'set-cookie': `user=${id}; Path=/; HttpOnly` } })
}

function localsOf({ maintenance_mode, maintenance_mode_bypassed }: Readonly<Record<string, unknown>>): object {
  return { maintenance_mode, maintenance_mode_bypassed }
}

function stream(): Response {
  const encoder = new TextEncoder()
  let sent = 0
  const body = new ReadableStream({
    async pull(controller) {
      if (sent > 0) await new Promise((resolve) => setTimeout(resolve, streaming.pause))
      controller.enqueue(encoder.encode(`part ${++sent}\n`))
      if (sent === streaming.parts) controller.close()
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/plain; charset=utf-8' } })
}

async function upload(request: Request): Promise<Response> {
  return json({ bytes: (await request.arrayBuffer()).byteLength })
}
