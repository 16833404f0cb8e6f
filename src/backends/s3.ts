import { hasCode, messageOf, SettingError, StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'
import { readBackendUrl } from './backend-url.js'
import { comparedAccess, type Slot } from './compared.js'
import { backendFailure } from './failure.js'
import { importPeer } from './import-peer.js'

interface Place {
  Bucket: string
  Key: string
}

interface PutInput extends Place {
  Body: string
  ContentType: string
  CacheControl: string
  IfMatch?: string
  IfNoneMatch?: string
}

interface GetOutput {
  Body?: { transformToString(): Promise<string> }
  ETag?: string
}

interface PutOutput {
  ETag?: string
}

interface SendOptions {
  abortSignal: AbortSignal
}

/** What is used of an `S3` of `@aws-sdk/client-s3`. */
export interface S3Objects {
  getObject(input: Place, options: SendOptions): Promise<GetOutput>
  putObject(input: PutInput, options: SendOptions): Promise<PutOutput>
}

/** What is used of an `S3Client`, which needs the commands of its package besides. */
export interface S3CommandClient {
  send(command: never, options: SendOptions): Promise<unknown>
}

export interface S3BackendOptions {
  /**
   * Bucket and object: `s3://bucket/path/state.json`. `?region=` and `?endpoint=` (of a store that is compatible with S3)
   * are for the client that this makes.
   */
  url: string
  /** Which state it is, where several apps share a place. Default: that of `?key=` in the URL, or the one without a key. */
  key?: string | undefined
  /** An `S3`, or an `S3Client`, of `@aws-sdk/client-s3`. It is not closed. Default: one with the usual credentials. */
  client?: S3Objects | S3CommandClient | undefined
}

interface Stored {
  text: string
  etag: string
}

/** Of `@aws-sdk/client-s3`. */
interface Module {
  S3: new (configuration: object) => S3Objects & { destroy(): void }
  GetObjectCommand: new (input: Place) => object
  PutObjectCommand: new (input: PutInput) => object
}

/** A call that takes longer has failed. Milliseconds. */
const patience = 5_000

/**
 * Keeps the state as an object of S3, or of a store that is compatible with it and honours `If-Match`.
 *
 * @throws SettingError for a URL that names no bucket, or has parameters that are not known
 *
 * @example
 * ```ts
 * const stateBackend = s3Backend({ url: 's3://shop-state/maintenance.json?region=eu-central-1' })
 * ```
 */
export function s3Backend({ url, client, ...options }: S3BackendOptions): StateBackend {
  const { address, key, bucket, object, region, endpoint } = readPlace(url, options.key)
  let own: { destroy(): void } | undefined
  let connecting: Promise<S3Objects> | undefined
  let honoured = false
  /** What was read or written last. */
  let known: Stored | undefined

  const open = async (): Promise<S3Objects> => {
    if (client && 'getObject' in client) return client
    const { module } = await importPeer<Module>(address, '@aws-sdk/client-s3')
    if (client) return withCommands(client, module)
    // What other stores know of S3 is older than the checksums that the client would send.
    const compatible = {
      endpoint,
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    }
    const made = new module.S3({ maxAttempts: 2, ...(region && { region }), ...(endpoint && compatible) })
    own = made
    return made
  }
  const objects = (): Promise<S3Objects> => {
    connecting ??= open().catch((error) => {
      connecting = undefined
      throw error
    })
    return connecting
  }

  const load = async (): Promise<Stored | undefined> => {
    known = undefined
    try {
      const { Body, ETag = '' } = await (await objects()).getObject({ Bucket: bucket, Key: object }, bound())
      known = { text: (await Body?.transformToString()) ?? '', etag: ETag }
    } catch (error) {
      if (codeOf(error) !== 'NoSuchKey') throw error
    }
    return known
  }

  /** The new ETag; `undefined`: the condition is not met, and nothing was stored. */
  const put = async (name: string, Body: string, condition: { IfMatch: string } | { IfNoneMatch: string }) => {
    const input = { Bucket: bucket, Key: name, Body, ContentType: 'application/json', CacheControl: 'no-cache' }
    try {
      const { ETag = '' } = await (await objects()).putObject({ ...input, ...condition }, bound())
      return ETag
    } catch (error) {
      if (refusals.has(codeOf(error))) return undefined
      throw error
    }
  }

  /** Stores that do not know conditions write in spite of them, and say nothing. Puts what is, or will be, there. */
  const assertConditions = async (text: string): Promise<void> => {
    if (honoured) return
    if ((await put(object, text, { IfMatch: '"00000000000000000000000000000000"' })) !== undefined) {
      throw new StateBackendError(
        `The store at ${address} writes whatever the condition is (\`If-Match\`), so two operators would overwrite each other unseen. Take a store that honours it, or unstorageBackend with the s3 driver, which does without.`,
      )
    }
    honoured = true
  }

  const slot: Slot<Stored> = {
    async load() {
      const stored = await load()
      return stored && { text: stored.text, token: stored }
    },
    async swap(text, before) {
      await assertConditions(before?.text ?? text)
      const etag = await put(object, text, before ? { IfMatch: before.etag } : { IfNoneMatch: '*' })
      // The client tries again by itself where an answer is lost: then it is our own write that stands in the way.
      if (etag === undefined) return (await load())?.text === text
      known = { text, etag }
      return true
    },
    async keepAside(text) {
      const aside = `${object}.damaged-${new Date().toISOString().replace(/[-:.]/g, '')}`
      await put(aside, text, { IfNoneMatch: '*' })
      return `s3://${bucket}/${aside}`
    },
  }
  const { read, write: writeAnew } = comparedAccess(address, slot, failure)
  const { write: writeOnKnown } = comparedAccess(
    address,
    { ...slot, load: async () => known && { text: known.text, token: known } },
    failure,
  )

  return {
    address,
    key,
    capabilities: { compareAndSet: true, watch: false, presence: false, writable: true },
    absentMeansOff: false,
    read,
    async write(document, condition) {
      // The store compares the ETag: what was read just before need not be read once more.
      const before = known
      if (!before) return writeAnew(document, condition)
      try {
        return await writeOnKnown(document, condition)
      } catch (error) {
        // What was known may be old; if it is not the same any more, it has been looked at again.
        if (!hasCode(error, 'ERR_MAINTENANCE_CONFLICT') || known !== before) throw error
        return writeAnew(document, condition)
      }
    },
    async close() {
      await connecting?.catch(() => {})
      connecting = undefined
      own?.destroy()
    },
  }

  function failure(doing: string, error: unknown): Error {
    return backendFailure(address, doing, told(error), hintFor(error))
  }
}

function readPlace(text: string, wanted: string | undefined) {
  const named = wanted === undefined ? '' : `${text.includes('?') ? '&' : '?'}key=${wanted}`
  const { scheme, url, address, key } = readBackendUrl(text + named)
  const { hostname: bucket, pathname, searchParams, username } = new URL(url)
  const { region, endpoint, ...others } = Object.fromEntries(searchParams)
  const [unknown] = Object.keys(others)
  const wrong =
    scheme !== 's3' || bucket === ''
      ? 'it names no bucket'
      : username !== ''
        ? 'credentials do not belong there: give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role'
        : unknown === undefined
          ? undefined
          : `it has the parameter "${unknown}", and only key, region and endpoint are known`
  if (wrong !== undefined) {
    throw new SettingError(
      'stateBackend',
      `The address ${address} cannot be used: ${wrong}. Write s3://bucket/path/state.json.`,
    )
  }
  const path = decodeURIComponent(pathname.slice(1))
  const file = path === '' || path.endsWith('/') ? `${path}maintenance-mode.json` : path
  const object = key === '' ? file : file.replace(/(\.json)?$/, `.${key}$1`)
  return { address, key, bucket, object, region, endpoint }
}

function withCommands(client: S3CommandClient, { GetObjectCommand, PutObjectCommand }: Module): S3Objects {
  return {
    getObject: (input, options) => client.send(new GetObjectCommand(input) as never, options) as Promise<GetOutput>,
    putObject: (input, options) => client.send(new PutObjectCommand(input) as never, options) as Promise<PutOutput>,
  }
}

function bound(): SendOptions {
  return { abortSignal: AbortSignal.timeout(patience) }
}

/** What stands in the way of a conditional write: another object, a write at the same time, or none any more. */
const refusals: ReadonlySet<string> = new Set([
  'PreconditionFailed',
  'ConditionalRequestConflict',
  'OperationAborted',
  'NoSuchKey',
])

const statusCodes: Readonly<Record<number, string>> = { 404: 'NoSuchKey', 412: 'PreconditionFailed' }

/** The store's own name for an error; where it gives a status alone, what that stands for. */
function codeOf(error: unknown): string {
  const { name = '', $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
  const meant = statusCodes[$metadata?.httpStatusCode ?? 0]
  return meant !== undefined && /^(\d+|NotFound|Unknown\w*)$/.test(name) ? meant : name
}

/** The client says of what was given up that it was aborted. */
function told(error: unknown): unknown {
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
