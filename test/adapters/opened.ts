import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from 'maintenance-mode'
import { afterEach } from 'vitest'
import type { MaintenanceSurroundings } from '../../src/maintenance.js'

const endings: (() => unknown)[] = []

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

/** Ended with the test, the latest first. */
export function atEnd(end: () => unknown): void {
  endings.push(end)
}

/** A maintenance object with a state of its own. */
export function maintain(
  { silence = [], ...options }: MaintenanceOptions = {},
  surroundings: MaintenanceSurroundings = {},
): Maintenance {
  const quiet = ['memory-backend', 'no-login-url', 'unshared-state', ...silence] as const
  const all = { environment: {}, ...surroundings }
  const maintenance = createMaintenance({ stateBackend: 'memory:', ...options, silence: quiet }, all)
  atEnd(() => maintenance.close())
  return maintenance
}

/** The address at which an app is served from now on. */
export async function listen(app: Server | RequestListener): Promise<string> {
  const server = typeof app === 'function' ? createServer(app) : app
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
