import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'

export interface PostgresBackendOptions {
  url: string
}

export function postgresBackend(_options: PostgresBackendOptions): StateBackend {
  throw new StateBackendError('Not here yet.')
}
