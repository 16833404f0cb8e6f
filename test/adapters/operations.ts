import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from 'maintenance-mode'
import { afterEach } from 'vitest'

const endings: (() => unknown)[] = []

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

/** Ended with the test. */
export function atEnd(end: () => unknown): void {
  endings.push(end)
}

export async function maintain(options: MaintenanceOptions = {}): Promise<Maintenance> {
  const { silence = [], ...rest } = options
  const maintenance = createMaintenance(
    { stateBackend: 'memory:', silence: ['memory-backend', 'no-login-url', ...silence], ...rest },
    { environment: {} },
  )
  atEnd(() => maintenance.close())
  await maintenance.ready()
  return maintenance
}

/** Staff says so in a header. */
export const staffByHeader: MaintenanceOptions = {
  ignoreStaff: true,
  getAuthenticatedUser: async (request) =>
    request.header('authorization') === 'staff' ? { isAuthenticated: true, isStaff: true, isSuperuser: false } : null,
}

export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
