import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis as Ioredis } from 'ioredis'
import { Redis as Iovalkey } from 'iovalkey'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { StateBackend, StoredState } from '../../src/backends/backend.js'
import { type RedisBackendOptions, redisBackend } from '../../src/backends/redis.js'
import { redisNames } from '../../src/backends/redis-scripts.js'
import { createMaintenance, type Maintenance, type MaintenanceOptions } from '../../src/index.js'
import { serializeDocument } from '../../src/state/document.js'
import { documentOf } from '../state/windows.js'
import { type Engine, freePort } from './engines/engine.js'
import { redisCommand, startRedis } from './engines/redis.js'
import { temporaryFolder } from './fixtures/child.js'
import { missing } from './fixtures/missing-packages.js'
import { newKey, redisPackages } from './redis-suites.js'

vi.mock('../../src/backends/import-peer.js', async (original) =>
  (await import('./fixtures/missing-packages.js')).withMissing(original),
)
afterEach(() => missing.clear())

let engine: Engine
beforeAll(async () => {
  engine = await startRedis()
})
afterAll(() => engine?.stop())

const urlOf = (port = engine.port): string => `redis://127.0.0.1:${port}`
const use = (name: string): void => {
  for (const other of redisPackages) if (other !== name) missing.add(other)
}

const first = serializeDocument(documentOf())
const create = { expected: 0, next: 1 }
const nothing = (): void => {}

function backendOf(options: RedisBackendOptions): StateBackend {
  const backend = redisBackend(options)
  onTestFinished(async () => backend.close?.())
  return backend
}

function maintenanceOf(options: MaintenanceOptions): Maintenance {
  const quiet = { localCopyPath: false as const, logger: { warn() {}, error() {} } }
  const maintenance = createMaintenance({ ...quiet, pollInterval: '10m', ...options }, { environment: {} })
  onTestFinished(() => maintenance.close())
  return maintenance
}

/** What the server was last asked over each connection, but for the one that asks. */
async function connections(): Promise<string[]> {
  const list = await redisCommand(engine.port, 'CLIENT', 'LIST')
  const commands = list.split('\n').map((line) => /\bcmd=(\S+)/.exec(line)?.[1] ?? '')
  return commands.filter((command) => command !== 'client|list').sort()
}

const nobodyIsConnected = (): Promise<void> =>
  vi.waitFor(async () => expect(await connections()).toEqual([]), { timeout: 5000 })

