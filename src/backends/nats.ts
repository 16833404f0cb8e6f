import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'

export interface NatsBackendOptions {
  url: string
}

export function natsBackend(_options: NatsBackendOptions): StateBackend {
  throw new StateBackendError('Not here yet.')
}
