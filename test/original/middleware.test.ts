import type { MaintenanceOptions } from 'maintenance-mode'
import { expect, it } from 'vitest'
import { type Environment, expectRefused, moduleWith, type Name, openSite, type Parts, statusFor } from './site.js'

/** Whose request passes with these settings, and without any. */
async function expectOpens(name: Name | undefined, options: MaintenanceOptions): Promise<void> {
  expect(await statusFor(name, options)).toBe(200)
  const none = Object.fromEntries(Object.keys(options).map((setting) => [setting, undefined]))
  expect(await statusFor(name, none)).toBe(503)
}

/** Who somebody is once the mode is off again, after one request while it was on. */
async function whoAfterwards(name: Name, options: MaintenanceOptions): Promise<string> {
  const { maintenance, visitor } = await openSite(options)
  const visit = await visitor(name)
  await maintenance.setMode('on')
  expect((await visit('/')).status).toBe(503)
  await maintenance.setMode('off')
  return (await visit('/')).body
}

/** A setting that names a module which is not there, an export that is not there, or one of the wrong kind. */
function expectPathsRefused(setting: string, variable: string): void {
  const path = moduleWith('exports.number = 5')
  for (const reference of ['/nowhere/module.cjs#number', `${path}#missing`, `${path}#number`]) {
    expectRefused(setting, {}, { [`MAINTENANCE_MODE_${variable}`]: reference })
  }
}

it('45. the control URLs are reached while the mode is on (here: nothing answers there where they are not mounted)', async () => {
  const { visitor } = await openSite({ mode: true })
  const visit = await visitor()
  expect((await visit('/maintenance-mode/off')).status).toBe(403)
  expect((await visit('/maintenance-mode/on')).status).toBe(403)
  expect((await visit('/')).status).toBe(503)
  expect(await statusFor(undefined, {}, '/maintenance-mode/off', { controls: false })).toBe(404)
})

it('46. mode: true closes for anonymous visitors, mode: false opens', async () => {
  expect(await statusFor(undefined, { mode: true })).toBe(503)
  expect(await statusFor(undefined, { mode: false })).toBe(200)
})

it('47. ignoreAdminSite opens the admin, with and without a slash at its end, and nothing else', async () => {
  for (const path of ['/admin/', '/admin']) {
    expect(await statusFor('superuser', { ignoreAdminSite: true }, path)).toBe(200)
    expect(await statusFor('superuser', { ignoreAdminSite: false }, path)).toBe(503)
  }
  for (const ignoreAdminSite of [true, false]) expect(await statusFor('superuser', { ignoreAdminSite })).toBe(503)
})

it('48. ignoreAdminSite opens nothing where there is no admin (here: adminSiteUrls says where it is)', async () => {
  for (const ignoreAdminSite of [true, false]) {
    for (const path of ['/admin/', '/']) {
      expect(await statusFor('superuser', { ignoreAdminSite, adminSiteUrls: [] }, path)).toBe(503)
    }
  }
})

it('49. ignoreIpAddresses lets the own address through', async () => {
  await expectOpens(undefined, { ignoreIpAddresses: ['127.0.0.1'] })
})

it('50. getClientIpAddress says whose address that is (here: what it cannot be is refused at the start)', async () => {
  const environment: Environment = {
    MAINTENANCE_MODE_GET_CLIENT_IP_ADDRESS: `${moduleWith('exports.address = () => "203.0.113.7"')}#address`,
  }
  const other = { ignoreIpAddresses: ['203.0.113.7'] }
  const own = { ignoreIpAddresses: ['127.0.0.1'] }
  expect(await statusFor(undefined, other, '/', { environment })).toBe(200)
  expect(await statusFor(undefined, own, '/', { environment })).toBe(503)
  expectPathsRefused('getClientIpAddress', 'GET_CLIENT_IP_ADDRESS')
  await expectOpens(undefined, { ...own, getClientIpAddress: undefined })
})

it('51. logoutAuthenticatedUser: who goes on as anonymous passes if those do', async () => {
  expect(await statusFor('normal', { logoutAuthenticatedUser: true, ignoreAnonymousUser: true })).toBe(200)
  expect(await statusFor('normal', { logoutAuthenticatedUser: true })).toBe(503)
  expect(await statusFor('normal', { logoutAuthenticatedUser: false, ignoreAnonymousUser: true })).toBe(503)
})

it('52. logoutStaffUser inherits, and overrides both ways', async () => {
  expect(await whoAfterwards('staff', { logoutAuthenticatedUser: true })).toBe('anonymous')
  expect(await whoAfterwards('staff', { logoutAuthenticatedUser: true, logoutStaffUser: false })).toBe('staff')
  expect(await whoAfterwards('staff', { logoutAuthenticatedUser: false, logoutStaffUser: true })).toBe('anonymous')
})

it('53. logoutSuperuser inherits, and overrides both ways', async () => {
  const name = 'superuser'
  expect(await whoAfterwards(name, { logoutAuthenticatedUser: true })).toBe('anonymous')
  expect(await whoAfterwards(name, { logoutAuthenticatedUser: true, logoutSuperuser: false })).toBe(name)
  expect(await whoAfterwards(name, { logoutAuthenticatedUser: false, logoutSuperuser: true })).toBe('anonymous')
})

