import { existsSync, readdirSync, utimesSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createMaintenance } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { maintenanceControls, withMaintenanceMode } from 'maintenance-mode/node'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { fileBackend } from '../../src/backends/file.js'
import { toPresence } from '../../src/fleet/instance.js'
import { listen, stop } from '../admin/site.js'
import type { Engine } from '../backends/engines/engine.js'
import { startRedis } from '../backends/engines/redis.js'
import { fleetOf, startInstance, type TestInstance } from '../fleet/instances.js'
import { ready } from '../fleet/presence.js'
import { ask, project, stateFile, storedIn } from './fixtures/cli.js'
import { kill, start, talking } from './fixtures/running.js'

let engine: Engine
let states = 0

beforeAll(async () => {
  engine = await startRedis()
}, 60_000)

afterAll(() => engine.stop())

/** A state of its own, that the command line is told of by its environment. */
function newState(): { url: string; variables: Record<string, string> } {
  const url = `redis://127.0.0.1:${engine.port}?key=run-${++states}`
  return { url, variables: { MAINTENANCE_MODE_STATE_BACKEND: url, MAINTENANCE_MODE_LEASE_TTL: '5s' } }
}

/** Instances of these names, which are in the list. */
async function startFleet(url: string, ...ids: string[]): Promise<TestInstance[]> {
  const instances = await Promise.all(ids.map((id) => startInstance(url, id)))
  const seen = () => fleetOf(url).then((fleet) => fleet.map(({ id }) => id))
  await expect.poll(seen, { timeout: 20_000 }).toEqual(ids)
  return instances
}

