import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMaintenance, type Maintenance } from 'maintenance-mode'
import { withMaintenanceMode } from 'maintenance-mode/node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Engine } from './engines/engine.js'
import { startProxy, type TroubledProxy } from './engines/proxy.js'

const pollInterval = 500
/** `pollInterval`, an answer that takes 5 s, and what the client needs to connect again. Milliseconds. */
const bound = pollInterval + 9500

export interface OutageSuiteOptions {
  name: string
  start(): Promise<Engine>
  urlOf(port: number): string
}

/** What an app does while its engine is in trouble: it answers every request as before, by the last state it knew. */
export function outageSuite({ name, start, urlOf }: OutageSuiteOptions): void {
  describe(`an app whose state is in ${name}`, () => {
    let engine: Engine
    let proxy: TroubledProxy
    let maintenance: Maintenance
    let operator: Maintenance
    let server: Server
    let url: string

    beforeAll(async () => {
      engine = await start()
      proxy = await startProxy(engine.port)
      const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }
      operator = createMaintenance({ ...quiet, stateBackend: urlOf(engine.port) })
      maintenance = createMaintenance({ ...quiet, stateBackend: urlOf(proxy.port), pollInterval: pollInterval / 1000 })
      server = createServer(withMaintenanceMode(maintenance, (_req, res) => res.end('Hello')))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    }, 90_000)

    afterAll(async () => {
      server?.closeAllConnections()
      server?.close()
      await maintenance?.close()
      await operator?.close()
      await proxy?.close()
      await engine?.stop()
    })

    const troubles: Record<string, { begin(): unknown; end(): unknown }> = {
      'is killed': { begin: () => engine.kill(), end: () => engine.start() },
      'is frozen': { begin: () => engine.freeze(), end: () => engine.thaw() },
      'refuses connections': { begin: () => proxy.trouble('refusing'), end: () => proxy.trouble(undefined) },
      'takes 5 s for every answer': { begin: () => proxy.trouble('slow'), end: () => proxy.trouble(undefined) },
      'answers garbage': { begin: () => proxy.trouble('garbage'), end: () => proxy.trouble(undefined) },
    }

    it.each(Object.entries(troubles))(
      'answers as before while it %s, and is current again afterwards',
      async (_, trouble) => {
        await operator.setMode('on')
        await vi.waitFor(async () => expect((await fetch(url)).status).toBe(503), { timeout: bound })
        await trouble.begin()
        const latencies: number[] = []
        try {
          for (const end = Date.now() + 2000; Date.now() < end; ) {
            const before = performance.now()
            const response = await fetch(url)
            await response.arrayBuffer()
            latencies.push(performance.now() - before)
            expect(response.status).toBe(503)
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
        } finally {
          await trouble.end()
        }
        latencies.sort((a, b) => a - b)
        // A single one may have met the machine busy with something else; whoever waited for the engine waited for seconds.
        expect(latencies[Math.floor(latencies.length * 0.95)]).toBeLessThan(200)
        await vi.waitFor(() => operator.setMode('off'), { timeout: 20_000 })
        await vi.waitFor(async () => expect((await fetch(url)).status).toBe(200), { timeout: bound })
        expect(maintenance.status().snapshot).toBe('ready')
      },
      60_000,
    )
  })
}
