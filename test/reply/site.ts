import { onTestFinished } from 'vitest'
import { withMaintenanceMode } from '../../src/adapters/fetch.js'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from '../../src/index.js'
import { createTestClock, type TestClock } from '../../src/testing/index.js'
import { minute } from '../state/windows.js'

export interface Site {
  maintenance: Maintenance
  clock: TestClock
  /** Everything that was reported as an error. */
  said: string[]
  get(path?: string, headers?: Record<string, string>, method?: string): Promise<Response>
}

/** A site in maintenance: what is let through answers 200. */
export async function closedSite(options: MaintenanceOptions = {}, window: object = {}): Promise<Site> {
  const clock = createTestClock(minute(0))
  const said: string[] = []
  const logger = { warn: () => {}, error: (message: string) => void said.push(message) }
  const maintenance = createMaintenance({ stateBackend: 'memory:', logger, ...options }, { clock, environment: {} })
  onTestFinished(() => maintenance.close())
  const handle = withMaintenanceMode(maintenance, () => new Response('the app'))
  await maintenance.setMode('on', window)
  return {
    maintenance,
    clock,
    said,
    get: async (path = '/', headers = {}, method = 'GET') =>
      handle(new Request(`http://shop.example${path}`, { method, headers: { accept: 'text/html', ...headers } })),
  }
}
