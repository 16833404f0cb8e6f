import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { join } from 'node:path'
import type { ServedSite } from 'maintenance-mode/testing'
import { expect } from 'vitest'
import { createMaintenance } from '../../src/index.js'
import type { MaintenanceOptions } from '../../src/settings/options.js'
import type { Project } from './project.js'

type Told = { instances: { inFlight?: { count: number; oldest: object[] } }[] }

/** Closes a site in the midst of an upload: it is told as one that is waited for, until its client has sent the rest. */
export async function countsAnUpload(
  project: Project,
  serve: (settings: MaintenanceOptions) => Promise<ServedSite>,
): Promise<void> {
  const stateBackend = `file:${join(project.folder, `${randomUUID()}.json`)}`
  const operator = createMaintenance({ stateBackend }, { environment: {} })
  await operator.setMode('off')
  const site = await serve({ stateBackend })
  const headers = { 'content-type': 'application/octet-stream', 'content-length': 10 }
  const upload = request(`${site.url}/upload`, { method: 'POST', headers })
  const answered = new Promise((resolve) => {
    upload.on('response', ({ statusCode }) => resolve(statusCode)).on('error', resolve)
  })
  const inFlight = async (): Promise<unknown> => {
    const told = await project.run('maintenance-mode', '--state-backend', stateBackend, 'fleet', '--json')
    return (JSON.parse(told) as Told).instances.map((one) => [one.inFlight?.count, one.inFlight?.oldest])
  }
  const becomes = (...expected: unknown[]): Promise<void> =>
    expect.poll(inFlight, { timeout: 30_000 }).toEqual([expected])
  try {
    upload.write('first')
    await becomes(1, [])
    await operator.setMode('on')
    await becomes(1, [{ method: 'POST', path: '/upload', age: expect.any(Number) }])
    upload.end(' rest')
    expect(await answered).toBe(200)
    await becomes(0, [])
  } finally {
    upload.destroy()
    await site.close()
    await operator.close()
  }
}
