import type { StateBackend } from '../backends/backend.js'
import type { MaintenanceOptions } from './options.js'

// Where declarations are written, the config file's own has to name it.
export type { MaintenanceOptions }

const shared = new WeakSet<StateBackend>()

/** Checks the types of a config file. What is given here is what the command line sees too. */
export function defineConfig(options: MaintenanceOptions): MaintenanceOptions {
  if (typeof options.stateBackend === 'object') shared.add(options.stateBackend)
  return options
}

/** Whether a backend object comes from a config file. */
export function isFromConfig(backend: StateBackend): boolean {
  return shared.has(backend)
}
