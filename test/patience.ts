import { vi } from 'vitest'

// What is waited for is often done by another process: on a busy machine the second that is the default is soon over.
const patience = { timeout: 15_000 }
const { waitFor, waitUntil } = vi
const withPatience = (options: number | object = {}): number | object =>
  typeof options === 'number' ? options : { ...patience, ...options }
vi.waitFor = (check, options) => waitFor(check, withPatience(options))
vi.waitUntil = (check, options) => waitUntil(check, withPatience(options))
