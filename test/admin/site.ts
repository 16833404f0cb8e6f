import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from 'maintenance-mode'
import { memoryBackend } from 'maintenance-mode/backends/memory'
import { maintenanceControls, withMaintenanceMode } from 'maintenance-mode/node'
import { createTestClock, type TestClock } from 'maintenance-mode/testing'

export const token = 'a secret of some length'

export interface Site {
  base: string
  host: string
  maintenance: Maintenance
  clock: TestClock
  logged: string[]
  /** A request; `accept` stands for the browser's header, and no redirect is followed. */
  get(path: string, init?: RequestInit): Promise<Response>
  /** A POST of a superuser's browser, from a page of this site. */
  post(path: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

export const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
export const superuser = { 'x-user': 'root' }
export const ownPage = { ...browser, ...superuser, 'sec-fetch-site': 'same-origin' }
export const form = { 'content-type': 'application/x-www-form-urlencoded' }
export const json = { accept: 'application/json', 'content-type': 'application/json' }
export const bearer = { authorization: `Bearer ${token}` }

/** A site that knows its users by a header: `root` is a superuser, `staff` is staff, `nobody` is not known to the site. */
export async function openSite(
  options: MaintenanceOptions = {},
  app: RequestListener = (_req, res) => res.end('the site'),
): Promise<Site> {
  const clock = createTestClock()
  const logged: string[] = []
  const log = (message: string): number => logged.push(message)
  const maintenance = createMaintenance(
    {
      stateBackend: memoryBackend(),
      adminToken: token,
      silence: ['memory-backend', 'state-backend-in-code', 'pinned-mode'],
      logger: { warn: log, error: log },
      getAuthenticatedUser(request) {
        const id = request.header('x-user')
        if (id === 'unknown') return undefined
        if (id === undefined) return null
        return { id, isAuthenticated: true, isStaff: id === 'staff', isSuperuser: id === 'root' }
      },
      ...options,
    },
    { clock, environment: {} },
  )
  const controls = maintenanceControls(maintenance)
  const server = createServer(withMaintenanceMode(maintenance, (req, res) => controls(req, res, () => app(req, res))))
  const base = await listen(server)
  const get = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(base + path, { redirect: 'manual', ...init })
  return {
    base,
    host: new URL(base).host,
    maintenance,
    clock,
    logged,
    get,
    post: (path, init = {}) => get(path, { method: 'POST', ...init, headers: { ...ownPage, ...init.headers } }),
    async close() {
      await maintenance.close()
      await stop(server)
    },
  }
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