describe('connections that were opened', () => {
  it.each(redisPackages)('are two, and end with close(), also where nothing answers any more (%s)', async (name) => {
    use(name)
    const maintenance = maintenanceOf({ stateBackend: `${urlOf()}?key=${newKey()}` })
    maintenance.start()
    await maintenance.setMode('on')
    await vi.waitFor(async () => {
      const all = await connections()
      expect(all).toHaveLength(2)
      expect(all.some((command) => /subscribe|ping/.test(command))).toBe(true)
    })
    engine.freeze()
    const before = Date.now()
    await maintenance.close().finally(() => engine.thaw())
    expect(Date.now() - before).toBeLessThan(3000)
    await nobodyIsConnected()
  })

  it.each(redisPackages)('end also where close() comes while they are made (%s)', async (name) => {
    use(name)
    const backend = backendOf({ url: urlOf() })
    const attempts = [backend.read(), backend.watch?.(nothing, nothing), backend.presence?.list()]
    await backend.close?.()
    for (const attempt of await Promise.allSettled(attempts)) expect(attempt.status).toBe('rejected')
    await expect(backend.read()).rejects.toThrow('the backend was closed')
    await nobodyIsConnected()
  })

  it.each(redisPackages)('are made anew where one was dropped in silence (%s)', async (name) => {
    use(name)
    const proxy = await startSilentProxy()
    const key = newKey()
    const backend = backendOf({ url: `${urlOf(proxy.port)}?key=${key}` })
    await backend.write(first, create)
    const lost = vi.fn()
    await backend.watch?.(nothing, lost)
    proxy.silence()
    const before = Date.now()
    await expect(backend.read()).rejects.toThrow(/no answer within 5 s\. It does not answer: is it reachable/)
    expect(Date.now() - before).toBeLessThan(7000)
    await vi.waitFor(() => expect(lost).toHaveBeenCalledTimes(1))
    expect(lost.mock.calls[0]?.[0]).toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND' })
    expect((await backend.read())?.revision).toBe(1)
  })

  it.each(redisPackages)('are made anew where the server was started anew, without a word (%s)', async (name) => {
    use(name)
    const key = newKey()
    const maintenance = maintenanceOf({ stateBackend: `${urlOf()}?key=${key}`, pollInterval: 1 })
    maintenance.start()
    await maintenance.setMode('on')
    await engine.kill()
    await engine.start()
    await maintenanceOf({ stateBackend: `${urlOf()}?key=${key}` }).setMode('off')
    await vi.waitFor(() => expect(maintenance.status()).toMatchObject({ mode: 'off', snapshot: 'ready' }), {
      timeout: 8000,
    })
  })

  const script = `
    import { createMaintenance } from 'maintenance-mode'
    const maintenance = createMaintenance({ localCopyPath: false, firstReadTimeout: 15 })
    maintenance.start()
    console.log(await maintenance.getMode(), maintenance.status().error ?? '')
    await new Promise((resolve) => setTimeout(resolve, 500))
    console.log(Date.now())`

  /** An app that has installed no client but this one. `after`: milliseconds from the end of its script to that of its process. */
  function appWith(client?: string) {
    const folder = temporaryFolder()
    const root = new URL('../..', import.meta.url).pathname
    const modules = join(folder, 'node_modules')
    mkdirSync(join(modules, 'maintenance-mode'), { recursive: true })
    for (const name of ['dist', 'package.json']) {
      cpSync(join(root, name), join(modules, 'maintenance-mode', name), { recursive: true })
    }
    for (const name of readdirSync(join(root, 'node_modules'))) {
      const isOther = name !== client && redisPackages.some((one) => one === name)
      if (!isOther) symlinkSync(join(root, 'node_modules', name), join(modules, name))
    }
    writeFileSync(join(folder, 'app.mjs'), script)
    return async (url: string, environment: Record<string, string> = {}) => {
      const env = { ...process.env, ...environment, MAINTENANCE_MODE_STATE_BACKEND: url }
      const { stdout } = await promisify(execFile)(process.execPath, ['app.mjs'], { cwd: folder, env, timeout: 25_000 })
      return { stdout, after: Date.now() - Number(stdout.trim().split('\n').at(-1)) }
    }
  }

  it.each(redisPackages)('do not keep a program alive (%s)', { timeout: 60_000 }, async (name) => {
    const run = appWith(name)
    // Nor does a server that is not there, or does not answer.
    const silent = await startSilentProxy()
    silent.silence()
    const expected: [string, Record<string, string>, RegExp][] = [
      [urlOf(), {}, /^off \n/],
      [urlOf(await freePort()), {}, /^off .*Nothing answers there/],
      [urlOf(silent.port), { MAINTENANCE_MODE_FIRST_READ_TIMEOUT: '1s' }, /^off No answer from .* within 1/],
    ]
    const ran = expected.map(async ([url, environment, said]) => {
      const { stdout, after } = await run(`${url}?key=${newKey()}`, environment)
      expect(stdout).toMatch(said)
      expect(after).toBeLessThan(1500)
    })
    await Promise.all(ran)
  })

  it('need one of three packages, and say so', async () => {
    expect((await appWith()(urlOf())).stdout).toContain('needs the package redis (or ioredis, iovalkey)')
  })

  it.each(redisPackages)('are made over TLS, with a trusted certificate (%s)', { timeout: 60_000 }, async (name) => {
    const run = appWith(name)
    const folder = temporaryFolder()
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate]
    execFileSync('openssl', [...made, ...names], { stdio: 'pipe' })
    const port = await freePort()
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate]
    const secure = await startRedis('--tls-port', String(port), '--tls-auth-clients', 'no', ...files)
    onTestFinished(() => secure.stop())
    const trusted = { NODE_EXTRA_CA_CERTS: certificate }
    const expected: [string, Record<string, string>, RegExp][] = [
      [`rediss://localhost:${port}`, {}, /^off .*certificate/],
      [`rediss://localhost:${port}`, trusted, /^off \n/],
      [`rediss://127.0.0.1:${port}`, trusted, /^off \n/],
      [urlOf(port), {}, /^off .*It ended the connection/],
    ]
    const ran = expected.map(async ([url, environment, said]) => {
      expect((await run(url, environment)).stdout).toMatch(said)
    })
    await Promise.all(ran)
  })
})

