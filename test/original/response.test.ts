import { expect, it } from 'vitest'
import { expectRefused, openSite } from './site.js'

const shop = { getContext: () => ({ shop: 'Tea shop' }) }

async function refusal(options: object) {
  const { visitor } = await openSite({ mode: true, ...options })
  return (await visitor())('/')
}

it('28. with redirectUrl: 302 and that Location (here: for GET and HEAD of HTML clients)', async () => {
  const { status, headers } = await refusal({ redirectUrl: 'https://status.example.com/' })
  expect(status).toBe(302)
  expect(headers.get('location')).toBe('https://status.example.com/')
})

it('29. without getContext: the status, the default page, and no caching (here: no-store)', async () => {
  const { status, headers, body } = await refusal({})
  expect(status).toBe(503)
  expect(body).toContain('<h1>We will be back soon</h1>')
  expect(headers.get('cache-control')).toBe('no-store')
})

it('30. with getContext: the same', async () => {
  const { status, headers, body } = await refusal(shop)
  expect(status).toBe(503)
  expect(body).toBe((await refusal({})).body)
  expect(headers.get('cache-control')).toBe('no-store')
})

it('31. a path of getContext that leads nowhere is refused, and named (here: at the start)', () => {
  expectRefused('getContext', {}, { MAINTENANCE_MODE_GET_CONTEXT: '/nowhere/context.js#shop' })
  expectRefused('getContext', { getContext: 'shop' })
})
