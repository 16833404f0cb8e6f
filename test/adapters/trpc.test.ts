import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  createTRPCClient,
  createWSClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpLink,
  TRPCClientError,
  wsLink,
} from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import type { Maintenance, MaintenanceOptions } from 'maintenance-mode'
import { isMaintenanceRefusal } from 'maintenance-mode/log-filters'
import {
  type MaintenanceMeta,
  maintenanceMode,
  maintenanceRefusal,
  maintenanceResponseMeta,
} from 'maintenance-mode/trpc'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { atEnd, listen, maintain } from './opened.js'
import { staffByHeader } from './operations.js'

interface Context {
  req?: IncomingMessage | Request
  res?: ServerResponse
  shop: string
}

function routerOf(maintenance: Maintenance, ran: string[] = []) {
  const t = initTRPC
    .context<Context>()
    .meta<MaintenanceMeta>()
    .create({
      errorFormatter: ({ shape, error }) => ({
        ...shape,
        data: { ...shape.data, maintenance: maintenanceRefusal(error) },
      }),
    })
  const procedure = t.procedure.use(maintenanceMode(maintenance))
  const router = t.router({
    tea: procedure.query(({ ctx }) => {
      expectTypeOf(ctx.shop).toEqualTypeOf<string>()
      ran.push('tea')
      return `green of ${ctx.shop}`
    }),
    order: procedure.mutation(() => ran.push('order')),
    count: procedure.subscription(async function* () {
      ran.push('count')
      yield 1
    }),
    webhook: procedure.meta({ forceMaintenanceMode: 'off' }).mutation(() => 'taken'),
    beta: procedure.meta({ forceMaintenanceMode: 'on' }).query(() => 'not reached'),
  })
  return { router, t }
}

type Router = ReturnType<typeof routerOf>['router']

interface Site {
  maintenance: Maintenance
  url: string
  ran: string[]
  refused: boolean[]
  client: ReturnType<typeof createTRPCClient<Router>>
  batching: ReturnType<typeof createTRPCClient<Router>>
  responses: Response[]
}

async function site(options: MaintenanceOptions = {}, headers: Record<string, string> = {}): Promise<Site> {
  const maintenance = maintain(options)
  const ran: string[] = []
  const refused: boolean[] = []
  const responses: Response[] = []
  const { router } = routerOf(maintenance, ran)
  const handler = createHTTPHandler({
    router,
    createContext: ({ req, res }) => ({ req, res, shop: 'here' }),
    responseMeta: maintenanceResponseMeta,
    onError: ({ error }) => refused.push(isMaintenanceRefusal(error)),
  })
  const url = await listen((req, res) => {
    res.on('finish', () => refused.push(isMaintenanceRefusal(res)))
    handler(req, res)
  })
  const recorded = async (...args: unknown[]): Promise<Response> => {
    const response = await fetch(...(args as Parameters<typeof fetch>))
    responses.push(response)
    return response
  }
  const link = { url, headers, fetch: recorded }
  const client = createTRPCClient<Router>({ links: [httpLink(link)] })
  const batching = createTRPCClient<Router>({ links: [httpBatchLink(link)] })
  return { maintenance, url, ran, refused, client, batching, responses }
}

const failure = async (call: Promise<unknown>): Promise<TRPCClientError<Router>> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof TRPCClientError) return error
  throw new Error('it was let through')
}