describe('a client that was passed in', () => {
  const clients = {
    redis: () => {
      const client = createClient({ url: urlOf() })
      client.on('error', nothing)
      return { client, connect: () => client.connect(), end: () => client.isOpen && client.destroy() }
    },
    ioredis: () => givenIoredis(Ioredis),
    iovalkey: () => givenIoredis(Iovalkey),
  }
  function givenIoredis(Client: typeof Ioredis | typeof Iovalkey) {
    const client = new Client(engine.port, '127.0.0.1', { lazyConnect: true })
    client.on('error', nothing)
    return { client, connect: () => client.connect(), end: () => client.disconnect() }
  }
  const given = (name: (typeof redisPackages)[number]) => {
    const one = clients[name]()
    onTestFinished(() => void one.end())
    return one
  }

  it.each(redisPackages)('stays as it is, without a listener of ours (%s)', async (name) => {
    const [one, two] = [given(name), given(name)]
    await one.connect()
    await two.connect()
    const listeners = () =>
      [one.client, two.client].map((client) =>
        client.eventNames().map((event) => [event, client.listenerCount(event as never)]),
      )
    const before = listeners()
    for (const options of [{ client: one.client }, { client: one.client, subscriber: two.client }]) {
      const key = newKey()
      const stateBackend = redisBackend({ ...options, key })
      expect(stateBackend.address).toBe(`${urlOf()}?key=${key}`)
      const maintenance = maintenanceOf({ stateBackend })
      maintenance.start()
      const operator = maintenanceOf({ stateBackend: `${urlOf()}?key=${key}` })
      for (const mode of ['on', 'off'] as const) {
        await operator.setMode(mode)
        await vi.waitFor(() => expect(maintenance.status().mode).toBe(mode), { interval: 5 })
      }
      await maintenance.close()
      await operator.close()
    }
    expect(listeners()).toEqual(before)
    await vi.waitFor(async () => expect(await connections()).toHaveLength(2))
    expect(await redisCommand(engine.port, 'PUBSUB', 'CHANNELS')).toBe('')
    // One that listens may not ask for anything else.
    for (const { client } of [one, two]) expect(await client.get('no such key')).toBeNull()
  })

  it.each(redisPackages)('shares its channel with others who listen to it (%s)', async (name) => {
    const { client, connect } = given(name)
    await connect()
    const key = newKey()
    const told = [vi.fn(), vi.fn()]
    const backends = told.map(() => backendOf({ client: given(name).client, subscriber: client, key }))
    const stops = await Promise.all(
      backends.map((backend, index) => backend.watch?.(told[index] as () => void, nothing)),
    )
    await stops[0]?.()
    await backendOf({ url: urlOf(), key }).write(first, create)
    await vi.waitFor(() => expect(told[1]).toHaveBeenCalledWith({ document: first, revision: 1 }))
    expect(told[0]).not.toHaveBeenCalled()
  })

  it('is waited for where it is not connected yet, and not where it is no more', async () => {
    const { client, connect, end } = given('redis')
    const backend = backendOf({ client, key: newKey() })
    const reading = backend.read()
    const watching = backend.watch?.(nothing, nothing)
    await connect()
    expect(await reading).toBeUndefined()
    await watching
    end()
    const before = Date.now()
    await expect(backend.read()).rejects.toThrow(/cannot be read: the client that was passed in is not connected/)
    expect(Date.now() - before).toBeLessThan(500)
  })

  it('is connected by the first command where it waits for that (ioredis)', async () => {
    const { client } = given('ioredis')
    expect(await backendOf({ client, key: newKey() }).read()).toBeUndefined()
    expect(client.status).toBe('ready')
  })

  it.each(redisPackages)('gets no queue of what was asked while the server was away (%s)', async (name) => {
    const { client, connect } = given(name)
    await connect()
    const key = newKey()
    const backend = backendOf({ client, key })
    await backend.write(first, create)
    await engine.kill()
    await expect(backend.read()).rejects.toMatchObject({ code: 'ERR_MAINTENANCE_BACKEND' })
    const next = serializeDocument({ ...documentOf(), revision: 2 })
    await expect(backend.write(next, { expected: 1, next: 2 })).rejects.toMatchObject({
      code: 'ERR_MAINTENANCE_BACKEND',
    })
    await engine.start()
    await vi.waitFor(async () => expect((await backend.read())?.revision).toBe(1), { timeout: 5000 })
  })

  it.each(redisPackages)('tells of what it missed while it connected again (%s)', async (name) => {
    const [one, two] = [given(name), given(name)]
    await one.connect()
    await two.connect()
    const told: (StoredState | undefined)[] = []
    const key = newKey()
    const backend = backendOf({ client: one.client, subscriber: two.client, key })
    await backend.watch?.((stored) => told.push(stored), nothing)
    await engine.kill()
    await engine.start()
    await vi.waitFor(() => expect(told).toEqual([undefined]), { timeout: 5000 })
    await backendOf({ url: urlOf(), key }).write(first, create)
    await vi.waitFor(() => expect(told).toEqual([undefined, { document: first, revision: 1 }]))
  })

  it('puts its own prefix before the keys (ioredis)', async () => {
    const client = new Ioredis(engine.port, '127.0.0.1', { keyPrefix: 'app:' })
    onTestFinished(() => client.disconnect())
    const key = newKey()
    const backend = backendOf({ client, key })
    const told: unknown[] = []
    await backend.watch?.((stored) => told.push(stored), nothing)
    await backend.write(first, create)
    await vi.waitFor(() => expect(told).toHaveLength(1))
    await backend.presence?.announce({ id: 'web-1', text: '{}' }, 60_000)
    expect(await backend.presence?.list()).toHaveLength(1)
    const { state, instances } = redisNames(key)
    for (const one of [state, instances]) expect(await redisCommand(engine.port, 'EXISTS', `app:${one}`)).toBe('1')
    expect(await redisCommand(engine.port, 'EXISTS', state)).toBe('0')
  })
})

interface SilentProxy {
  readonly port: number
  /** Of the connections that there are, or the first one: nothing passes any more, and nobody is told. */
  silence(): void
}

async function startSilentProxy(): Promise<SilentProxy> {
  let silent = new Set<Socket>()
  const sockets = new Set<Socket>()
  let fromNowOn = false
  const server = createServer((client) => {
    const target = createConnection(engine.port, '127.0.0.1')
    sockets.add(client).add(target)
    if (fromNowOn) silent.add(client).add(target)
    client.on('data', (data) => silent.has(client) || target.write(data))
    target.on('data', (data) => silent.has(target) || client.write(data))
    for (const socket of [client, target]) {
      socket.on('error', nothing)
      socket.on('close', () => [client, target].map((each) => each.destroy()))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as { port: number }).port,
    silence() {
      fromNowOn = sockets.size === 0
      silent = new Set(sockets)
    },
  }
}
