import type { Maintenance, MaintenanceOptions } from 'maintenance-mode'
import { expect, it } from 'vitest'

/** Staff says so in a header. */
export const staffByHeader: MaintenanceOptions = {
  ignoreStaff: true,
  getAuthenticatedUser: async (request) =>
    request.header('authorization') === 'staff' ? { isAuthenticated: true, isStaff: true, isSuperuser: false } : null,
}

export interface GraphqlSite {
  maintenance: Maintenance
  url: string
  /** What the resolvers have been asked. */
  ran: string[]
  /** Whether log filters took each answer for a refusal. */
  refused: boolean[]
}

/** What a plugin of any GraphQL server is held to, over `{ tea }` and `mutation { order }`. */
export function describeRefusal(
  site: (options?: MaintenanceOptions, server?: object) => Promise<GraphqlSite>,
  post: (url: string, body: unknown) => Promise<Response>,
): void {
  it('changes nothing while the mode is off', async () => {
    const { url } = await site()
    const { url: bare } = await site({}, { plugins: [] })
    const answers = await Promise.all([url, bare].map((at) => post(at, { query: '{ tea }' })))
    const [ours, theirs] = answers.map(({ status, headers }) => {
      const { date: _, ...rest } = Object.fromEntries(headers)
      return { status, ...rest }
    })
    expect(ours).toEqual(theirs)
    expect(await answers[0]?.json()).toEqual({ data: { tea: 'green' } })
  })

  it('refuses before anything of the operation runs, in the shape that clients expect, and opens again', async () => {
    const { maintenance, url, ran, refused } = await site()
    const until = new Date(Date.now() + 600_000)
    await maintenance.setMode('on', { reason: 'Moving house', expectedEnd: until })
    const response = await post(url, { query: 'mutation { order }' })
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({
      errors: [
        {
          message: 'Moving house',
          extensions: {
            code: 'SERVICE_UNAVAILABLE',
            type: 'urn:maintenance-mode:refused',
            mode: 'on',
            window: 'manual',
            until: until.toISOString(),
            retryAfter: Number(response.headers.get('retry-after')),
            processed: false,
          },
        },
      ],
    })
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(599)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('maintenance-mode')).toBe('on')
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(ran).toEqual([])
    await maintenance.setMode('off')
    const open = await post(url, { query: 'mutation { order }' })
    expect([open.status, await open.json()]).toEqual([200, { data: { order: expect.any(Number) } }])
    expect(refused).toEqual([true, false])
  })
}

/** What a plugin of any GraphQL server is held to in mode read-only. */
export function describeReadOnly(
  site: (options?: MaintenanceOptions) => Promise<GraphqlSite>,
  post: (url: string, body: unknown, headers?: Record<string, string>) => Promise<Response>,
): void {
  const both = 'query Read { tea } mutation Write { order }'
  const reading = [
    { query: '{ tea }' },
    { query: 'query { ...all } fragment all on Query { tea }' },
    { query: 'query ($no: Boolean!) { tea @include(if: $no) ... @skip(if: $no) { tea } }', variables: { no: false } },
    { query: both, operationName: 'Read' },
    { query: 'query mutation { tea } # mutation { order }' },
  ]
  const writing = [
    { query: 'mutation { order }' },
    { query: 'mutation { ...all } fragment all on Mutation { order }' },
    { query: 'mutation ($yes: Boolean!) { order @skip(if: $yes) }', variables: { yes: true } },
    { query: 'mutation { ... @include(if: false) { order } }' },
    { query: 'mutation query { tea: order }' },
    { query: both, operationName: 'Write' },
    { query: `${both} mutation Read2 { order }`, operationName: 'Read2' },
  ]

  it('in mode read-only lets queries through, whatever they are made of', async () => {
    const { maintenance, url, ran, refused } = await site()
    await maintenance.setMode('read-only')
    for (const body of reading) {
      const response = await post(url, body)
      expect([body.query, response.status, await response.json()]).toEqual([
        body.query,
        200,
        { data: { tea: 'green' } },
      ])
      expect(response.headers.get('cache-control') ?? '').not.toContain('private')
    }
    expect([ran.length > 0, refused.includes(true)]).toEqual([true, false])
  })

  it('in mode read-only refuses mutations, whatever they are made of, in the shape that clients expect', async () => {
    const { maintenance, url, ran } = await site({ readOnlyStatusCode: 403, writableUrls: ['/**'] })
    await maintenance.setMode('read-only', { reason: 'Moving house' })
    for (const body of writing) {
      const response = await post(url, body)
      expect([body.query, response.status, response.headers.get('maintenance-mode')]).toEqual([
        body.query,
        403,
        'read-only',
      ])
      expect(await response.json()).toEqual({
        errors: [
          {
            message: 'Reading goes on as usual, but this change was not made. Moving house',
            extensions: {
              code: 'SERVICE_UNAVAILABLE',
              type: 'urn:maintenance-mode:refused',
              mode: 'read-only',
              window: 'manual',
              retryAfter: 3600,
              processed: false,
            },
          },
        ],
      })
    }
    expect(ran).toEqual([])
  })

  it('in mode read-only runs nothing of what cannot be told, nor of a mutation by GET', async () => {
    const { maintenance, url, ran } = await site()
    await maintenance.setMode('read-only')
    await post(url, { query: both })
    await post(url, { query: both, operationName: 'Other' })
    await post(url, { query: 'mutation Read { order } query Read { tea }', operationName: 'Read' })
    await post(url, { query: 'query Read { tea } mutation Read { order }', operationName: 'Read' })
    await post(url, { extensions: { persistedQuery: { version: 1, sha256Hash: 'abc' } } })
    const query = encodeURIComponent('mutation { order }')
    for (const path of ['/', '/graphql']) {
      const headers = { accept: 'application/json', 'apollo-require-preflight': 'yes' }
      expect((await fetch(new URL(`${path}?query=${query}`, url), { headers })).ok).toBe(false)
    }
    expect(ran).toEqual([])
    await maintenance.setMode('off')
    await post(url, { query: 'mutation { order }' })
    expect(ran).toContain('order')
  })

  it('in mode read-only lets those write who are let through, and nobody keeps their answers', async () => {
    const { maintenance, url } = await site(staffByHeader)
    await maintenance.setMode('read-only')
    const staff = await post(url, { query: 'mutation { order }' }, { authorization: 'staff' })
    expect([staff.status, staff.headers.get('cache-control')]).toEqual([200, 'private, no-store'])
    expect((await post(url, { query: 'mutation { order }' })).status).toBe(503)
  })
}
