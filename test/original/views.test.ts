import { maintenanceControls } from 'maintenance-mode/fetch'
import { expect, it } from 'vitest'
import { open, openSite } from './site.js'

const post: RequestInit = { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } }
const controls = ['/maintenance-mode/on', '/maintenance-mode/off']

/** The control URLs of a site with this user, called by themselves. */
function callDirectly(isSuperuser: boolean) {
  const { maintenance } = open({
    getAuthenticatedUser: () => (isSuperuser ? { isAuthenticated: true, isStaff: false, isSuperuser } : null),
  })
  const call = maintenanceControls(maintenance)
  return { maintenance, call: (path: string) => call(new Request(`http://localhost${path}`, post)) }
}

it('65. anonymous visitors switch nothing, nor do staff (here: 403, which says so)', async () => {
  const { maintenance, visitor } = await openSite()
  for (const visit of [await visitor(), await visitor('staff')]) {
    for (const path of controls) {
      for (const init of [post, {}]) {
        const { status, body } = await visit(path, init)
        expect({ status, body }).toEqual({ status: 403, body: expect.stringContaining('This page is for superusers') })
        expect(await maintenance.getMode()).toBe('off')
      }
    }
  }
})

it('66. superusers switch on, then off (here: by POST; a GET changes nothing)', async () => {
  const { maintenance, visitor } = await openSite()
  const visit = await visitor('superuser')
  for (const mode of ['on', 'off'] as const) {
    expect((await visit(`/maintenance-mode/${mode}`)).status).toBe(200)
    expect(await maintenance.getMode()).not.toBe(mode)
    expect((await visit(`/maintenance-mode/${mode}`, post)).status).toBe(303)
    expect(await maintenance.getMode()).toBe(mode)
  }
})

it('67. templates know maintenance_mode, in the page and for who is let through', async () => {
  const template = '{% if maintenance_mode %}in maintenance{% endif %}'
  const { maintenance, visitor } = await openSite({ template, ignoreUrls: ['/template'] })
  const visit = await visitor()
  expect(JSON.parse((await visit('/template')).body)).toMatchObject({ maintenance_mode: false })
  await maintenance.setMode('on')
  expect((await visit('/')).body).toBe('in maintenance')
  expect(JSON.parse((await visit('/template')).body)).toMatchObject({ maintenance_mode: true })
})

it('68. called directly by an anonymous visitor, the state stays off', async () => {
  const { maintenance, call } = callDirectly(false)
  for (const path of controls) {
    expect((await call(path))?.status).toBe(403)
    expect(await maintenance.getMode()).toBe('off')
  }
})

it('69. called directly by a superuser: on, then off', async () => {
  const { maintenance, call } = callDirectly(true)
  for (const mode of ['on', 'off'] as const) {
    expect((await call(`/maintenance-mode/${mode}`))?.status).toBe(200)
    expect(await maintenance.getMode()).toBe(mode)
  }
})
