import { describe, expect, it, onTestFinished } from 'vitest'
import type { Engine } from '../backends/engines/engine.js'
import { command, fleetOf, startInstance } from './instances.js'

export interface EngineFleetOptions {
  name: string
  start(): Promise<Engine>
  urlOf(port: number): string
}

/** The whole of it on a real engine: two servers and the command line, which share nothing but a URL. */
export function engineFleet({ name, start, urlOf }: EngineFleetOptions): void {
  describe(`fleet: ${name}`, { timeout: 120_000 }, () => {
    it('`--wait` confirms two servers; the engine is killed and started again, and no request notices', async () => {
      const engine = await start()
      onTestFinished(() => engine.stop())
      const state = urlOf(engine.port)
      const polling = { MAINTENANCE_MODE_POLL_INTERVAL: '500ms' }
      const instances = await Promise.all(['web-1', 'web-2'].map((id) => startInstance(state, id, polling)))
      const statuses = () => Promise.all(instances.map((instance) => instance.status()))
      expect(await statuses()).toEqual([200, 200])

      const on = await command(state, 'on --wait --instances 2 --timeout 20s')
      expect(on).toMatchObject({ code: 0, output: expect.stringContaining('2 instances: web-1, web-2') })
      expect(await statuses()).toEqual([503, 503])

      await engine.kill()
      for (const end = Date.now() + 1500; Date.now() < end; ) expect(await statuses()).toEqual([503, 503])
      const status = await command(state, 'status')
      expect(status).toMatchObject({ code: 1, errors: expect.stringMatching(/cannot be|No answer/) })
      await engine.start()
      for (const end = Date.now() + 1500; Date.now() < end; ) expect(await statuses()).toEqual([503, 503])

      // Who has just come back may not have been heard of yet.
      await expect.poll(async () => (await fleetOf(state)).every(({ age }) => age < 5000)).toBe(true)
      const off = await command(state, 'off --wait --instances 2 --timeout 20s')
      expect(off).toMatchObject({ code: 0 })
      expect(await statuses()).toEqual([200, 200])
    })
  })
}
