import { createSchema, createYoga, type YogaServerOptions } from 'graphql-yoga'
import type { MaintenanceOptions } from 'maintenance-mode'
import { maintenanceMode } from 'maintenance-mode/graphql-yoga'
import { isMaintenanceRefusal } from 'maintenance-mode/log-filters'
import { describe, expect, it } from 'vitest'
import { listen, maintain } from './opened.js'
import { describeReadOnly, describeRefusal, type GraphqlSite, staffByHeader } from './operations.js'

async function site(
  options: MaintenanceOptions = {},
  yoga: YogaServerOptions<object, object> = {},
): Promise<GraphqlSite> {
  const maintenance = maintain(options)
  const ran: string[] = []
  const refused: boolean[] = []
  const schema = createSchema({
    typeDefs: `
      type Query { tea: String! }
      type Mutation { order: Int! }
      type Subscription { count: Int! }
    `,
    resolvers: {
      Query: { tea: () => ran.push('tea') && 'green' },
      Mutation: { order: () => ran.push('order') },
      Subscription: {
        count: {
          subscribe: async function* () {
            ran.push('count')
            yield { count: 1 }
          },
        },
      },
    },
  })
  const handler = createYoga({
    schema,
    logging: false,
    context: () => ({ times: ran.push('context') }),
    ...yoga,
    plugins: yoga.plugins ?? [maintenanceMode(maintenance)],
  })
  const url = await listen((req, res) => {
    res.on('finish', () => refused.push(isMaintenanceRefusal(res)))
    handler(req, res)
  })
  return { maintenance, url, ran, refused }
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

describe('the plugin for GraphQL Yoga', () => {
  describeRefusal(site, post)
  describeReadOnly(site, post)

  it('answers in the type that the client accepts, with 503 in each', async () => {
    const { maintenance, url } = await site()
    await maintenance.setMode('on')
    for (const accept of ['application/json', 'application/graphql-response+json', 'text/event-stream']) {
      const response = await post(url, { query: '{ tea }' }, { accept })
      expect([response.status, response.headers.get('content-type')]).toEqual([503, expect.stringContaining(accept)])
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(await response.text()).toContain('SERVICE_UNAVAILABLE')
    }
  })

  it('refuses queries by GET, subscriptions, batches and what cannot be parsed', async () => {
    const { maintenance, url, ran } = await site({}, { batching: true })
    await maintenance.setMode('on')
    const query = await fetch(`${url}/graphql?query={tea}`, { headers: { accept: 'application/json' } })
    const subscription = await post(url, { query: 'subscription { count }' }, { accept: 'text/event-stream' })
    const batch = await post(url, [{ query: '{ tea }' }, { query: 'mutation { order }' }])
    const nonsense = await post(url, { query: 'no {' })
    expect([query.status, subscription.status, batch.status, nonsense.status]).toEqual([503, 503, 503, 503])
    expect(ran).toEqual([])
    await subscription.body?.cancel()
  })

  it('leaves a subscription that is open', async () => {
    const { maintenance, url } = await site()
    const response = await post(url, { query: 'subscription { count }' }, { accept: 'text/event-stream' })
    await maintenance.setMode('on')
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('{"data":{"count":1}}')
  })

  it('shows the page in place of GraphiQL and to the HEAD that the page sends, and keeps preflights working', async () => {
    const { maintenance, url } = await site()
    const accept = 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8'
    const graphiql = await (await fetch(`${url}/graphql`, { headers: { accept } })).text()
    expect(graphiql).toContain('Yoga GraphiQL')
    await maintenance.setMode('on', { reason: 'Moving house' })
    const page = await fetch(`${url}/graphql`, { headers: { accept } })
    expect([page.status, page.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await page.text()).toContain('Moving house')
    const head = await fetch(`${url}/graphql`, { method: 'HEAD' })
    expect([head.status, head.headers.get('maintenance-mode'), await head.text()]).toEqual([503, 'on', ''])
    const origin = { origin: 'https://shop.example' }
    const preflight = await fetch(`${url}/graphql`, {
      method: 'OPTIONS',
      headers: { ...origin, 'access-control-request-method': 'POST' },
    })
    const refused = await post(url, { query: '{ tea }' }, origin)
    expect([preflight.status, refused.status]).toEqual([204, 503])
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://shop.example')
  })

  it('holds the rules: URLs, addresses, health, forced routes, and users, whose answers no cache may keep', async () => {
    const status = async ({ maintenance, url }: GraphqlSite): Promise<number> => {
      await maintenance.setMode('on')
      return (await post(url, { query: '{ tea }' })).status
    }
    expect(await status(await site({ ignoreUrls: ['POST /graphql'] }))).toBe(200)
    expect(await status(await site({ ignoreUrls: ['/other'] }))).toBe(503)
    expect(await status(await site({ ignoreIpAddresses: ['127.0.0.1'] }))).toBe(200)
    expect(await status(await site({ routes: { '/graphql': 'off' } }))).toBe(200)
    const { maintenance, url } = await site({ ...staffByHeader, routes: { '/never': 'on' } })
    await maintenance.setMode('on')
    const staff = await post(url, { query: '{ tea }' }, { authorization: 'staff' })
    expect([staff.status, staff.headers.get('cache-control')]).toEqual([200, 'private, no-store'])
    expect((await post(url, { query: '{ tea }' })).status).toBe(503)
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })

  it('tells callbacks whether the operation writes; a batch writes if one of it does, and so does what is not told', async () => {
    const { maintenance, url, ran } = await site(
      { ignoreRequest: ({ writes }) => writes === false },
      { batching: true },
    )
    await maintenance.setMode('on')
    const status = async (body: unknown): Promise<number> => (await post(url, body)).status
    const both = 'query Read { tea } mutation Write { order }'
    expect(await status({ query: '{ tea }' })).toBe(200)
    expect(await status({ query: both, operationName: 'Read' })).toBe(200)
    expect(await status([{ query: '{ tea }' }, { query: '{ tea }' }])).toBe(200)
    expect(await status({ query: 'mutation { order }' })).toBe(503)
    expect(await status({ query: both, operationName: 'Write' })).toBe(503)
    expect(await status({ query: both })).toBe(503)
    expect(await status([{ query: '{ tea }' }, { query: 'mutation { order }' }])).toBe(503)
    expect(await status({ extensions: { persistedQuery: { version: 1, sha256Hash: 'abc' } } })).toBe(503)
    expect(ran).not.toContain('order')
  })

  it('in mode read-only lets subscriptions and GraphiQL through, and refuses a batch with one mutation in it', async () => {
    const { maintenance, url, ran } = await site({}, { batching: true })
    await maintenance.setMode('read-only')
    const stream = await post(url, { query: 'subscription { count }' }, { accept: 'text/event-stream' })
    expect([stream.status, await stream.text()]).toEqual([200, expect.stringContaining('{"data":{"count":1}}')])
    const graphiql = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } })
    expect([graphiql.status, await graphiql.text()]).toEqual([200, expect.stringContaining('Yoga GraphiQL')])
    const batch = await post(url, [{ query: '{ tea }' }, { query: 'mutation { order }' }])
    expect([batch.status, batch.headers.get('maintenance-mode')]).toEqual([503, 'read-only'])
    expect((await post(url, [{ query: '{ tea }' }, { query: '{ tea }' }])).status).toBe(200)
    expect(ran).not.toContain('order')
  })

  it('looks up the user once for a batch', async () => {
    let asked = 0
    const { maintenance, url } = await site(
      {
        ignoreStaff: true,
        getAuthenticatedUser: () => {
          asked++
          return null
        },
      },
      { batching: true },
    )
    await maintenance.setMode('on')
    await post(url, [{ query: '{ tea }' }, { query: 'mutation { order }' }])
    expect(asked).toBe(1)
  })

  it('works on runtimes without a Node request, with the operator’s status and headers', async () => {
    const maintenance = maintain({
      statusCode: 599,
      reply: (_decision, _request, reply) => ({ ...reply, headers: { ...reply.headers, 'X-Shop': 'tea' } }),
    })
    const yoga = createYoga({
      schema: createSchema({ typeDefs: 'type Query { tea: String }' }),
      plugins: [maintenanceMode(maintenance)],
    })
    await maintenance.setMode('on')
    const response = await yoga.fetch('http://shop/graphql?query={tea}', { headers: { accept: 'application/json' } })
    expect([response.status, response.headers.get('x-shop')]).toEqual([599, 'tea'])
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { mode: 'on', processed: false } }] })
  })
})
