import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { command, startInstance } from '../fleet/instances.js'

const fixture = join(import.meta.dirname, 'fixtures/object-backends.mjs')

/** What an environment says of a backend. */
export interface Shared {
  /** A URL, or a file and what it exports. */
  state: string
  variables: Record<string, string>
}

/** A backend that `object-backends.mjs` exports. */
export function exported(name: string, variables: Record<string, string>): Shared {
  return { state: `${fixture}#${name}`, variables }
}

/** Two servers and the command line share a backend by nothing but variables. */
export function sharingSuite(backends: Record<string, () => Shared>): void {
  describe('two servers and the command line', { timeout: 60_000 }, () => {
    it.each(Object.entries(backends))('share %s', async (_, backendOf) => {
      const { state, variables } = backendOf()
      const shared = { ...variables, MAINTENANCE_MODE_POLL_INTERVAL: '300ms', NODE_NO_WARNINGS: '1' }
      const instances = await Promise.all(['web-1', 'web-2'].map((id) => startInstance(state, id, shared)))
      const statuses = () => Promise.all(instances.map((instance) => instance.status()))
      expect(await statuses()).toEqual([200, 200])
      expect(await command(state, 'on', shared)).toMatchObject({ code: 0, errors: '' })
      await expect.poll(statuses, { timeout: 5000 }).toEqual([503, 503])
      expect((await command(state, 'status --exit-code', shared)).code).toBe(10)
      expect(await command(state, 'off --wait', shared)).toMatchObject({ code: 0 })
      await expect.poll(statuses, { timeout: 5000 }).toEqual([200, 200])
      for (const instance of instances) {
        expect(instance.said().includes('[no-compare-and-set, ')).toBe(state.includes('#'))
        expect(instance.said()).not.toContain('state-backend-in-code')
      }
    })
  })
}