it('54. ignoreAnonymousUser opens for anonymous visitors', async () => {
  await expectOpens(undefined, { ignoreAnonymousUser: true })
  expect(await statusFor('superuser', { ignoreAnonymousUser: true })).toBe(503)
})

it('55. ignoreAuthenticatedUser opens for who is signed in', async () => {
  await expectOpens('normal', { ignoreAuthenticatedUser: true })
  expect(await statusFor(undefined, { ignoreAuthenticatedUser: true })).toBe(503)
})

it('56. getAuthenticatedUser says who is asking, and undefined asks the framework (here: null is nobody)', async () => {
  const ignoreStaff = true
  const user = '{ isAuthenticated: true, isStaff: true, isSuperuser: false }'
  const path = moduleWith(`exports.staff = () => (${user}); exports.ask = () => undefined; exports.nobody = () => null`)
  const status = (name: Name | undefined, export_: string) =>
    statusFor(name, { ignoreStaff }, '/', {
      environment: { MAINTENANCE_MODE_GET_AUTHENTICATED_USER: `${path}#${export_}` },
    })
  expect(await status(undefined, 'staff')).toBe(200)
  expect(await status('normal', 'ask')).toBe(503)
  expect(await status('staff', 'ask')).toBe(200)
  expect(await status('staff', 'nobody')).toBe(503)
  const { visitor, said } = await openSite({ mode: true, ignoreStaff }, { sessions: false })
  expect((await (await visitor())('/')).status).toBe(503)
  expect(said).toEqual([])
  expectPathsRefused('getAuthenticatedUser', 'GET_AUTHENTICATED_USER')
})

it('57. ignoreStaff opens for staff', async () => {
  await expectOpens('staff', { ignoreStaff: true })
  expect(await statusFor('superuser', { ignoreStaff: true })).toBe(503)
})

it('58. ignoreSuperuser opens for superusers', async () => {
  await expectOpens('superuser', { ignoreSuperuser: true })
  expect(await statusFor('staff', { ignoreSuperuser: true })).toBe(503)
})

it('59. ignoreTests opens while a test runner runs (here: vitest)', async () => {
  await expectOpens(undefined, { ignoreTests: true })
})

it('60. ignoreUrls takes text and regular expressions', async () => {
  const status = (ignoreUrls?: (string | RegExp)[]) => statusFor(undefined, { ignoreUrls }, '/api/orders')
  for (const pattern of ['/api/**', '^/api/', /^\/api\//]) expect(await status([pattern])).toBe(200)
  expect(await status(['/api'])).toBe(503)
  expect(await status(undefined)).toBe(503)
})

it('61. redirectUrl leads to its own path, which answers', async () => {
  const { visitor } = await openSite({ mode: true, redirectUrl: '/redirect' })
  const visit = await visitor()
  const answer = await visit('/')
  expect(answer.status).toBe(302)
  expect((await visit(answer.headers.get('location') as string)).status).toBe(200)
  const closed = await (await (await openSite({ mode: true })).visitor())('/')
  expect(closed).toMatchObject({ status: 503, body: expect.stringContaining('<h1>') })
})

it('62. what getContext returns gets into the template', async () => {
  const template = '<p>{{ shop }}</p>'
  const page = async (parts: Parts) => (await (await openSite({ mode: true, template }, parts)).visitor())('/')
  const MAINTENANCE_MODE_GET_CONTEXT = `${moduleWith('exports.shop = () => ({ shop: "Tea shop" })')}#shop`
  expect((await page({ environment: { MAINTENANCE_MODE_GET_CONTEXT } })).body).toBe('<p>Tea shop</p>')
  expect((await page({})).body).toBe('<p></p>')
  expectPathsRefused('getContext', 'GET_CONTEXT')
})

async function typeFor(accept: string, options: MaintenanceOptions, path = '/') {
  const { visitor, said } = await openSite({ mode: true, ...options })
  const { status, headers } = await (await visitor())(path, { headers: { accept } })
  expect(status).toBe(503)
  return { type: headers.get('content-type')?.split(';')[0], said }
}
const html = { type: 'text/html', said: [] }
const json = { type: 'application/problem+json', said: [] }

it('63. responseType: json and html, and nothing else (here: problem+json)', async () => {
  expectRefused('responseType', { responseType: 'none' })
  expect(await typeFor('text/html', { responseType: 'json' })).toEqual(json)
  expect(await typeFor('application/json', { responseType: 'html' })).toEqual(html)
})

it('64. responseType may be a function (here: another value of it is reported, and the client’s wish counts)', async () => {
  const responseType = ({ url }: { url: string }) => (url.startsWith('/api/') ? 'json' : 'html')
  expect(await typeFor('*/*', { responseType }, '/api/orders')).toEqual(json)
  expect(await typeFor('*/*', { responseType })).toEqual(html)
  const { type, said } = await typeFor('application/json', { responseType: (() => 'none') as never })
  expect(type).toBe(json.type)
  expect(said.join()).toContain('responseType returned none')
  expectPathsRefused('responseType', 'RESPONSE_TYPE')
})
