import { messageOf } from '../errors.js'
import { backendFailure } from './failure.js'

/** What stands in the way of a conditional write: another object, a write at the same time, or none any more. */
const refusals = ['PreconditionFailed', 'ConditionalRequestConflict', 'OperationAborted', 'NoSuchKey']

export function isRefusal(error: unknown): boolean {
  return refusals.includes(codeOf(error))
}

export function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'NoSuchKey'
}

/** What the SDK threw, as an error for people. */
export function s3Failure(address: string, doing: string, error: unknown, patience: number): Error {
  return backendFailure(address, doing, told(error, patience), hintFor(error))
}

const statusCodes: Readonly<Record<number, string>> = { 404: 'NoSuchKey', 412: 'PreconditionFailed' }

/** The store's own name for an error; where it gives a status alone, what that stands for. */
function codeOf(error: unknown): string {
  const { name = '', $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
  const meant = statusCodes[$metadata?.httpStatusCode ?? 0]
  return meant !== undefined && /^(\d+|NotFound|Unknown\w*)$/.test(name) ? meant : name
}

/** The client says of what was given up that it was aborted. */
function told(error: unknown, patience: number): unknown {
  const name = codeOf(error)
  if (name === 'AbortError' || name === 'TimeoutError') return new Error(`no answer within ${patience / 1000} s`)
  // Some errors have a name and no message.
  return /^(Unknown\w*)?$/.test(messageOf(error)) ? new Error(name, { cause: error }) : error
}

const wrongRegion = 'The bucket is in another region: name it, ?region=eu-central-1 for one, or in AWS_REGION.'
const wrongCredentials = 'Are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile, those of this store?'
const expired = 'The credentials have expired: get new ones.'

const hints: Readonly<Record<string, string>> = {
  AccessDenied:
    'Allow s3:GetObject and s3:PutObject on the object, and s3:ListBucket on the bucket: without that, an object that is not there yet is refused too.',
  NoSuchBucket: 'Make the bucket, or correct its name.',
  InvalidAccessKeyId: wrongCredentials,
  SignatureDoesNotMatch: wrongCredentials,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  CredentialsProviderError: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a profile or a role.',
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  RequestTimeTooSkewed: 'The clock of this machine is wrong: have it kept by NTP.',
  NotImplemented: 'This store knows no conditional writes, so it cannot hold a state that several operators switch.',
}

function hintFor(error: unknown): string | undefined {
  if (messageOf(error) === 'Region is missing') return 'Name it: ?region=eu-central-1 for one, or in AWS_REGION.'
  return hints[codeOf(error)]
}
