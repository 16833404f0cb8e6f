import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'

export interface HttpBackendOptions {
  url: string
}

export function httpBackend(_options: HttpBackendOptions): StateBackend {
  throw new StateBackendError('Not here yet.')
}
