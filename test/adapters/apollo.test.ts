import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import type { MaintenanceOptions } from 'maintenance-mode'
import { maintenanceMode } from 'maintenance-mode/apollo'
import { isMaintenanceRefusal } from 'maintenance-mode/log-filters'
import { withMaintenanceMode } from 'maintenance-mode/node'
import { describe, expect, it } from 'vitest'
import { atEnd, listen, maintain } from './opened.js'
import { describeReadOnly, describeRefusal, type GraphqlSite, staffByHeader } from './operations.js'

interface Context {
  req?: IncomingMessage
  res?: ServerResponse
}

const typeDefs = `
  type Query { tea: String! }
  type Mutation { order: Int! }
`

function serverWith(ran: string[], options: object = {}): ApolloServer<Context> {
  const resolvers = {
    Query: { tea: () => ran.push('tea') && 'green' },
    Mutation: { order: () => ran.push('order') },
  }
  return new ApolloServer<Context>({ typeDefs, resolvers, allowBatchedHttpRequests: true, ...options })
}

async function site(options: MaintenanceOptions = {}, apollo: object = {}): Promise<GraphqlSite> {
  const maintenance = maintain(options)
  const ran: string[] = []
  const refused: boolean[] = []
  const server = serverWith(ran, { plugins: [maintenanceMode(maintenance)], ...apollo })
  const { url } = await startStandaloneServer(server, {
    listen: { port: 0, host: '127.0.0.1' },
    async context({ req, res }) {
      res.on('finish', () => refused.push(isMaintenanceRefusal(res)))
      return { req, res }
    },
  })
  atEnd(() => server.stop())
  return { maintenance, url, ran, refused }
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

describe('the plugin for Apollo Server', () => {
  describeRefusal(site, post)
  describeReadOnly(site, post)

  it('answers in the type that the client accepts, queries by GET and batches too', async () => {
    const { maintenance, url, ran } = await site()
    await maintenance.setMode('on')
    const accept = 'application/graphql-response+json'
    const get = await fetch(`${url}?query={tea}`, { headers: { accept, 'apollo-require-preflight': 'yes' } })
    expect([get.status, get.headers.get('content-type')]).toEqual([503, expect.stringContaining(accept)])
    const batch = await post(url, [{ query: '{ tea }' }, { query: 'mutation { order }' }])
    expect([batch.status, batch.headers.get('maintenance-mode')]).toEqual([503, 'on'])
    const refusal = { errors: [expect.objectContaining({ extensions: expect.objectContaining({ mode: 'on' }) })] }
    expect(await batch.json()).toEqual([refusal, refusal])
    expect(ran).toEqual([])
  })

  it('tells no stack where the server sends stacks', async () => {
    const { maintenance, url } = await site({}, { includeStacktraceInErrorResponses: true })
    await maintenance.setMode('on')
    const text = await (await post(url, { query: '{ tea }' })).text()
    expect(text).toContain('"stacktrace"')
    expect(text).not.toContain('    at ')
  })

  it('holds the rules: addresses, URLs, forced routes, and users, whose answers no cache may keep', async () => {
    const status = async (options: MaintenanceOptions): Promise<number> => {
      const { maintenance, url } = await site(options)
      await maintenance.setMode('on')
      return (await post(`${url}graphql`, { query: '{ tea }' })).status
    }
    expect(await status({ ignoreUrls: ['/graphql'] })).toBe(200)
    expect(await status({ ignoreUrls: ['/other'] })).toBe(503)
    expect(await status({ ignoreIpAddresses: ['127.0.0.1'] })).toBe(200)
    expect(await status({ routes: { '/graphql': 'off' } })).toBe(200)
    const { maintenance, url } = await site(staffByHeader)
    await maintenance.setMode('on')
    const staff = await post(url, { query: '{ tea }' }, { authorization: 'staff' })
    expect([staff.status, staff.headers.get('cache-control')]).toEqual([200, 'private, no-store'])
    expect((await post(url, { query: '{ tea }' })).status).toBe(503)
  })

  it('finds the request where the option says; where there is none, headers tell who asks, and no URL opens', async () => {
    const maintenance = maintain({ ...staffByHeader, ignoreUrls: ['/', '/*', '/graphql', '^/'] })
    const named = maintenanceMode<{ http?: unknown }>(maintenance, { request: ({ http }) => http })
    const ask = async (plugin: ApolloServerPlugin, context: object, headers: [string, string][] = []) => {
      const server = serverWith([], { plugins: [plugin] })
      await server.start()
      atEnd(() => server.stop())
      const { status = 200 } = await server.executeHTTPGraphQLRequest({
        httpGraphQLRequest: {
          method: 'POST',
          headers: new HeaderMap([['content-type', 'application/json'], ...headers]),
          search: '',
          body: { query: '{ tea }' },
        },
        context: async () => context,
      })
      return status
    }
    await maintenance.setMode('on')
    expect(await ask(maintenanceMode(maintenance), {})).toBe(503)
    expect(await ask(maintenanceMode(maintenance), {}, [['authorization', 'staff']])).toBe(200)
    expect(await ask(maintenanceMode(maintenance), { req: new Request('http://shop/graphql') })).toBe(200)
    expect(await ask(named, { http: new Request('http://shop/graphql') })).toBe(200)
  })

  it('leaves alone what the server runs by itself', async () => {
    const maintenance = maintain()
    const server = serverWith([], { plugins: [maintenanceMode(maintenance)] })
    await maintenance.setMode('on')
    const { body } = await server.executeOperation({ query: '{ tea }' })
    await server.stop()
    expect(body).toMatchObject({ kind: 'single', singleResult: { data: { tea: 'green' } } })
  })

  it('tells callbacks whether the operation that would run writes, each of a batch by itself', async () => {
    const { maintenance, url, ran } = await site({ ignoreRequest: ({ writes }) => writes === false })
    await maintenance.setMode('on')
    const status = async (body: unknown): Promise<number> => (await post(url, body)).status
    const both = 'query Read { tea } mutation Write { order }'
    expect(await status({ query: '{ tea }' })).toBe(200)
    expect(await status({ query: both, operationName: 'Read' })).toBe(200)
    expect(await status({ query: 'mutation { order }' })).toBe(503)
    expect(await status({ query: both, operationName: 'Write' })).toBe(503)
    expect(await status({ query: both })).toBe(503)
    const batch = await post(url, [{ query: '{ tea }' }, { query: 'mutation { order }' }])
    expect(await batch.json()).toEqual([{ data: { tea: 'green' } }, { errors: [expect.any(Object)] }])
    expect(ran).not.toContain('order')
  })

  it('in mode read-only judges each operation of a batch by itself', async () => {
    const { maintenance, url, ran } = await site()
    await maintenance.setMode('read-only')
    const batch = await post(url, [{ query: '{ tea }' }, { query: 'mutation { order }' }])
    expect(await batch.json()).toEqual([
      { data: { tea: 'green' } },
      { errors: [expect.objectContaining({ extensions: expect.objectContaining({ mode: 'read-only' }) })] },
    ])
    expect(ran).toEqual(['tea'])
  })

  it('looks up the user once for a batch', async () => {
    let asked = 0
    const { maintenance, url } = await site({
      ignoreStaff: true,
      getAuthenticatedUser: async () => {
        asked++
        return null
      },
    })
    await maintenance.setMode('on')
    await post(url, [{ query: '{ tea }' }, { query: '{ tea }' }, { query: '{ tea }' }])
    expect(asked).toBe(1)
  })

  it('is not asked for the landing page: the outermost place is', async () => {
    const headers = { accept: 'text/html' }
    const { maintenance, url } = await site()
    await maintenance.setMode('on')
    expect((await fetch(url, { headers })).status).toBe(200)
    const outer = await listen(withMaintenanceMode(maintenance, (_, res) => res.end()))
    const page = await fetch(outer, { headers })
    expect([page.status, page.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8'])
  })
})