describe('run and a fleet', { timeout: 120_000 }, () => {
  it('starts the command when every instance has closed, and not before', async () => {
    const { url, variables } = newState()
    const instances = await startFleet(url, 'web-1', 'web-2', 'web-3')
    instances[0]?.freeze()
    const folder = project()
    const running = start(folder, ['--', ...talking()], variables)
    await running.says(/Waiting for \d of 3 instances: web-1.* …\n/)
    instances[0]?.thaw()
    await running.command()
    expect(await Promise.all(instances.map((instance) => instance.status()))).toEqual([503, 503, 503])
    kill(running.pid, 'SIGUSR2')
    const { code, errors } = await running.ended
    expect(code).toBe(0)
    expect(errors).toMatch(/applies to +3 instances: web-1, web-2, web-3\n +confirmed +by 3 instances, after/)
    for (const instance of instances) await expect.poll(() => instance.status(), { timeout: 20_000 }).toBe(200)
  })

  it('does not start it where an instance has not confirmed in time: 125, and the window is closed again', async () => {
    const { url, variables } = newState()
    const [first, second] = await startFleet(url, 'web-1', 'web-2')
    second?.freeze()
    const folder = project()
    const running = start(folder, ['--timeout', '3s', '--', 'touch', 'started'], variables)
    const { code, errors } = await running.ended
    expect(code).toBe(125)
    expect(errors).toMatch(
      /Not confirmed within 3s: web-2 .*\. The command was not started, and the window is closed again\.\n$/,
    )
    expect(existsSync(join(folder, 'started'))).toBe(false)
    expect(ask(folder, 'history', variables).history).toMatchObject([{ action: 'open' }, { action: 'close' }])
    await expect.poll(() => first?.status(), { timeout: 20_000 }).toBe(200)
    expect(await start(folder, ['--no-wait', '--', 'touch', 'started'], variables).ended).toMatchObject({ code: 0 })
    expect(existsSync(join(folder, 'started'))).toBe(true)
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s while it waits: 125, the command is not started, and the window is closed again',
    async (signal) => {
      const { url, variables } = newState()
      const [instance] = await startFleet(url, 'web-1')
      instance?.freeze()
      const folder = project()
      const running = start(folder, ['--', 'touch', 'started'], variables)
      await running.says('Waiting for 1 of 1 instances')
      kill(-running.pid, signal)
      const { code, errors } = await running.ended
      expect([code, errors]).toEqual([
        125,
        expect.stringContaining(`Stopped by ${signal}. The command was not started, and the window is closed again.\n`),
      ])
      expect(existsSync(join(folder, 'started'))).toBe(false)
      expect(ask(folder, 'status', variables).mode).toBe('off')
    },
  )

  it('goes on while the backend is lost, and closes the window when it is back', async () => {
    const lost = await startRedis()
    onTestFinished(() => lost.stop())
    const variables = {
      MAINTENANCE_MODE_STATE_BACKEND: `redis://127.0.0.1:${lost.port}`,
      MAINTENANCE_MODE_LEASE_TTL: '20s',
    }
    const folder = project()
    const running = start(folder, ['--', ...talking(4)], variables)
    await running.command()
    await lost.kill()
    await running.says(/^maintenance-mode: renewing the window "run-\w+": /m)
    kill(running.pid, 'SIGUSR2')
    await running.says('cannot be closed yet')
    await lost.start()
    expect(await running.ended).toMatchObject({
      code: 4,
      errors: expect.stringContaining('still ON, as the command failed'),
    })
    expect(ask(folder, 'history', variables).history).toMatchObject([{ action: 'open' }, { action: 'keep' }])
  })

  it('without any instance warns, and starts the command at once; asked for some, it is strict', async () => {
    const { variables } = newState()
    const folder = project()
    const began = performance.now()
    const { code, errors } = await start(folder, ['--timeout', '60s', '--', 'true'], variables).ended
    expect(code).toBe(0)
    expect(errors).toContain('NO INSTANCE has announced itself')
    expect(performance.now() - began).toBeLessThan(30_000)
    const strict = start(folder, ['--instances', '1', '--timeout', '1s', '--', 'touch', 'started'], variables)
    expect(await strict.ended).toMatchObject({ code: 125, errors: expect.stringContaining('no live instance') })
    expect(existsSync(join(folder, 'started'))).toBe(false)
  })

  it('does not start it while one is lost, unless those are left out', async () => {
    const folder = project()
    const { presence } = fileBackend({ path: join(folder, stateFile) })
    await presence?.announce(toPresence({ ...ready, id: 'web-1' }), 120_000)
    const list = join(folder, `${stateFile}.instances`)
    const then = Date.now() / 1000 - 40
    for (const name of readdirSync(list)) utimesSync(join(list, name), then, then)
    const lost = await start(folder, ['--timeout', '1s', '--', 'touch', 'started']).ended
    expect(lost).toMatchObject({ code: 125, errors: expect.stringContaining('web-1 is lost: last heard of') })
    expect(existsSync(join(folder, 'started'))).toBe(false)
    const without = await start(folder, ['--ignore-lost', '--timeout', '30s', '--', 'touch', 'started']).ended
    expect(without).toMatchObject({ code: 0 })
    expect(existsSync(join(folder, 'started'))).toBe(true)
    expect(storedIn(folder).windows).toEqual([])
  })
})

it('run works through the control URLs of a site', { timeout: 60_000 }, async () => {
  const adminToken = 'the secret of the site'
  const silence = ['memory-backend', 'state-backend-in-code']
  const options = { stateBackend: memoryBackend(), adminToken, instanceId: 'web-1', silence }
  const maintenance = createMaintenance(options, { environment: {} })
  const controls = maintenanceControls(maintenance)
  const server = createServer(
    withMaintenanceMode(maintenance, (req, res) => controls(req, res, () => res.end('the site'))),
  )
  const base = await listen(server)
  onTestFinished(async () => {
    await maintenance.close()
    await stop(server)
  })
  const words = ['--via', `${base}/maintenance-mode`, '--', ...talking(2)]
  const running = start(project(), words, {
    MAINTENANCE_MODE_ADMIN_TOKEN: adminToken,
    MAINTENANCE_MODE_LEASE_TTL: '1s',
  })
  await running.command()
  expect((await fetch(base)).status).toBe(503)
  const { leaseUntil } = maintenance.status().windows[0] ?? {}
  await expect.poll(() => maintenance.status().windows[0]?.leaseUntil, { timeout: 20_000 }).not.toBe(leaseUntil)
  kill(running.pid, 'SIGUSR2')
  const { code, errors } = await running.ended
  expect(code).toBe(2)
  expect(errors).toContain(`To reopen: maintenance-mode off --via ${base}/maintenance-mode\n`)
  expect(maintenance.status()).toMatchObject({ mode: 'on', windows: [{ onLapse: 'keep', by: expect.any(String) }] })
})
