import { createMaintenance, type StateBackend } from 'maintenance-mode'
import { expect, onTestFinished, vi } from 'vitest'
import { serializeDocument } from '../../src/state/document.js'
import { documentOf, windowOf } from '../state/windows.js'
import type { Engine } from './engines/engine.js'

/** An app that only polls decides by the last known state while its engine is down, and by the new one with the next poll. */
export async function outlivesOutage(engine: Engine, backendOf: () => StateBackend, address: string): Promise<void> {
  const [stateBackend, others] = [backendOf(), backendOf()]
  const on = serializeDocument(documentOf(windowOf({ start: new Date().toISOString() })))
  await others.write(on, { expected: 0, next: 1 })
  const logger = { warn() {}, error() {} }
  const maintenance = createMaintenance({ localCopyPath: false, logger, stateBackend, pollInterval: 0.3 })
  onTestFinished(() => maintenance.close())
  maintenance.start()
  expect(await maintenance.getMode()).toBe('on')
  await engine.kill()
  await vi.waitFor(() => expect(maintenance.status().snapshot).toBe('stale'), { timeout: 5000 })
  expect(maintenance.status()).toMatchObject({ mode: 'on', error: expect.stringContaining(address) })
  await engine.start()
  const off = serializeDocument({ ...documentOf(), revision: 2 })
  await vi.waitFor(() => others.write(off, { expected: 1, next: 2 }), { timeout: 5000 })
  await vi.waitFor(() => expect(maintenance.status()).toMatchObject({ mode: 'off', snapshot: 'ready' }))
}
