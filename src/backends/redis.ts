import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'

export interface RedisBackendOptions {
  url: string
}

export function redisBackend(_options: RedisBackendOptions): StateBackend {
  throw new StateBackendError('Not here yet.')
}
