import { createCallbackRunner } from '../../src/callback.js'
import { compileDecider } from '../../src/decision/decide.js'
import type { Decision } from '../../src/decision/decision.js'
import type { MaintenanceOptions } from '../../src/index.js'
import { compileClientAddress } from '../../src/request/lazy-request.js'
import { type PlainRequest, toAdaptedRequest } from '../../src/request/plain-request.js'
import type { Settings } from '../../src/settings/options.js'
import { resolveSettings } from '../../src/settings/resolve.js'
import type { Mode } from '../../src/state/window.js'
import { createReporter } from '../../src/telemetry/warnings.js'
import { createTestClock, type TestClock } from '../../src/testing/index.js'

/** A request, and what only a framework knows of it. */
export interface DecidingRequest extends Partial<PlainRequest> {
  forced?: 'off' | 'on' | undefined
  writes?: boolean | undefined
}

export interface Deciding {
  decide(request?: DecidingRequest, mode?: Mode): Promise<Decision>
  /** The name of the rule that decides. */
  rule(request?: DecidingRequest, mode?: Mode): Promise<string>
  clock: TestClock
  /** Everything that was reported as an error. */
  said: string[]
  /** How often somebody was logged out. */
  loggedOut: number
}

/** The decision alone, as these settings make it. */
export function deciding(options: MaintenanceOptions = {}, testRunner?: string): Deciding {
  const clock = createTestClock()
  const said: string[] = []
  const reporter = createReporter({ warn: () => {}, error: (message) => said.push(message) }, [])
  const run = createCallbackRunner(clock, reporter)
  const settings: Settings = resolveSettings(options, {}).settings
  const { decide } = compileDecider(settings, { run, clock, testRunner, holds: true })
  const clientAddress = compileClientAddress(settings, run)

  const result: Deciding = {
    async decide({ forced, writes, url = '/', ...plain } = {}, mode = 'on') {
      const headers = { accept: 'text/html', ...plain.headers }
      const request = toAdaptedRequest({ ...plain, url: '/', headers }, clientAddress)
      // As it came over the wire: a fetch Request would resolve odd paths.
      Object.defineProperty(request, 'url', { value: url })
      if (writes !== undefined) Object.defineProperty(request, 'writes', { value: writes })
      request.forced = () => forced
      request.logOut = () => void result.loggedOut++
      const told = {
        window: 'manual',
        scope: '*',
        reason: 'Moving',
        since: undefined,
        until: undefined,
        ramps: undefined,
      }
      return decide(request, { site: mode === 'off' ? undefined : { mode, ...told }, scopes: new Map() })
    },
    rule: async (request, mode) => (await result.decide(request, mode)).rule,
    clock,
    said,
    loggedOut: 0,
  }
  return result
}