describe('the middleware for tRPC', () => {
  it('changes nothing while the mode is off', async () => {
    const { client, batching, responses } = await site()
    expect(await client.tea.query()).toBe('green of here')
    expect(await Promise.all([batching.tea.query(), batching.tea.query()])).toHaveLength(2)
    expect(responses.map(({ headers }) => [headers.get('cache-control'), headers.get('maintenance-mode')])).toEqual([
      [null, null],
      [null, null],
    ])
  })

  it('refuses with the error, the status and the headers that clients go by, and opens again', async () => {
    const { maintenance, client, responses, ran, refused } = await site()
    const until = new Date(Date.now() + 600_000)
    await maintenance.setMode('on', { reason: 'Moving house', expectedEnd: until })
    const error = await failure(client.order.mutate())
    const [response] = responses
    expect(error.message).toBe('Moving house')
    expect(error.data).toMatchObject({ code: 'SERVICE_UNAVAILABLE', httpStatus: 503, path: 'order' })
    expect(error.data?.maintenance).toEqual({
      type: 'urn:maintenance-mode:refused',
      mode: 'on',
      window: 'manual',
      until: until.toISOString(),
      retryAfter: Number(response?.headers.get('retry-after')),
      processed: false,
    })
    expect(error.data?.stack).not.toContain('    at ')
    expect(response?.status).toBe(503)
    expect(Number(response?.headers.get('retry-after'))).toBeGreaterThanOrEqual(599)
    expect(response?.headers.get('cache-control')).toBe('no-store')
    expect(response?.headers.get('maintenance-mode')).toBe('on')
    expect(response?.headers.get('content-type')).toBe('application/json')
    expect(ran).toEqual([])
    await maintenance.setMode('off')
    expect(await client.order.mutate()).toBe(1)
    expect(refused).toEqual([true, true, false])
  })

  it('refuses every call of a batch, streamed or not, and looks up the user once for all', async () => {
    let asked = 0
    const { maintenance, batching, responses, url } = await site({
      ignoreStaff: true,
      getAuthenticatedUser: async () => {
        asked++
        return null
      },
    })
    await maintenance.setMode('on')
    const calls = [batching.tea.query(), batching.tea.query(), batching.tea.query()]
    for (const error of await Promise.all(calls.map(failure))) expect(error.data?.maintenance?.mode).toBe('on')
    expect([responses.length, responses[0]?.status, responses[0]?.headers.get('cache-control')]).toEqual([
      1,
      503,
      'no-store',
    ])
    expect(asked).toBe(1)
    const streaming = createTRPCClient<Router>({ links: [httpBatchStreamLink({ url })] })
    expect((await failure(streaming.tea.query())).data?.code).toBe('SERVICE_UNAVAILABLE')
  })

  it('knows procedures that are forced off or on', async () => {
    const { maintenance, client, batching, responses } = await site()
    expect((await failure(client.beta.query())).data?.httpStatus).toBe(503)
    await maintenance.setMode('on')
    expect(await client.webhook.mutate()).toBe('taken')
    expect((await failure(client.beta.query())).data?.maintenance?.mode).toBe('on')
    const [webhook, order] = await Promise.allSettled([batching.webhook.mutate(), batching.order.mutate()])
    expect([webhook.status, order.status]).toEqual(['fulfilled', 'rejected'])
    expect([responses.at(-1)?.status, responses.at(-1)?.headers.get('cache-control')]).toEqual([207, 'no-store'])
  })

  it('refuses subscriptions at the start, and leaves those that are open', async () => {
    const { maintenance, url, ran } = await site()
    const open = await fetch(`${url}/count`)
    await maintenance.setMode('on')
    expect(await open.text()).toContain('data: 1')
    const refused = await (await fetch(`${url}/count`)).text()
    expect(refused).toContain('event: serialized-error')
    expect(refused).toContain('SERVICE_UNAVAILABLE')
    expect(ran).toEqual(['count'])
  })

  it('judges every message of a WebSocket, however long the connection lives', async () => {
    const maintenance = maintain({ ...staffByHeader, routes: { '/never': 'on' } })
    const { router } = routerOf(maintenance)
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    atEnd(() => wss.close())
    applyWSSHandler({ wss, router, createContext: ({ req }) => ({ req, shop: 'here' }) })
    await once(wss, 'listening')
    const { port } = wss.address() as { port: number }
    const socket = createWSClient({ url: `ws://127.0.0.1:${port}`, WebSocket: WebSocket as never })
    atEnd(() => socket.close())
    const client = createTRPCClient<Router>({ links: [wsLink({ client: socket })] })
    expect(await client.tea.query()).toBe('green of here')
    await maintenance.setMode('on')
    expect((await failure(client.tea.query())).data?.maintenance?.mode).toBe('on')
    await maintenance.setMode('off')
    expect(await client.tea.query()).toBe('green of here')
    await maintenance.setMode('on')
    expect((await failure(client.tea.query())).data?.maintenance?.mode).toBe('on')
  })

  it('holds the rules: URLs, addresses, and users, whose answers no cache may keep', async () => {
    const opens = async (options: MaintenanceOptions, headers?: Record<string, string>): Promise<Response> => {
      const { maintenance, client, responses } = await site(options, headers)
      await maintenance.setMode('on')
      await client.tea.query().catch(() => undefined)
      return responses[0] as Response
    }
    expect((await opens({ ignoreUrls: ['/tea'] })).status).toBe(200)
    expect((await opens({ ignoreUrls: ['/other'] })).status).toBe(503)
    expect((await opens({ ignoreIpAddresses: ['127.0.0.1'] })).status).toBe(200)
    expect((await opens({ routes: { '/tea': 'off' } })).status).toBe(200)
    expect((await opens(staffByHeader)).status).toBe(503)
    const staff = await opens(staffByHeader, { authorization: 'staff' })
    expect([staff.status, staff.headers.get('cache-control')]).toEqual([200, 'private, no-store'])
  })

  it('tells callbacks whether the procedure writes', async () => {
    const { maintenance, client, url, ran } = await site({ ignoreRequest: ({ writes }) => writes === false })
    await maintenance.setMode('on')
    expect(await client.tea.query()).toBe('green of here')
    expect(await (await fetch(`${url}/count`)).text()).toContain('data: 1')
    await failure(client.order.mutate())
    expect(ran).toEqual(['tea', 'count'])
  })

  it('in mode read-only lets queries and subscriptions through, and refuses mutations', async () => {
    const { maintenance, client, batching, url, responses, ran } = await site({
      readOnlyStatusCode: 503,
      writableUrls: ['/**'],
    })
    await maintenance.setMode('read-only', { reason: 'Moving house' })
    expect(await client.tea.query()).toBe('green of here')
    expect(await (await fetch(`${url}/count`)).text()).toContain('data: 1')
    const error = await failure(client.order.mutate())
    expect(error.message).toBe('Reading goes on as usual, but this change was not made. Moving house')
    expect(error.data).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      httpStatus: 503,
      maintenance: { mode: 'read-only', retryAfter: 3600, processed: false },
    })
    expect(responses.at(-1)?.headers.get('maintenance-mode')).toBe('read-only')
    expect(await client.webhook.mutate()).toBe('taken')
    const [tea, order] = await Promise.allSettled([batching.tea.query(), batching.order.mutate()])
    expect([tea.status, order.status]).toEqual(['fulfilled', 'rejected'])
    expect(await Promise.all([batching.tea.query(), batching.tea.query()])).toHaveLength(2)
    expect((await fetch(`${url}/order`)).status).toBe(405)
    expect(ran).not.toContain('order')
  })

  it('in mode read-only lets staff write', async () => {
    const { maintenance, client, responses } = await site(staffByHeader, { authorization: 'staff' })
    await maintenance.setMode('read-only')
    expect(await client.order.mutate()).toBe(1)
    expect(responses[0]?.headers.get('cache-control')).toBe('private, no-store')
  })

  it('in mode read-only judges every message of a WebSocket', async () => {
    const maintenance = maintain()
    const ran: string[] = []
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    atEnd(() => wss.close())
    applyWSSHandler({
      wss,
      router: routerOf(maintenance, ran).router,
      createContext: ({ req }) => ({ req, shop: 'here' }),
    })
    await once(wss, 'listening')
    const { port } = wss.address() as { port: number }
    const socket = createWSClient({ url: `ws://127.0.0.1:${port}`, WebSocket: WebSocket as never })
    atEnd(() => socket.close())
    const client = createTRPCClient<Router>({ links: [wsLink({ client: socket })] })
    await maintenance.setMode('read-only')
    expect(await client.tea.query()).toBe('green of here')
    expect((await failure(client.order.mutate())).data?.maintenance?.mode).toBe('read-only')
    expect(ran).toEqual(['tea'])
  })

  it('finds the request where the option says, and lets nobody in by address or URL where it finds none', async () => {
    const maintenance = maintain({ ignoreUrls: ['/', '/trpc/tea', '^/'] })
    const t = initTRPC.context<{ http?: Request; req?: Request }>().create()
    const middleware = maintenanceMode<{ http?: Request | undefined }>(maintenance, { request: ({ http }) => http })
    const router = t.router({
      tea: t.procedure.use(maintenanceMode(maintenance)).query(() => 'green'),
      named: t.procedure.use(middleware).query(() => 'green'),
    })
    const status = async (name: string, context: (req: Request) => object): Promise<number> => {
      const req = new Request(`http://shop/trpc/${name}`)
      const options = { endpoint: '/trpc', router, responseMeta: maintenanceResponseMeta }
      return (await fetchRequestHandler({ ...options, req, createContext: () => context(req) })).status
    }
    await maintenance.setMode('on')
    expect(await status('tea', (req) => ({ req }))).toBe(200)
    expect(await status('tea', (request) => ({ request }))).toBe(200)
    expect(await status('tea', () => Object.freeze({}))).toBe(503)
    expect(await status('named', (http) => ({ http }))).toBe(200)
    expect(await status('named', (req) => ({ req }))).toBe(503)
  })

  it('sends the status and headers of the operator', async () => {
    const { maintenance, client, responses } = await site({
      statusCode: 599,
      redirectUrl: '/elsewhere',
      reply: (_decision, _request, reply) => ({ ...reply, headers: { ...reply.headers, 'X-Shop': 'tea' } }),
    })
    await maintenance.setMode('on')
    await failure(client.tea.query())
    const [{ status, headers } = new Response()] = responses
    expect([status, headers.get('x-shop'), headers.get('location')]).toEqual([599, 'tea', null])
  })

  it('refuses calls from within the server as well', async () => {
    const maintenance = maintain()
    const { router, t } = routerOf(maintenance)
    const caller = t.createCallerFactory(router)({ shop: 'here' })
    expect(await caller.tea()).toBe('green of here')
    await maintenance.setMode('on')
    await expect(caller.tea()).rejects.toMatchObject({ name: 'TRPCError', code: 'SERVICE_UNAVAILABLE' })
    expect(await caller.webhook()).toBe('taken')
  })
})
