import { createMaintenance, type Maintenance, type MaintenanceOptions } from 'maintenance-mode'
import { afterEach } from 'vitest'

const opened: Maintenance[] = []

afterEach(async () => {
  for (const maintenance of opened.splice(0)) await maintenance.close()
})

/** A maintenance object of one test. */
export function maintain(options: MaintenanceOptions = {}, environment: Record<string, string> = {}): Maintenance {
  const silence = ['memory-backend', 'no-login-url', 'unshared-state'] as const
  const maintenance = createMaintenance({ stateBackend: 'memory:', silence, ...options }, { environment })
  opened.push(maintenance)
  return maintenance
}
