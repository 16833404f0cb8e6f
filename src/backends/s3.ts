import { StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'

export interface S3BackendOptions {
  url: string
}

export function s3Backend(_options: S3BackendOptions): StateBackend {
  throw new StateBackendError('Not here yet.')
}
