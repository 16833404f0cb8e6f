import { hasCode, SettingError, StateBackendError } from '../errors.js'
import type { StateBackend } from './backend.js'
import { readBackendUrl } from './backend-url.js'
import { comparedAccess, type Slot } from './compared.js'
import { importPeer } from './import-peer.js'
import { onDemand } from './on-demand.js'
import { isAbsent, isRefusal, s3Failure } from './s3-errors.js'

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
    const opened = new module.S3({ maxAttempts: 2, ...(region && { region }), ...(endpoint && compatible) })
    own = opened
    return opened
  }
  const { use: objects, made, forget } = onDemand(open)

  const load = async (): Promise<Stored | undefined> => {
    known = undefined
    try {
      const { Body, ETag = '' } = await (await objects()).getObject({ Bucket: bucket, Key: object }, bound())
      known = { text: (await Body?.transformToString()) ?? '', etag: ETag }
    } catch (error) {
      if (!isAbsent(error)) throw error
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
      if (isRefusal(error)) return undefined
      throw error
    }
  }

  /** Stores that do not know conditions write in spite of them, and say nothing. Puts what is there, so that nothing is lost. */
  const assertConditions = async (text: string): Promise<void> => {
    if (honoured) return
    if ((await put(object, text, { IfMatch: '"00000000000000000000000000000000"' })) !== undefined) {
      throw new StateBackendError(
        `The store at ${address} writes whatever the condition is (\`If-Match\`), so two operators would overwrite each other unseen. \`maintenance-mode status\` says what is stored. Take a store that honours it, or unstorageBackend with the s3 driver, which does without.`,
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
      if (before) await assertConditions(before.text)
      const etag = await put(object, text, before ? { IfMatch: before.etag } : { IfNoneMatch: '*' })
      // The client tries again by itself where an answer is lost: then it is our own write that stands in the way.
      if (etag === undefined) return (await load())?.text === text
      // Some know conditions only where there is an object.
      if (!before) await assertConditions(text)
      known = { text, etag }
      return true
    },
    async keepAside(text) {
      const aside = `${object}.damaged-${new Date().toISOString().replace(/[-:.]/g, '')}`
      await put(aside, text, { IfNoneMatch: '*' })
      return `s3://${bucket}/${aside}`
    },
  }
  const failure = (doing: string, error: unknown): Error => s3Failure(address, doing, error, patience)
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
      await made()
      forget()
      own?.destroy()
    },
  }
}

function readPlace(text: string, wanted: string | undefined) {
  const named = wanted === undefined ? '' : `${text.includes('?') ? '&' : '?'}key=${wanted}`
  const { scheme, url, address, key } = readBackendUrl(text + named)
  const refuse = (why: string): never => {
    const message = `The address ${address} cannot be used: ${why}. Write s3://bucket/path/state.json.`
    throw new SettingError('stateBackend', message)
  }
  if (scheme !== 's3' || !URL.canParse(url)) return refuse('it is no URL of an object')
  const { hostname: bucket, pathname, searchParams, username } = new URL(url)
  const { region, endpoint, ...others } = Object.fromEntries(searchParams)
  const [unknown] = Object.keys(others)
  if (bucket === '') refuse('it names no bucket')
  if (username !== '') {
    refuse('credentials do not belong there: give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role')
  }
  if (unknown !== undefined) {
    refuse(`it has the parameter "${unknown}", and only key, region and endpoint are known`)
  }
  const path = decodePath(pathname) ?? refuse('what is percent-encoded in it cannot be read')
  const file = path === '' || path.endsWith('/') ? `${path}maintenance-mode.json` : path
  const object = key === '' ? file : file.replace(/(\.json)?$/, `.${key}$1`)
  return { address, key, bucket, object, region, endpoint }
}

function decodePath(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname.slice(1))
  } catch {
    return undefined
  }
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
