import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { S3, S3Client } from '@aws-sdk/client-s3'
import { createMaintenance } from 'maintenance-mode'
import { type S3BackendOptions, s3Backend } from 'maintenance-mode/backends/s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openBackend } from '../../src/backends/open.js'
import { serializeDocument } from '../../src/state/document.js'
import { backendSuite } from '../../src/testing/index.js'
import { documentOf, windowOf } from '../state/windows.js'
import { freePort } from './engines/engine.js'
import { credentials, region, type S3Engine, startS3, stranger } from './engines/s3.js'
import { startScript } from './fixtures/child.js'
import { outageSuite } from './outages.js'
import { sharingSuite } from './sharing.js'

let engine: S3Engine

beforeAll(async () => {
  engine = await startS3()
})

afterAll(() => engine?.stop())

/** As an app has them, for the clients that we make. */
function signIn({ accessKeyId, secretAccessKey }: typeof credentials): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey)
}

beforeEach(() => signIn(credentials))

let count = 0
const newObject = (): string => `state-${++count}.json`
const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }

const clientOptions = () => ({
  region,
  credentials,
  endpoint: `http://127.0.0.1:${engine.port}`,
  forcePathStyle: true,
  maxAttempts: 2,
})

function backendOf(options: S3BackendOptions) {
  const backend = s3Backend(options)
  onTestFinished(() => backend.close?.())
  return backend
}

const first = serializeDocument(documentOf())
const create = { expected: 0, next: 1 }

const clients: Record<string, (() => S3 | S3Client) | undefined> = {
  'by URL': undefined,
  S3: () => new S3(clientOptions()),
  S3Client: () => new S3Client(clientOptions()),
}

for (const [name, makeClient] of Object.entries(clients)) {
  backendSuite(
    { describe, it },
    {
      name: `s3, ${name}`,
      async create() {
        const object = newObject()
        const made: (() => unknown)[] = []
        const make = () => {
          const client = makeClient?.()
          const backend = s3Backend(client ? { url: `s3://states/${object}`, client } : { url: engine.urlOf(object) })
          made.push(() => backend.close?.())
          if (client) made.push(() => client.destroy())
          return backend
        }
        return {
          backend: make(),
          other: async () => make(),
          corrupt: async (text) => void engine.objects.set(`states/${object}`, text),
          remove: async () => void engine.objects.delete(`states/${object}`),
          outage: { begin: () => engine.kill(), end: () => engine.start() },
          async cleanup() {
            for (const end of made) await end()
          },
        }
      },
    },
  )
}

outageSuite({
  name: 'S3',
  async start() {
    signIn(credentials)
    return startS3()
  },
  urlOf: (port) => `s3://states/outage.json?region=${region}&endpoint=http://127.0.0.1:${port}`,
})

