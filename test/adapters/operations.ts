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
