import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'

export interface UpstashBackendOptions {
  url: string
}

export function upstashBackend(_options: UpstashBackendOptions): StateBackend {
  throw new StateBackendError('Not here yet.')
}