sharingSuite({
  'an object of S3': () => ({
    state: engine.urlOf(newObject()),
    variables: { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
  }),
})

describe('the state in S3', () => {
  it('is shared by nothing but a URL', async () => {
    const stateBackend = engine.urlOf(newObject())
    const [one, two] = [createMaintenance({ ...quiet, stateBackend }), createMaintenance({ ...quiet, stateBackend })]
    onTestFinished(async () => void (await Promise.all([one.close(), two.close()])))
    expect(await two.getMode()).toBe('off')
    await one.setMode('on')
    expect((await two.refresh()).mode).toBe('on')
    expect(two.status().stateBackend).toBe(`s3://states/state-${count}.json`)
  })

  it.each([
    ['s3://states', 'states/maintenance-mode.json'],
    ['s3://states/shop/', 'states/shop/maintenance-mode.json'],
    ['s3://states?key=shop', 'states/maintenance-mode.shop.json'],
    ['s3://states/shop/state?key=blue', 'states/shop/state.blue'],
    ['s3://states/shop/%C3%A4%20%2B.json?key=blue', 'states/shop/ä +.blue.json'],
  ])('is, at %s, the object %s', async (url, object) => {
    engine.objects.clear()
    const backend = backendOf({ url, client: new S3(clientOptions()) })
    await backend.write(serializeDocument({ ...documentOf(), key: backend.key ?? '' }), create)
    expect([...engine.objects.keys()]).toEqual([object])
    expect((await backend.read())?.revision).toBe(1)
    expect(backend.address).toBe(url)
  })

  it('has a key that is given beside the URL', () => {
    const { address, key } = s3Backend({ url: 's3://states/a.json?region=x', key: 'shop' })
    expect([address, key]).toEqual(['s3://states/a.json?key=shop', 'shop'])
  })

  it('is changed by many at once without a loss', { timeout: 120_000 }, async () => {
    const url = engine.urlOf(newObject())
    const processes = Array.from({ length: 4 }, () => startScript('contend.mjs', [url, 25]))
    await Promise.all(processes.map((child) => child.says('ready')))
    for (const child of processes) child.process.stdin?.write('go')
    for (const child of processes) expect(await child.ended).toContain('done')
    const { document = '', revision } = (await backendOf({ url }).read()) ?? {}
    const { history, windows } = JSON.parse(document)
    expect(revision).toBe(200)
    expect(windows).toEqual([])
    const changes = history.map((entry: { action: string; window: string }) => entry.action + entry.window)
    expect(new Set(changes).size).toBe(200)
  })

  it.each([
    ['read just before', true],
    ['not read before', false],
  ])('is written once where the answer to a write is lost and the client asks again, %s', async (_, known) => {
    const object = newObject()
    await backendOf({ url: engine.urlOf(object) }).write(first, create)
    const backend = backendOf({ url: engine.urlOf(object) })
    if (known) await backend.read()
    const second = serializeDocument({ ...documentOf(windowOf()), revision: 2 })
    engine.requests.length = 0
    engine.losesAnswer = true
    await backend.write(second, { expected: 1, next: 2 })
    expect(engine.requests.filter((request) => request.endsWith(' 412'))).toHaveLength(2)
    expect(engine.objects.get(`states/${object}`)).toBe(second)
  })

  it('leaves a damaged one where it says', async () => {
    const object = newObject()
    engine.objects.set(`states/${object}`, '{"format": 1, "id')
    const report = await backendOf({ url: engine.urlOf(object) }).write(first, { ...create, replaceDamaged: true })
    const place = report?.keptAside?.replace('s3://', '') ?? ''
    expect(place).toMatch(/^states\/state-\d+\.json\.damaged-\d{8}T\d{9}Z$/)
    expect(engine.objects.get(place)).toBe('{"format": 1, "id')
  })
})

describe('a wrong S3', () => {
  const readError = async (url: string): Promise<string> => {
    const backend = openBackend({ stateBackend: url, stateFilePath: '' })
    onTestFinished(() => backend.close?.())
    const error = (await backend.read().catch((reason) => reason)) as Error & { code?: string }
    expect(error.code).toBe('ERR_MAINTENANCE_BACKEND')
    expect(error.message).not.toContain('the-secret')
    return error.message
  }

  it.each([
    ['key', { ...credentials, accessKeyId: 'NOBODY' }, /Key Id you provided does not exist.*Are AWS_ACCESS_KEY_ID/],
    ['secret', { ...credentials, secretAccessKey: 'the-secret-of-others' }, /signature.*does not match.*Are AWS_ACC/],
    ['right', stranger, /Access Denied\. Allow s3:GetObject and s3:PutObject/],
  ])('is told apart by its %s', async (_, account, message) => {
    signIn(account)
    expect(await readError(engine.urlOf('state.json'))).toMatch(message)
  })

  it('is told apart when there are no credentials', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined)
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/nowhere')
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    expect(await readError(engine.urlOf('state.json'))).toMatch(/Could not load credentials.*Set AWS_ACCESS_KEY_ID/)
  })

  it.each([
    ['bucket', 's3://nowhere/state.json', {}, /bucket does not exist\. Make the bucket, or correct its name/],
    [
      'region',
      's3://states/state.json',
      { region: 'us-east-1' },
      /expecting 'eu-central-1'\. The bucket is in another/,
    ],
    ['region, of another bucket', 's3://elsewhere/state.json', {}, /specified endpoint\. The bucket is in another reg/],
    ['address', 's3://states/a.json', { endpoint: 'http://nowhere.invalid' }, /has no address.*is its name right/],
  ])('is told apart by its %s', async (_, url, options, message) => {
    const parameters = { region, endpoint: `http://127.0.0.1:${engine.port}`, ...options }
    expect(await readError(`${url}?${new URLSearchParams(parameters)}`)).toMatch(message)
  })

  it('is told apart when no region is named', async () => {
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere')
    expect(await readError('s3://states/state.json')).toMatch(/Region is missing\. Name it: \?region=/)
  })

  it('is told apart when nothing listens there', async () => {
    const url = `s3://states/state.json?region=${region}&endpoint=http://127.0.0.1:${await freePort()}`
    expect(await readError(url)).toMatch(
      /^The state at s3:\/\/states\/state\.json cannot be read: .*ECONNREFUSED.* Nothing/,
    )
  })

  it('is told apart when it never answers', async () => {
    engine.freeze()
    onTestFinished(() => engine.thaw())
    expect(await readError(engine.urlOf('state.json'))).toMatch(/no answer within 5 s/)
  })

  const conditions = (kind: S3Engine['conditions']): void => {
    engine.conditions = kind
    onTestFinished(() => {
      engine.conditions = 'honoured'
    })
  }
  const second = serializeDocument({ ...documentOf(), revision: 2 })

  it('that writes whatever the condition is is found before anything is lost', async () => {
    const object = newObject()
    engine.objects.set(`states/${object}`, first)
    conditions('ignored')
    const backend = backendOf({ url: engine.urlOf(object) })
    const write = () => backend.write(second, { expected: 1, next: 2 })
    await expect(write()).rejects.toThrow(/writes whatever the condition is.*unstorageBackend/)
    await expect(write()).rejects.toThrow(/writes whatever the condition is/)
    expect(engine.objects.get(`states/${object}`)).toBe(first)
  })

  it('that writes whatever the condition is is found with the first write', async () => {
    conditions('ignored')
    const backend = backendOf({ url: engine.urlOf(newObject()) })
    await expect(backend.write(first, create)).rejects.toThrow(/writes whatever the condition is.*status. says/)
  })

  it('that overlooks a condition where there is no object yet will do', async () => {
    conditions('honoured with an object')
    const backend = backendOf({ url: engine.urlOf(newObject()) })
    await backend.write(first, create)
    await backend.write(second, { expected: 1, next: 2 })
    await expect(backend.write(second, { expected: 1, next: 2 })).rejects.toMatchObject({
      code: 'ERR_MAINTENANCE_CONFLICT',
    })
  })

  it('is asked for that once, and for nothing that is known', async () => {
    const object = newObject()
    const backend = backendOf({ url: engine.urlOf(object) })
    engine.requests.length = 0
    await backend.write(first, create)
    await backend.write(second, { expected: 1, next: 2 })
    expect(engine.requests.map((request) => request.replace(/\/\S*/, '').replace(/"\w+"/, 'etag'))).toEqual([
      'GET  404',
      'PUT  none-match * 200',
      'PUT  match etag 412',
      'PUT  match etag 200',
    ])
  })

  it.each([
    ["another app's", { ...documentOf(), key: 'other' }, /another app's: its key is "other"/],
    ['of a newer version', { ...documentOf(), format: 99 }, /format 99/],
    ['of something else', { shop: 'settings' }, /something else than a state/],
  ])('document, %s, is not overwritten', async (_, document, message) => {
    const object = newObject()
    const text = JSON.stringify(document)
    engine.objects.set(`states/${object}`, text)
    const maintenance = createMaintenance({ ...quiet, stateBackend: engine.urlOf(object) })
    onTestFinished(() => maintenance.close())
    await expect(maintenance.setMode('on')).rejects.toThrow(message)
    expect(engine.objects.get(`states/${object}`)).toBe(text)
  })

  it.each([
    ['s3:state.json', /it names no bucket/],
    ['s3:///state.json', /it names no bucket/],
    ['https://states/state.json', /it is no URL of an object/],
    ['s3://a b/state.json', /it is no URL of an object/],
    ['s3://states/%zz', /percent-encoded in it cannot be read/],
    ['s3://OPERATOR:the-secret@states/state.json', /credentials do not belong there/],
    ['s3://states/state.json?regoin=x', /the parameter "regoin", and only key, region and endpoint/],
    ['s3://states/state.json?key=a/b', /names the key "a\/b"/],
  ])('address, %s, is refused', (url, message) => {
    expect(() => s3Backend({ url })).toThrow(message)
    expect(() => s3Backend({ url })).not.toThrow(/the-secret/)
  })
})

