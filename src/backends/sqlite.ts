import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'

export interface SqliteBackendOptions {
  url: string
}

export function sqliteBackend(_options: SqliteBackendOptions): StateBackend {
  throw new StateBackendError('Not here yet.')
}
