import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Maintenance, MaintenanceEvent, MaintenanceEventName, MaintenanceOptions } from 'maintenance-mode'
import { withMaintenanceMode } from 'maintenance-mode/node'
import { createTestClock, type TestClock } from 'maintenance-mode/testing'
import { atEnd, listen, maintain } from '../adapters/opened.js'

export interface Site {
  maintenance: Maintenance
  clock: TestClock
  /** The status of the answer. */
  visit(path?: string, init?: RequestInit): Promise<number>
}

/** A site on a real server, whose clock is moved by hand. `/slow` is answered after `slow`. */
export async function serve(options: MaintenanceOptions = {}, slow?: Promise<unknown>): Promise<Site> {
  const clock = createTestClock()
  const maintenance = maintain({ silence: ['pinned-mode', 'state-backend-in-code'], ...options }, { clock })
  const app = withMaintenanceMode(maintenance, async (req, res) => {
    if (req.url === '/slow') await slow
    res.end('Hello')
  })
  const origin = await listen(app)
  await maintenance.ready()
  return {
    maintenance,
    clock,
    async visit(path = '/', init) {
      const answer = await fetch(origin + path, init)
      await answer.text()
      return answer.status
    },
  }
}

/** What is told from now on. */
export function told<Name extends MaintenanceEventName>(name: Name): MaintenanceEvent<Name>[] {
  const events: MaintenanceEvent<Name>[] = []
  const hear = (event: unknown): unknown => events.push(event as MaintenanceEvent<Name>)
  subscribe(`maintenance-mode:${name}`, hear)
  atEnd(() => unsubscribe(`maintenance-mode:${name}`, hear))
  return events
}
