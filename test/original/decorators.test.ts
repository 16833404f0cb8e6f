import { forceMaintenanceModeOff, forceMaintenanceModeOn, withMaintenanceMode } from 'maintenance-mode/express'
import { expect, it } from 'vitest'
import { serve } from '../adapters/express-site.js'
import { open, openSite, type Parts } from './site.js'

async function expectForced(parts: Parts): Promise<void> {
  for (const mode of [true, false]) {
    const visit = await (await openSite({ mode }, parts)).visitor()
    for (const kind of ['function', 'class']) {
      expect(await visit(`/off/${kind}`)).toMatchObject({ status: 200, body: 'view' })
      const closed = await visit(`/on/${kind}`)
      expect(closed.status).toBe(503)
      expect(closed.body).toContain('<h1>')
    }
  }
}

it('25. a forced view, function or method of a class, is open or closed whatever the mode', async () => {
  await expectForced({})
})

it('26. the same where no middleware is installed', async () => {
  await expectForced({ middleware: false })
})

it('27. forced views keep their name', () => {
  function receive(): void {}
  expect(forceMaintenanceModeOff(receive).name).toBe('receive')
  expect(forceMaintenanceModeOn(receive).name).toBe('receive')
})

it('the setting routes says the same in the outermost place', async () => {
  for (const mode of [true, false]) {
    const { maintenance } = open({ mode, routes: { '/off/**': 'off', '/on/**': 'on' } })
    const ask = await serve(withMaintenanceMode(maintenance, (_req, res) => void res.end('view')))
    expect(await ask('/off/function')).toMatchObject({ status: 200, body: 'view' })
    expect((await ask('/on/function')).status).toBe(503)
  }
})
