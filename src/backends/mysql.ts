import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'

export interface MysqlBackendOptions {
  url: string
}

export function mysqlBackend(_options: MysqlBackendOptions): StateBackend {
  throw new StateBackendError('Not here yet.')
}