describe('connections to S3', () => {
  it('are closed when they are ours', async () => {
    const store = await startS3()
    onTestFinished(() => store.stop())
    const backend = s3Backend({ url: store.urlOf('state.json') })
    await Promise.all([backend.read(), backend.read()])
    expect(store.connections).toBe(2)
    await backend.close?.()
    await vi.waitFor(() => expect(store.connections).toBe(0))
    await backend.read()
    await backend.close?.()
    await backend.close?.()
    await vi.waitFor(() => expect(store.connections).toBe(0))
  })

  it('stay as they were when the client was passed in', async () => {
    const client = new S3(clientOptions())
    onTestFinished(() => client.destroy())
    const destroy = vi.spyOn(client, 'destroy')
    const backend = s3Backend({ url: `s3://states/${newObject()}`, client })
    await backend.read()
    const { connections } = engine
    await backend.close?.()
    await backend.read()
    expect([destroy.mock.calls.length, engine.connections]).toEqual([0, connections])
  })

  it('keep no process alive', { timeout: 20_000 }, async () => {
    const entry = new URL('../../dist/index.js', import.meta.url).href
    const script = `import { createMaintenance } from ${JSON.stringify(entry)}
      const it = createMaintenance({ stateBackend: ${JSON.stringify(engine.urlOf(newObject()))}, localCopyPath: false })
      it.start()
      await it.setMode('on')
      console.log(await it.getMode())`
    const flags = ['--no-warnings', '--input-type=module', '--eval', script]
    const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 15_000 })
    expect(stdout.trim()).toBe('on')
  })
})
